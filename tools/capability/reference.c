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

bool reference_take_sign(struct piece *rest, struct reference *reference)
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
    while (reference_take_sign(&rest, reference)) {
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

/* The name of another MSR; `*rest` is then behind it. */
static bool take_other_name(struct piece *rest, const struct reference *reference)
{
    struct piece at = *rest;
    uint32_t msr = char_is_letter(piece_first(at)) ? label_take(&at).msr : 0;

    *rest = at;
    return msr != 0 && msr != reference->msr;
}

/* `0x482 (IA32_VMX_PINBASED_CTLS) = 0x7f00000016`: names another MSR, and has a value or nothing.
 */
static bool is_named_behind(struct piece rest, const struct reference *reference)
{
    struct piece at = piece_skip(rest, " \t\"'`*,|:=-([<");

    if (reference->named && !reference->word)
        return false;
    if (!take_other_name(&at, reference))
        return false;
    at = piece_skip(at, ")]>");
    return has_number(at) || piece_skip(at, " \t\"'`*,|:=").length == 0;
}

bool reference_is_named_otherwise(struct piece rest, const struct reference *reference)
{
    struct piece at = piece_skip(rest, " \t\"'`*,;|-([</#");

    if ((reference->named && !reference->word) || !take_other_name(&at, reference))
        return false;
    return piece_skip(at, " \t\"'`*,;|)]>/").length == 0;
}

bool reference_contradicts(struct piece *rest, struct reference *reference)
{
    struct piece at = piece_skip(*rest, " \t\"'`*,|"), behind;
    bool bracket = piece_first(at) == '(' || piece_first(at) == '[';
    struct number number;
    uint32_t msr;

    if (is_named_behind(*rest, reference))
        return true;
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

bool reference_is_meant(const struct reference *reference, struct piece rest)
{
    bool number = piece_starts_folded(rest, "0x") && char_hex(piece_at(rest, 2)) >= 0;

    return !reference_is_absent(rest) && (reference->assigned || number) && !reference->field &&
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
