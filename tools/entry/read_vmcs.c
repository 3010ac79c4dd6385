/*
 * One reader for all: a line is a row of words and numbers, a number belongs to the words before
 * it, and a table says which field these words mean. What differs between formats is which words
 * begin a part, and in which order a segment register's four values stand.
 */
#include "tools/entry/read_vmcs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format.h"
#include "tools/capability/line.h"
#include "tools/capability/number.h"
#include "tools/entry/field_name.h"
#include "vmx/exit_reason.h"

enum { COLUMNS = 4, REMARK_MAX = 80, ENCODING_DIGITS = 4 };

/* The values of a segment register in the order of a line: fields of ES. */
enum column_order { ORDER_KERNEL, ORDER_ROOTMODE, ORDER_QEMU };
static const enum vmcs_field columns[][COLUMNS] = {
    [ORDER_KERNEL] = {VMCS_GUEST_ES_SELECTOR, VMCS_GUEST_ES_ACCESS_RIGHTS, VMCS_GUEST_ES_LIMIT,
                      VMCS_GUEST_ES_BASE},
    [ORDER_ROOTMODE] = {VMCS_GUEST_ES_SELECTOR, VMCS_GUEST_ES_BASE, VMCS_GUEST_ES_LIMIT,
                        VMCS_GUEST_ES_ACCESS_RIGHTS},
    [ORDER_QEMU] = {VMCS_GUEST_ES_SELECTOR, VMCS_GUEST_ES_BASE, VMCS_GUEST_ES_LIMIT,
                    VMCS_GUEST_ES_ACCESS_RIGHTS},
};

/* What begins a part of a dump. */
static const struct heading {
    const char *words;
    enum vmcs_format format;
    enum dump_part part;
    enum column_order order;
    bool begins; /* a dump */
} headings[] = {
    {"*** guest state ***", VMCS_FORMAT_KVM, PART_GUEST, ORDER_KERNEL, true},
    {"*** host state ***", VMCS_FORMAT_KVM, PART_HOST, ORDER_KERNEL, false},
    {"*** control state ***", VMCS_FORMAT_KVM, PART_CONTROL, ORDER_KERNEL, false},
    {"control fields", VMCS_FORMAT_ROOTMODE, PART_ANY, ORDER_ROOTMODE, true},
    {"selector base ", VMCS_FORMAT_ROOTMODE, PART_GUEST, ORDER_ROOTMODE, false},
    {"host state", VMCS_FORMAT_ROOTMODE, PART_ANY, ORDER_ROOTMODE, false},
    {"exit information", VMCS_FORMAT_ROOTMODE, PART_ANY, ORDER_ROOTMODE, false},
    {"eax=", VMCS_FORMAT_QEMU, PART_REGISTERS, ORDER_QEMU, true},
    {"rax=", VMCS_FORMAT_QEMU, PART_REGISTERS, ORDER_QEMU, true},
};

struct reader {
    struct vmcs_text *text;
    struct vmcs_dump *dump; /* the one that is being read; NULL: none yet */
    enum vmcs_format format;
    enum dump_part part;
    enum column_order order;
    bool xen;
    unsigned line;
    char last[2 * FIELD_NAME_MAX], head[FIELD_NAME_MAX]; /* of this line: the names before */
    unsigned repeated;                                   /* numbers that followed that name */
    bool has_pending, pending_stays;                     /* of JSON also in a later line */
    enum vmcs_field pending; /* the encoding that was read last, which waits for its value */
    uint64_t said_reason, said_error; /* by a line before the dump */
};

const char *vmcs_format_name(enum vmcs_format format)
{
    static const char *const names[VMCS_FORMAT_COUNT] = {"list", "kvm", "xen", "rootmode", "qemu"};

    return names[format];
}

static struct vmcs_dump *begin(struct reader *reader)
{
    struct vmcs_text *text = reader->text;

    if (text->count == text->room) {
        text->room = text->room ? 2 * text->room : 4;
        text->dump = realloc(text->dump, text->room * sizeof(*text->dump));
        if (text->dump == NULL)
            abort();
    }
    reader->dump = &text->dump[text->count++];
    memset(reader->dump, 0, sizeof(*reader->dump));
    reader->dump->format =
        reader->xen && reader->format == VMCS_FORMAT_KVM ? VMCS_FORMAT_XEN : reader->format;
    reader->dump->line = reader->line;
    if (reader->said_reason)
        vmcs_image_set(&reader->dump->image, VMCS_EXIT_REASON, reader->said_reason);
    if (reader->said_error)
        vmcs_image_set(&reader->dump->image, VMCS_VM_INSTRUCTION_ERROR, reader->said_error);
    reader->said_reason = reader->said_error = 0;
    return reader->dump;
}

