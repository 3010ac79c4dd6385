#include "tools/capability/values.h"

#include "tools/capability/label.h"

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

/*
 * `00da0400:12`, `10:00:00`, `00da0400 / 00000012`: halves of which digits are missing, or
 * something else. With blanks it may be the next reference that stands behind the separator.
 */
static bool is_torn(const struct number *number, struct piece behind)
{
    struct piece at = piece_skip(behind, " \t");
    char separator = piece_first(at);
    struct number next;

    if (piece_first(behind) == ':' && char_hex(piece_at(behind, 1)) >= 0)
        return true;
    at = piece_skip(piece_after(at, at.length > 0), " \t");
    if (number->digits > 8 || !char_is_one_of(separator, ":_`'/-") ||
        !char_is_digit(piece_first(at)) || !number_take_plain(&at, &next))
        return false;
    if (char_is_one_of(separator, "/-") && !next.prefixed && next.digits != 8)
        return false;
    return reference_address(&next) == 0 ||
           !char_is_one_of(piece_first(piece_skip(at, " \t")), "=:");
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

/* An address before a value, which no MSR's value can be but 0x3a, an even one,
 * IA32_VMX_VMCS_ENUM's. */
static bool is_address_of_pair(const struct reference *reference, const struct number *number,
                               struct piece behind)
{
    struct number next;
    uint32_t msr = reference_address(number);
    bool feature_control =
        number->value == IA32_FEATURE_CONTROL_MSR ||
        (reference->decimal && number->is_decimal && number->decimal == IA32_FEATURE_CONTROL_MSR);

    behind = piece_skip(behind, " \t|,");
    if (!number_take(&behind, &next))
        return false;
    if (feature_control)
        return reference->msr != IA32_VMX_VMCS_ENUM || (next.value & 1) != 0;
    return msr != 0 && (reference->decimal || msr == number->value);
}

/* `0x480 0xda040000000012 0x481 0x7f00000016`, `480: da040000000012 481: 7f00000016` */
static bool is_next_reference(const struct reference *reference, const struct number *number,
                              struct piece behind)
{
    if (reference_address(number) != 0 &&
        char_is_one_of(piece_first(piece_skip(behind, " \t\"'")), "=:"))
        return true;
    return !reference->columns && is_address_of_pair(reference, number, behind);
}

/* Between two values it is a change of one. */
static bool is_arrow(struct piece rest)
{
    return piece_starts(rest, "->") || piece_starts(rest, ">");
}

/* Goes to the next number. False where something else, or the next reference, stands there. */
static bool go_to_value(struct piece *rest, struct reference *reference, bool first,
                        enum half *half)
{
    for (;;) {
        char c = piece_first(*rest);

        if (take_filler(rest, half))
            continue;
        if (!first && ((*half == HALF_NONE && char_is_one_of(c, "=([:)]}")) || is_arrow(*rest)))
            return false;
        if (!reference_take_sign(rest, reference))
            return true;
    }
}

void values_take(struct piece *rest, struct reference *reference, bool decimal,
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
        if (!go_to_value(&at, reference, values->count == 0, half) ||
            !number_take_halves(&at, number))
            return;
        values->has_decimal = values->has_decimal || number->digits > NUMBER_DIGITS_MAX;
        if (!is_value(reference, decimal, number) || !is_alone(number, at))
            return;
        if (values->count > 0 && is_next_reference(reference, number, at))
            return;
        if (is_torn(number, at))
            return;
        values->count++;
        *rest = at;
    }
}
