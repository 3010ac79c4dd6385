/*
 * What a number of a line means: which field the words before it name, or the column that it stands
 * in.
 */
#include <stdio.h>
#include <string.h>

#include "tools/entry/reader.h"

enum { COLUMNS = 11 };

/* The values of a segment register in the order of a line: fields of ES, or bits of its rights. */
static const struct column {
    enum vmcs_field of_es;
    uint8_t low, bits;
} columns[ORDER_COUNT][COLUMNS] = {
    [ORDER_KERNEL] = {{VMCS_GUEST_ES_SELECTOR, 0, 0},
                      {VMCS_GUEST_ES_ACCESS_RIGHTS, 0, 0},
                      {VMCS_GUEST_ES_LIMIT, 0, 0},
                      {VMCS_GUEST_ES_BASE, 0, 0}},
    [ORDER_ROOTMODE] = {{VMCS_GUEST_ES_SELECTOR, 0, 0},
                        {VMCS_GUEST_ES_BASE, 0, 0},
                        {VMCS_GUEST_ES_LIMIT, 0, 0},
                        {VMCS_GUEST_ES_ACCESS_RIGHTS, 0, 0}},
    [ORDER_QEMU] = {{VMCS_GUEST_ES_SELECTOR, 0, 0},
                    {VMCS_GUEST_ES_BASE, 0, 0},
                    {VMCS_GUEST_ES_LIMIT, 0, 0},
                    {VMCS_GUEST_ES_ACCESS_RIGHTS, 0, 0}},
    /* type  p dpl db s l g avl */
    [ORDER_KVMTOOL] = {{VMCS_GUEST_ES_SELECTOR, 0, 0},
                       {VMCS_GUEST_ES_BASE, 0, 0},
                       {VMCS_GUEST_ES_LIMIT, 0, 0},
                       {VMCS_GUEST_ES_ACCESS_RIGHTS, 0, 4},
                       {VMCS_GUEST_ES_ACCESS_RIGHTS, 7, 1},
                       {VMCS_GUEST_ES_ACCESS_RIGHTS, 5, 2},
                       {VMCS_GUEST_ES_ACCESS_RIGHTS, 14, 1},
                       {VMCS_GUEST_ES_ACCESS_RIGHTS, 4, 1},
                       {VMCS_GUEST_ES_ACCESS_RIGHTS, 13, 1},
                       {VMCS_GUEST_ES_ACCESS_RIGHTS, 15, 1},
                       {VMCS_GUEST_ES_ACCESS_RIGHTS, 12, 1}},
    [ORDER_BHYVE] = {{VMCS_GUEST_ES_SELECTOR, 0, 0}},
    [ORDER_BHYVE_DESC] = {{VMCS_GUEST_ES_BASE, 0, 0},
                          {VMCS_GUEST_ES_LIMIT, 0, 0},
                          {VMCS_GUEST_ES_ACCESS_RIGHTS, 0, 0}},
};

/*
 * QEMU shows a descriptor's second word, of which bits 23:8 are the access rights, and what the
 * guest sees of CR0 and CR4: KVM runs it with NE and VMXE set. A segment that is not present is
 * unusable to KVM.
 */
uint64_t reader_value(const struct reader *reader, enum vmcs_field field, uint64_t value)
{
    if (reader->part != PART_REGISTERS)
        return value;
    if (reader->order == ORDER_QEMU && field >= VMCS_GUEST_ES_ACCESS_RIGHTS &&
        field <= VMCS_GUEST_TR_ACCESS_RIGHTS) {
        value = value >> 8 & 0xf0ff;
        return value & RIGHTS_P ? value : RIGHTS_UNUSABLE;
    }
    if (field == VMCS_GUEST_CR0)
        return value | 1u << 5;
    return field == VMCS_GUEST_CR4 ? value | 1u << 13 : value;
}

static bool is_table(const char *name)
{
    return strcmp(name, "gdtr") == 0 || strcmp(name, "idtr") == 0;
}

/* The column of a segment register's row, or another register's second number. */
static struct field_named column_of(const struct reader *reader, unsigned number)
{
    char name[2 * FIELD_NAME_MAX + 16];
    const char *rest;
    int segment = field_segment(reader->last, &rest);
    bool table = reader->part == PART_GUEST || reader->part == PART_REGISTERS;
    bool desc = segment >= 0 && strcmp(rest, "desc") == 0; /* bhyve: "cs desc[0] …/…/…" */
    const struct column *order = columns[desc ? ORDER_BHYVE_DESC : reader->order];