static void pass(struct reader *reader, struct piece found, const char *expected)
{
    struct vmcs_text *text = reader->text;

    if (text->not_understood < DUMP_PASSED_MAX) {
        struct dump_passed *passed = &text->passed[text->not_understood];
        size_t length = found.length < DUMP_SHOWN_MAX - 1 ? found.length : DUMP_SHOWN_MAX - 1;

        passed->line = reader->line;
        passed->expected = expected;
        for (size_t i = 0; i < length; i++)
            passed->text[i] =
                (char)(found.start[i] >= ' ' && found.start[i] <= '~' ? found.start[i] : '?');
        passed->text[length] = '\0';
    }
    text->not_understood++;
}

static unsigned width_of(enum vmcs_field field)
{
    static const unsigned bits[] = {[VMCS_WIDTH_16] = 16,
                                    [VMCS_WIDTH_32] = 32,
                                    [VMCS_WIDTH_64] = 64,
                                    [VMCS_WIDTH_NATURAL] = 64};

    return bits[vmcs_encoding_width(field)];
}

/* A field that comes again with another value is of the next dump. */
static void put(struct reader *reader, struct piece line, struct field_named named, uint64_t value)
{
    struct vmcs_dump *dump = reader->dump;

    if (named.high)
        value = value << 32 | (dump ? (uint32_t)vmcs_image_get(&dump->image, named.field) : 0);
    if (width_of(named.field) < 64 && value >> width_of(named.field) != 0) {
        pass(reader, line, "a value that is as wide as its field");
        return;
    }
    if (dump == NULL ||
        (!named.high && vmcs_image_has(&dump->image, named.field) &&
         vmcs_image_get(&dump->image, named.field) != value && reader->format == VMCS_FORMAT_LIST))
        dump = begin(reader);
    vmcs_image_set(&dump->image, named.field, value);
}

/*
 * QEMU shows a descriptor's second word, of which bits 23:8 are the access rights, and what the
 * guest sees of CR0 and CR4: KVM runs it with NE and VMXE set. A segment that is not present is
 * unusable to KVM.
 */
static uint64_t as_field(const struct reader *reader, enum vmcs_field field, uint64_t value)
{
    if (reader->part != PART_REGISTERS)
        return value;
    if (field >= VMCS_GUEST_ES_ACCESS_RIGHTS && field <= VMCS_GUEST_TR_ACCESS_RIGHTS) {
        value = value >> 8 & 0xf0ff;
        return value & RIGHTS_P ? value : RIGHTS_UNUSABLE;
    }
    if (field == VMCS_GUEST_CR0)
        return value | 1u << 5;
    return field == VMCS_GUEST_CR4 ? value | 1u << 13 : value;
}

/* The column of a segment register's row, or another register's second number. */
static struct field_named named_again(const struct reader *reader, unsigned number)
{
    char name[2 * FIELD_NAME_MAX + 16];
    const char *rest;
    int segment = field_segment(reader->last, &rest);
    bool table = reader->part == PART_GUEST || reader->part == PART_REGISTERS;

    if (table && segment >= 0 && *rest == '\0' && number <= COLUMNS)
        return (struct field_named){
            .known = true,
            .field = vmcs_of_segment(columns[reader->order][number - 1], (unsigned)segment)};
    if (number == 1)
        return field_named(reader->last, reader->part);
    if (reader->part == PART_GUEST &&
        (strcmp(reader->last, "gdtr") == 0 || strcmp(reader->last, "idtr") == 0))
        snprintf(name, sizeof(name), "%s%s", reader->last, "base");
    else
        snprintf(name, sizeof(name), "%s%u", reader->last, number);
    return field_named(name, reader->part);
}

/* "GDTR:            0000ffff 0000000000000000": its limit stands first. */
static struct field_named named_first(struct reader *reader)
{
    if (reader->part == PART_GUEST && reader->order == ORDER_KERNEL) {
        if (strcmp(reader->last, "gdtr") == 0)
            return field_named("gdtrlimit", PART_GUEST);
        if (strcmp(reader->last, "idtr") == 0)
            return field_named("idtrlimit", PART_GUEST);
    }
    return named_again(reader, 1);
}

