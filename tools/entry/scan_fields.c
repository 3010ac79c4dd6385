/*
 * One reader for all formats: a line is a row of words and numbers, a number belongs to the words
 * before it, and a table says which field these words mean. What differs between formats is which
 * words begin a part, and in which order a segment register's four values stand.
 */
#include <stdio.h>
#include <string.h>

#include "tools/capability/number.h"
#include "tools/entry/reader.h"

enum { REMARK_MAX = 80, ENCODING_DIGITS = 4, ADDRESS_DIGITS = 8, NAME_WORDS_MAX = 10 };

/* Do the words end with one of these, whatever signs stand behind it? */
static bool ends_with(struct piece words, const char *const *ends, size_t count)
{
    char name[FIELD_NAME_MAX];
    size_t length = 0;

    for (size_t i = 0; i < words.length && length < sizeof(name) - 1; i++) {
        if (char_is_letter(words.start[i]))
            name[length++] = char_folded(words.start[i]);
    }
    name[length] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t end = strlen(ends[i]);

        if (length >= end && strcmp(name + length - end, ends[i]) == 0)
            return true;
    }
    return false;
}

/* The number after these is an encoding, in a report of Rootmode's also of less than four digits.
 */
static bool is_named_encoding(struct piece words)
{
    static const char *const ends[] = {"encoding"};

    return ends_with(words, ends, 1);
}

static bool announces_encoding(struct piece words)
{
    static const char *const ends[] = {"encoding", "field", "vmcs", "vmwrite", "vmread"};

    return ends_with(words, ends, sizeof(ends) / sizeof(ends[0]));
}

static bool has_no_word(struct piece words)
{
    for (size_t i = 0; i < words.length; i++) {
        if (char_is_letter(words.start[i]))
            return false;
    }
    return true;
}

/*
 * `0x6800 = …`, `VMCS[6800] …`, `"encoding": "0x6800"`. A bare number in brackets is none: logs
 * have process ids and indexes there.
 */
static bool take_encoding(struct reader *reader, struct piece words, const struct number *number,
                          struct piece rest)
{
    uint64_t encoding = number->value & ~1ull;
    char next = piece_first(piece_skip(rest, " \t])\""));
    bool announced = announces_encoding(words);
    bool whole = number->digits >= ENCODING_DIGITS;
    bool written_as_one = is_named_encoding(words) || (whole && (next == '=' || announced)) ||
                          (number->prefixed && (whole || char_is_one_of(next, "=:|")));

    if (!written_as_one || number->value > UINT16_MAX || !(announced || has_no_word(words)) ||
        next == '\0' || vmcs_field_index((enum vmcs_field)encoding) == VMCS_FIELD_COUNT)
        return false;
    reader->has_pending = true;
    reader->pending_stays = is_named_encoding(words);
    reader->pending = (enum vmcs_field)number->value;
    return true;
}

static bool is_value_word(struct piece words)
{
    char name[FIELD_NAME_MAX];

    field_name_plain(words, name);
    return name[0] == '\0' || strcmp(name, "value") == 0;
}

/* Is it a line that a person would call one of the dump? */
static bool seems_meant(const struct reader *reader, struct piece words)
{
    char name[FIELD_NAME_MAX];

    field_name_plain(words, name);
    if (reader->format == VMCS_FORMAT_KVM)
        return true;
    return reader->format == VMCS_FORMAT_LIST && (strncmp(name, "guest", strlen("guest")) == 0 ||
                                                  strncmp(name, "host", strlen("host")) == 0);
}

/* `= -1`: of what %d made of a value nobody knows how wide it was. */
static bool is_negative(struct piece words, const struct number *number)
{
    return !number->prefixed && words.length > 1 && words.start[words.length - 1] == '-' &&
           char_is_one_of(words.start[words.length - 2], " \t=:|");
}

/*
 * As many digits as a kernel or QEMU prints of it: they pad numbers with zeros. QEMU has eight of
 * an address where the guest has not been in IA-32e mode.
 */
static bool is_whole(const struct reader *reader, const struct number *number,
                     enum vmcs_field field)
{
    static const unsigned padded[] = {
        [VMCS_WIDTH_16] = 4, [VMCS_WIDTH_32] = 8, [VMCS_WIDTH_64] = 16, [VMCS_WIDTH_NATURAL] = 16};
    unsigned digits = padded[vmcs_encoding_width(field)];

