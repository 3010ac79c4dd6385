/* Names that are found and gone on with, whatever their case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "kernel/line/line_command.h"

static bool names(int kind, uint32_t n, char *name)
{
    static const char *const of_kind[][5] = {{"alpha", "Alphabet", "beta", "z"}, {"Zulu", "[zone"}};

    if (of_kind[kind][n] == NULL)
        return false;
    strcpy(name, of_kind[kind][n]);
    return true;
}

static void a_name_is_found_by_all_its_letters(void **state)
{
    static const struct {
        const char *text;
        int kind, n; /* -1: none */
    } rows[] = {
        {"alpha", 0, 0}, {"ALPHA", 0, 0},  {"alphabet", 0, 1}, {"alphab", 0, -1}, {"alph", 0, -1},
        {"beta", 0, 2},  {"Z", 0, 3},      {"z", 1, -1},       {"", 0, -1},       {"zULU", 1, 0},
        {"[ZONE", 1, 1}, {"{zone", 1, -1}, /* the bit between cases is of letters alone */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t n;
        bool found = completion_find(names, rows[i].kind, rows[i].text, strlen(rows[i].text), &n);

        if (found != (rows[i].n >= 0) || (found && (int)n != rows[i].n))
            fail_msg("%s: %d %u", rows[i].text, found, n);
    }
}

/* As far as all that fit agree; a space after the only one, which may be whole already. */
static void what_is_typed_is_gone_on_with(void **state)
{
    static const struct {
        const char *text, *more, *list;
        int kind;
    } rows[] = {
        {"a", "lpha", "alpha Alphabet ", 0},
        {"AL", "pha", "alpha Alphabet ", 0},
        {"alpha", "", "alpha Alphabet ", 0},
        {"alphab", "et ", "Alphabet ", 0},
        {"alphabet", " ", "Alphabet ", 0},
        {"b", "eta ", "beta ", 0},
        {"", "", "alpha Alphabet beta z ", 0},
        {"betas", "", "", 0},
        {"zu", "lu ", "Zulu ", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char more[COMPLETION_SIZE], text[64];
        struct text_buffer list;
        size_t length;

        text_buffer_init(&list, text, sizeof(text));
        length = completion_add(names, rows[i].kind, rows[i].text, more, &list.sink);
        assert_string_equal(more, rows[i].more);
        assert_string_equal(text, rows[i].list);
        assert_int_equal(length, strlen(more));
        assert_int_equal(completion_add(names, rows[i].kind, rows[i].text, more, NULL), length);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_found_by_all_its_letters),
        cmocka_unit_test(what_is_typed_is_gone_on_with),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
