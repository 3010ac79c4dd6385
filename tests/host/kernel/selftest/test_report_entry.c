/*
 * The member "selftest_entry" of the report: what docs/report.md says of it, with no difference,
 * one, and many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/selftest/selftest_room.h"
#include <stdio.h>
#include <string.h>

#include "kernel/report/report.h"
#include "tests/host/compact_json.h"

static struct machine machine;
#define selftest selftest_results.entry

static const char *reported(void)
{
    static char text[16384];
    struct text_buffer buffer;
    struct json json;

    text_buffer_init(&buffer, text, sizeof(text));
    json_init(&json, &buffer.sink);
    json_object_begin(&json, NULL);
    selftest_json(&machine, &json);
    json_object_end(&json);
    assert_int_equal(buffer.lost, 0);
    return compact_json(text);
}

static int reset(void **state)
{
    (void)state;
    selftest = (struct selftest_vmentry){.done = true,
                                         .rules = 2,
                                         .not_possible = 3,
                                         .agreements = 5,
                                         .differences = 7,
                                         .random_count = 11,
                                         .random_agreements = 13};
    return 0;
}

#define COUNTS                                                               \
    "{\"selftest\":null,\"selftest_entry\":{\"rules\":2,\"not_possible\":3," \
    "\"agreements\":5,\"differences\":7,\"random\":11,\"random_agreements\":13,"

static void what_was_not_done_is_null(void **state)
{
    (void)state;
    selftest.done = false;
    assert_string_equal(reported(), "{\"selftest\":null,\"selftest_entry\":null}");
}

static void nothing_to_tell_is_empty(void **state)
{
    (void)state;
    assert_string_equal(reported(), COUNTS "\"trials\":[],\"told\":[],\"departures\":[]}}");
}

static void a_trial_is_reported_whole(void **state)
{
    (void)state;
    selftest.count = 1;
    selftest.row[0] =
        (struct selftest_vmentry_row){.number = 17,
                                      .rule = VMENTRY_PIN_MUST_BE_1,
                                      .base = VMENTRY_BASE_LONG,
                                      .predicted = {VMENTRY_CONTROLS, 0},
                                      .seen = {VMENTRY_GUEST, VMENTRY_QUALIFICATION_PDPTE},
                                      .departs = true};
    assert_non_null(
        strstr(reported(), "\"trials\":[{\"trial\":17,\"rule\":\"pin-must-be-1\",\"base\":"));
    assert_non_null(strstr(reported(),
                           ",\"predicted\":{\"class\":\"VMfailValid 7\",\"qualification\":0},"
                           "\"seen\":{\"class\":\"exit reason 33\",\"qualification\":2},"
                           "\"agrees\":false,\"departs\":true}],"));
    selftest.row[0].agrees = true;
    selftest.row[0].departs = false;
    assert_non_null(strstr(reported(), "\"agrees\":true,\"departs\":false}],"));
}

#define DIFFERENCE                                                  \
    "{\"random\":true,\"number\":4711,\"rule\":\"no rule broken\"," \
    "\"field\":\"Guest RFLAGS\",\"value\":\"0x2\","                 \
    "\"predicted\":{\"class\":\"enters\",\"qualification\":0},"     \
    "\"seen\":{\"class\":\"other\",\"qualification\":9}}"

static void each_difference_is_reported(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        selftest.difference[i] = (struct selftest_vmentry_row){.random = true,
                                                               .number = 4711,
                                                               .rule = VMENTRY_RULE_COUNT,
                                                               .field = VMCS_GUEST_RFLAGS,
                                                               .value = 2,
                                                               .predicted = {VMENTRY_ENTERS, 0},
                                                               .seen = {VMENTRY_CLASS_COUNT, 9}};
    selftest.reported = 1;
    assert_non_null(strstr(reported(), "\"told\":[" DIFFERENCE "],"));
    selftest.reported = 2;
    assert_non_null(strstr(reported(), "\"told\":[" DIFFERENCE "," DIFFERENCE "],"));
}

static void a_departure_that_was_met_is_reported(void **state)
{
    (void)state;
    selftest.departed[DEPARTURE_DEBUGCTL] = 1;
    selftest.departed[DEPARTURE_CS_RPL_FREE] = 2;
    selftest.departed[DEPARTURE_OTHER_EVENT] = 3;
    assert_non_null(strstr(reported(), "\"departures\":[{\"rule\":\"guest-debugctl-reserved\","
                                       "\"kind\":\"laxer\",\"text\":\"the reserved bits of"));
    assert_non_null(strstr(reported(), "\"count\":1},{\"rule\":\"segment-cs-dpl-ss\","
                                       "\"kind\":\"stricter\","));
    assert_non_null(
        strstr(reported(), "\"count\":2},{\"rule\":\"event-type\",\"kind\":\"fatal\","));
    assert_non_null(strstr(reported(), "\"count\":3}]}}"));
}

/* Each alone, the first and the last, too. */
static void each_departure_is_reported(void **state)
{
    for (unsigned i = 0; i < VMENTRY_DEPARTURE_COUNT; i++) {
        char wanted[64];

        reset(state);
        selftest.departed[i] = i + 5;
        (void)snprintf(wanted, sizeof(wanted), "\",\"count\":%u}]", i + 5);
        assert_non_null(strstr(reported(), "\"departures\":[{\"rule\":\""));
        assert_non_null(strstr(reported(), wanted));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {
        TEST(what_was_not_done_is_null),
        TEST(nothing_to_tell_is_empty),
        TEST(a_trial_is_reported_whole),
        TEST(each_difference_is_reported),
        TEST(a_departure_that_was_met_is_reported),
        TEST(each_departure_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