/* What the words before a number mean: all of them, with the line's first word, or the last ones.
 */
static struct field_named meaning(struct reader *reader, struct piece words)
{
    char name[FIELD_NAME_MAX], whole[sizeof(reader->last)];
    struct field_named named;

    field_name_plain(words, name);
    if (reader->head[0] != '\0') {
        snprintf(whole, sizeof(whole), "%s%s", reader->head, name);
        named = field_named(whole, reader->part);
        if (named.known) {
            snprintf(reader->last, sizeof(reader->last), "%s", whole);
            return named;
        }
    }
    snprintf(reader->last, sizeof(reader->last), "%s", name);
    named = named_first(reader);
    for (size_t at = 0; !named.known && at < words.length; at++) {
        if (char_is_letter(words.start[at]) || char_is_digit(words.start[at]) ||
            words.start[at] == '_')
            continue;
        field_name_plain(piece_after(words, at + 1), name);
        named = field_named(name, PART_ANY);
        if (named.known)
            snprintf(reader->last, sizeof(reader->last), "%s", name);
    }
    return named;
}

/* "CR0: actual=…, shadow=…": the word before the colon belongs to all numbers of the line. */
static void note_head(struct reader *reader, struct piece words)
{
    size_t colon = piece_find(words, ':');

    if (colon < words.length && piece_trim(piece_after(words, colon + 1)).length > 0)
        field_name_plain((struct piece){words.start, colon}, reader->head);
}

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

/* A number of a line, and the words between it and the number before. */
static void take_number(struct reader *reader, struct piece line, struct piece words,
                        const struct number *number, struct piece rest)
{
    struct field_named named;

    if (reader->has_pending && is_value_word(words)) {
        named = (struct field_named){.known = true,
                                     .high = reader->pending & 1,
                                     .field = (enum vmcs_field)(reader->pending & ~1u)};
        reader->has_pending = false;
        put(reader, line, named, number->value);
        return;
    }
    if ((reader->last[0] == '\0' || !is_value_word(words)) &&
        take_encoding(reader, words, number, rest))
        return;
    if (is_value_word(words)) {
        if (reader->last[0] == '\0')
            return;
        named = named_again(reader, ++reader->repeated);
    } else {
        note_head(reader, words);
        reader->repeated = 1;
        named = meaning(reader, words);
    }
    if (piece_starts(piece_skip(rest, " "), "(effective)") ||
        piece_starts(piece_skip(rest, " "), "(autoload)"))
        return;
    if (!named.known) {
        if (reader->dump != NULL && seems_meant(reader, words))
            pass(reader, line, "the name of a VMCS field");
    } else if (!named.passed) {
        put(reader, line, named, as_field(reader, named.field, number->value));
    }
}

static bool is_word(char c)
{
    return char_is_letter(c) || char_is_digit(c) || c == '_';
}

/* Passes over `(…)` and `[…]`, which say something about a number; not over a number in `[…]`. */
static bool skip_remark(struct piece *rest)
{
    char c = piece_first(*rest);
    struct piece inside = piece_after(*rest, 1);
    struct number number;
    struct piece near = {rest->start, rest->length < REMARK_MAX ? rest->length : REMARK_MAX};
    size_t end;

    if (c != '(' && c != '[')
        return false;
    end = piece_find(near, c == '(' ? ')' : ']');
    if (end == near.length)
        return false;
    if (c == '[' && number_take(&inside, &number) && piece_first(inside) == ']') {
        *rest = piece_after(*rest, 1);
        return true;
    }
    *rest = piece_after(*rest, end + 1);
    return true;
}

/* A number may stand where a sign says so, after another one, or after words that mean a field. */
static bool may_begin(struct reader *reader, struct piece words, char sign)
{
    char name[FIELD_NAME_MAX];

    if (sign != 0 || piece_trim(words).length == 0 || announces_encoding(words))
        return true;
    field_name_plain(words, name);
    if (reader->part == PART_GUEST || reader->part == PART_REGISTERS) {
        const char *rest;

        if (field_segment(name, &rest) >= 0 && *rest == '\0')
            return true;
    }
    for (size_t at = 0; at < words.length; at++) {
        if (at > 0 && is_word(words.start[at - 1]))
            continue;
        field_name_plain(piece_after(words, at), name);
        if (field_named(name, at == 0 ? reader->part : PART_ANY).known)
            return true;
    }
    return false;
}

