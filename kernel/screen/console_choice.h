/* Where the console speaks, by the word `console=` and by what the firmware names. */
#pragma once

#include <stdbool.h>

#include "kernel/acpi/acpi.h"

enum { SERIAL_PORT_LAST = 0xfff8 }; /* a UART has eight registers */

enum console_lines {
    LINES_EVERY,    /* each serial port that answers */
    LINES_FIRMWARE, /* the one that the firmware names, else COM1; where neither answers, every */
    LINES_NAMED,    /* the one at `port` */
    LINES_NONE,
};

struct console_choice {
    bool screen;
    enum console_lines lines;
    uint16_t port;
    unsigned baud;
};

/* What the last line that was parsed came to: everywhere if the word was not understood. */
struct console_choice console_choice_of_line(void);

/*
 * Until it is chosen, and until it is known what the firmware names, whatever cannot wait goes
 * everywhere. False where no port answers at the one that is named: then it stays so for good.
 */
bool console_choose(const struct console_choice *choice);

/* Is there to be text on the screen? */
bool console_wants_screen(void);

/* The port that the firmware names, and its rate; 0: none. */
void console_firmware_names(uint16_t port, unsigned baud);

/* Rows of text that the screen has; 0 without one. */
uint32_t console_screen_rows(void);

/*
 * Microsoft's "Serial Port Console Redirection Table": the port, 0 where it names none, or no I/O
 * port; its rate, or SERIAL_BAUD_KEPT (kernel/console/console.h).
 */
void acpi_read_console(struct acpi *acpi, struct console_choice *console);
