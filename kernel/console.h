/*
 * The console: serial line and screen, whichever there are.
 *
 * Text is kept in memory first and shown when console_release() is called: at 115200 baud a
 * character costs as much time as thousands of instructions, and the way to VMX operation shall
 * not wait for it. A panic releases it.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format.h"

struct multiboot_framebuffer; /* boot/multiboot2.h */

enum colour { COLOUR_PLAIN, COLOUR_HEADING, COLOUR_DIM, COLOUR_OK, COLOUR_WARNING, COLOUR_REFUSAL };

/*
 * Chooses where the console speaks; a serial port is probed and set to `baud` (0: the default).
 * Whatever is printed before goes to a serial port of the default rate.
 */
void console_configure(bool want_serial, bool want_screen, unsigned baud);

/*
 * Gives the console a screen, EGA text or RGB pixels; false when it can show neither. Memory must
 * be up. NULL is for a BIOS machine whose loader told nothing: without VESA extensions GRUB is
 * silent and leaves the 80 by 25 characters that every such machine starts with. What was printed
 * before is not repeated there, what is held back will be.
 */
bool console_screen_init(const struct multiboot_framebuffer *framebuffer);

/* Prints in the colour set last (plain at first). Callable from any CPU, one call at a time. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_colour(enum colour colour);

/* The console as a sink: everything that print_to() makes goes to serial line and screen. */
struct sink *console_sink(void);

/* The serial line alone, for the JSON report: not shown on the screen. */
struct sink *console_serial_sink(void);

/* Hold back everything that is printed; release shows what was held, in its colours. */
void console_hold(void);
void console_release(void);

/* Shows what is held, then waits, with a bound, until the UART has sent its last bit. */
void console_drain(void);

/*
 * For a panic: takes the console from whoever may hold it, shows what was held back, and begins a
 * new line in the plain colour.
 */
void console_seize(void);

#endif
