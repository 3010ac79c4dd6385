#include "tools/capability/heading.h"

/* The words before a CPU's number. "Core 2 Duo" is no CPU: of the others, no word may follow. */
static bool take_cpu_word(struct piece *rest, bool *strict)
{
    static const char *const words[] = {"cpu", "core", "processor"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (piece_starts_folded(*rest, words[i])) {
            *rest = piece_after(*rest, piece_of(words[i]).length);
            *strict = i > 0;
            return true;
        }
    }
    return false;
}

/* "CPU 1", "CPU1", "processor : 1", "CPU #2", whose # counts from 1. */
bool heading_cpu(struct piece *rest, unsigned *cpu)
{
    enum { DIGITS_MAX = 5 };
    struct piece at = *rest;
    unsigned number = 0, digits = 0;
    bool hash, strict;

    if (!take_cpu_word(&at, &strict))
        return false;
    at = piece_skip(at, strict ? " \t:" : " \t");
    hash = piece_first(at) == '#';
    at = piece_skip(at, "# ");
    for (; char_is_digit(piece_first(at)) && digits < DIGITS_MAX; digits++) {
        number = number * 10 + (unsigned)(piece_first(at) - '0');
        at = piece_after(at, 1);
    }
    if (digits == 0 || char_is_letter(piece_first(at)) || char_is_digit(piece_first(at)))
        return false;
    if (strict && char_is_letter(piece_first(piece_skip(at, " \t"))))
        return false;
    *cpu = hash && number > 0 ? number - 1 : number;
    *rest = at;
    return true;
}

/* Words of headings. Two of them in this order are those of columns. */
static const struct {
    const char *first, *second;
    enum columns_look look;
} headings[] = {
    {"edx", "eax", LOOK_HEADED},  {"high", "low", LOOK_HEADED},  {"hi", "lo", LOOK_HEADED},
    {"eax", "edx", LOOK_SWAPPED}, {"low", "high", LOOK_SWAPPED}, {"lo", "hi", LOOK_SWAPPED},
};

static bool is_heading_word(struct piece word)
{
    static const char *const words[] = {
        "msr",   "msrs", "address", "addr", "register", "registers", "reg", "name",
        "index", "edx",  "eax",     "high", "low",      "hi",        "lo",  "bits",
        "dword", "hex",  "32",      "ecx",  "value",    "values",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (piece_is_folded(word, words[i]))
            return true;
    }
    return false;
}

bool heading_take(struct piece line, struct heading *heading)
{
    static const char signs[] = " \t-[]|:/=*#();,";
    struct heading read = {.look = LOOK_PLAIN};
    struct piece before = {line.start, 0};

    for (struct piece rest = piece_skip(line, signs); rest.length > 0;
         rest = piece_skip(rest, signs)) {
        struct piece word;

        if (heading_cpu(&rest, &read.cpu)) {
            if (read.columns < CPUS_MAX)
                read.column[read.columns++] = read.cpu;
            continue;
        }
        word = piece_word(&rest, signs);
        if (!is_heading_word(word))
            return false;
        for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++) {
            if (piece_is_folded(before, headings[i].first) &&
                piece_is_folded(word, headings[i].second))
                read.look = headings[i].look;
        }
        before = word;
    }
    if (read.columns > 1) {
        read.look = LOOK_CPUS;
        read.cpu = heading->cpu;
        *heading = read;
    } else if (read.look != LOOK_PLAIN) {
        heading->look = read.look;
        heading->columns = 0;
    }
    if (read.columns == 1)
        heading->cpu = read.cpu;
    return read.columns == 1;
}

unsigned heading_column(const struct heading *heading, unsigned column, unsigned columns,
                        unsigned cpu)
{
    if (heading->look == LOOK_CPUS && columns == heading->columns)
        return heading->column[column];
    return cpu + column;
}
