/*
 * What the PM timer and CPUID say of the TSC's rate: expected values are worked out from the
 * frequencies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/clocks/clocks.h"

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

/* 1 µs of reading at both ends: 1 % of each window of 200 µs, 1 in 400 of four in a row. */
static void windows_in_a_row_are_one_long_window(void **state)
{
    enum { HERTZ = 1000000000 };
    static const struct clock_window windows[] = {{507, 200}, {505, 200}, {506, 200}, {900, 200}};
    struct tsc_rate measured = rate_of_windows(windows, 4, HERTZ);
    struct tsc_rate alone = rate_of_windows(&windows[3], 1, HERTZ);

    (void)state;
    assert_int_equal(measured.per_ms, 2525000);
    assert_int_equal(rate_of_row(measured, (struct clock_window){2002, 800}, HERTZ).per_ms,
                     2502500);
    /* An interruption at a boundary is in the row; a wrong reading of the clock may be, too. */
    assert_int_equal(rate_of_row(measured, (struct clock_window){2400, 800}, HERTZ).per_ms,
                     2525000);
    assert_int_equal(rate_of_row(measured, (struct clock_window){2002, 820}, HERTZ).per_ms,
                     2525000);
    /* Where nothing is confirmed it confirms nothing. */
    assert_int_equal(rate_of_row(alone, (struct clock_window){890, 200}, HERTZ).per_ms, 4500000);
}

static void expect_told(struct cpuid_clock reported, uint64_t per_ms, const char *source)
{
    struct tsc_rate rate = tsc_rate_enumerated(&reported);

    assert_int_equal(rate.per_ms, per_ms);
    assert_string_equal(rate.source, source);
}

static void enumerated_frequency(void **state)
{
    /* Skylake-X as the SDM's table has it: 25 MHz crystal, here at 2 × 84 / 2 = 84 times it. */
    struct cpuid_registers crystal = {.eax = 2, .ebx = 168, .ecx = 25000000};
    struct cpuid_registers no_crystal = {.eax = 2, .ebx = 168};
    struct cpuid_registers base = {.eax = 2100, .ebx = 3700, .ecx = 100};

    (void)state;
    expect_told((struct cpuid_clock){.leaf15 = crystal}, 2100000, "CPUID 15h");
    expect_told((struct cpuid_clock){.leaf15 = crystal, .leaf16.eax = 5}, 2100000, "CPUID 15h");
    expect_told((struct cpuid_clock){.leaf15 = no_crystal, .leaf16 = base}, 2100000, "CPUID 16h");
    expect_told((struct cpuid_clock){.leaf16 = base}, 2100000, "CPUID 16h");
    expect_told((struct cpuid_clock){.leaf16.eax = 1}, 1000, "CPUID 16h"); /* the least, 1 MHz */
    expect_told((struct cpuid_clock){.leaf16.eax = 0xffff0000 | 2100}, 2100000, "CPUID 16h");
    expect_told((struct cpuid_clock){.leaf15 = no_crystal}, 0, "none");
    expect_told((struct cpuid_clock){0}, 0, "none");
    /* A denominator of zero says "not enumerated" and must not be divided by. */
    expect_told((struct cpuid_clock){.leaf15 = {.ebx = 168, .ecx = 25000000}}, 0, "none");
    /* What a hypervisor says of its virtual TSC counts before the physical CPU's leaves. */
    expect_told((struct cpuid_clock){.leaf15 = crystal, .leaf40000010.eax = 2545214}, 2545214,
                "CPUID 40000010h");
    expect_told((struct cpuid_clock){.leaf15 = crystal, .leaf40000010.eax = 999}, 2100000,
                "CPUID 15h");
}

static const struct tsc_rate cpuid_has = {2545000, "CPUID 15h", true};

/* The choice between a measurement and what CPUID has, if anything. */
static struct clock choose(uint64_t per_ms, bool is_confirmed, struct tsc_rate reported)
{
    struct clock clock = {.rate.source = "none"};

    clock_choose(&clock, (struct tsc_rate){per_ms, "PIT", is_confirmed});
    clock_choose(&clock, reported);
    return clock;
}

static void expect_rate(struct clock clock, uint64_t per_ms, const char *source)
{
    assert_int_equal(clock.rate.per_ms, per_ms);
    assert_string_equal(clock.rate.source, source);
}

static void expect_doubt(struct clock clock, uint64_t per_ms, const char *source)
{
    assert_non_null(clock.doubt.source);
    assert_string_equal(clock.doubt.source, source);
    assert_int_equal(clock.doubt.per_ms, per_ms);
}

static void a_measurement_that_nothing_confirms_gives_way(void **state)
{
    static const struct tsc_rate nobody_tells = {0, "none", false};

    (void)state;
    /* Confirmed, it stands against CPUID: Bochs's newer models run at another rate than they say.
     */
    expect_rate(choose(50000, true, cpuid_has), 50000, "PIT");
    expect_doubt(choose(50000, true, cpuid_has), 2545000, "CPUID 15h");
    expect_rate(choose(12686000, false, cpuid_has), 2545000, "CPUID 15h");
    expect_doubt(choose(12686000, false, cpuid_has), 2545000, "no two measurements agree");
    expect_rate(choose(12686000, false, nobody_tells), 12686000, "PIT");
    expect_doubt(choose(12686000, false, nobody_tells), 0, "no two measurements agree");
    expect_rate(choose(0, false, nobody_tells), 0, "none");
    assert_null(choose(0, false, nobody_tells).doubt.source);
    expect_rate(choose(0, false, cpuid_has), 2545000, "CPUID 15h");
    assert_null(choose(0, false, cpuid_has).doubt.source);
}

static bool is_doubted(uint64_t measured, uint64_t reported)
{
    return choose(measured, true, (struct tsc_rate){reported, "CPUID 16h", true}).doubt.source !=
           NULL;
}

/* 2592 MHz beside a base frequency reported as 2600 is the usual rounding of leaf 16h. */
static void rates_differ_from_one_in_32_on(void **state)
{
    (void)state;
    assert_false(is_doubted(2592000, 2600000));
    assert_false(is_doubted(3200000, 3300000));
    assert_false(is_doubted(3200000, 3100000));
    assert_true(is_doubted(3200000, 3300001));
    assert_true(is_doubted(3200000, 3099999));
    assert_true(is_doubted(50000, 3500000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pm_timer_wraps_at_24_bits_and_at_32),
        cmocka_unit_test(windows_in_a_row_are_one_long_window),
        cmocka_unit_test(enumerated_frequency),
        cmocka_unit_test(a_measurement_that_nothing_confirms_gives_way),
        cmocka_unit_test(rates_differ_from_one_in_32_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
