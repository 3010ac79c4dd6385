#include "kernel/console/console.h"
#include "lib/string.h"

void print_in(const struct coloured *page, enum colour colour, const char *format, ...)
{
    va_list arguments;

    page->colour(colour);
    va_start(arguments, format);
    vprint_to(page->sink, format, arguments);
    va_end(arguments);
    page->colour(COLOUR_PLAIN);
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

static const char *const sequences[] = {
    [COLOUR_PLAIN] = "\033[0m", [COLOUR_HEADING] = "\033[0;1m",  [COLOUR_DIM] = "\033[0;2m",
    [COLOUR_OK] = "\033[0;32m", [COLOUR_WARNING] = "\033[0;33m", [COLOUR_REFUSAL] = "\033[0;31m",
};

static void change_to(struct serial_text *serial, enum colour colour)
{
    if (serial->colour == colour)
        return;
    serial->send(sequences[colour], strlen(sequences[colour]));
    serial->colour = colour;
}

void serial_text_write(struct serial_text *serial, enum colour colour, const char *text,
                       size_t length)
{
    size_t start = 0;

    for (size_t i = 0; i <= length; i++) {
        bool newline = i < length && text[i] == '\n';

        if (i < length && !newline)
            continue;
        if (i > start) {
            change_to(serial, colour);
            serial->send(text + start, i - start);
            serial->in_line = true;
        }
        if (newline) {
            change_to(serial, COLOUR_PLAIN);
            serial->send("\r\n", 2);
            serial->in_line = false;
        }
        start = i + 1;
    }
}
