/*
 * A guest's budget of time: all that the VMX-preemption timer is loaded with adds up to it,
 * whatever the guest asks for. Expectations follow from that sentence alone.
 */
#include "vm/guests/time_budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/host/random.h"

/* SDM Vol. 3, "VMX-Preemption Timer": one tick for each change of TSC bit `shift`. */
static void ticks_are_the_tscs_by_the_rate(void **state)
{
    struct time_budget budget = time_budget_of(3200, 5);

    (void)state;
    assert_int_equal(time_budget_load(&budget), 101); /* rounded up: never too short */
    budget = time_budget_of(0, 5);
    assert_int_equal(time_budget_load(&budget), 1);
}

static void more_than_the_timer_holds_is_all_that_it_holds(void **state)
{
    struct time_budget budget = time_budget_of(UINT64_MAX, 0);

    (void)state;
    assert_int_equal(time_budget_load(&budget), UINT32_MAX);
    assert_int_equal(time_budget_load(&budget), 0);
    budget = time_budget_of((uint64_t)UINT32_MAX << 5, 5);
    assert_int_equal(time_budget_load(&budget), UINT32_MAX);
}

/* 50 MHz, as in Bochs: an instruction a tick; 3 GHz; and nobody knows: at least as fast. */
static void time_is_the_same_at_every_rate(void **state)
{
    (void)state;
    assert_int_equal(time_budget_ticks(400000, 50000), 20000000);
    assert_int_equal(time_budget_ticks(400000, 3000000), 1200000000);
    assert_int_equal(time_budget_ticks(20000000, 6000000), 120000000000);
    assert_true(time_budget_ticks(1000, 0) >= 3000000);
}

/* A guest that asks for nothing has one long time, and then none. */
static void unasked_it_is_loaded_once(void **state)
{
    struct time_budget budget = time_budget_of(999, 0);

    (void)state;
    assert_int_equal(time_budget_load(&budget), 1000);
    assert_int_equal(time_budget_load(&budget), 0);
    assert_int_equal(time_budget_load(&budget), 0);
}

static void a_period_comes_again_until_the_time_is_over(void **state)
{
    struct time_budget budget = time_budget_of(999, 0);

    (void)state;
    (void)time_budget_load(&budget);
    time_budget_ask(&budget, 1000, 400);
    assert_int_equal(time_budget_load(&budget), 400);
    assert_int_equal(time_budget_load(&budget), 400);
    assert_int_equal(time_budget_load(&budget), 200);
    assert_int_equal(time_budget_load(&budget), 0);
}

/* What has passed before the guest asks is gone; 0 takes the period away again. */
static void asking_gives_back_what_is_unused_and_no_more(void **state)
{
    struct time_budget budget = time_budget_of(999, 0);

    (void)state;
    (void)time_budget_load(&budget);
    time_budget_ask(&budget, 300, 100);
    assert_int_equal(time_budget_load(&budget), 100);
    time_budget_ask(&budget, 60, 0);
    assert_int_equal(time_budget_load(&budget), 260);
    time_budget_ask(&budget, 0, UINT32_MAX);
    assert_int_equal(time_budget_load(&budget), 0);
}

/* Any guest: the ticks that pass in the timer never exceed the budget, and reach it in the end. */
static void no_guest_gets_more_than_its_budget(void **state)
{
    uint64_t random = 0x7a5c93d1;

    (void)state;
    for (int guest = 0; guest < 1000; guest++) {
        uint32_t whole = (uint32_t)(random_next(&random) >> (random_next(&random) % 32));
        struct time_budget budget = time_budget_of(whole, 0);
        uint64_t passed = 0;
        uint32_t timer = time_budget_load(&budget);

        for (int call = 0; call < 50 && timer != 0; call++) {
            uint32_t spent = (uint32_t)(random_next(&random) % ((uint64_t)timer + 1));

            passed += spent;
            if (spent < timer)
                time_budget_ask(&budget, timer - spent,
                                (uint32_t)(random_next(&random) >> (random_next(&random) % 32)));
            timer = time_budget_load(&budget);
        }
        time_budget_ask(&budget, timer, 0);
        passed += time_budget_load(&budget);
        assert_int_equal(passed, whole == UINT32_MAX ? UINT32_MAX : whole + 1ull);
        assert_int_equal(time_budget_load(&budget), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_the_tscs_by_the_rate),
        cmocka_unit_test(more_than_the_timer_holds_is_all_that_it_holds),
        cmocka_unit_test(time_is_the_same_at_every_rate),
        cmocka_unit_test(unasked_it_is_loaded_once),
        cmocka_unit_test(a_period_comes_again_until_the_time_is_over),
        cmocka_unit_test(asking_gives_back_what_is_unused_and_no_more),
        cmocka_unit_test(no_guest_gets_more_than_its_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
