/*
 * On which serial ports the console speaks, at which rate. Each port is a model of a UART as the
 * PC16550D data sheet has it, as far as it is used.
 */
#include "lib/host/clock.h"
#include "kernel/console/console.h"
#include "kernel/screen/console_choice.h"
#include "lib/x86.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { COM1 = 0x3f8, COM2 = 0x2f8, COM3 = 0x3e8, OTHER = 0x3000, UARTS = 4 };

static struct uart {
    uint16_t port;
    bool there, deaf, old; /* deaf: it never sends; old: without FIFO */
    uint8_t line_control, modem_control;
    unsigned divisor;
    unsigned room; /* characters that it takes before it has to be asked again */
    char sent[600];
} uarts[UARTS];

static uint64_t tsc;

static struct uart *uart_of(uint16_t port)
{
    for (struct uart *uart = uarts; uart < uarts + UARTS; uart++) {
        if (uart->there && (port & ~7) == uart->port)
            return uart;
    }
    return NULL;
}

/* OUT2, OUT1, RTS, DTR appear as carrier, ring, CTS, DSR. */
static uint8_t looped(uint8_t modem_control)
{
    return (uint8_t)((modem_control & 8) << 4 | (modem_control & 4) << 4 |
                     (modem_control & 2) << 3 | (modem_control & 1) << 5);
}

static uint8_t line_status(struct uart *uart)
{
    if (uart->deaf)
        return 0;
    uart->room = uart->old ? 1 : 16;
    return 0x60;
}

uint8_t in8(uint16_t port)
{
    struct uart *uart = uart_of(port);

    if (uart == NULL)
        return 0xff;
    switch (port & 7) {
    case 0:
        return (uint8_t)(uart->line_control & 0x80 ? uart->divisor : 0);
    case 1:
        return (uint8_t)(uart->line_control & 0x80 ? uart->divisor >> 8 : 0);
    case 2:
        return uart->old ? 0x01 : 0xc1;
    case 5:
        return line_status(uart);
    case 6:
        return uart->modem_control & 0x10 ? looped(uart->modem_control) : 0xb0;
    default:
        return 0;
    }
}

static void take(struct uart *uart, uint8_t value)
{
    size_t length = strlen(uart->sent);

    assert_int_equal(uart->line_control, 3); /* 8 bits, no parity, 1 stop bit */
    assert_true(uart->room > 0);
    uart->room--;
    assert_true(length + 1 < sizeof(uart->sent));
    uart->sent[length] = (char)value;
}

void out8(uint16_t port, uint8_t value)
{
    struct uart *uart = uart_of(port);
    bool divisor;

    if (uart == NULL)
        return;
    divisor = (uart->line_control & 0x80) != 0;
    switch (port & 7) {
    case 0:
        if (divisor)
            uart->divisor = (uart->divisor & 0xff00) | value;
        else
            take(uart, value);
        break;
    case 1:
        if (divisor)
            uart->divisor = (uart->divisor & 0xff) | (unsigned)value << 8;
        break;
    case 3:
        uart->line_control = value;
        break;
    case 4:
        uart->modem_control = value;
        break;
    default:
        break;
    }
}

uint64_t rdtsc(void)
{
    return tsc += 1000000;
}

void cpu_relax(void)
{
}

uint64_t clock_tsc_per_ms(void)
{
    return 0;
}

uint64_t clock_deadline(uint64_t microseconds)
{
    return tsc + microseconds;
}

/* A machine with COM1 and COM2; and a console that nothing has been reported yet. */
static int set_up(void **state)
{
    static const uint16_t ports[UARTS] = {COM1, COM2, COM3, OTHER};
    const struct console_choice untold = {.screen = true, .lines = LINES_EVERY};

    (void)state;
    memset(uarts, 0, sizeof(uarts));
    for (unsigned i = 0; i < UARTS; i++) {
        uarts[i].port = ports[i];
        uarts[i].there = i < 2;
        uarts[i].divisor = 12; /* 9600 */
        uarts[i].line_control = 0x1a;
    }
    assert_true(console_choose(&untold));
    return 0;
}

static void said(const char *com1, const char *com2, const char *com3, const char *other)
{
    assert_string_equal(uarts[0].sent, com1);
    assert_string_equal(uarts[1].sent, com2);
    assert_string_equal(uarts[2].sent, com3);
    assert_string_equal(uarts[3].sent, other);
}

static bool name(uint16_t port, unsigned baud)
{
    const struct console_choice choice = {.lines = LINES_NAMED, .port = port, .baud = baud};

    return console_choose(&choice);
}

static void leave_to_firmware(void)
{
    const struct console_choice choice = {.screen = true, .lines = LINES_FIRMWARE};

    assert_true(console_choose(&choice));
}

