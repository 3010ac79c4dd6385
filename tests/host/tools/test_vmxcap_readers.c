/*
 * The readers of documents, CSV and JSON: what each may look like, written by hand after its
 * description in tools/capability/dump_text.h, and for each way to be torn or wrong the line and
 * the words. test_vmxcap_lines.c, _listing.c and _refused.c have all other texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/tools/vmxcap_reading.h"
#include "tools/capability/corpus.h"
#include "tools/capability/set_json.h"

/* Exactly these MSRs: bit n for 0x480 + n. */
static void assert_present(size_t set, uint32_t present, bool feature_control)
{
    assert_int_equal(list.set[set].dump.msrs.present, present);
    assert_int_equal(list.set[set].dump.has_feature_control, feature_control);
}

static void csv_is_read(void **state)
{
    (void)state;
    assert_read("id,msr_480\na,0x1\n", CSV, 1);
    assert_string_equal(list.set[0].id, "a");
    assert_value(0, 0x480, 1);
    assert_read("notes,kind,msr_493,cpu,msr_03a,id\r\n"
                "\"a \"\"b\"\", c\",named-model,0xABC,\"One, two\",,first\r\n"
                "\r\n,bare-metal,,,0x5,second\r\n",
                CSV, 2);
    assert_string_equal(list.set[0].id, "first");
    assert_string_equal(list.set[0].about, "One, two");
    assert_true(list.set[0].virtual_registers);
    assert_value(0, 0x493, 0xabc);
    assert_present(0, 1u << 0x13, false);
    assert_false(list.set[1].virtual_registers);
    assert_value(1, 0x3a, 5);
    assert_present(1, 0, true);
    assert_false(list.one_machine);
}

static void torn_csv_is_refused(void **state)
{
    static const char long_id[] =
        "id,msr_480\n"
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
        "89012345,0x1\n";

    (void)state;
    assert_refused("id,msr_480", 1, "a line with values below the names");
    assert_refused("id,msr_480\na", 2, "as many cells as the first line has columns");
    assert_refused("id,msr_480\na,0x1,", 2, "no more cells");
    assert_refused("id,msr_480\na,1\n", 2, "a value, 0x and 1 to 16 hex digits, or an empty cell");
    assert_refused("id,msr_480\na,0x\n", 2, "a value");
    assert_refused("id,msr_480\na,0x12345678901234567\n", 2, "a value");
    assert_refused("id,msr_480\n,0x1\n", 2, "an id of 1 to 95 characters");
    assert_refused(long_id, 2, "an id of 1 to 95 characters");
    assert_refused("id,msr_480\na,0x1\na,0x2\n", 3, "an id that no line before has");
    assert_refused("id,msr_480,kind\na,0x1,metal\n", 2, "`metal`, expected a kind");
    assert_refused("id,msr_480,cpu\na,0x1,\"b\n", 2, "a quote at the end");
    assert_refused("id,msr_480,cpu\na,0x1,\"b\"c\n", 2, "a comma or the line's end");
    assert_refused("id,msr_480,cpu\na,0x1,b\"c\n", 2, "a comma or the line's end");
    assert_refused("id,msr_47f\na,0x1\n", 1, "`msr_47f`, expected the name of a column");
    assert_refused("id,size\na,0x1\n", 1, "the name of a column");
    assert_refused("id,msr_480,msr_480\na,0x1,0x1\n", 1, "each column once");
    assert_refused("id,cpu\na,b\n", 1, "at least one of an MSR");
    assert_refused("msr_480,cpu\n0x1,b\n", 1, "a column `id`");
    assert_refused("id,msr_480\na,\n", 2, "at least one value");
    assert_refused("id,b,c\n", 1, "`b`, expected the name of a column");
}

