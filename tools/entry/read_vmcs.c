#include "tools/entry/heading.h"

#include <stdlib.h>
#include <string.h>

#include "lib/format.h"
#include "tools/capability/number.h"
#include "tools/entry/line_prefix.h"
#include "tools/entry/utf16.h"

enum { JOINED_MAX = 512 };

const char *vmcs_format_name(enum vmcs_format format)
{
    static const char *const names[VMCS_FORMAT_COUNT] = {
        "list", "kvm", "xen", "rootmode", "qemu", "registers", "virtualbox", "bhyve", "bochs"};

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
    memset(reader->seen, 0, sizeof(reader->seen));
    memset(reader->contradicted, 0, sizeof(reader->contradicted));
    return reader->dump;
}

void copy_printable(char *to, size_t size, struct piece from)
{
    size_t length = from.length < size - 1 ? from.length : size - 1;

    for (size_t i = 0; i < length; i++)
        to[i] = (char)(from.start[i] >= ' ' && from.start[i] <= '~' ? from.start[i] : '?');
    to[length] = '\0';
}

void reader_pass(struct reader *reader, struct piece found, const char *expected)
{
    struct vmcs_text *text = reader->text;

    if (reader->passed_line == reader->line)
        return;
    reader->passed_line = reader->line;
    if (text->not_understood < DUMP_PASSED_MAX) {
        struct dump_passed *passed = &text->passed[text->not_understood];

        passed->line = reader->line;
        passed->expected = expected;
        copy_printable(passed->text, sizeof(passed->text), found);
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

/* In these a field that comes again with another value is of the next dump. */
static bool may_come_again(enum vmcs_format format)
{
    return format == VMCS_FORMAT_LIST || format == VMCS_FORMAT_REGISTERS;
}

/*
 * Of a segment's attributes all that count must be there before its access rights are known. To KVM
 * a segment that is not present is unusable.
 */
static void put_attribute(struct reader *reader, struct field_named named, uint64_t value)
{
    enum { ALL = RIGHTS_TYPE | RIGHTS_S | RIGHTS_DPL | RIGHTS_P | RIGHTS_L | RIGHTS_DB | RIGHTS_G };
    unsigned segment = (named.field - VMCS_GUEST_ES_ACCESS_RIGHTS) / 2;
    uint32_t bits = ((1u << named.bits) - 1) << named.low;
    uint32_t *rights = &reader->rights[segment], *seen = &reader->seen[segment];

    if (reader->dump == NULL)
        begin(reader);
    if (*seen & bits)
        *seen = 0; /* of another dump */
    *rights = *seen == 0 ? 0 : *rights;
    *rights |= (uint32_t)value << named.low & bits;
    *seen |= bits;
    if ((*seen & ALL) != ALL)
        return;
    if (*rights & RIGHTS_UNUSABLE || !(*rights & RIGHTS_P))
        vmcs_image_set(&reader->dump->image, named.field, RIGHTS_UNUSABLE);
    else
        vmcs_image_set(&reader->dump->image, named.field, *rights);
}

/* Two CPUs that print at the same time: which value is whose nobody knows, so the field is unknown.
 */
static bool is_contradicted(struct reader *reader, struct field_named named, uint64_t value)
{
    struct vmcs_image *image = &reader->dump->image;
    uint32_t row = vmcs_field_index(named.field);

    if (vmcs_image_has(image, named.field) && !named.high &&
        vmcs_image_get(image, named.field) != value) {
        reader->contradicted[row] = true;
        image->present[row] = false;
    }
    return reader->contradicted[row];
}

/*
 * Bochs shows what it has read of the VMCS so far: it stops at the first wrong field, and does not
 * read what no control asks for. What is 0 there may be no value of the VMCS.
 */
void reader_put(struct reader *reader, struct piece line, struct field_named named, uint64_t value)
{
    struct vmcs_dump *dump = reader->dump;

    if (named.high)
        value = value << 32 | (dump ? (uint32_t)vmcs_image_get(&dump->image, named.field) : 0);
    if (width_of(named.field) < 64 && value >> width_of(named.field) != 0) {
        reader_pass(reader, line, "a value that is as wide as its field");
        return;
    }
    if (named.bits != 0) {
        put_attribute(reader, named, value);
        return;
    }
    if (reader->format == VMCS_FORMAT_BOCHS && value == 0)
        return;
    if (dump == NULL ||
        (!named.high && vmcs_image_has(&dump->image, named.field) &&
         vmcs_image_get(&dump->image, named.field) != value && may_come_again(reader->format)))
        dump = begin(reader);
    if (is_contradicted(reader, named, value))
        reader_pass(reader, line, "the value that this field had before");
    else
        vmcs_image_set(&dump->image, named.field, value);
}

/* Another part follows: the list was told to its end. */
static void end_entry_msrs(struct reader *reader)
{
    struct msr_list *list = reader->dump != NULL ? &reader->dump->entry_msrs : NULL;

    if (list == NULL || !reader->entry_msrs || list->count == 0 || reader->entry_msrs_cut)
        return;
    list->whole = true;
    vmcs_image_set(&reader->dump->image, VMCS_VM_ENTRY_MSR_LOAD_COUNT, list->count);
}

/* `limit: ffffffff`: Rust prints structures in decimal, and by {:x?} in hex, both without 0x. */
static bool shows_hex(struct piece line)
{
    while (line.length > 0) {
        struct number number;

        line = piece_after(line, piece_find(line, ':'));
        line = piece_skip(line, ": ");
        if (number_take_plain(&line, &number) && !number.prefixed && !number.is_decimal)
            return true;
    }
    return false;
}

static bool take_heading(struct reader *reader, struct piece line)
{
    const struct heading *heading = heading_of(line);

    if (heading == NULL || heading->flags & LINE)
        return heading != NULL && reader->format == heading->format;
    reader->passing = heading->flags & PASSED;
    if (reader->passing)
        return true;
    if (heading->flags & ANYWHERE && reader->format != heading->format)
        reader->dump = NULL;
    reader->format = heading->format;
    reader->part = heading->part;
    reader->order = heading->order;
    reader->decimal = heading->flags & DECIMAL && !shows_hex(line);
    reader->part_prefixed = reader->prefixed;
    reader->group[0] = '\0';
    if (heading->flags & BEGINS || reader->dump == NULL)
        begin(reader);
    else
        end_entry_msrs(reader);
    reader->entry_msrs = heading->flags & ENTRY_MSRS;
    reader->entry_msrs_cut = false;
    return !(heading->flags & FIELDS);
}

/*
 * "    0: msr=0x00000600 value=0x0000000000000017", of KVM's list of the MSRs that a VM entry
 * loads. A list of which a line is missing is cut; what it shows counts all the same.
 */
static bool take_entry_msr(struct reader *reader, struct piece line)
{
    struct msr_list *list;
    struct number number, msr, value;

    if (!reader->entry_msrs || reader->dump == NULL || !number_take_plain(&line, &number) ||
        piece_first(line) != ':')
        return false;
    line = piece_skip(line, ": ");
    if (!piece_starts_folded(line, "msr="))
        return false;
    line = piece_after(line, strlen("msr="));
    if (!number_take_plain(&line, &msr) || msr.value > UINT32_MAX)
        return false;
    line = piece_skip(line, " ");
    if (!piece_starts_folded(line, "value="))
        return false;
    line = piece_after(line, strlen("value="));
    list = &reader->dump->entry_msrs;
    if (!number_take_plain(&line, &value) || list->count == ENTRY_MSRS_MAX)
        return false;
    reader->entry_msrs_cut |= number.decimal != list->count;
    list->number[list->count] = (uint32_t)number.decimal + 1;
    list->msr[list->count] = (uint32_t)msr.value;
    list->value[list->count++] = value.value;
    return true;
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

/* What no text has: a line of it comes from a file of another kind. */
static bool is_binary(struct piece line)
{
    for (size_t i = 0; i < line.length; i++) {
        if ((unsigned char)line.start[i] < ' ' && !char_is_one_of(line.start[i], "\t\r\b\f\x1b"))
            return true;
    }
    return false;
}

static void take_line(struct reader *reader, struct piece line)
{
    reader->passing = reader->passing && line.length > 0;
    if (!reader_take_saying(reader, line) && !reader_take_emulator(reader, line) &&
        !take_heading(reader, line) && !take_entry_msr(reader, line) && !reader->passing)
        reader_scan(reader, line);
}

/* A line that waits for the next one, which may be its end. */
struct held {
    struct piece line;
    unsigned number;
    bool xen, prefixed, last;
    char joined[JOINED_MAX];
};

static void take_held(struct reader *reader, const struct held *held)
{
    if (held->number == 0)
        return;
    reader->line = held->number;
    reader->xen = held->xen;
    reader->prefixed = held->prefixed;
    reader->last_line = held->last;
    take_line(reader, held->line);
}

/*
 * Mails break long lines: in the dump of a kernel a line without the prefix that the one before it
 * has is the rest of that one, unless it begins something.
 */
static bool continues(const struct reader *reader, const struct held *held, struct piece line,
                      bool prefixed)
{
    bool in_dump =
        reader->part == PART_GUEST || reader->part == PART_HOST || reader->part == PART_CONTROL;

    if (!in_dump || !reader->part_prefixed || !held->prefixed || prefixed || line.length == 0 ||
        line_says_failure(line) || held->line.length + line.length + 1 > JOINED_MAX)
        return false;
    return heading_of(line) == NULL;
}

static void join(struct held *held, struct piece line)
{
    size_t length = held->line.length;

    memmove(held->joined, held->line.start, length);
    held->joined[length++] = ' ';
    memcpy(held->joined + length, line.start, line.length);
    held->line = (struct piece){held->joined, length + line.length};
}

static void read_lines(const char *bytes, size_t length, struct vmcs_text *text)
{
    struct reader reader = {.text = text};
    struct held held = {.line = {"", 0}};
    struct line_prefix prefix = {.length = 0};
    struct piece rest = {bytes, length}, raw;
    unsigned number = 0;

    while (piece_line(&rest, &raw)) {
        struct piece line = without_prefix(raw, &prefix);
        bool prefixed = line.start != piece_skip(raw, " \t>").start;

        number++;
        if (is_binary(raw))
            continue;
        if (continues(&reader, &held, line, prefixed)) {
            join(&held, line);
            held.last = raw.start + raw.length == bytes + length;
            continue;
        }
        take_held(&reader, &held);
        held.line = line;
        held.number = number;
        held.xen = piece_has_folded(raw, "(xen)");
        held.prefixed = prefixed;
        held.last = raw.start + raw.length == bytes + length;
    }
    take_held(&reader, &held);
    drop_empty(text);
}

void vmcs_text_read(const char *bytes, size_t length, struct vmcs_text *text)
{
    char *narrow = utf16_narrow(bytes, length);

    if (narrow == NULL) {
        read_lines(bytes, length, text);
        return;
    }
    read_lines(narrow, length / 2, text);
    free(narrow);
}

void vmcs_text_free(struct vmcs_text *text)
{
    free(text->dump);
    *text = (struct vmcs_text){.dump = NULL};
}
