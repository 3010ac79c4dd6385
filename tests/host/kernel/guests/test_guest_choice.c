/* Which guests run, on which CPUs: the word guest=, as kernel/guests/guest_results.h has it. */
#include "kernel/guests/guest_results.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct guest one = {.name = "one"}, two = {.name = "two"}, all_in = {.name = "al"};
SET_MEMBER(guests, 1, const struct guest, one);
SET_MEMBER(guests, 2, const struct guest, two);
SET_MEMBER(guests, 3, const struct guest, all_in);
static struct guest_choice choice;

static void choose(const char *names)
{
    guest_choose(names, 4, &choice);
}

static void without_the_word_the_first_guest_shows_what_there_is(void **state)
{
    (void)state;
    choose(NULL);
    assert_int_equal(choice.count, 1);
    assert_ptr_equal(choice.item[0].guest, &one);
    for (uint32_t cpu = 0; cpu < 4; cpu++)
        assert_true(guest_chosen_for(&choice, 0, cpu));
}

static void names_are_taken_whole_and_in_their_order(void **state)
{
    (void)state;
    choose("two,one bench=exits");
    assert_int_equal(choice.count, 2);
    assert_ptr_equal(choice.item[0].guest, &two);
    assert_ptr_equal(choice.item[1].guest, &one);
    assert_string_equal(choice.unknown, "");
    choose("al");
    assert_int_equal(choice.count, 1);
    assert_ptr_equal(choice.item[0].guest, &all_in);
}

static void all_is_all_and_none_is_none(void **state)
{
    (void)state;
    choose("all");
    assert_int_equal(choice.count, 3);
    assert_ptr_equal(choice.item[2].guest, &all_in);
    choose("none");
    assert_int_equal(choice.count, 0);
    assert_string_equal(choice.unknown, "");
}

static void list_runs_none_and_asks_for_all_to_be_reported(void **state)
{
    (void)state;
    choose("all");
    assert_false(choice.list);
    choose("list");
    assert_true(choice.list);
    assert_int_equal(choice.count, 0);
    assert_string_equal(choice.unknown, "");
    choose("one,list");
    assert_true(choice.list);
    assert_int_equal(choice.count, 1);
    choose("lst");
    assert_false(choice.list);
    assert_string_equal(choice.unknown, "lst (nearest: list)");
}

static void an_unknown_name_is_reported_and_the_others_run(void **state)
{
    (void)state;
    choose("one,thre,two");
    assert_int_equal(choice.count, 2);
    assert_string_equal(choice.unknown, "thre");
    choose("oen,Two,one,\x1b[2J");
    assert_int_equal(choice.count, 1);
    assert_string_equal(choice.unknown, "oen (nearest: one), Two (nearest: two), ?[2J");
}

static void many_unknown_names_end_where_the_room_does(void **state)
{
    static char names[4 * GUEST_NAMES_SIZE];

    (void)state;
    for (unsigned i = 0; i + 1 < sizeof(names); i++)
        names[i] = i % 8 == 7 ? ',' : 'x';
    choose(names);
    assert_int_equal(strnlen(choice.unknown, GUEST_NAMES_SIZE), GUEST_NAMES_SIZE - 1);
}

static void a_guest_may_be_for_one_cpu(void **state)
{
    (void)state;
    choose("cpu3:two,one,cpu0:all");
    assert_int_equal(choice.count, 5);
    assert_ptr_equal(choice.item[0].guest, &two);
    for (uint32_t cpu = 0; cpu < 4; cpu++) {
        assert_int_equal(guest_chosen_for(&choice, 0, cpu), cpu == 3);
        assert_true(guest_chosen_for(&choice, 1, cpu));
        for (uint32_t i = 2; i < 5; i++)
            assert_int_equal(guest_chosen_for(&choice, i, cpu), cpu == 0);
    }
    assert_string_equal(choice.unknown, "");
    assert_string_equal(choice.no_cpu, "");
}

static void a_cpu_that_is_not_there_is_reported_and_the_others_run(void **state)
{
    (void)state;
    choose("cpu4:one,cpu1:two,cpu99:all");
    assert_int_equal(choice.count, 1);
    assert_ptr_equal(choice.item[0].guest, &two);
    assert_string_equal(choice.no_cpu, "cpu4:one, cpu99:all");
    assert_string_equal(choice.unknown, "");
}

static void what_is_no_cpu_is_an_unknown_name(void **state)
{
    static const char *const wrong[] = {
        "cpu",   "cpu:one", "cpu1",  "cpux:one",          "cqu1:one",
        "~two~", "cpu1one", "1:one", "cpu4294967296:one", "cpu42949672950:one"};

    (void)state;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        choose(wrong[i]);
        assert_int_equal(choice.count, 0);
        assert_string_equal(choice.unknown, wrong[i]);
    }
    choose("cpu4294967295:one"); /* the greatest number of 32 bits */
    assert_string_equal(choice.no_cpu, "cpu4294967295:one");
    assert_string_equal(choice.unknown, "");
    guest_choose("cpu12:one,cpu120:one", 121, &choice);
    assert_int_equal(choice.count, 2);
    assert_int_equal(choice.item[0].cpu, 12);
    assert_int_equal(choice.item[1].cpu, 120);
    choose(",one,");
    assert_int_equal(choice.count, 1);
    choose("cpu1:three");
    assert_string_equal(choice.unknown, "three");
}

static void more_than_there_is_room_for_is_counted(void **state)
{
    enum { ALL = 3, TIMES = GUEST_CHOICES_MAX / ALL + 1 };
    static char names[TIMES * 4 + 1];

    (void)state;
    for (unsigned i = 0; i < TIMES; i++)
        memcpy(names + i * 4, i + 1 < TIMES ? "all," : "all", 4);
    choose(names);
    assert_int_equal(choice.count, GUEST_CHOICES_MAX);
    assert_int_equal(choice.lost, TIMES * ALL - GUEST_CHOICES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_word_the_first_guest_shows_what_there_is),
        cmocka_unit_test(names_are_taken_whole_and_in_their_order),
        cmocka_unit_test(all_is_all_and_none_is_none),
        cmocka_unit_test(list_runs_none_and_asks_for_all_to_be_reported),
        cmocka_unit_test(an_unknown_name_is_reported_and_the_others_run),
        cmocka_unit_test(many_unknown_names_end_where_the_room_does),
        cmocka_unit_test(a_guest_may_be_for_one_cpu),
        cmocka_unit_test(a_cpu_that_is_not_there_is_reported_and_the_others_run),
        cmocka_unit_test(what_is_no_cpu_is_an_unknown_name),
        cmocka_unit_test(more_than_there_is_room_for_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
