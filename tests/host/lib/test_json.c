/* What the writer makes, space between tokens left out, against RFC 8259 read by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/format.h"

static char text[4096];
static struct text_buffer buffer;
static struct json json;

static int begin(void **state)
{
    (void)state;
    text_buffer_init(&buffer, text, sizeof(text));
    json_init(&json, &buffer.sink);
    return 0;
}

/* RFC 8259, section 2: space, tab, line feed and carriage return mean nothing outside of strings.
 */
static void assert_json(const char *expected)
{
    static char compact[sizeof(text)];
    size_t length = 0;
    bool quoted = false;

    for (const char *c = text; *c != '\0'; c++) {
        assert_true((unsigned char)*c < 0x7f);
        if (quoted)
            assert_true(*c >= 0x20);
        if (!quoted && strchr(" \t\n\r", *c) != NULL)
            continue;
        compact[length++] = *c;
        if (quoted && *c == '\\')
            compact[length++] = *++c;
        else if (*c == '"')
            quoted = !quoted;
    }
    compact[length] = '\0';
    assert_false(quoted);
    assert_int_equal(buffer.lost, 0);
    assert_string_equal(compact, expected);
}

/* A line of its own for each member of an object, a blank more for each bracket around it; the
 * values of an array follow one another. */
static void a_person_can_read_it(void **state)
{
    (void)state;
    json_object_begin(&json, NULL);
    json_number(&json, "one", 1);
    json_object_begin(&json, "two");
    json_array_begin(&json, "three");
    json_number(&json, NULL, 3);
    json_number(&json, NULL, 4);
    json_array_end(&json);
    json_object_end(&json);
    json_bool(&json, "four", true);
    json_object_end(&json);
    assert_string_equal(text,
                        "{\n \"one\": 1,\n \"two\": {\n  \"three\": [3,4]},\n \"four\": true}");
}

static void values_of_every_kind(void **state)
{
    (void)state;
    json_object_begin(&json, NULL);
    json_string(&json, "name", "value");
    json_string(&json, "none", NULL);
    json_hex(&json, "zero", 0);
    json_hex(&json, "basic", 0x00da040000000010ull);
    json_number(&json, "count", 0);
    json_number(&json, "most", UINT64_MAX);
    json_bool(&json, "yes", true);
    json_bool(&json, "no", false);
    json_null(&json, "nothing");
    json_object_end(&json);
    assert_json("{\"name\":\"value\",\"none\":null,\"zero\":\"0x0\",\"basic\":\"0xda040000000010\","
                "\"count\":0,\"most\":18446744073709551615,\"yes\":true,\"no\":false,"
                "\"nothing\":null}");
    assert_int_equal(json.depth, 0);
}

static void commas_between_and_nowhere_else(void **state)
{
    (void)state;
    json_object_begin(&json, NULL);
    json_object_begin(&json, "a");
    json_object_end(&json);
    json_array_begin(&json, "b");
    json_array_end(&json);
    json_array_begin(&json, "c");
    json_object_begin(&json, NULL);
    json_number(&json, "d", 1);
    json_array_begin(&json, "e");
    json_number(&json, NULL, 2);
    json_number(&json, NULL, 3);
    json_array_end(&json);
    json_object_end(&json);
    json_object_begin(&json, NULL);
    json_object_end(&json);
    json_object_begin(&json, NULL);
    json_number(&json, "h", 4);
    json_object_end(&json);
    json_string(&json, NULL, "f");
    json_array_end(&json);
    json_bool(&json, "g", true);
    json_object_end(&json);
    assert_json("{\"a\":{},\"b\":[],\"c\":[{\"d\":1,\"e\":[2,3]},{},{\"h\":4},\"f\"],\"g\":true}");
}

/* RFC 8259, section 7: what has to be escaped; beyond ASCII, a byte is shown by its number. */
static void escapes(void **state)
{
    (void)state;
    json_array_begin(&json, NULL);
    json_string(&json, NULL, "");
    json_string(&json, NULL, "say \"hi\" \\ and / {,}[:]");
    json_string(&json, NULL, "line\nline\ttab\r\b\f\x01\x1f");
    json_string(&json, NULL, "\x7f\x80\xff");
    json_string(&json, NULL, "100% %s %d");
    json_array_end(&json);
    assert_json("[\"\",\"say \\\"hi\\\" \\\\ and / {,}[:]\","
                "\"line\\nline\\u0009tab\\u000d\\u0008\\u000c\\u0001\\u001f\","
                "\"\\u007f\\u0080\\u00ff\",\"100% %s %d\"]");
}

/* RFC 8259, "Strings": quotation mark, backslash and what is below 20H are escaped; so is, here,
 * what is not ASCII. */
static void every_character_has_its_form(void **state)
{
    for (unsigned c = 1; c < 256; c++) {
        char value[2] = {(char)c, '\0'}, expected[16];

        begin(state);
        json_string(&json, NULL, value);
        if (c == '"' || c == '\\')
            snprintf(expected, sizeof(expected), "\"\\%c\"", c);
        else if (c == '\n')
            snprintf(expected, sizeof(expected), "\"\\n\"");
        else if (c < 0x20 || c > 0x7e)
            snprintf(expected, sizeof(expected), "\"\\u00%02x\"", c);
        else
            snprintf(expected, sizeof(expected), "\"%c\"", c);
        assert_string_equal(text + strspn(text, "\n "), expected);
    }
}

static void names_are_escaped_too(void **state)
{
    (void)state;
    json_object_begin(&json, NULL);
    json_null(&json, "a\"b\\c\nd");
    json_object_end(&json);
    assert_json("{\"a\\\"b\\\\c\\nd\":null}");
}

/* Deeper than the writer keeps track of: still well formed, with a value on both sides at each
 * depth. */
static void deeper_than_expected(void **state)
{
    char expected[400];
    struct text_buffer wanted;

    (void)state;
    text_buffer_init(&wanted, expected, sizeof(expected));
    for (unsigned depth = 0; depth < JSON_DEPTH_MAX + 6; depth++) {
        json_array_begin(&json, NULL);
        json_number(&json, NULL, 1);
        print_to(&wanted.sink, "%s", depth == 0 ? "[1" : ",[1");
    }
    for (unsigned depth = 0; depth < JSON_DEPTH_MAX + 6; depth++) {
        json_number(&json, NULL, 2);
        json_array_end(&json);
        print_to(&wanted.sink, ",2]");
    }
    assert_json(expected);
}

static void an_object_or_null(void **state)
{
    (void)state;
    json_array_begin(&json, NULL);
    assert_false(json_object_if(&json, NULL, false));
    assert_true(json_object_if(&json, NULL, true));
    assert_false(json_object_if(&json, "a", false));
    assert_true(json_object_if(&json, "b", true));
    json_object_end(&json);
    json_object_end(&json);
    json_array_end(&json);
    assert_json("[null,{\"a\":null,\"b\":{}}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_person_can_read_it, begin),
        cmocka_unit_test_setup(values_of_every_kind, begin),
        cmocka_unit_test_setup(commas_between_and_nowhere_else, begin),
        cmocka_unit_test_setup(escapes, begin),
        cmocka_unit_test_setup(every_character_has_its_form, begin),
        cmocka_unit_test_setup(names_are_escaped_too, begin),
        cmocka_unit_test_setup(deeper_than_expected, begin),
        cmocka_unit_test_setup(an_object_or_null, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
