#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm/host/alarm.h"

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
        cmocka_unit_test(a_timer_counts_as_long_as_the_tsc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
