/*
 * The console: serial line and screen, whichever there are.
 *
 * The screen shows at once what is printed: whoever waits sees what was begun last. For the serial
 * line text is kept in memory first, until console_release(): at 115200 baud a character costs as
 * much time as thousands of instructions, and the way to VMX operation shall not wait for it. A
 * panic releases it, and so does the next word after a time in which nobody did.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/console/text.h"

struct multiboot_framebuffer; /* boot/multiboot2.h */

enum console_lines {
    LINES_EVERY,    /* each serial port that answers */
    LINES_FIRMWARE, /* the one that the firmware names, else COM1; where neither answers, every */
    LINES_NAMED,    /* the one at `port` */
    LINES_NONE,
};

/* Where the console speaks. */
struct console_choice {
    bool screen;
    enum console_lines lines;
    uint16_t port;
    unsigned baud;
};

/*
 * Until it is chosen, and until it is known what the firmware names, whatever cannot wait goes
 * everywhere. False where no port answers at the one that is named: then it stays so for good.
 */
bool console_choose(const struct console_choice *choice);

/* The port that the firmware names, and its rate; 0: none. */
void console_firmware_names(uint16_t port, unsigned baud);

/*
 * Gives the console a screen, EGA text or RGB pixels, and shows there what is held back; without
 * one that it can show, or that is to be reached yet, it does nothing. NULL is for a BIOS machine
 * whose loader reported nothing: without VESA extensions GRUB is silent and leaves the 80 by 25
 * characters that every such machine starts with.
 *
 * To be called twice: on the boot page tables, where it overwrites of what GRUB left as much as the
 * text has lines, for a frame buffer that is not write-combining takes long to clear; and when
 * memory is up, which clears it.
 */
void console_screen_init(const struct multiboot_framebuffer *framebuffer);
void console_screen_clear(const struct multiboot_framebuffer *framebuffer);

/* Rows of text that the screen has; 0 without one. */
uint32_t console_screen_rows(void);

/* Prints in the colour set last (plain at first). Callable from any CPU, one call at a time. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_colour(enum colour colour);

/* Where what is printed from now on goes. */
enum console_target { CONSOLE_BOTH, CONSOLE_SERIAL, CONSOLE_SCREEN };
void console_to(enum console_target target);

/* The console as a sink, for print_to(). */
struct sink *console_sink(void);

/* Hold back what goes to the serial line; release sends what was held, in its colours. */
void console_hold(void);
void console_release(void);

/* Sends what is held, then waits, with a bound, until the UART has sent its last bit. */
void console_drain(void);

/*
 * For a panic: takes the console from whoever may hold it, sends what was held back, and begins a
 * new line in the plain colour, for serial line and screen.
 */
void console_seize(void);

#endif
