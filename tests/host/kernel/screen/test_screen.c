#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/screen/screen.h"

enum { COLUMNS = 20, ROWS = 4 };

/* What has been drawn where. */
static char drawn[SCREEN_ROWS_MOST][SCREEN_COLUMNS_MOST + 1];
static uint8_t colours[SCREEN_ROWS_MOST][SCREEN_COLUMNS_MOST];
static size_t draws, clears;
static struct screen screen;
static struct {
    uint32_t columns, rows;
} device;

void screen_draw(uint32_t column, uint32_t row, struct screen_cell cell)
{
    assert_true(column < device.columns && row < device.rows);
    drawn[row][column] = (char)cell.character;
    colours[row][column] = cell.colour;
    draws++;
}

void screen_wipe(void)
{
    memset(drawn, ' ', sizeof(drawn));
    memset(colours, COLOUR_PLAIN, sizeof(colours));
    clears++;
}

/* A device that GRUB has left full of text. */
static void open_device(uint32_t columns, uint32_t rows)
{
    memset(drawn, 'G', sizeof(drawn));
    memset(&screen, 0xff, sizeof(screen));
    device.columns = columns;
    device.rows = rows;
    screen_init(&screen, columns, rows);
}

static int set_up(void **state)
{
    (void)state;
    open_device(COLUMNS, ROWS);
    screen_clear(&screen);
    screen_flush(&screen);
    assert_int_equal(draws, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    draws = 0;
    clears = 0;
    return 0;
}

static void write_plain(const char *text)
{
    screen_write(&screen, COLOUR_PLAIN, text, strlen(text));
    screen_flush(&screen);
}

/* The row without the blanks at its end. */
static void row_is(uint32_t row, const char *wanted)
{
    char text[SCREEN_COLUMNS_MOST + 1];
    size_t length = device.columns;

    memcpy(text, drawn[row], sizeof(text));
    while (length > 0 && text[length - 1] == ' ')
        length--;
    text[length] = '\0';
    assert_string_equal(text, wanted);
}

static void text_and_colours(void **state)
{
    (void)state;
    write_plain("one\n");
    screen_write(&screen, COLOUR_OK, "two", 3);
    screen_flush(&screen);
    row_is(0, "one");
    row_is(1, "two");
    row_is(2, "");
    assert_int_equal(colours[0][0], COLOUR_PLAIN);
    assert_int_equal(colours[1][2], COLOUR_OK);
    assert_int_equal(draws, 6); /* only what changed */
    write_plain("");
    assert_int_equal(draws, 6);
    assert_true(screen.changed_first >= screen.changed_end); /* no row is left to look at */
    assert_int_equal(screen.changed_end, 0);
}

static void nothing_is_drawn_until_something_is_written(void **state)
{
    (void)state;
    memset(&screen, 0, sizeof(screen));
    screen_init(&screen, device.columns, device.rows);
    write_plain("");
    assert_int_equal(draws, 0);
    write_plain("\nx");
    assert_int_equal(draws, COLUMNS); /* the second row alone */
}

/* Whole lines, whatever stood there; and no more than there is text. */
static void lines_stand_on_a_screen_that_is_not_cleared_yet(void **state)
{
    (void)state;
    open_device(COLUMNS, ROWS);
    screen_flush(&screen);
    assert_int_equal(draws, 0);
    write_plain("one\ntwo\n");
    row_is(0, "one");
    row_is(1, "two");
    row_is(3, "GGGGGGGGGGGGGGGGGGGG");
    clears = 0;
    screen_clear(&screen);
    assert_int_equal(clears, 1);
    draws = 0;
    screen_flush(&screen);
    assert_int_equal(draws, 6); /* what is written, again; the blanks are there */
    row_is(0, "one");
    row_is(1, "two");
    row_is(2, "");
    row_is(3, "");
    write_plain("three\nfour\nfive");
    row_is(0, "two");
    row_is(3, "five");
}

/* The last row, written but for its end, is drawn after a clear, too. */
static void all_that_is_written_is_drawn_after_a_clear(void **state)
{
    (void)state;
    write_plain("one\ntwo\nthree\nfour");
    screen_clear(&screen);
    screen_flush(&screen);
    row_is(0, "one");
    row_is(3, "four");
}

static void nothing_is_drawn_before_the_flush(void **state)
{
    (void)state;
    screen_write(&screen, COLOUR_PLAIN, "one\ntwo", 7);
    assert_int_equal(draws, 0);
    screen_flush(&screen);
    assert_int_equal(draws, 6);
}

static void a_full_line_wraps_with_the_next_character(void **state)
{
    (void)state;
    write_plain("12345678901234567890");
    row_is(0, "12345678901234567890");
    assert_int_equal(screen.row, 0);
    write_plain("\nx");
    row_is(1, "x"); /* no empty line between */
    write_plain("\n12345678901234567890y");
    row_is(2, "12345678901234567890");
    row_is(3, "y");
}

static void scrolls(void **state)
{
    (void)state;
    write_plain("one\ntwo\nthree\nfour\n");
    row_is(0, "two");
    row_is(1, "three");
    row_is(2, "four");
    row_is(3, "");
    write_plain("five\nsix");
    row_is(0, "three");
    row_is(1, "four");
    row_is(2, "five");
    row_is(3, "six");
    write_plain("\n"); /* which writes nowhere, and moves all */
    row_is(0, "four");
    row_is(1, "five");
    row_is(2, "six");
    row_is(3, "");
}

/* Equal lines look the same after a scroll: there is nothing to draw. */
static void a_scroll_draws_only_what_differs(void **state)
{
    (void)state;
    write_plain("same\nsame\nsame\nsame");
    draws = 0;
    write_plain("\nsame");
    assert_int_equal(draws, 0);
    write_plain("\nsome");
    assert_int_equal(draws, 1);
}

static void tabs(void **state)
{
    (void)state;
    write_plain("a\tb\n\tc\n12345678\td");
    row_is(0, "a       b");
    row_is(1, "        c");
    row_is(2, "12345678        d");
    write_plain("\n1234567890123456\te"); /* the tab goes to the right edge: 'e' wraps */
    row_is(2, "1234567890123456");
    row_is(3, "e");
}

static void only_ascii(void **state)
{
    (void)state;
    write_plain("a\xe2\x80\x93z \xc3\xa4 \x1b[0m\x7f");
    row_is(0, "a?z ? ?[0m?");
    write_plain("\n\x1f !}~\x7f"); /* the first and the last that is shown, and their neighbours */
    row_is(1, "? !}~?");
}

static void one_cell(void **state)
{
    (void)state;
    open_device(1, 1);
    write_plain("abc\t\nz");
    assert_int_equal(drawn[0][0], 'z');
}

static void too_large_a_screen_is_used_in_part(void **state)
{
    (void)state;
    open_device(1000, 1000);
    screen_clear(&screen);
    for (unsigned i = 0; i < SCREEN_ROWS_MOST + 5; i++)
        write_plain("line\n");
    write_plain("end");
    assert_int_equal(memcmp(drawn[SCREEN_ROWS_MOST - 1], "end ", 4), 0);
    assert_int_equal(memcmp(drawn[0], "line ", 5), 0);
}

/* A row that is cleared ends with its last column: the first cell that is shown stays known. */
static void the_largest_screen_scrolls(void **state)
{
    (void)state;
    open_device(SCREEN_COLUMNS_MOST, SCREEN_ROWS_MOST);
    screen_clear(&screen);
    write_plain("x");
    for (unsigned i = 1; i < SCREEN_ROWS_MOST; i++)
        write_plain("\n");
    assert_int_equal(drawn[0][0], 'x');
    write_plain("\n");
    assert_int_equal(drawn[0][0], ' ');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_and_colours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_drawn_until_something_is_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lines_stand_on_a_screen_that_is_not_cleared_yet, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(all_that_is_written_is_drawn_after_a_clear, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_drawn_before_the_flush, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_line_wraps_with_the_next_character, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(scrolls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_scroll_draws_only_what_differs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tabs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_ascii, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_cell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_largest_screen_scrolls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_large_a_screen_is_used_in_part, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
