#include "tools/capability/reference.h"

#include "tools/capability/label.h"

/* In hex, and in decimal where that can be no other. */
uint32_t reference_address(const struct number *number)
{
    if (number->separator != 0 || number->digits > NUMBER_DIGITS_MAX)
        return 0;
    if (dump_msr_is_known(number->value))
        return (uint32_t)number->value;
    if (number->is_decimal && number->digits == 4 && dump_msr_is_known(number->decimal))
        return (uint32_t)number->decimal;
    return 0;
}

/* "480", "0x480", "48Bh", "00000480"; a number of another width is no address. */
static bool take_address(struct piece *rest, uint32_t *msr, struct number *number)
{
    struct piece at = *rest;

    if (!number_take_plain(&at, number))
        return false;
    *msr = reference_address(number);
    if (*msr == 0 || (!number->prefixed && number->digits > 4 && number->digits != 8))
        return false;
    *rest = at;
    return true;
}

/* What RDMSR's failure looks like in place of a value. */
bool reference_is_absent(struct piece rest)
{
    static const char *const words[] = {
        "no value", "not ",    "n/a",         "< failed",   "failed",      "fail",
        "absent",   "none",    "unsupported", "unreadable", "unavailable", "missing",
        "error",    "faulted", "#gp",         "gp",         "rdmsr:",      "???",
    };

    rest = piece_skip(rest, " \t([\"'");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (piece_starts_folded(rest, words[i]))
            return true;
    }
    return false;
}

/* Words between a reference and its value, and those that say which half it is. */
static const struct {
    const char *text;
    enum half half;
} fillers[] = {
    {"uint64_c", HALF_NONE}, {"is", HALF_NONE},       {"value", HALF_NONE},   {"val", HALF_NONE},
    {"reads", HALF_NONE},    {"returned", HALF_NONE}, {"returns", HALF_NONE}, {"raw", HALF_NONE},
    {"hex", HALF_NONE},      {"32bit", HALF_NONE},    {"dword", HALF_NONE},   {"bits", HALF_NONE},
    {"half", HALF_NONE},     {"part", HALF_NONE},     {"word", HALF_NONE},    {"edx", HALF_HIGH},
    {"hi", HALF_HIGH},       {"high", HALF_HIGH},     {"upper", HALF_HIGH},   {"eax", HALF_LOW},
    {"lo", HALF_LOW},        {"low", HALF_LOW},       {"lower", HALF_LOW},
};

static bool take_filler(struct piece *rest, enum half *half)
{
    struct piece word = *rest;

    word.length = 0;
    if (piece_starts(*rest, "32 bit") || piece_starts(*rest, "32-bit")) { /* high 32 bits */
        *rest = piece_after(*rest, 2);
        return true;
    }
    while (char_is_letter(piece_at(*rest, word.length)) ||
           char_is_digit(piece_at(*rest, word.length)) || piece_at(*rest, word.length) == '_')
        word.length++;
    for (size_t i = 0; i < sizeof(fillers) / sizeof(fillers[0]); i++) {
        if (piece_is_folded(word, fillers[i].text)) {
            *rest = piece_after(*rest, word.length);
            *half = fillers[i].half != HALF_NONE ? fillers[i].half : *half;
            return true;
        }
    }
    return false;
}

/* A bit's number, 0 to 63. */
static bool take_bit(struct piece *rest, unsigned *bit)
{
    enum { BIT_LAST = 63 };
    unsigned digits = 0;

    for (*bit = 0; char_is_digit(piece_first(*rest)) && digits < 3; digits++) {
        *bit = *bit * 10 + (unsigned)(piece_first(*rest) - '0');
        *rest = piece_after(*rest, 1);
    }
    return digits > 0 && digits < 3 && *bit <= BIT_LAST;
}

static bool take_bits_word(struct piece *rest)
{
    struct piece at = *rest;

    at = piece_skip(at, " \t(,:");
    if (!piece_starts_folded(at, "bit"))
        return false;
    at = piece_after(at, piece_starts_folded(at, "bits") ? 4 : 3);
    *rest = piece_skip(at, " \t");
    return char_is_digit(piece_first(*rest));
}

/*
 * Takes which bits of the register what follows is about: `bits 53:50`, `bit 7`, `[55]`, `44:32`.
 * After `=` or `:` a number alone is the value.
 */
