#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/console.h"

static void cleans(void **state)
{
    char text[] = "a\033[2J\r\n\tb\x7f\x01\xc3\xa4";

    (void)state;
    console_clean(text, text, strlen(text));
    assert_string_equal(text, "a?[2J?\n\tb??\xc3\xa4");
}

static char sent[400];

static void send(const char *text, size_t length)
{
    strncat(sent, text, length);
}

static void serial_lines_begin_and_end_plain(void **state)
{
    struct serial_text serial = {.send = send};

    (void)state;
    sent[0] = '\0';
    serial_text_write(&serial, COLOUR_PLAIN, "a\nb", 3);
    assert_true(serial.in_line);
    serial_text_write(&serial, COLOUR_OK, "c\nd\n", 4);
    assert_false(serial.in_line);
    serial_text_write(&serial, COLOUR_PLAIN, "-----\n", 6);
    assert_string_equal(sent, "a\r\nb\033[0;32mc\033[0m\r\n\033[0;32md\033[0m\r\n-----\r\n");
}

static void serial_changes_colour_only_for_text(void **state)
{
    struct serial_text serial = {.send = send};

    (void)state;
    sent[0] = '\0';
    serial_text_write(&serial, COLOUR_REFUSAL, "\n\n", 2);
    serial_text_write(&serial, COLOUR_WARNING, "", 0);
    serial_text_write(&serial, COLOUR_HEADING, "h", 1);
    serial_text_write(&serial, COLOUR_HEADING, "i", 1);
    serial_text_write(&serial, COLOUR_DIM, "j", 1);
    serial_text_write(&serial, COLOUR_PLAIN, "k", 1);
    assert_string_equal(sent, "\r\n\r\n\033[0;1mhi\033[0;2mj\033[0mk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cleans),
        cmocka_unit_test(serial_lines_begin_and_end_plain),
        cmocka_unit_test(serial_changes_colour_only_for_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
