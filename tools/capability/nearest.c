#include "tools/capability/nearest.h"

#include <string.h>

#include "lib/format.h"
#include "tools/capability/piece.h"

enum { LENGTH_MAX = 95, WRONG_MOST = 3 };

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

unsigned edit_distance_within(const char *a, const char *b, unsigned most)
{
    size_t rows = strnlen(a, LENGTH_MAX), columns = strnlen(b, LENGTH_MAX);
    size_t apart = rows > columns ? rows - columns : columns - rows;

    return apart > most ? most + 1 : edit_distance(a, b);
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot != NULL ? dot + 1 : name;
}

/* 0: its last part was typed; 1: what was typed is in it; from 2 on by distance. */
static unsigned farness(const char *typed, const char *name)
{
    enum { PART_LEAST = 3 };
    unsigned whole = edit_distance_within(typed, name, WRONG_MOST);
    unsigned part = edit_distance_within(typed, last_part(name), WRONG_MOST);

    if (whole == 0 || part == 0)
        return 0;
    if (strlen(typed) >= PART_LEAST && strstr(name, typed) != NULL)
        return 1;
    return 1 + (whole < part ? whole : part);
}

const char *nearest_name(const char *typed, size_t count, const char *(*name_of)(size_t index))
{
    char folded[LENGTH_MAX + 1] = "";
    const char *nearest = NULL;
    unsigned least_far, length = 0;

    for (; length < LENGTH_MAX && typed[length] != '\0'; length++)
        folded[length] = char_folded(typed[length]);
    least_far = 2 + (length / 2 < WRONG_MOST ? length / 2 : WRONG_MOST); /* one more than may be */
    for (size_t i = 0; i < count; i++) {
        unsigned far = farness(folded, name_of(i));

        if (far < least_far) {
            nearest = name_of(i);
            least_far = far;
        }
    }
    return nearest;
}

void nearest_print(char *text, size_t room, const char *nearest)
{
    if (nearest != NULL)
        format_text(text, room, "; the nearest known one is `%s`", nearest);
    else
        text[0] = '\0';
}
