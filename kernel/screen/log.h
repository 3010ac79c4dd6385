/*
 * Text in colours that is kept until there is time to show it.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "kernel/console/console.h"

/* Begins with zeros but for its bytes. */
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

#endif
