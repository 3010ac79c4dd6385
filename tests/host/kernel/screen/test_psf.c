#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/screen/psf.h"

/* A font of two glyphs, 12 by 2 pixels: PSF version 2, header of 32 bytes. */
static const uint8_t psf2[] = {
    0x72, 0xb5, 0x4a, 0x86, 0,    0, 0, 0,
    32,   0,    0,    0,    1,    0, 0, 0, /* magic, version, header, table */
    2,    0,    0,    0,    4,    0, 0, 0,
    2,    0,    0,    0,    12,   0, 0, 0, /* count, size, height, width */
    0xff, 0xf0, 0x80, 0x10,                /* glyph 0 */
    0x12, 0x30, 0x45, 0x60,                /* glyph 1 */
    '?',  0xc3, 0x84, 0xff,                /* glyph 0: '?' and U+00C4 */
    'A',  0xfe, 'B',  'C',  0xff, /* glyph 1: 'A' alone; "BC" together, which no character is */
};
enum { PSF2_TABLE = 40 };

static void open_copy(const uint8_t *data, size_t bytes, bool wanted)
{
    struct psf_font font;
    uint8_t *copy = malloc(bytes > 0 ? bytes : 1); /* so that the sanitizer sees its end */

    memcpy(copy, data, bytes);
    assert_int_equal(psf_open(&font, copy, bytes), wanted);
    free(copy);
}

static void version_2_with_a_table(void **state)
{
    struct psf_font font;

    (void)state;
    assert_true(psf_open(&font, psf2, sizeof(psf2)));
    assert_int_equal(font.count, 2);
    assert_int_equal(font.width, 12);
    assert_int_equal(font.height, 2);
    assert_int_equal(psf_row(&font, 'A', 0), 0x12300000);
    assert_int_equal(psf_row(&font, 'A', 1), 0x45600000);
    assert_int_equal(psf_row(&font, '?', 0), 0xfff00000);
    assert_int_equal(psf_row(&font, 'B', 1), 0x80100000); /* only in a sequence: looks like '?' */
    assert_int_equal(psf_row(&font, 0xc3, 1), 0x80100000);
}

static void version_2_without_a_table(void **state)
{
    uint8_t data[sizeof(psf2)];
    struct psf_font font;

    (void)state;
    memcpy(data, psf2, sizeof(data));
    data[12] = 0;
    assert_true(psf_open(&font, data, PSF2_TABLE));
    assert_int_equal(psf_row(&font, 1, 0), 0x12300000);
    assert_int_equal(psf_row(&font, 'A', 0),
                     0xfff00000); /* beyond the glyphs; so is '?': the first */
}

/* The other things that a header may say, each wrong in one way. */
static void bad_headers(void **state)
{
    static const struct {
        size_t offset;
        uint8_t value;
    } changes[] = {
        {0, 0x71},  /* magic */
        {3, 0},     /* magic */
        {8, 31},    /* header too short */
        {9, 1},     /* header beyond the end */
        {16, 0},    /* no glyph */
        {16, 9},    /* more glyphs than bytes */
        {19, 0xff}, /* so many that their size overflows 32 bits */
        {24, 0},    /* no height */
        {24, 65},   /* too high */
        {28, 0},    /* no width */
        {28, 33},   /* too wide */
        {31, 0xff}, /* width whose row overflows */
    };

    (void)state;
    open_copy(psf2, sizeof(psf2), true);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        uint8_t data[sizeof(psf2)];

        memcpy(data, psf2, sizeof(data));
        data[changes[i].offset] = changes[i].value;
        open_copy(data, sizeof(data), false);
    }
}

static void cut_short_anywhere(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes <= sizeof(psf2); bytes++)
        open_copy(psf2, bytes, bytes >= PSF2_TABLE);
}

static void version_1(void **state)
{
    enum { HEIGHT = 3, GLYPHS = 256, TABLE = 4 + GLYPHS * HEIGHT };
    static uint8_t data[TABLE + 2 * (GLYPHS + 4)];
    struct psf_font font;
    size_t end = TABLE;

    (void)state;
    data[0] = 0x36;
    data[1] = 0x04;
    data[2] = 0; /* 256 glyphs, no table */
    data[3] = HEIGHT;
    data[4 + 'x' * HEIGHT + 2] = 0xa5;
    data[4 + 2 * HEIGHT] = 0x5a;
    open_copy(data, TABLE - 1, false);
    assert_true(psf_open(&font, data, TABLE));
    assert_int_equal(font.width, 8);
    assert_int_equal(psf_row(&font, 'x', 2), 0xa5000000);

    /* A table in which glyph 2 is 'x': U+0078, in the third entry, after a sequence of U+0078. */
    data[2] = 0x02;
    memset(data + TABLE, 0xff, sizeof(data) - TABLE);
    memcpy(data + end, (uint8_t[]){0xff, 0xff, 0xfe, 0xff, 'x', 0, 0xff, 0xff, 'x', 0}, 10);
    assert_true(psf_open(&font, data, sizeof(data)));
    assert_int_equal(psf_row(&font, 'x', 0), 0x5a000000);

    /* What stands in a sequence is not the character: glyph 3, after the real one. */
    memcpy(data + end + 10, (uint8_t[]){0xff, 0xff, 0xfe, 0xff, 'x', 0}, 6);
    assert_true(psf_open(&font, data, sizeof(data)));
    assert_int_equal(psf_row(&font, 'x', 0), 0x5a000000);

    /* U+007F is the last of ASCII, U+0080 is no part of it: the sanitizer sees a glyph too many. */
    memcpy(data + end + 10, (uint8_t[]){0x7f, 0, 0x80, 0, 0xff, 0xff}, 6);
    assert_true(psf_open(&font, data, sizeof(data)));
    assert_int_equal(psf_row(&font, 0x7f, 0), 0x5a000000);

    /* The last unit of a table counts, too. */
    assert_true(psf_open(&font, data, TABLE + 10));
    assert_int_equal(psf_row(&font, 'x', 0), 0x5a000000);
    assert_true(psf_open(&font, data, TABLE + 9));
    assert_int_equal(psf_row(&font, 'x', 0), 0);

    /* Cut anywhere in the table, also between the two bytes of a unit. */
    for (size_t bytes = TABLE; bytes < sizeof(data); bytes++)
        open_copy(data, bytes, true);

    data[2] = 0x01; /* 512 glyphs: twice as many as there are */
    open_copy(data, sizeof(data), false);
}

/* The font that goes into the kernel: every printable ASCII character has a look of its own. */
static void the_real_font(void **state)
{
    static uint8_t data[1 << 20];
    struct psf_font font;
    FILE *file = fopen(FONT_FILE, "rb");
    size_t bytes;

    (void)state;
    assert_non_null(file);
    bytes = fread(data, 1, sizeof(data), file);
    (void)fclose(file);
    assert_true(psf_open(&font, data, bytes));
    assert_int_equal(font.width, 8);
    assert_int_equal(font.height, 16);
    for (unsigned char a = ' '; a < 0x7f; a++) {
        for (unsigned char b = ' '; b < a; b++) {
            bool same = true;

            for (uint32_t row = 0; row < font.height; row++)
                same = same && psf_row(&font, a, row) == psf_row(&font, b, row);
            assert_false(same);
        }
    }
    for (uint32_t row = 0; row < font.height; row++)
        assert_int_equal(psf_row(&font, ' ', row), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2_with_a_table),
        cmocka_unit_test(version_2_without_a_table),
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(cut_short_anywhere),
        cmocka_unit_test(version_1),
        cmocka_unit_test(the_real_font),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
