/*
 * What keys do to a line. Terminals send ESC [ A to D for arrows, ESC [ H and F (or O in place of
 * [) for home and end, ESC [ 3 ~ for delete: ECMA-48 and xterm's "Control Sequences".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "kernel/line/line_edit.h"

static struct line_edit edit;

static int begin(void **state)
{
    (void)state;
    memset(&edit, 0, sizeof(edit));
    line_edit_begin(&edit);
    return 0;
}

/* Gives what the last key gave. */
static enum edit_outcome type(const char *keys)
{
    enum edit_outcome outcome = EDIT_MORE;

    for (; *keys != '\0'; keys++)
        outcome = line_edit_key(&edit, (uint8_t)*keys);
    assert_int_equal(strlen(edit.text), edit.length);
    assert_true(edit.cursor <= edit.length);
    return outcome;
}

static void enter(const char *line)
{
    assert_int_equal(type(line), EDIT_MORE);
    assert_int_equal(type("\r"), EDIT_DONE);
    assert_string_equal(edit.text, line);
    line_edit_begin(&edit);
    assert_string_equal(edit.text, "");
}

static void keys_change_the_line_where_the_cursor_is(void **state)
{
    static const struct {
        const char *keys, *line;
        unsigned cursor;
    } rows[] = {
        {"vmxon", "vmxon", 5},
        {"ac\x1b[Db", "abc", 2},
        {"ab\x1b[D\x1b[D\x1b[D\x1b[Cx", "axb", 2},
        {"ab\x1b[C", "ab", 2},
        {"ab\x7f", "a", 1},
        {"ab\b\b\b", "", 0},
        {"abc\x01x", "xabc", 1},
        {"abc\x01\x05x", "abcx", 4},
        {"abc\x1b[Hx\x1b[F!", "xabc!", 5},
        {"abc\x1bOHx\x1bOF!", "xabc!", 5},
        {"abc\x1b[D\x1b[D\x1b[3~", "ac", 1},
        {"abc\x1b[3~", "abc", 3},
        {"abcd\x1b[D\x1b[D\x0b", "ab", 2},
        {"abcd\x1b[D\x1b[D\x15", "cd", 0},
        {"a\x1b[20~b\x1b[19~c", "abc", 3}, /* F9 and F8 of xterm */
        {"a\x1b[1;5Cb\x1bxc\x02\x1f", "abc", 3},
        {"a\xe4\x80\xff"
         "b",
         "ab", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(NULL);
        assert_int_equal(type(rows[i].keys), EDIT_MORE);
        assert_string_equal(edit.text, rows[i].line);
        assert_int_equal(edit.cursor, rows[i].cursor);
    }
}

static void tab_and_enter_are_for_the_caller(void **state)
{
    (void)state;
    assert_int_equal(type("vm\t"), EDIT_TAB);
    line_edit_insert(&edit, "xon ");
    assert_string_equal(edit.text, "vmxon ");
    assert_int_equal(type("\n"), EDIT_DONE);
}

static void arrows_go_through_the_history(void **state)
{
    (void)state;
    enter("first");
    enter("second");
    enter("second"); /* once is enough */
    enter("");
    type("\x1b[A");
    assert_string_equal(edit.text, "second");
    type("\x1b[A");
    assert_string_equal(edit.text, "first");
    type("\x1b[A");
    assert_string_equal(edit.text, "first");
    type("\x1b[B!");
    assert_string_equal(edit.text, "second!");
    type("\x1b[B\x1b[B");
    assert_string_equal(edit.text, "");
    type("\x1b[A");
    assert_string_equal(edit.text, "second");
}

static void the_oldest_lines_are_forgotten(void **state)
{
    char line[] = "a";

    (void)state;
    for (; line[0] < 'a' + EDIT_LINES + 3; line[0]++)
        enter(line);
    for (unsigned i = 0; i < 2 * EDIT_LINES; i++)
        type("\x1b[A");
    assert_string_equal(edit.text, "d");
}

static void a_line_has_an_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * EDIT_SIZE; i++)
        type("x");
    assert_int_equal(edit.length, EDIT_SIZE - 1);
    line_edit_insert(&edit, "more");
    assert_int_equal(edit.length, EDIT_SIZE - 1);
}

static char shown[64];

static void keep(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    strncat(shown, text, length);
}

/* CR, the line, "erase in line", "cursor backward"; a character at the line's end alone. */
static void what_a_key_did_is_shown(void **state)
{
    static const struct {
        const char *keys, *shown;
    } rows[] = {
        {"", "\r> \x1b[K"},
        {"a", "a"},
        {"bc", "c"},
        {"\t", "\r> abc\x1b[K"},
        {"\x1b[D", "\r> abc\x1b[K\x1b[1D"},
        {"x", "\r> abxc\x1b[K\x1b[1D"},
        {"\x1b[C", "\r> abxc\x1b[K"},
        {"\x7f", "\r> abx\x1b[K"},
        {"\xe4", "\r> abx\x1b[K"},
        {"d", "d"},
        {"\x1b", "\r> abxd\x1b[K"},
        {"[", "\r> abxd\x1b[K"},
        {"C", "\r> abxd\x1b[K"},
    };
    struct sink sink = {keep};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        type(rows[i].keys);
        shown[0] = '\0';
        line_edit_show(&edit, "> ", &sink);
        assert_string_equal(shown, rows[i].shown);
    }
}

/* One that does not fit is not shown. */
static void a_full_line_is_shown_anew(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EDIT_SIZE - 1; i++)
        type("x");
    assert_true(edit.appended);
    type("y");
    assert_false(edit.appended);
    type("\x7f"
         "z");
    assert_true(edit.appended);
    line_edit_begin(&edit);
    assert_false(edit.appended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys_change_the_line_where_the_cursor_is, begin),
        cmocka_unit_test_setup(tab_and_enter_are_for_the_caller, begin),
        cmocka_unit_test_setup(arrows_go_through_the_history, begin),
        cmocka_unit_test_setup(the_oldest_lines_are_forgotten, begin),
        cmocka_unit_test_setup(a_line_has_an_end, begin),
        cmocka_unit_test_setup(what_a_key_did_is_shown, begin),
        cmocka_unit_test_setup(a_full_line_is_shown_anew, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
