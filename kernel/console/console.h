/*
 * The console: text, cleaned and in order, to the serial ports and to whatever devices have
 * registered themselves. Colours are the devices'.
 */
#pragma once

#include "lib/format.h"
#include "lib/set.h"

enum colour { COLOUR_PLAIN, COLOUR_HEADING, COLOUR_DIM, COLOUR_OK, COLOUR_WARNING, COLOUR_REFUSAL };

/* In that colour, where it goes to the console; plain again after it. */
void print_in(struct sink *page, enum colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Copies `length` bytes; control characters other than newline and tab become '?', so that text
 * from outside (a command line, a loader's name) cannot send escape sequences to a terminal.
 */
void console_clean(char *to, const char *from, size_t length);

/* Where what is printed goes: to both kinds, to the serial ports alone, to the devices alone. */
enum console_target { CONSOLE_BOTH, CONSOLE_SERIAL, CONSOLE_SCREEN };

/* A device beside the serial ports. Its functions are called one at a time. */
struct console_device {
    /* Takes cleaned text. True: the device sends it to the serial ports itself, now or later. */
    bool (*write)(enum console_target target, enum colour colour, const char *text, size_t length);

    void (*flush)(void);   /* show what was written */
    void (*release)(void); /* send what is held back for the serial ports */
};
SET_DECLARE(consoles, const struct console_device);
#define CONSOLE_DEVICE(place, device) \
    SET_MEMBER(consoles, place, const struct console_device, device)

/* Prints in the colour set last (plain at first). Callable from any CPU, one call at a time. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_colour(enum colour colour);

/* Where what is printed from now on goes. */
void console_to(enum console_target target);

/* The console as a sink, for print_to(). */
struct sink *console_sink(void);

/* Sends what devices hold back. */
void console_release(void);

/* As console_release(); then waits, with a bound, until the UARTs have sent their last bit. */
void console_drain(void);

/*
 * For a panic: takes the lock even if another CPU holds it, releases, and begins a new line in the
 * plain colour, everywhere.
 */
void console_seize(void);

/*
 * Serial ports: 16550 UARTs at I/O ports, polled. What is sent goes to all that are open.
 *
 * Facts: PC16550D data sheet, "Line Control Register" to "Modem Status Register".
 */
enum {
    SERIAL_BAUD_DEFAULT = 115200, /* the highest rate: others divide it */
    SERIAL_BAUD_KEPT = 0,         /* as the firmware left it */
    SERIAL_STANDARD_PORTS = 4,
};

/* Where a PC has COM1 (0) to COM4. */
static inline uint16_t serial_standard_port(unsigned index)
{
    static const uint16_t ports[SERIAL_STANDARD_PORTS] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};

    return ports[index];
}

/*
 * Finds out whether there is a UART at `port`, and sets it to `baud`, 8 data bits, no parity, 1
 * stop bit. A rate that does not divide 115200 becomes SERIAL_BAUD_DEFAULT. False where none
 * answers, or as many are open as have room. One that is open stays as it is.
 */
bool serial_open(uint16_t port, unsigned baud);

void serial_open_every(void); /* the four standard ones */

/* All that are open. Nothing is sent until one is opened; or, unless `for_good`, that opens all. */
void serial_close(bool for_good);

/*
 * Sends bytes as they are; where none has been opened yet, to every standard port. A port that
 * stops taking them is closed after a bounded time.
 */
void serial_send(const char *text, size_t length);

/* Waits, with a bound, until the last bits have left the transmitters. */
void serial_drain(void);
