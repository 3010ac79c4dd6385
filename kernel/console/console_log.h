/*
 * Text that waits to be shown, in order, in its colours; and the cleaning of text for the console.
 */
#ifndef KERNEL_CONSOLE_LOG_H
#define KERNEL_CONSOLE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/console/console.h"

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

#endif
