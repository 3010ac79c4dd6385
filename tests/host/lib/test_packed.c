/* Packed texts: letters, pairs, and pairs of pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/packed.h"

/* 1 to 3: the letters; 4: "ab"; 5: "cab"; 6: "cabab". */
static const char packing[] = "abc\0\001\002\003\004\005\004";

static void each_code_stands_for_its_letters(void **state)
{
    static const struct {
        const char *packed, *text;
    } rows[] = {{"", ""},
                {"\001\003", "ac"},
                {"\004", "ab"},
                {"\005\003", "cabc"},
                {"\006\001\006", "cababacabab"}};
    char text[16];

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *behind = unpack(packing, rows[i].packed, text, sizeof(text));

        assert_string_equal(text, rows[i].text);
        assert_ptr_equal(behind, rows[i].packed + strlen(rows[i].packed) + 1);
    }
}

/* What does not fit is left out, also within a pair; the next text is found all the same. */
static void a_text_is_cut_off(void **state)
{
    static const char packed[] = "\006\006\0\003";
    char text[8];

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_ptr_equal(unpack(packing, packed, text, 4), packed + 3);
    assert_memory_equal(text, "cab\0xxxx", sizeof(text));
    (void)unpack(packing, packed, text, 1);
    assert_string_equal(text, "");
}

/* The highest code, by pairs each of which holds the one before: as deep as can be. */
static void as_many_pairs_as_there_can_be(void **state)
{
    char deep[2 + 2 * 254 + 1] = "a";
    char text[300];

    (void)state;
    for (int i = 0; i < 254; i++) {
        deep[2 + 2 * i] = (char)(i + 1);
        deep[3 + 2 * i] = 1;
    }
    (void)unpack(deep, "\377", text, sizeof(text));
    assert_int_equal(strlen(text), 255);
    for (int i = 0; i < 254; i++) {
        deep[2 + 2 * i] = 1;
        deep[3 + 2 * i] = (char)(i + 1);
    }
    (void)unpack(deep, "\377", text, sizeof(text));
    assert_int_equal(strlen(text), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_stands_for_its_letters),
        cmocka_unit_test(a_text_is_cut_off),
        cmocka_unit_test(as_many_pairs_as_there_can_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
