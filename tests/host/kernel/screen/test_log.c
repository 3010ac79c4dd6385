#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/screen/screen.h"

static void add(struct console_log *log, enum colour colour, const char *text)
{
    console_log_add(log, colour, text, strlen(text));
}

static char out[200];

/* Writes each piece as [colour text]. */
static void show(enum colour colour, const char *text, size_t length)
{
    (void)snprintf(out + strlen(out), sizeof(out) - strlen(out), "[%d %.*s]", (int)colour,
                   (int)length, text);
}

static void plays(const struct console_log *log, const char *wanted)
{
    out[0] = '\0';
    console_log_play(log, show);
    assert_string_equal(out, wanted);
}

static void keeps_text_and_colour(void **state)
{
    uint8_t bytes[64];
    struct console_log log;

    (void)state;
    log = (struct console_log){.bytes = bytes, .size = sizeof(bytes)};
    plays(&log, "");
    add(&log, COLOUR_PLAIN, "a");
    add(&log, COLOUR_PLAIN, "b\n");
    add(&log, COLOUR_OK, "good");
    add(&log, COLOUR_REFUSAL, "bad");
    add(&log, COLOUR_PLAIN, "");
    add(&log, COLOUR_PLAIN, "end");
    plays(&log, "[0 ab\n][3 good][5 bad][0 end]");
    plays(&log, "[0 ab\n][3 good][5 bad][0 end]"); /* it stays */
    assert_int_equal(log.lost, 0);
}

static void every_colour_comes_back(void **state)
{
    uint8_t bytes[8];

    (void)state;
    for (enum colour colour = COLOUR_PLAIN; colour <= COLOUR_REFUSAL; colour++) {
        struct console_log log;
        char wanted[16];

        log = (struct console_log){.bytes = bytes, .size = sizeof(bytes)};
        add(&log, colour, "\xff\x90z"); /* bytes that could be taken for marks, were a bit lost */
        (void)snprintf(wanted, sizeof(wanted), "[%d \xff\x90z]", (int)colour);
        plays(&log, wanted);
    }
}

/* No byte that cleaned text may have is taken for a mark. */
static void every_byte_of_text_comes_back(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[] = {(char)byte, 'z', '\0'};
        uint8_t bytes[8];
        struct console_log log;
        char wanted[16];

        console_clean(text, text, 1);
        log = (struct console_log){.bytes = bytes, .size = sizeof(bytes)};
        add(&log, COLOUR_OK, text);
        (void)snprintf(wanted, sizeof(wanted), "[3 %s]", text);
        plays(&log, wanted);
    }
}

static void keeps_the_oldest_and_counts_the_rest(void **state)
{
    uint8_t bytes[8];
    struct console_log log;

    (void)state;
    log = (struct console_log){.bytes = bytes, .size = sizeof(bytes)};
    add(&log, COLOUR_PLAIN, "123456");
    add(&log, COLOUR_PLAIN, "789");
    assert_int_equal(log.lost, 1);
    add(&log, COLOUR_PLAIN, "abc");
    assert_int_equal(log.lost, 4);
    plays(&log, "[0 12345678]");

    log = (struct console_log){.bytes = bytes, .size = sizeof(bytes)};
    add(&log, COLOUR_PLAIN, "1234567");
    add(&log, COLOUR_OK, "x"); /* no room for the mark and a character: no mark without text */
    assert_int_equal(log.length, 7);
    add(&log, COLOUR_PLAIN, "y");
    assert_int_equal(log.lost, 2);
    plays(&log, "[0 1234567]"); /* nothing after the gap */

    log = (struct console_log){.bytes = bytes, .size = sizeof(bytes)};
    add(&log, COLOUR_PLAIN, "12345678");
    add(&log, COLOUR_OK, "x"); /* no room even for the mark */
    assert_int_equal(log.lost, 1);
    plays(&log, "[0 12345678]");
}

static char sent[400];

void serial_send(const char *text, size_t length)
{
    strncat(sent, text, length);
}

static void serial_lines_begin_and_end_plain(void **state)
{
    (void)state;
    sent[0] = '\0';
    serial_text_write(COLOUR_PLAIN, "a\nb", 3);
    serial_text_write(COLOUR_OK, "c\nd\n", 4);
    serial_text_write(COLOUR_PLAIN, "-----\n", 6);
    assert_string_equal(sent, "a\r\nb\033[0;32mc\033[0m\r\n\033[0;32md\033[0m\r\n-----\r\n");
}

static void serial_changes_colour_only_for_text(void **state)
{
    (void)state;
    sent[0] = '\0';
    serial_text_write(COLOUR_REFUSAL, "\n\n", 2);
    serial_text_write(COLOUR_WARNING, "", 0);
    serial_text_write(COLOUR_HEADING, "h", 1);
    serial_text_write(COLOUR_HEADING, "i", 1);
    serial_text_write(COLOUR_DIM, "j", 1);
    serial_text_write(COLOUR_PLAIN, "k", 1);
    assert_string_equal(sent, "\r\n\r\n\033[0;1mhi\033[0;2mj\033[0mk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_text_and_colour),
        cmocka_unit_test(every_colour_comes_back),
        cmocka_unit_test(every_byte_of_text_comes_back),
        cmocka_unit_test(keeps_the_oldest_and_counts_the_rest),
        cmocka_unit_test(serial_lines_begin_and_end_plain),
        cmocka_unit_test(serial_changes_colour_only_for_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
