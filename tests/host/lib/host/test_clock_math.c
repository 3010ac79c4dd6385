/*
 * The arithmetic of calibrating the TSC: expected values are worked out from the frequencies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/host/clock.h"

/* ACPI's timer, and a third of it. */
enum { PM_TIMER_HZ = 3579545, PIT_HZ = 1193182 };

static void measured_frequency(void **state)
{
    (void)state;
    /* One second of either clock, a TSC of 2.4 GHz: 2,400,000 a millisecond. */
    assert_int_equal(rate_measured(2400000000, PM_TIMER_HZ, PM_TIMER_HZ), 2400000);
    assert_int_equal(rate_measured(2400000000, PIT_HZ, PIT_HZ), 2400000);
    /* One millisecond in Bochs at 50 million instructions a second: 3579.545 ticks go into it. */
    assert_in_range(rate_measured(50000, 3579, PM_TIMER_HZ), 50000, 50010);
    assert_in_range(rate_measured(50000, 3580, PM_TIMER_HZ), 49990, 50000);
}

static void measurements_that_cannot_be(void **state)
{
    (void)state;
    assert_int_equal(rate_measured(50000, 0, PIT_HZ), 0);
    assert_int_equal(rate_measured(0, 1193, PIT_HZ), 0);
    /* 999 ticks a millisecond, below 1 MHz; 1000 is the least. */
    assert_int_equal(rate_measured(999000, PIT_HZ, PIT_HZ), 0);
    assert_int_equal(rate_measured(1000000, PIT_HZ, PIT_HZ), 1000);
    /* 100 GHz is the most. */
    assert_int_equal(rate_measured(100000000000, PIT_HZ, PIT_HZ), 100000000);
    assert_int_equal(rate_measured(100000001000, PIT_HZ, PIT_HZ), 0);
    /* The second one's product would wrap to a plausible 50000 ticks a millisecond. */
    assert_int_equal(rate_measured(UINT64_MAX, 1193, PIT_HZ), 0);
    assert_int_equal(rate_measured((UINT64_MAX / PIT_HZ) + 50000, 1193, PIT_HZ), 0);
    /* The greatest product there can be: 2^64 - 1 ticks in 10^12 seconds, 18446 a millisecond. */
    assert_int_equal(rate_measured(UINT64_MAX, 1000000000000, 1), 18446);
    /* The TSC stood before it was read first, as if it had gone backwards. */
    assert_int_equal(rate_measured(0 - 5ull, PIT_HZ, PIT_HZ), 0);
}

/* 200 µs of the PM timer are 716 ticks; a TSC of 2545 MHz makes 509,059 in them. */
enum { TICKS = 716, TSC = 509059, RATE = 2545000 };

static const struct clock_window good = {TSC, TICKS};

static struct tsc_rate rate_of_five(const struct clock_window windows[5])
{
    return rate_of_windows(windows, 5, PM_TIMER_HZ);
}

static void expect_right(struct tsc_rate rate)
{
    assert_true(rate.confirmed);
    assert_in_range(rate.per_ms, RATE - RATE / 1000, RATE + RATE / 1000);
}

/* An SMI of 0.1 to 1 ms in any windows but two, another virtual machine's turn: all too high. */
static void windows_with_an_interruption_do_not_count(void **state)
{
    static const uint64_t interruptions[] = {250000, 2545000, 700000, 12686000, 90000};

    (void)state;
    for (unsigned falsified = 0; falsified < 32; falsified++) {
        struct clock_window windows[5];
        unsigned left = 5;

        for (unsigned i = 0; i < 5; i++) {
            windows[i] = good;
            if (falsified >> i & 1) {
                windows[i].ticks += interruptions[i];
                left--;
            }
        }
        if (left >= 2)
            expect_right(rate_of_five(windows));
        else
            assert_false(rate_of_five(windows).confirmed);
        if (left == 1) /* the least is right, though nothing says so */
            assert_in_range(rate_of_five(windows).per_ms, RATE - 2545, RATE + 2545);
    }
}

/* A clock that is read wrong once seems to have run ahead: that window is too low. */
static void a_clock_read_wrong_once_does_not_count(void **state)
{
    struct clock_window windows[5] = {good, good, good, good, good};

    (void)state;
    windows[2].clock_ticks += 100000;
    expect_right(rate_of_five(windows));
    windows[2].clock_ticks = 0xffffff; /* it seems to have run back */
    windows[0].ticks *= 5;
    expect_right(rate_of_five(windows));
}

/* A rate and one that is higher by 1 in 64 confirm each other; it is the lower that counts. */
static void windows_agree_within_one_in_64(void **state)
{
    struct clock_window windows[] = {{6500000, 1000}, {6400000, 1000}};

    (void)state;
    assert_true(rate_of_windows(windows, 2, 1000000).confirmed);
    assert_int_equal(rate_of_windows(windows, 2, 1000000).per_ms, 6400000);
    windows[0].ticks++;
    assert_false(rate_of_windows(windows, 2, 1000000).confirmed);
    assert_int_equal(rate_of_windows(windows, 2, 1000000).per_ms, 6400000);
    assert_false(rate_of_windows(windows, 1, 1000000).confirmed);
    assert_int_equal(rate_of_windows(windows, 1, 1000000).per_ms, 6500001);
    assert_int_equal(rate_of_windows(windows, 0, 1000000).per_ms, 0);
    windows[0].clock_ticks = windows[1].clock_ticks = 0;
    assert_int_equal(rate_of_windows(windows, 2, 1000000).per_ms, 0);
    assert_false(rate_of_windows(windows, 2, 1000000).confirmed);
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
    assert_int_equal(tsc_to_microseconds(1999999, 1000000), 1999);
    assert_int_equal(tsc_to_microseconds(UINT64_MAX, 1000), UINT64_MAX);
    assert_int_equal(tsc_to_microseconds(3153600000000000000, 100000000), 31536000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured_frequency),
        cmocka_unit_test(measurements_that_cannot_be),
        cmocka_unit_test(windows_with_an_interruption_do_not_count),
        cmocka_unit_test(a_clock_read_wrong_once_does_not_count),
        cmocka_unit_test(windows_agree_within_one_in_64),
        cmocka_unit_test(times_round_so_that_no_wait_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
