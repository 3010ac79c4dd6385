#include "tools/capability/nearest.h"

#include <string.h>

enum { LENGTH_MAX = 95 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* The table of Wagner and Fischer, of which one row at a time is kept. */
unsigned edit_distance(const char *a, const char *b)
{
    size_t rows = strnlen(a, LENGTH_MAX), columns = strnlen(b, LENGTH_MAX);
    unsigned row[LENGTH_MAX + 1];

    for (size_t j = 0; j <= columns; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= rows; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= columns; j++) {
            unsigned above = row[j];

            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[columns];
}

const char *nearest_name(const char *typed, size_t count, const char *(*name_of)(size_t index))
{
    const char *nearest = name_of(0);

    for (size_t i = 0; i < count; i++) {
        if (strstr(name_of(i), typed) != NULL)
            return name_of(i);
        if (edit_distance(typed, name_of(i)) < edit_distance(typed, nearest))
            nearest = name_of(i);
    }
    return nearest;
}
