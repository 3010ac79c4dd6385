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

static const char *reported(uint64_t per_ms, const char *source)
{
    static char text[64];
    struct text_buffer buffer;

    text_buffer_init(&buffer, text, sizeof(text));
    tsc_rate_print((struct tsc_rate){.per_ms = per_ms, .source = source}, &buffer.sink);
    return text;
}

static void a_clock_is_reported_with_who_says_so_or_not_at_all(void **state)
{
    (void)state;
    assert_string_equal(reported(49983, "CPUID 15h"), "TSC at 49.983 MHz by CPUID 15h");
    assert_string_equal(reported(2600007, "PIT"), "TSC at 2600.007 MHz by PIT");
    assert_string_equal(reported(1, "PIT"), "TSC at 0.001 MHz by PIT");
    assert_string_equal(reported(0, "none"), "none: times are told in TSC ticks");
    assert_string_equal(reported(0, NULL), "none: times are told in TSC ticks");
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
        cmocka_unit_test(a_measurement_that_nothing_confirms_gives_way),
        cmocka_unit_test(rates_differ_from_one_in_32_on),
        cmocka_unit_test(a_clock_is_reported_with_who_says_so_or_not_at_all),
        cmocka_unit_test(times_round_so_that_no_wait_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
