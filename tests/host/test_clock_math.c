/*
 * The arithmetic of calibrating the TSC: expected values are worked out from the frequencies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/clock_math.h"

static void pm_timer_wraps_at_24_bits_and_at_32(void **state)
{
    (void)state;
    assert_int_equal(pm_timer_elapsed(1000, 4580), 3580);
    assert_int_equal(pm_timer_elapsed(0xfffff0, 0x000010), 0x20);
    assert_int_equal(pm_timer_elapsed(0xfffffff0, 0x00000010), 0x20);
    assert_int_equal(pm_timer_elapsed(0x12fffff0, 0x13000010), 0x20);
    assert_int_equal(pm_timer_elapsed(7, 7), 0);
    assert_int_equal(pm_timer_elapsed(1, 0), 0xffffff);
}

static void measured_frequency(void **state)
{
    (void)state;
    /* One second of either clock, a TSC of 2.4 GHz: 2,400,000 a millisecond. */
    assert_int_equal(tsc_per_ms_measured(2400000000, PM_TIMER_HZ, PM_TIMER_HZ), 2400000);
    assert_int_equal(tsc_per_ms_measured(2400000000, PIT_HZ, PIT_HZ), 2400000);
    /* One millisecond in Bochs at 50 million instructions a second: 3579.545 ticks go into it. */
    assert_in_range(tsc_per_ms_measured(50000, 3579, PM_TIMER_HZ), 50000, 50010);
    assert_in_range(tsc_per_ms_measured(50000, 3580, PM_TIMER_HZ), 49990, 50000);
}

static void measurements_that_cannot_be(void **state)
{
    (void)state;
    assert_int_equal(tsc_per_ms_measured(50000, 0, PIT_HZ), 0);
    assert_int_equal(tsc_per_ms_measured(0, 1193, PIT_HZ), 0);
    /* 999 ticks a millisecond, below 1 MHz; 1000 is the least. */
    assert_int_equal(tsc_per_ms_measured(999000, PIT_HZ, PIT_HZ), 0);
    assert_int_equal(tsc_per_ms_measured(1000000, PIT_HZ, PIT_HZ), 1000);
    /* 100 GHz is the most. */
    assert_int_equal(tsc_per_ms_measured(100000000000, PIT_HZ, PIT_HZ), 100000000);
    assert_int_equal(tsc_per_ms_measured(100001000000, PIT_HZ, PIT_HZ), 0);
    /* The second one's product would wrap to a plausible 50000 ticks a millisecond. */
    assert_int_equal(tsc_per_ms_measured(UINT64_MAX, 1193, PIT_HZ), 0);
    assert_int_equal(tsc_per_ms_measured((UINT64_MAX / PIT_HZ) + 50000, 1193, PIT_HZ), 0);
    /* The TSC stood before it was read first, as if it had gone backwards. */
    assert_int_equal(tsc_per_ms_measured(0 - 5ull, PIT_HZ, PIT_HZ), 0);
}

static void enumerated_frequency(void **state)
{
    struct cpuid_registers none = {0};
    /* Skylake-X as the SDM's table has it: 25 MHz crystal, here at 2 × 84 / 2 = 84 times it. */
    struct cpuid_registers crystal = {.eax = 2, .ebx = 168, .ecx = 25000000};
    struct cpuid_registers no_crystal = {.eax = 2, .ebx = 168};
    struct cpuid_registers base = {.eax = 2100, .ebx = 3700, .ecx = 100};
    struct cpuid_registers reserved_set = {.eax = 0xffff0000 | 2100};

    (void)state;
    assert_int_equal(tsc_per_ms_enumerated(crystal, none), 2100000);
    assert_int_equal(tsc_per_ms_enumerated(crystal, (struct cpuid_registers){.eax = 5}), 2100000);
    assert_int_equal(tsc_per_ms_enumerated(no_crystal, base), 2100000);
    assert_int_equal(tsc_per_ms_enumerated(none, base), 2100000);
    assert_int_equal(tsc_per_ms_enumerated(none, reserved_set), 2100000);
    assert_int_equal(tsc_per_ms_enumerated(no_crystal, none), 0);
    assert_int_equal(tsc_per_ms_enumerated(none, none), 0);
    /* A denominator of zero says "not enumerated" and must not be divided by. */
    assert_int_equal(
        tsc_per_ms_enumerated((struct cpuid_registers){.ebx = 168, .ecx = 25000000}, none), 0);
}

static void times_round_so_that_no_wait_is_short(void **state)
{
    (void)state;
    assert_int_equal(microseconds_to_tsc(0, 50000), 0);
    assert_int_equal(microseconds_to_tsc(10, 50000), 500);
    assert_int_equal(microseconds_to_tsc(1, 1001), 2); /* 1.001 */
    assert_int_equal(microseconds_to_tsc(1001, 50001), 50001 + 51);
    /* A thousand years at 100 GHz is beyond 64 bits; a year is not, and is exact. */
    assert_int_equal(microseconds_to_tsc(31536000000000, 100000000), 3153600000000000000);
    assert_int_equal(tsc_to_microseconds(500, 50000), 10);
    assert_int_equal(tsc_to_microseconds(549, 50000), 10);
    assert_int_equal(tsc_to_microseconds(UINT64_MAX, 1000), UINT64_MAX);
    assert_int_equal(tsc_to_microseconds(3153600000000000000, 100000000), 31536000000000);
}

/* An alarm must not come before its time, were both clocks exact, and must come at all. */
static void a_timer_counts_as_long_as_the_tsc(void **state)
{
    (void)state;
    /* A TSC of 2 GHz, a timer of 200 MHz; 10 ticks of the one are one of the other. */
    assert_int_equal(timer_count(2000000, 2000000, 200000), 200000 + 1);
    assert_int_equal(timer_count(2000009, 2000000, 200000), 200000 + 1);
    assert_int_equal(timer_count(2000010, 2000000, 200000), 200001 + 1);
    assert_int_equal(timer_count(1, 2000000, 200000), 1); /* 0 would stop it */
    assert_int_equal(timer_count(0, 2000000, 200000), 1);
    assert_int_equal(timer_count(1000, 1, 1), 1001);
    /* At most what 32 bits hold: 4294967294 ticks are 21474.836470 ms of it. */
    assert_int_equal(timer_count(42949672940, 2000000, 200000), UINT32_MAX);
    assert_int_equal(timer_count(42949672930, 2000000, 200000), UINT32_MAX - 1);
    assert_int_equal(timer_count(42949672950, 2000000, 200000), UINT32_MAX);
    assert_int_equal(timer_count(UINT64_MAX, 2000000, 200000), UINT32_MAX);
    assert_int_equal(timer_count(UINT64_MAX, 1000, 100000000), UINT32_MAX);
    assert_int_equal(timer_count(UINT64_MAX, 1, 1), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pm_timer_wraps_at_24_bits_and_at_32),
        cmocka_unit_test(measured_frequency),
        cmocka_unit_test(measurements_that_cannot_be),
        cmocka_unit_test(enumerated_frequency),
        cmocka_unit_test(times_round_so_that_no_wait_is_short),
        cmocka_unit_test(a_timer_counts_as_long_as_the_tsc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