    if (table && segment >= 0 && (*rest == '\0' || desc) && number <= COLUMNS &&
        order[number - 1].of_es != 0) {
        const struct column *column = &order[number - 1];

        return (struct field_named){.known = true,
                                    .low = column->low,
                                    .bits = column->bits,
                                    .field = vmcs_of_segment(column->of_es, (unsigned)segment)};
    }
    if (number == 1)
        return field_named(reader->last, reader->part);
    if (reader->part == PART_GUEST && is_table(reader->last))
        snprintf(name, sizeof(name), "%s%s", reader->last,
                 reader->order == ORDER_BHYVE ? "limit" : "base");
    else if (number == 2)
        snprintf(name, sizeof(name), "%sagain", reader->last);
    else
        snprintf(name, sizeof(name), "%sagain%u", reader->last, number - 2);
    return field_named(name, reader->part);
}

/* "GDTR:            0000ffff 0000000000000000": its limit stands first, but not in bhyve. */
static struct field_named named_first(struct reader *reader)
{
    char name[sizeof(reader->last) + 8];

    if (reader->part != PART_GUEST || !is_table(reader->last) ||
        (reader->order != ORDER_KERNEL && reader->order != ORDER_BHYVE))
        return column_of(reader, 1);
    snprintf(name, sizeof(name), "%s%s", reader->last,
             reader->order == ORDER_BHYVE ? "base" : "limit");
    return field_named(name, PART_GUEST);
}

/* A name begins with a letter. */
bool words_begin_name(struct piece words, size_t at)
{
    return char_is_letter(words.start[at]) && !word_char(words.start[at - 1]);
}

/* "CS  base: 0x…     limit: 0x…": what follows, also in the next line, is of the same register. */
static void note_base(struct reader *reader, const char *name)
{
    size_t length = strlen(name), base = strlen("base");
    const char *rest;

    if (reader->part != PART_REGISTERS || length <= base || length - base >= GROUP_MAX ||
        strcmp(name + length - base, "base") != 0 ||
        (field_segment(name, &rest) < 0 && strncmp(name, "gdt", 3) != 0 &&
         strncmp(name, "idt", 3) != 0))
        return;
    memcpy(reader->group, name, length - base);
    reader->group[length - base] = '\0';
}

/* What the words before a number mean: all of them, with the line's first word, or the last ones.
 */
struct field_named reader_meaning(struct reader *reader, struct piece words)
{
    char name[FIELD_NAME_MAX], whole[sizeof(reader->last)];
    struct field_named named;
    const char *head = reader->group[0] != '\0' ? reader->group : reader->head;

    field_name_plain(words, name);
    if (!field_named(name, reader->part).known) /* pdpte[0] is a name with its index, cr0[0] not */
        field_name_plain(words_before_index(words), name);
    if (head[0] != '\0') {
        snprintf(whole, sizeof(whole), "%s%s", head, name);
        named = field_named(whole, reader->part);
        if (named.known) {
            snprintf(reader->last, sizeof(reader->last), "%s", whole);
            return named;
        }
    }
    snprintf(reader->last, sizeof(reader->last), "%s", name);
    note_base(reader, name);
    named = named_first(reader);
    for (size_t at = 1; !named.known && at < words.length; at++) {
        if (!words_begin_name(words, at))
            continue;
        field_name_plain(piece_after(words, at), name);
        named = field_named(name, PART_ANY);
        if (named.known)
            snprintf(reader->last, sizeof(reader->last), "%s", name);
    }
    return named;
}

/* "CR0: actual=…, shadow=…": the word before the colon belongs to all numbers of the line. */
void reader_note_head(struct reader *reader, struct piece words)
{
    size_t colon = piece_find(words, ':');

    if (colon < words.length && piece_trim(piece_after(words, colon + 1)).length > 0)
        field_name_plain((struct piece){words.start, colon}, reader->head);
}

/*
 * `cs: kvm_segment { base: 0, …`, `cs={0010 base=0 …`: what is named before the `{` belongs to all
 * names in it. Of JSON braces are between fields.
 */
void reader_note_brace(struct reader *reader, struct piece words, char brace)
{
    char name[FIELD_NAME_MAX] = "";
    size_t end = words.length, start;

    reader->has_pending = false;
    reader->head[0] = reader->group[0] = '\0';
    if (reader->format == VMCS_FORMAT_LIST && brace == '}')
        reader->decimal = false;
    if (reader->part != PART_REGISTERS || brace == '}')
        return;
    while (end > 0 && !char_is_one_of(words.start[end - 1], ":="))
        end--;
    for (start = end; start > 0 && !word_char(words.start[start - 1]);)
        start--;
    while (start > 0 && word_char(words.start[start - 1]))
        start--;
    field_name_plain((struct piece){words.start + start, end - start}, name);
    if (strlen(name) < GROUP_MAX)
        memcpy(reader->group, name, strlen(name) + 1);
}

struct field_named reader_meaning_again(struct reader *reader)
{
    return column_of(reader, ++reader->repeated);
}

struct field_named reader_meaning_of_group(struct reader *reader)
{
    snprintf(reader->last, sizeof(reader->last), "%s", reader->group);
    reader->repeated = 1;
    return column_of(reader, 1);
}