    if (reader->format == VMCS_FORMAT_QEMU)
        return number->digits == digits || (number->digits == 8 && digits == 16);
    if (field >= VMCS_GUEST_ES_ACCESS_RIGHTS && field <= VMCS_GUEST_TR_ACCESS_RIGHTS)
        digits = 5;
    else if (field == VMCS_TPR_THRESHOLD || field == VMCS_POSTED_INTERRUPT_NOTIFICATION_VECTOR)
        digits = 2;
    else if (field == VMCS_GUEST_RFLAGS)
        digits = 8;
    return number->digits >= digits;
}

/* Of a text that is cut within a number the rest of it is missing. */
static bool is_cut(const struct reader *reader, const struct number *number, enum vmcs_field field,
                   struct piece rest)
{
    return reader->last_line && rest.length == 0 &&
           (reader->format == VMCS_FORMAT_KVM || reader->format == VMCS_FORMAT_QEMU) &&
           !is_whole(reader, number, field);
}

/* A number of a line, and the words between it and the number before. */
static void take_number(struct reader *reader, struct piece line, struct piece words,
                        const struct number *number, struct piece rest)
{
    static const char *const value_word[] = {"value"};
    struct field_named named;
    uint64_t value;

    if (reader->has_pending &&
        (reader->pending_stays ? ends_with(words, value_word, 1) : is_value_word(words))) {
        named = (struct field_named){.known = true,
                                     .high = reader->pending & 1,
                                     .field = (enum vmcs_field)(reader->pending & ~1u)};
        reader->has_pending = false;
        reader_put(reader, line, named, number->value);
        return;
    }
    if ((reader->last[0] == '\0' || !is_value_word(words)) &&
        take_encoding(reader, words, number, rest))
        return;
    if (is_value_word(words)) {
        if (reader->last[0] == '\0' && reader->group[0] == '\0')
            return;
        named = reader->last[0] == '\0' ? reader_meaning_of_group(reader)
                                        : reader_meaning_again(reader);
    } else {
        reader_note_head(reader, words);
        reader->repeated = 1;
        named = reader_meaning(reader, words);
    }
    if (piece_starts(piece_skip(rest, " "), "(effective)") ||
        piece_starts(piece_skip(rest, " "), "(autoload)"))
        return;
    if (!named.known) {
        if (reader->dump != NULL && seems_meant(reader, words))
            reader_pass(reader, line, "the name of a VMCS field");
    } else if (!named.passed && is_cut(reader, number, named.field, rest)) {
        reader_pass(reader, line, "the rest of a number");
    } else if (is_negative(words, number)) {
        reader_pass(reader, line, "a number without a sign");
    } else if (!named.passed) {
        value = reader->decimal && number->is_decimal ? number->decimal : number->value;
        reader_put(reader, line, named,
                   named.bits != 0 ? value : reader_value(reader, named.field, value));
    }
}

/* `cr0[0]  0x…`: of which CPU, where a value follows. */
static bool is_index(const struct number *number, struct piece rest)
{
    struct number value;

    rest = piece_skip(piece_after(rest, 1), " \t:=|");
    return !number->prefixed && number->digits < ENCODING_DIGITS && number_take(&rest, &value);
}

static bool names_access(struct piece words)
{
    static const char *const ends[] = {"vmread", "vmwrite"};

    return ends_with(words, ends, sizeof(ends) / sizeof(ends[0]));
}

/*
 * Passes over `(…)` and `[…]`, which say something about a number; not over a number in `[…]`,
 * unless it is an index, and not over what is read or written: `vmwrite(0x6800, 0x80000031)`.
 */
static bool skip_remark(struct piece words, struct piece *rest)
{
    char c = piece_first(*rest);
    struct piece inside = piece_after(*rest, 1);
    struct number number;
    struct piece near = {rest->start, rest->length < REMARK_MAX ? rest->length : REMARK_MAX};
    size_t end;

    if ((c != '(' && c != '[') || (c == '(' && names_access(words)))
        return false;
    end = piece_find(near, c == '(' ? ')' : ']');
    if (end == near.length)
        return false;
    if (c == '[' && number_take(&inside, &number) && piece_first(inside) == ']' &&
        !is_index(&number, inside)) {
        *rest = piece_after(*rest, 1);
        return true;
    }
    *rest = piece_after(*rest, end + 1);
    return true;
}

/* Do the words end within a string of JSON that has more than the number? */
static bool is_quoted_prose(struct piece words)
{
    size_t quotes = 0, last = 0;

    for (size_t i = 0; i < words.length; i++) {
        if (words.start[i] != '"')
            continue;
        quotes++;
        last = i;
    }
    return quotes % 2 == 1 && piece_trim(piece_after(words, last + 1)).length > 0;
}