static void json_is_read(void **state)
{
    (void)state;
    assert_read("{\"msrs\": {\"0x480\": \"0xda040000000012\", \"0x3a\": \"0x5\"}}", JSON, 1);
    assert_value(0, 0x480, 0xda040000000012);
    assert_value(0, 0x3a, 5);
    assert_string_equal(list.set[0].id, "name");
    assert_read("[ {\"id\": \"a\\u0062\\n\\\"\\u00fc\", \"registers\": \"virtual\",\n"
                "   \"x\": [1, -2.5e+3, 0, 0.1E-1, true, false, null, {}, [], [[{\"a\": [1]}]]],\n"
                "   \"msrs\": {\"0x480\": \"0x1\"}},\n"
                " {\"registers\": \"physical\", \"msrs\": {\"0x481\": \"0x2\"}} ]\n",
                JSON, 2);
    assert_string_equal(list.set[0].id, "ab\n\"?");
    assert_true(list.set[0].virtual_registers);
    assert_false(list.set[1].virtual_registers);
    assert_string_equal(list.set[1].id, "name, set 2");
    assert_value(1, 0x481, 2);
}

static void json_within_a_log_is_read(void **state)
{
    (void)state;
    assert_read("GRUB loading\r\n{not json\r\n-----BEGIN ROOTMODE REPORT-----\r\n"
                "{\"msrs\": {\"0x480\": \"0x1\"}}\r\n-----END ROOTMODE REPORT-----\r\nhalted\r\n"
                "-----BEGIN ROOTMODE REPORT-----\n{\"msrs\": {\"0x480\": \"0x2\"}}\n"
                "-----END ROOTMODE REPORT-----\n",
                JSON, 2);
    assert_value(0, 0x480, 1);
    assert_value(1, 0x480, 2);
    assert_refused("x\n-----BEGIN ROOTMODE REPORT-----\n{\"msrs\":\n", 3,
                   "-----END ROOTMODE REPORT-----");
    assert_refused("x\n-----BEGIN ROOTMODE REPORT-----\n{\"msrs\":\n[}\n"
                   "-----END ROOTMODE REPORT-----\n",
                   4, "an object of MSRs");
}

static void torn_json_is_refused(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *words;
    } torn[] = {
        {"{", 1, "the name of a member"},
        {"[", 1, "an object"},
        {"[]", 1, "at least one value"},
        {"[1]", 1, "an object"},
        {"{}", 1, "\"msrs\" in the report"},
        {"{\"msrs\": {}}", 1, "at least one value"},
        {"{\"msrs\": {\"0x480\": \"0x1\"}", 1, "a comma or the object's end"},
        {"{\"msrs\": {\"0x480\": \"0x1\"}},", 1, "nothing behind"},
        {"[{\"msrs\": {\"0x480\": \"0x1\"}},]", 1, "an object"},
        {"[{\"msrs\": {\"0x480\": \"0x1\"}}", 1, "a comma or the array's end"},
        {"{\"msrs\": {\"0x480\": \"0x1\",}}", 1, "the name of a member"},
        {"{\"msrs\":\n {\"0x480\":\n 1}}", 3, "a value in quotes"},
        {"{\"msrs\":\n {\"0x480\":\n \"1\"}}", 3, "`1`, expected a value, 0x"},
        {"{\"msrs\": {\"480\": \"0x1\"}}", 1, "an MSR like"},
        {"{\"msrs\": {\"0x500\": \"0x1\"}}", 1, "the address of an MSR"},
        {"{\"msrs\": {\"0x480\": \"0x1\",\n\"0x480\": \"0x1\"}}", 2, "MSR 0x480 again"},
        {"{\"msrs\": {\"0x480\": \"0x1\"}, \"msrs\": {}}", 1, "\"msrs\" once"},
        {"{\"msrs\" {}}", 1, "a colon"},
        {"{\"id\": 1}", 1, "the set's id"},
        {"{\"registers\": \"odd\"}", 1, "\"virtual\" or \"physical\""},
        {"{\"registers\": 1}", 1, "\"virtual\" or \"physical\""},
        {"{\"registers\": [", 1, "`[`, expected as value of \"registers\": \"virtual\" or"},
        {"{\"registers\": \"virt", 1, "`\"virt`, expected a quote at the end of the string"},
        {"{\"msrs\": {\"0x480\": \"0xda04000\n00012\"}}", 1,
         "`\"0xda04000`, expected a quote at the end of the string, on the same line"},
        {"{\"msrs\": {\"0x480\": \"0xda0400", 1, "the text is cut short here, or a mail program"},
        {"{\"msrs\": {\"0x480\": \"0x1\",\n", 2,
         "`the end of the text`, expected the name of a member"},
        {"{\"a\": \"b\n\"}", 1, "a quote at the end of the string"},
        {"{\"a\": \"b", 1, "a quote at the end of the string"},
        {"{\"a\": \"\\x\"}", 1, "one of JSON's escapes"},
        {"{\"a\": \"\\", 1, "one of JSON's escapes"},
        {"{\"a\": \"\\u12\"}", 1, "four hex digits"},
        {"{\"a\": \"\\u1", 1, "four hex digits"},
        {"{\"a\": 01}", 1, "a comma or the object's end"},
        {"{\"a\": -}", 1, "a JSON value"},
        {"{\"a\": 1.}", 1, "a JSON value"},
        {"{\"a\": 1e}", 1, "a JSON value"},
        {"{\"a\": tru}", 1, "a JSON value"},
        {"{\"a\": 'b'}", 1, "a JSON value"},
        {"{\"a\":", 1, "a JSON value"},
        {"{\"a\": [1 2]}", 1, "a comma or the array's end"},
        {"{\"a\": [1}", 1, "a comma or the array's end"},
        {"{\"a\": {\"b\": 1]}", 1, "a comma or the object's end"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(torn) / sizeof(torn[0]); i++)
        assert_refused(torn[i].text, torn[i].line, torn[i].words);
}