static bool take_field(struct piece *rest, const struct reference *reference, unsigned *high,
                       unsigned *low)
{
    struct piece at = *rest;
    bool bracket = piece_first(at) == '[' && !reference->assigned;
    bool word, range;

    if (bracket)
        at = piece_after(at, 1);
    word = take_bits_word(&at);
    if (!word)
        at = piece_skip(at, " \t(");
    if (!take_bit(&at, high))
        return false;
    *low = *high;
    range = char_is_digit(piece_at(at, 1)) &&
            (piece_first(at) == ':' || ((word || bracket) && piece_first(at) == '-'));
    if (range) {
        at = piece_after(at, 1);
        if (!take_bit(&at, low) || *low > *high)
            return false;
    }
    if (char_is_letter(piece_first(at)) || char_is_digit(piece_first(at)) ||
        char_is_one_of(piece_first(at), "_`") || !(range || word || bracket))
        return false;
    *rest = piece_skip(at, "])");
    return true;
}

/*
 * Passes over bits that are the whole register or a half of it. False for others: what follows is
 * no value of the register, as in a finding, `IA32_VMX_BASIC bits 53:50 seen 0x0, wanted 0x6`.
 */
static bool take_bits(struct piece *rest, struct reference *reference)
{
    unsigned high, low;

    if (reference->half != HALF_NONE || !take_field(rest, reference, &high, &low))
        return true;
    if (high == 63 && low == 32)
        reference->half = HALF_HIGH;
    else if (high == 31 && low == 0)
        reference->half = HALF_LOW;
    else
        reference->field = high != 63 || low != 0;
    return !reference->field;
}

/* A number is not looked for after these. */
static bool take_sign(struct piece *rest, struct reference *reference)
{
    char c = piece_first(*rest), next = piece_at(*rest, 1);

    if (!char_is_one_of(c, " \t\"'`*()[]|,:=") && !(c == '-' && next == '>') &&
        !(c == '>' && reference->assigned))
        return false;
    if (char_is_one_of(c, ":=|") || (c == '-' && next == '>') ||
        (c == ',' && reference->format == DUMP_NAMES))
        reference->assigned = true;
    reference->colon = reference->colon || c == ':';
    if (c == '=' && reference->format == DUMP_RDMSR)
        reference->format = DUMP_PAIRS;
    *rest = piece_after(*rest, c == '-' ? 2 : 1);
    return true;
}

struct piece reference_skip(struct piece rest, struct reference *reference)
{
    while (take_sign(&rest, reference)) {
    }
    return rest;
}

static bool has_number(struct piece rest)
{
    struct number number;

    rest = piece_skip(rest, " \t|,:=\"'`*");
    return number_take(&rest, &number);
}

/* `IA32_FEATURE_CONTROL (58)`, the address of 0x3a in decimal. */
static bool take_decimal_of(struct piece *rest, uint32_t *msr, uint32_t wanted)
{
    struct piece at = *rest;
    struct number number;

    if (!number_take_plain(&at, &number) || !number.is_decimal || number.decimal != wanted)
        return false;
    *msr = wanted;
    *rest = at;
    return true;
}

bool reference_contradicts(struct piece *rest, struct reference *reference)
{
    struct piece at = piece_skip(*rest, " \t\"'`*,|"), behind;
    bool bracket = piece_first(at) == '(' || piece_first(at) == '[';
    struct number number;
    uint32_t msr;

    at = piece_skip(at, "([@|, \t\"'`*");
    if (char_is_letter(piece_first(at))) {
        if (!label_take(&at).is_address)
            return false;
        at = piece_skip(at, " \t:#");
    }
    behind = at;
    if (!take_address(&behind, &msr, &number) && !take_decimal_of(&behind, &msr, reference->msr))
        return false;
    if (msr != reference->msr)
        return reference->named &&
               (bracket ? char_is_one_of(piece_first(behind), ")]") : has_number(behind));
    /* Without brackets it may be the value, if nothing follows. */
    if (bracket || reference_skip(behind, &(struct reference){0}).length > 0)
        *rest = piece_skip(behind, ")]\"'`*");
    return false;
}

/*
 * Is a number a value? Not if it is too long, or has letters where the others are decimal, or less
 * digits than such a dump always has, where the line may be torn.
 */
static bool is_value(const struct reference *reference, bool decimal, const struct number *number)
{
    if (number->digits > NUMBER_DIGITS_MAX && !(decimal && number->is_decimal))
        return false;
    if (decimal && !number->is_decimal && !number->prefixed && number->separator == 0)
        return false;
    return !(reference->word && reference->padded && reference->colon && !number->prefixed &&
             number->digits < 8);
}

