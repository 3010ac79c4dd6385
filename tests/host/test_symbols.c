#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/symbols.h"

/* The table as tools/gen_symbols.py makes it. */
struct table {
    uint32_t count;
    uint32_t offsets[3];
    uint32_t name_starts[3];
    char names[16];
};

static const struct table good = {
    3,
    {0x100, 0x180, 0x1000},
    {0, 6, 11},
    "entry\0main\0last",
};

static void check(const struct symbols *symbols, uint64_t offset, const char *name, uint64_t inside)
{
    uint64_t found = UINT64_MAX;

    assert_string_equal(symbols_find(symbols, offset, &found), name);
    assert_int_equal(found, inside);
}

static void finds_the_function(void **state)
{
    struct symbols symbols;
    uint64_t inside;

    (void)state;
    assert_true(symbols_open(&symbols, &good, sizeof(good)));
    check(&symbols, 0x100, "entry", 0);
    check(&symbols, 0x17f, "entry", 0x7f);
    check(&symbols, 0x180, "main", 0);
    check(&symbols, 0xfff, "main", 0xe7f);
    check(&symbols, 0x1000, "last", 0);
    check(&symbols, 1ull << 40, "last", (1ull << 40) - 0x1000);
    assert_null(symbols_find(&symbols, 0xff, &inside));
    assert_null(symbols_find(&symbols, 0, &inside));
}

/* As after the first link: nothing is found, nothing is read. */
static void no_table(void **state)
{
    static const uint32_t empty[] = {0};
    struct symbols symbols;
    uint64_t inside;

    (void)state;
    assert_false(symbols_open(&symbols, empty, sizeof(empty)));
    assert_null(symbols_find(&symbols, 0x100, &inside));
    assert_false(symbols_open(&symbols, empty, 0));
    assert_null(symbols_find(&symbols, 0x100, &inside));
}

static void bad_tables(void **state)
{
    struct table bad = good;
    struct symbols symbols;
    uint64_t inside;

    (void)state;
    bad.count = UINT32_MAX;
    assert_false(symbols_open(&symbols, &bad, sizeof(bad)));
    bad.count = 6; /* the numbers would take 52 bytes of 44 */
    assert_false(symbols_open(&symbols, &bad, sizeof(bad)));
    bad = good;
    assert_false(symbols_open(&symbols, &bad, offsetof(struct table, names)));
    assert_false(symbols_open(&symbols, &bad, sizeof(bad) - 1)); /* the last name has no end */
    bad.name_starts[1] = sizeof(bad.names);
    assert_true(symbols_open(&symbols, &bad, sizeof(bad)));
    assert_null(symbols_find(&symbols, 0x180, &inside));
    check(&symbols, 0x100, "entry", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_function),
        cmocka_unit_test(no_table),
        cmocka_unit_test(bad_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
