/*
 * Text for a terminal behind a serial line: colours as ANSI sequences, CR before each newline.
 *
 * Facts: ECMA-48, "Select Graphic Rendition".
 */
#ifndef KERNEL_SERIAL_TEXT_H
#define KERNEL_SERIAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/console/console.h"

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
