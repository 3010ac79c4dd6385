#include "kernel/console/console.h"

void print_in(struct sink *page, enum colour colour, const char *format, ...)
{
    va_list arguments;

    console_colour(colour);
    va_start(arguments, format);
    vprint_to(page, format, arguments);
    va_end(arguments);
    console_colour(COLOUR_PLAIN);
}

void console_clean(char *to, const char *from, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)from[i];
        bool control = c < ' ' || c == 0x7f;

        to[i] = from[i];
        if (control && c != '\n' && c != '\t')
            to[i] = '?';
    }
}
