/* Which known name a mistyped one is near to: the distance counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "kernel/words/nearest.h"

static const char *nearest_of(const char *typed, const char *first, const char *second)
{
    struct nearest nearest = {.typed = typed, .length = strlen(typed)};

    nearest_offer(&nearest, first);
    if (second != NULL)
        nearest_offer(&nearest, second);
    return nearest.name;
}

static unsigned distance_to(const char *typed, const char *name)
{
    struct nearest nearest = {.typed = typed, .length = strlen(typed), .distance = 99};

    nearest_offer(&nearest, name);
    return nearest.distance;
}

static void distances_are_counted(void **state)
{
    static const struct {
        const char *typed, *name;
        unsigned distance;
    } rows[] = {
        {"check", "check", 0},         {"CHECK", "check", 0}, /* case counts nothing */
        {"azAZ", "AZaz", 0},           {"chek", "check", 1},  /* one left out */
        {"checkk", "check", 1},                               /* one too many */
        {"xcheck", "check", 1},        {"heck", "check", 1},
        {"chack", "check", 1}, /* another */
        {"hceck", "check", 1}, /* two exchanged: at the start, in the middle, at the end */
        {"chcek", "check", 1},         {"chekc", "check", 1},
        {"HCeck", "check", 1},         {"hceKc", "check", 2},
        {"selftets", "selftest", 1},   {"selfest", "selftest", 1},
        {"slefetst", "selftest", 2},   {"xelftesy", "selftest", 2},
        {"eslftesx", "selftest", 2},   {"abcdefghi", "abcxyzghi", 3},
        {"abxcdefghi", "abcdefg", 99}, /* 3 of 7 */
        {"abdcfeghi", "abcdefghi", 2},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (distance_to(rows[i].typed, rows[i].name) != rows[i].distance)
            fail_msg("%s and %s: %u", rows[i].typed, rows[i].name,
                     distance_to(rows[i].typed, rows[i].name));
    }
}

/* A pair is exchanged only where both characters fit. */
static void half_an_exchange_is_two_mistakes(void **state)
{
    (void)state;
    assert_int_equal(distance_to("abcdxe", "abcdef"), 2); /* x for e, e for f */
    assert_int_equal(distance_to("abcdfx", "abcdef"), 2);
    assert_int_equal(distance_to("abcdfe", "abcdef"), 1);
}

/* "A name is near if at most a third of it is wrong": of 1, 1 to 2 characters rounded up. */
static void a_third_may_be_wrong(void **state)
{
    (void)state;
    assert_non_null(nearest_of("abx", "abc", NULL));
    assert_null(nearest_of("axx", "abc", NULL));
    assert_non_null(nearest_of("axxde", "abcde", NULL)); /* (5 + 1) / 3 = 2 */
    assert_null(nearest_of("axxxe", "abcde", NULL));
    assert_null(nearest_of("b", "a", NULL)); /* (1 + 1) / 3 = 0 */
    assert_non_null(nearest_of("ax", "ab", NULL));
    assert_null(nearest_of("", "ab", NULL));
    assert_null(nearest_of("xy", "ab", NULL));
}

static void the_nearer_one_wins_and_of_equals_the_first(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("chekk", "chaxk", "check"), "check");
    assert_string_equal(nearest_of("check", "check", "chick"), "check");
    assert_string_equal(nearest_of("chxck", "check", "chick"), "check");
    assert_string_equal(nearest_of("chxck", "chick", "check"), "chick");
}

/* 32 characters can be near, 33 are not looked at, on either side. */
static void what_is_longer_than_any_name_is_near_to_none(void **state)
{
    const char *const name32 = "abcdefghijklmnopqrstuvwxyzabcdef";
    const char *const name33 = "abcdefghijklmnopqrstuvwxyzabcdefg";

    (void)state;
    assert_int_equal(strlen(name32), 32);
    assert_non_null(nearest_of(name32, name32, NULL));
    assert_null(nearest_of(name33, name33, NULL));
    assert_null(nearest_of(name33, name32, NULL));
    assert_null(nearest_of(name32, name33, NULL));
}

/* No zero ends what was typed. */
static void only_the_length_counts(void **state)
{
    struct nearest nearest = {.typed = "checkered", .length = 5};

    (void)state;
    nearest_offer(&nearest, "check");
    assert_int_equal(nearest.distance, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_counted),
        cmocka_unit_test(half_an_exchange_is_two_mistakes),
        cmocka_unit_test(a_third_may_be_wrong),
        cmocka_unit_test(the_nearer_one_wins_and_of_equals_the_first),
        cmocka_unit_test(what_is_longer_than_any_name_is_near_to_none),
        cmocka_unit_test(only_the_length_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
