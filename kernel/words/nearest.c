#include "kernel/words/nearest.h"

#include "kernel/command_line.h"
#include "lib/format.h"
#include "lib/string.h"

enum { LONGEST = 32 }; /* nothing that is longer is near to anything */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned substitution(const char *a, const char *b)
{
    return lower(*a) != lower(*b);
}

/* The optimal string alignment distance, from three rows of its table; both at most LONGEST. */
static unsigned distance(const char *a, unsigned rows, const char *b, unsigned columns)
{
    unsigned table[3][LONGEST + 1];

    for (unsigned i = 0; i <= rows; i++) {
        unsigned *row = table[i % 3];
        const unsigned *above = table[(i + 2) % 3], *above_that = table[(i + 1) % 3];

        row[0] = i;
        for (unsigned j = 1; j <= columns; j++) {
            if (i == 0) {
                row[j] = j;
                continue;
            }
            row[j] = least(least(above[j], row[j - 1]) + 1,
                           above[j - 1] + substitution(&a[i - 1], &b[j - 1]));
            if (i > 1 && j > 1 && substitution(&a[i - 1], &b[j - 2]) == 0 &&
                substitution(&a[i - 2], &b[j - 1]) == 0)
                row[j] = least(row[j], above_that[j - 2] + 1);
        }
    }
    return table[rows % 3][columns];
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    size_t length = strlen(name);
    unsigned found;

    if (nearest->length > LONGEST || length > LONGEST)
        return;
    found = distance(nearest->typed, (unsigned)nearest->length, name, (unsigned)length);
    if (found > (length + 1) / 3 || (nearest->name != NULL && found >= nearest->distance))
        return;
    nearest->name = name;
    nearest->distance = found;
}

static bool in_a_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

/* A mistyped name ends at the first character that no name has. */
static const struct command_word *meant_word(struct command_text word)
{
    struct nearest nearest = {.typed = word.start};
    const struct command_word *meant = NULL;

    while (nearest.length < word.length && in_a_name(word.start[nearest.length]))
        nearest.length++;
    SET_FOR_EACH(words, known) {
        nearest_offer(&nearest, (*known)->name);
        if (nearest.name == (*known)->name)
            meant = *known;
    }
    return meant;
}

static void print(struct command_text word, char text[WORD_HINT_SIZE])
{
    const struct command_word *meant = meant_word(word);

    if (meant == NULL) {
        format_text(text, WORD_HINT_SIZE, "no known one is near");
        return;
    }
    format_text(text, WORD_HINT_SIZE, "the nearest known one is \"%s\"", meant->name);
    if (meant->mistyped != NULL)
        *meant->mistyped = true;
}

SET_MEMBER(word_hints, 1, word_hint, print);
