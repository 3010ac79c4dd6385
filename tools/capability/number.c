#include "tools/capability/number.h"

/*
 * The groups after the first one: each has `width` digits; together there are `least` to `most`.
 * Halves joined by a colon may have lost their leading zeros, as %x prints them.
 */
static const struct grouping {
    char separator;
    unsigned first_least, first_most; /* digits of the first group */
    unsigned width, least, most;
    bool loose; /* each group may have its own 0x, and less digits where the first has no 0 */
} groupings[] = {
    {'`', 1, 8, 8, 1, 1, false}, {':', 1, 8, 8, 1, 1, true},   {'_', 1, 8, 8, 1, 1, false},
    {'-', 8, 8, 8, 1, 1, false}, {'\'', 1, 8, 8, 1, 1, false}, {'-', 4, 4, 4, 3, 3, false},
    {'_', 1, 4, 4, 1, 3, false}, {'\'', 1, 4, 4, 1, 3, false},
};

static bool take_prefix(struct piece *rest)
{
    if (!piece_starts_folded(*rest, "0x"))
        return false;
    *rest = piece_after(*rest, 2);
    return true;
}

/* Takes hex digits, 24 at most, and adds them to the number; how many there were. */
static unsigned take_digits(struct piece *rest, struct number *number)
{
    enum { TAKEN_MAX = 24 };
    unsigned count = 0;

    for (; count < TAKEN_MAX && char_hex(piece_first(*rest)) >= 0; count++) {
        uint64_t digit = (uint64_t)char_hex(piece_first(*rest));

        number->value = number->value << 4 | digit;
        if (digit > 9 || number->decimal > (UINT64_MAX - digit) / 10)
            number->is_decimal = false;
        else
            number->decimal = number->decimal * 10 + digit;
        *rest = piece_after(*rest, 1);
    }
    number->digits += count;
    return count;
}

static void take_suffix(struct piece *rest, struct number *number)
{
    static const char *const suffixes[] = {"ull", "ul", "llu", "ll", "lu", "l", "u"};

    if (char_folded(piece_first(*rest)) == 'h' && !number->prefixed) {
        number->prefixed = true;
        *rest = piece_after(*rest, 1);
        return;
    }
    if (char_folded(piece_first(*rest)) == 'h') /* 0x48BH: one sign too many, and no doubt */
        *rest = piece_after(*rest, 1);
    for (unsigned i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (piece_starts_folded(*rest, suffixes[i])) {
            *rest = piece_after(*rest, piece_of(suffixes[i]).length);
            return;
        }
    }
}

/* `0x401e...`, `0x401e[...]`: what shows tables in little room leaves the other digits out. */
static bool is_cut(struct piece rest)
{
    static const char ellipsis[] = "\xe2\x80\xa6";

    rest = piece_skip(rest, "[(<");
    return piece_starts(rest, "..") || piece_starts(rest, ellipsis);
}

/* Does the number end here, or does something go on that would make it another one? */
static bool ends(struct piece rest)
{
    char c = piece_first(rest), next = piece_at(rest, 1);
    bool next_is_word = char_is_digit(next) || char_is_letter(next);

    if (char_is_digit(c) || char_is_letter(c) || c == '_' || is_cut(rest))
        return false;
    if (c == '-')
        return next == '>' || next == ' ';
    return !char_is_one_of(c, ".`'") || !next_is_word;
}

/*
 * Halves of which zeros are missing are reported from bits of a register (53:50), a time, a bus
 * address (3a:00) by their 0x or by their digits: one has more than those have.
 */
static bool may_be_halves(const struct number *high, const struct number *low)
{
    enum { DIGITS_LEAST = 5 };

    return high->prefixed || low->prefixed || high->digits >= DIGITS_LEAST ||
           low->digits >= DIGITS_LEAST;
}

static bool take_groups(struct piece *rest, struct number *number, const struct grouping *row)
{
    unsigned groups = 0;
    bool padded;

    if (number->digits < row->first_least || number->digits > row->first_most)
        return false;
    padded = number->digits > 1 && number->value >> (4 * (number->digits - 1)) == 0;
    while (groups < row->most && piece_first(*rest) == row->separator) {
        struct number group = {.value = 0};

        *rest = piece_after(*rest, 1);
        if (row->loose)
            group.prefixed = take_prefix(rest);
        if (take_digits(rest, &group) != row->width &&
            (!row->loose || padded || group.digits == 0 || group.digits > row->width))
            return false;
        if (row->loose && !may_be_halves(number, &group))
            return false;
        number->value = number->value << 4 * row->width | group.value;
        number->digits += row->width;
        groups++;
    }
    number->separator = row->separator;
    number->is_decimal = false;
    return groups >= row->least && piece_first(*rest) != row->separator && ends(*rest);
}

bool number_take_plain(struct piece *rest, struct number *number)
{
    struct piece at = *rest;

    *number = (struct number){.prefixed = take_prefix(&at)};
    number->is_decimal = !number->prefixed;
    if (take_digits(&at, number) == 0)
        return false;
    take_suffix(&at, number);
    if (number->prefixed)
        number->is_decimal = false;
    if ((number->digits > NUMBER_DIGITS_MAX && !number->is_decimal) || !ends(at))
        return false;
    *rest = at;
    return true;
}

bool number_take(struct piece *rest, struct number *number)
{
    for (unsigned i = 0; i < sizeof(groupings) / sizeof(groupings[0]); i++) {
        struct piece at = *rest;

        *number = (struct number){.prefixed = take_prefix(&at)};
        if (take_digits(&at, number) > 0 && piece_first(at) == groupings[i].separator &&
            take_groups(&at, number, &groupings[i])) {
            *rest = at;
            return true;
        }
    }
    return number_take_plain(rest, number);
}

/* Takes the low half from behind `00da0400 :`. */
static bool take_low_half(struct piece *rest, const struct number *high, struct number *low)
{
    enum { HALF_DIGITS = 8 };
    char separator = piece_first(piece_skip(*rest, " \t"));
    struct piece at = piece_after(piece_skip(*rest, " \t"), separator != '\0');

    at = piece_skip(at, " \t");
    if (!char_is_one_of(separator, ":_`'") || !number_take_plain(&at, low) ||
        low->digits > HALF_DIGITS || char_is_one_of(piece_first(piece_skip(at, " \t")), "=:_`'"))
        return false;
    *rest = at;
    return low->digits == HALF_DIGITS || (high->prefixed && low->prefixed) ||
           (separator == ':' && high->digits > 4 && high->value >> (4 * (high->digits - 1)) != 0);
}

bool number_take_halves(struct piece *rest, struct number *number)
{
    struct piece at;
    struct number low;

    if (!number_take(rest, number))
        return false;
    at = *rest;
    if (number->separator == 0 && number->digits <= 8 && take_low_half(&at, number, &low)) {
        number->value = number->value << 32 | low.value;
        number->digits += 8;
        number->is_decimal = false;
        number->separator = ':';
        *rest = at;
    }
    return true;
}
