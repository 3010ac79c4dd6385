#include "lib/wrapped.h"

#include "lib/string.h"

void print_wrapped(struct sink *sink, unsigned indent, unsigned columns, const char *text)
{
    while (*text != '\0') {
        size_t length = strnlen(text, columns + 1);

        if (length > columns) {
            length = columns;
            while (length > 0 && text[length] != ' ')
                length--;
            if (length == 0)
                length = columns;
        }
        print_to(sink, "%*s%.*s\n", (int)indent, "", (int)length, text);
        text += length;
        while (*text == ' ')
            text++;
    }
}
