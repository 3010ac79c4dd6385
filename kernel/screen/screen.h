/*
 * Text on a screen: cells in memory, of which only those that changed are drawn. The frame buffer
 * is never read: that would be slow.
 *
 * A screen can be written to before it is cleared: of what was there, as much is overwritten as the
 * text has lines.
 */
#pragma once

#include "boot/multiboot2_rest.h"
#include "kernel/console/console.h"

/* More columns or rows than this are left unused. */
enum { SCREEN_COLUMNS_MOST = 240, SCREEN_ROWS_MOST = 100, SCREEN_TAB = 8 };

struct screen_cell {
    uint8_t character; /* printable ASCII */
    uint8_t colour;    /* enum colour */
};

struct screen {
    uint32_t columns, rows;
    uint32_t column, row; /* of the cursor; column == columns: the next character wraps */
    uint32_t changed_first, changed_end; /* rows that screen_flush() must look at */
    struct screen_cell cells[SCREEN_ROWS_MOST][SCREEN_COLUMNS_MOST];
    struct screen_cell shown[SCREEN_ROWS_MOST][SCREEN_COLUMNS_MOST];
};

/* An empty screen, of which nothing is known but its size: at least 1 by 1. */
void screen_init(struct screen *screen, uint32_t columns, uint32_t rows);

/* Wipes the device; the next flush draws all that is written. */
void screen_clear(struct screen *screen);

/*
 * Writes text at the cursor: newlines, tabs, wrapping at the right edge, scrolling at the bottom.
 * A character beyond ASCII (UTF-8) becomes one '?'.
 */
void screen_write(struct screen *screen, enum colour colour, const char *text, size_t length);

/* Draws what has changed since the last time. */
void screen_flush(struct screen *screen);

/*
 * The device, in screen_device.c: either of the two kinds that GRUB gives, EGA text and a linear
 * frame buffer. Opens it and gives its size; false when this is no such screen, or cannot be
 * mapped.
 */
bool screen_open(const struct boot_framebuffer *framebuffer, uint32_t *columns, uint32_t *rows);

/* Finds its memory where the page tables in use have it; false: it is not to be reached. */
bool screen_map(void);
void screen_wipe(void);
void screen_draw(uint32_t column, uint32_t row, struct screen_cell cell);

/* How a colour stands in the pixel of a linear frame buffer. */
struct rgb {
    uint8_t red, green, blue;
};

/* Bytes from one pixel to the next, 2 to 4; 0 for a format that no colour can be put into. */
uint32_t pixel_bytes(const struct boot_framebuffer *buffer);

/* The colour as a pixel of this format, for which pixel_bytes() is not 0. */
uint32_t pixel_of(const struct boot_framebuffer *buffer, struct rgb colour);

/* Text in colours, kept until there is time to show it. Begins with zeros but for its bytes. */
struct console_log {
    uint8_t *bytes;
    size_t size;
    size_t length;
    size_t lost; /* bytes of text that came when it was full */
    enum colour colour;
};

/* Appends cleaned text. What does not fit is counted in `lost`: the oldest is kept. */
void console_log_add(struct console_log *log, enum colour colour, const char *text, size_t length);

/* Calls `show` for each piece in order. The log stays as it is. */
void console_log_play(const struct console_log *log,
                      void (*show)(enum colour colour, const char *text, size_t length));

/*
 * Sends text to the terminal at the other end of a serial line, with colours as ANSI sequences
 * (ECMA-48, "Select Graphic Rendition") and CR before each newline. Every line begins and ends in
 * the plain colour, so that a program that reads the line finds its text without sequences around
 * it when the text is plain.
 */
void serial_text_write(enum colour colour, const char *text, size_t length);