/* A number may stand where a sign says so, after another one, or after words that mean a field. */
static bool may_begin(struct reader *reader, struct piece words, char sign)
{
    char name[FIELD_NAME_MAX];

    words = words_before_index(words);
    if (sign != 0 || piece_trim(words).length == 0 || announces_encoding(words) ||
        (reader->has_pending && has_no_word(words)))
        return true;
    if (is_quoted_prose(words))
        return false;
    field_name_plain(words, name);
    if (reader->part == PART_GUEST || reader->part == PART_REGISTERS) {
        const char *rest;

        if (field_segment(name, &rest) >= 0 && (*rest == '\0' || strcmp(rest, "desc") == 0))
            return true;
    }
    for (size_t at = 0; at < words.length; at++) {
        if (at > 0 && !words_begin_name(words, at))
            continue;
        field_name_plain(piece_after(words, at), name);
        if (field_named(name, at == 0 ? reader->part : PART_ANY).known)
            return true;
    }
    return false;
}

/*
 * `cd = 1`, `db: 1`: what looks like a number and is given a value is a word, unless it is an
 * encoding, or as long as an address: `gdtr=00000000daff2018:0047`.
 */
static bool take(struct piece *rest, struct number *number)
{
    struct piece at = *rest;
    char next;

    if (!number_take_plain(&at, number)) {
        at = *rest;
        if (!number_take(&at, number))
            return false;
    }
    next = piece_first(piece_skip(at, " \t"));
    if ((next == '=' || (next == ':' && !number->is_decimal)) && !number->prefixed &&
        number->digits != ENCODING_DIGITS && number->digits < ADDRESS_DIGITS)
        return false;
    *rest = at;
    return true;
}

/* Hex digits without end where a value is wanted: of no field of a VMCS. */
static void pass_long_number(struct reader *reader, struct piece line, struct piece words,
                             struct piece rest)
{
    unsigned digits = 0;

    if (piece_starts_folded(rest, "0x"))
        rest = piece_after(rest, 2);
    while (char_hex(piece_at(rest, digits)) >= 0)
        digits++;
    if (digits > NUMBER_DIGITS_MAX && !word_char(piece_at(rest, digits)) &&
        piece_trim(words).length > 0 && may_begin(reader, words, 0))
        reader_pass(reader, line, "a number of 16 hex digits at most");
}

/* The words between two places, but no more than a name can have. */
static struct piece last_of(const char *start, const char *end)
{
    const char *first = end;

    for (unsigned words = 0; first > start && end - first < FIELD_NAME_MAX; first--) {
        words += first < end && word_char(*first) && !word_char(first[-1]);
        if (words == NAME_WORDS_MAX)
            break;
    }
    return (struct piece){first, (size_t)(end - first)};
}

/* `0x0000000080000031 Guest CR0`, as a debugger's script prints them. */
static bool take_value_first(struct reader *reader, struct piece line)
{
    struct piece rest = line;
    struct field_named named;
    struct number number;
    char name[FIELD_NAME_MAX];

    if (!number_take_plain(&rest, &number) || number.digits != NUMBER_DIGITS_MAX ||
        !piece_starts(rest, " "))
        return false;
    field_name_plain(rest, name);
    named = field_named(name, PART_ANY);
    if (!named.known || named.passed || named.bits != 0)
        return false;
    reader_put(reader, line, named, number.value);
    return true;
}

void reader_scan(struct reader *reader, struct piece line)
{
    struct piece rest = line, words = {line.start, 0};
    char sign = 0;

    if (take_value_first(reader, line))
        return;
    reader->last[0] = reader->head[0] = '\0';
    reader->repeated = 0;
    reader->has_pending = reader->has_pending && reader->pending_stays;
    while (rest.length > 0) {
        char c = piece_first(rest);
        struct number number;
        struct piece after;

        if (skip_remark(last_of(words.start, rest.start), &rest))
            continue;
        if (!word_char(c)) {
            if (char_is_one_of(c, "{}")) {
                reader_note_brace(reader, last_of(words.start, rest.start), c);
                words = (struct piece){rest.start, 0};
            }
            if (char_is_one_of(c, reader->format == VMCS_FORMAT_BHYVE ? "=:|/" : "=:|") ||
                (c == '-' && piece_at(rest, 1) == '>'))
                sign = c;
            rest = piece_after(rest, 1);
            continue;
        }
        words = last_of(words.start, rest.start);
        after = rest;
        if (take(&after, &number) && may_begin(reader, words, sign)) {
            rest = after;
            take_number(reader, line, words, &number, rest);
            words = (struct piece){rest.start, 0};
        } else {
            pass_long_number(reader, line, words, rest);
            while (word_char(piece_first(rest)))
                rest = piece_after(rest, 1);
        }
        sign = 0;
    }
}