/* `cd = 1`: what looks like a number and is given a value is a word, unless it is an encoding. */
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
    if (next == '=' && !number->prefixed && number->digits != 4)
        return false;
    *rest = at;
    return true;
}

/* The words between two places, but no more than a name can have. */
static struct piece last_of(const char *start, const char *end)
{
    if (end - start > FIELD_NAME_MAX)
        start = end - FIELD_NAME_MAX;
    return (struct piece){start, (size_t)(end - start)};
}

static void scan_line_of(struct reader *reader, struct piece line)
{
    struct piece rest = line, words = {line.start, 0};
    char sign = 0;

    reader->last[0] = reader->head[0] = '\0';
    reader->repeated = 0;
    reader->has_pending = reader->has_pending && reader->pending_stays;
    while (rest.length > 0) {
        char c = piece_first(rest);
        struct number number;
        struct piece after;

        if (skip_remark(&rest))
            continue;
        if (!is_word(c)) {
            if (char_is_one_of(c, "=:|") || (c == '-' && piece_at(rest, 1) == '>'))
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
            while (is_word(piece_first(rest)))
                rest = piece_after(rest, 1);
        }
        sign = 0;
    }
}

/* What a kernel or a console puts before each line of a dump. */
static struct piece without_prefix(struct reader *reader, struct piece line)
{
    static const char *const prefixes[] = {"(xen)", "kvm_intel:", "kvm:", "kernel:"};
    bool again = true;

    line = line_plain(line);
    while (again) {
        again = false;
        for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
            if (!piece_starts_folded(line, prefixes[i]) ||
                piece_starts_folded(line, "kvm: entry failed"))
                continue;
            reader->xen = i == 0;
            line = line_plain(piece_after(line, strlen(prefixes[i])));
            again = true;
        }
    }
    return line;
}

/* "KVM: entry failed, hardware error 0x80000021": QEMU reports exit reason or instruction error. */
static bool take_saying(struct reader *reader, struct piece line)
{
    static const char words[] = "entry failed, hardware error ";
    struct number number;

    if (!piece_has_folded(line, words))
        return false;
    while (!piece_starts_folded(line, words))
        line = piece_after(line, 1);
    line = piece_after(line, strlen(words));
    if (number_take_plain(&line, &number)) {
        if (number.value & EXIT_REASON_ENTRY_FAILURE)
            reader->said_reason = number.value;
        else
            reader->said_error = number.value;
    }
    reader->dump = NULL;
    reader->part = PART_ANY;
    return true;
}

static bool take_heading(struct reader *reader, struct piece line)
{
    for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++) {
        const struct heading *heading = &headings[i];

        if (!piece_starts_folded(line, heading->words))
            continue;
        reader->format = heading->format;
        reader->part = heading->part;
        reader->order = heading->order;
        if (heading->begins || reader->dump == NULL)
            begin(reader);
        return heading->format != VMCS_FORMAT_QEMU;
    }
    return false;
}

/* Dumps of which only headings were found are none. */
static void drop_empty(struct vmcs_text *text)
{
    size_t kept = 0;

    for (size_t i = 0; i < text->count; i++) {
        bool any = false;

        for (uint32_t field = 0; field < VMCS_FIELD_COUNT; field++)
            any |= text->dump[i].image.present[field] &&
                   vmcs_encoding_type(vmcs_field_table[field].field) != VMCS_TYPE_READ_ONLY;
        if (any)
            text->dump[kept++] = text->dump[i];
    }
    text->count = kept;
}

void vmcs_text_read(const char *bytes, size_t length, struct vmcs_text *text)
{
    struct reader reader = {.text = text};
    struct piece rest = {bytes, length}, line;

    while (piece_line(&rest, &line)) {
        reader.line++;
        line = without_prefix(&reader, line);
        if (!take_saying(&reader, line) && !take_heading(&reader, line))
            scan_line_of(&reader, line);
    }
    drop_empty(text);
}

void vmcs_text_free(struct vmcs_text *text)
{
    free(text->dump);
    *text = (struct vmcs_text){.dump = NULL};
}
