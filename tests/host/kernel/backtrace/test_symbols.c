#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/backtrace/backtrace.h"

/* The table as tools/gen_symbols.py makes it. */
static const uint8_t good[] = {
    4,    0,    0,    0,                                      /* functions */
    '_',  'a',  'd',  'e',  'i', 'l',  'm',  'n', 'p',  '\0', /* letters 1 to 9 */
    7,    2,    10,   9,    1,   2,    6,    6,   '\0', /* 10: "ma", 11: "map", 12: "_a", 13: "ll"
                                                         */
    0x80, 0x02, 10,   5,    8,   '\0',                  /* 0x100: "main" */
    0x80, 0x01, 11,   '\0',                             /* 0x180: "map" */
    0x80, 0x1d, 11,   12,   13,  '\0',                  /* 0x1000: "map_all" */
    0xff, 0xff, 0x03, 4,    8,   3,    '\0',            /* 0x10fff: "end" */
};
enum { HEAD = 4, FIRST = HEAD + 10 + 9, SECOND = FIRST + 6, THIRD = SECOND + 4 };

static void check(uint64_t offset, const char *name, uint64_t inside)
{
    struct symbol found;

    assert_true(symbols_find(good, sizeof(good), offset, &found));
    assert_string_equal(found.name, name);
    assert_int_equal(found.inside, inside);
}

static void finds_the_function(void **state)
{
    struct symbol found;

    (void)state;
    check(0x100, "main", 0);
    check(0x17f, "main", 0x7f);
    check(0x180, "map", 0);
    check(0xfff, "map", 0xe7f);
    check(0x1000, "map_all", 0);
    check(0x10ffe, "map_all", 0xfffe);
    check(0x10fff, "end", 0);
    check(1ull << 40, "end", (1ull << 40) - 0x10fff);
    assert_false(symbols_find(good, sizeof(good), 0xff, &found));
    assert_false(symbols_find(good, sizeof(good), 0, &found));
}

/* As after the first link: nothing is found, nothing is read. */
static void no_table(void **state)
{
    static const uint8_t empty[HEAD] = {0};
    struct symbol found;

    (void)state;
    assert_false(symbols_find(empty, sizeof(empty), 0x100, &found));
    assert_false(symbols_find(empty, 0, 0x100, &found));
}

/* Of a table that is cut short, what is whole can still be found. */
static void cut_tables(void **state)
{
    struct symbol found;

    (void)state;
    for (size_t bytes = 0; bytes < sizeof(good); bytes++) {
        uint8_t *copy = malloc(bytes > 0 ? bytes : 1); /* so that the sanitizer sees its end */

        assert_non_null(copy);
        memcpy(copy, good, bytes);
        assert_false(symbols_find(copy, bytes, UINT64_MAX, &found));
        assert_int_equal(symbols_find(copy, bytes, 0x17f, &found), bytes >= SECOND + 2);
        assert_int_equal(symbols_find(copy, bytes, 0xfff, &found), bytes >= THIRD + 2);
        free(copy);
    }
}

/* A name takes no more room than there is. */
static void long_names(void **state)
{
    uint8_t table[128] = {1, 0, 0, 0, 'x', '\0', '\0', 0x10};
    struct symbol found;

    (void)state;
    memset(table + 8, 1, SYMBOL_NAME_SIZE);
    assert_true(symbols_find(table, sizeof(table), 0x100, &found));
    assert_int_equal(strlen(found.name), SYMBOL_NAME_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_function),
        cmocka_unit_test(no_table),
        cmocka_unit_test(cut_tables),
        cmocka_unit_test(long_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
