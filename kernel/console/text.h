/*
 * Text in colours, on its way to a console: what waits to be shown, cleaned, in order; and its form
 * for a terminal after a serial line, with colours as ANSI sequences and CR before each newline.
 *
 * Facts: ECMA-48, "Select Graphic Rendition".
 */
#ifndef KERNEL_TEXT_H
#define KERNEL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/format.h"

enum colour { COLOUR_PLAIN, COLOUR_HEADING, COLOUR_DIM, COLOUR_OK, COLOUR_WARNING, COLOUR_REFUSAL };

/* Where text goes that has colours. */
struct coloured {
    struct sink *sink;
    void (*colour)(enum colour colour); /* of what is written from now on */
};

/* In that colour; plain again after it. */
void print_in(const struct coloured *page, enum colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct console_log {
    uint8_t *bytes;
    size_t size;
    size_t length;
    size_t lost; /* bytes of text that came when it was full */
    enum colour colour;
};

void console_log_init(struct console_log *log, void *bytes, size_t size);

/* Appends cleaned text. What does not fit is counted in `lost`: the oldest is kept. */
void console_log_add(struct console_log *log, enum colour colour, const char *text, size_t length);

/* Calls `show` for each piece in order. The log stays as it is. */
void console_log_play(const struct console_log *log,
                      void (*show)(void *context, enum colour colour, const char *text,
                                   size_t length),
                      void *context);

/*
 * Copies `length` bytes; control characters other than newline and tab become '?', so that text
 * from outside (a command line, a loader's name) cannot send escape sequences to a terminal.
 */
void console_clean(char *to, const char *from, size_t length);

struct serial_text {
    void (*send)(const char *text, size_t length);
    enum colour colour; /* of the terminal now */
    bool in_line;       /* something stands on the current line */
};

/*
 * Sends text in that colour. Every line begins and ends in the plain colour, so that a program that
 * reads the line finds its text without sequences around it when the text is plain.
 */
void serial_text_write(struct serial_text *serial, enum colour colour, const char *text,
                       size_t length);

#endif