/* `00da0400:12`, `10:00:00`: halves of which digits are missing, or something else. */
static bool is_torn(struct piece behind)
{
    return piece_first(behind) == ':' && char_hex(piece_at(behind, 1)) >= 0;
}

/* After a short number without 0x, words say that it is something else; a column ff is none. */
static bool is_alone(const struct number *number, struct piece behind)
{
    struct piece word;
    struct number next;

    behind = piece_skip(behind, " \t");
    word = behind;
    return number->prefixed || number->separator != 0 || number->digits >= 8 ||
           !char_is_letter(piece_first(behind)) || number_take(&word, &next) ||
           label_take(&behind).msr != 0;
}

/* Goes to the next number. False where something else, or the next reference, stands there. */
static bool go_to_value(struct piece *rest, struct reference *reference, bool first,
                        enum half *half)
{
    for (;;) {
        char c = piece_first(*rest);

        if (take_filler(rest, half))
            continue;
        if (!first && *half == HALF_NONE && char_is_one_of(c, "=([:)]}"))
            return false;
        if (!take_sign(rest, reference))
            return true;
    }
}

void reference_values(struct piece *rest, struct reference *reference, bool decimal,
                      struct values *values)
{
    values->count = 0;
    values->has_decimal = false;
    if (!take_bits(rest, reference))
        return;
    while (values->count < VALUES_MAX) {
        struct piece at = *rest;
        struct number *number = &values->number[values->count];
        enum half *half = &values->half[values->count];

        *half = values->count == 0 ? reference->half : HALF_NONE;
        if (!go_to_value(&at, reference, values->count == 0, half) || !number_take(&at, number))
            return;
        values->has_decimal = values->has_decimal || number->digits > NUMBER_DIGITS_MAX;
        if (!is_value(reference, decimal, number) || !is_alone(number, at))
            return;
        if (reference_address(number) != 0 && values->count > 0 &&
            char_is_one_of(piece_first(piece_skip(at, " \t\"'")), "=:"))
            return; /* the next reference */
        if (is_torn(at))
            return;
        values->count++;
        *rest = at;
    }
}

bool reference_is_meant(const struct reference *reference, struct piece rest)
{
    return !reference_is_absent(rest) && reference->assigned && !reference->field &&
           (reference->named || char_is_digit(piece_first(rest)) ||
            (rest.length == 0 && reference->format == DUMP_PAIRS));
}

bool reference_has_value(struct piece rest)
{
    enum { DIGITS_LEAST = 5 };
    struct reference reference = {.format = DUMP_NAMES};
    struct number number;

    rest = reference_skip(rest, &reference);
    if (!number_take(&rest, &number))
        return false;
    if (reference_address(&number) == 0)
        return reference.assigned || number.prefixed || number.digits >= DIGITS_LEAST;
    rest = reference_skip(rest, &reference); /* after its address; without more, a definition */
    return number_take(&rest, &number);
}

static bool take_named(struct piece *rest, struct reference *reference)
{
    struct label label = label_take(rest);
    struct piece at = piece_skip(*rest, " \t([#:=@_");
    struct number number;

    *reference = (struct reference){.msr = label.msr, .named = true, .format = DUMP_NAMES};
    if (label.high != label.low)
        reference->half = label.high ? HALF_HIGH : HALF_LOW;
    if (label.msr != 0 || !label.is_address || !take_address(&at, &reference->msr, &number))
        return label.msr != 0;
    *rest = at;
    reference->word = true;
    reference->padded = number.digits == 8 && !number.prefixed;
    reference->format = DUMP_PAIRS;
    return true;
}

bool reference_take(struct piece *rest, bool first, bool decimal, struct reference *reference)
{
    struct piece at = *rest, behind;
    struct number number;

    if (char_is_letter(piece_first(at)) || piece_first(at) == '_')
        return take_named(rest, reference);
    *reference = (struct reference){.format = DUMP_RDMSR};
    if (!take_address(&at, &reference->msr, &number) &&
        !(decimal && first && take_decimal_of(&at, &reference->msr, IA32_FEATURE_CONTROL_MSR)))
        return false;
    reference->decimal = number.value != reference->msr;
    behind = piece_skip(at, " \t\"'");
    if (!first && !(number.prefixed && char_is_one_of(piece_first(behind), "=:")))
        return false;
    *rest = at;
    return true;
}