static void json_that_is_too_deep_is_refused(void **state)
{
    static char text[256] = "{\"msrs\": {\"0x480\": \"0x1\"}, \"a\": ";
    size_t before = strlen(text);

    (void)state;
    for (int i = 0; i < 32; i++)
        strcat(text, "[");
    for (int i = 0; i < 32; i++)
        strcat(text, "]");
    strcat(text, "}");
    assert_read(text, JSON, 1);
    memset(text + before, '[', 33);
    assert_refused(text, 1, "32 deep at most");
}

/* What vmxcap prints as JSON it can read: the same ids and values, for every row of the corpus. */
static void its_own_json_comes_back(void **state)
{
    static char text[256 * 1024];
    static struct checked checked;

    (void)state;
    for (size_t i = 0; i < corpus_count; i++) {
        struct dump_list one = {.set = NULL};
        struct dump_set *set = dump_list_add(&one, corpus[i].id);
        struct text_buffer buffer;
        struct json json;

        set->dump = corpus[i].dump;
        set->virtual_registers = i % 2 == 0;
        text_buffer_init(&buffer, text, sizeof(text));
        json_init(&json, &buffer.sink);
        json_array_begin(&json, NULL);
        check_set(&one, 0, CHECK_CHOICE_AUTO, &checked);
        set_json(&json, &checked);
        json_array_end(&json);
        assert_int_equal(buffer.lost, 0);
        assert_read(text, JSON, 1);
        assert_string_equal(list.set[0].id, corpus[i].id);
        assert_int_equal(list.set[0].virtual_registers, i % 2 == 0);
        assert_memory_equal(&list.set[0].dump.msrs, &corpus[i].dump.msrs,
                            sizeof(corpus[i].dump.msrs));
        assert_int_equal(list.set[0].dump.has_feature_control, corpus[i].dump.has_feature_control);
        assert_int_equal(list.set[0].dump.feature_control, corpus[i].dump.feature_control);
        dump_list_free(&one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(csv_is_read, end),
        cmocka_unit_test_teardown(torn_csv_is_refused, end),
        cmocka_unit_test_teardown(json_is_read, end),
        cmocka_unit_test_teardown(json_within_a_log_is_read, end),
        cmocka_unit_test_teardown(torn_json_is_refused, end),
        cmocka_unit_test_teardown(json_that_is_too_deep_is_refused, end),
        cmocka_unit_test_teardown(its_own_json_comes_back, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