static void before_anything_is_known(void **state)
{
    (void)state;
    console_print("PANIC\n");
    said("PANIC\r\n", "PANIC\r\n", "", "");
    assert_int_equal(uarts[0].divisor, 1);
    assert_int_equal(uarts[1].divisor, 1);
}

static void before_the_firmware_is_asked(void **state)
{
    (void)state;
    leave_to_firmware();
    console_print("early\n");
    said("early\r\n", "early\r\n", "", "");
    console_firmware_names(COM2, SERIAL_BAUD_KEPT);
    console_print("late\n");
    said("early\r\n", "early\r\nlate\r\n", "", "");
}

static void a_port_by_name(void **state)
{
    (void)state;
    assert_true(name(COM2, 57600));
    console_print("text\n");
    console_firmware_names(COM1, 115200); /* the person knows better */
    console_print("more\n");
    console_drain();
    said("", "text\r\nmore\r\n", "", "");
    assert_int_equal(uarts[1].divisor, 2);
    assert_int_equal(uarts[1].modem_control, 3); /* DTR and RTS, and no loop any more */
}

static void a_port_that_is_not_there(void **state)
{
    (void)state;
    uarts[3].there = true;
    assert_false(name(COM3, 9600));
    console_print("where?\n");
    said("where?\r\n", "where?\r\n", "", "");
    console_firmware_names(OTHER, 19200);
    console_print("here\n");
    said("where?\r\nhere\r\n", "where?\r\nhere\r\n", "", "here\r\n");
    assert_int_equal(uarts[3].divisor, 6);
}

static void no_line(void **state)
{
    const struct console_choice choice = {.screen = true, .lines = LINES_NONE};

    (void)state;
    assert_true(console_choose(&choice));
    console_firmware_names(COM2, 115200);
    console_print("screen\n");
    said("", "", "", "");
}

static void what_the_firmware_names(void **state)
{
    (void)state;
    leave_to_firmware();
    console_firmware_names(COM2, SERIAL_BAUD_KEPT);
    console_print("text\n");
    said("", "text\r\n", "", "");
    assert_int_equal(uarts[1].divisor, 12); /* 9600, as it was left */

    uarts[1].divisor = 0; /* never set */
    leave_to_firmware();
    console_firmware_names(COM2, SERIAL_BAUD_KEPT);
    assert_int_equal(uarts[1].divisor, 1);
}

static void what_there_is_else(void **state)
{
    (void)state;
    leave_to_firmware();
    console_firmware_names(0, 0);
    console_print("one\n");
    said("one\r\n", "", "", "");

    leave_to_firmware();
    console_firmware_names(COM3, 115200); /* nothing there */
    console_print("two\n");
    said("one\r\ntwo\r\n", "", "", "");

    uarts[0].there = false;
    leave_to_firmware();
    console_firmware_names(0, 0);
    console_print("three\n");
    said("one\r\ntwo\r\n", "three\r\n", "", "");
}

/* 40 characters: three times what the FIFO holds, in turn with a port that takes one at a time. */
static void long_text(void **state)
{
    const char *text = "0123456789012345678901234567890123456789\n";

    (void)state;
    uarts[1].old = true;
    console_print("%s", text);
    assert_int_equal(strlen(uarts[0].sent), 42);
    assert_string_equal(uarts[0].sent, uarts[1].sent);
}

/* A port that stops taking characters costs its time once; the others go on. */
static void one_gives_up(void **state)
{
    uint64_t before;

    (void)state;
    uarts[0].deaf = true;
    console_print("a");
    before = tsc;
    console_print("b\n");
    assert_true(tsc - before < 100000000);
    said("", "ab\r\n", "", "");
}

static void rates_that_do_not_divide(void **state)
{
    (void)state;
    assert_true(name(COM2, 9601));
    assert_int_equal(uarts[1].divisor, 1);
    assert_true(name(COM2, 2));
    assert_int_equal(uarts[1].divisor, 57600);
    assert_true(name(COM2, 1)); /* 16 bits do not hold it */
    assert_int_equal(uarts[1].divisor, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(before_anything_is_known, set_up),
        cmocka_unit_test_setup(before_the_firmware_is_asked, set_up),
        cmocka_unit_test_setup(a_port_by_name, set_up),
        cmocka_unit_test_setup(a_port_that_is_not_there, set_up),
        cmocka_unit_test_setup(no_line, set_up),
        cmocka_unit_test_setup(what_the_firmware_names, set_up),
        cmocka_unit_test_setup(what_there_is_else, set_up),
        cmocka_unit_test_setup(long_text, set_up),
        cmocka_unit_test_setup(one_gives_up, set_up),
        cmocka_unit_test_setup(rates_that_do_not_divide, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
