#include "vmx/text/vmcs_dump.h"

#include "lib/wrapped.h"

enum {
    COLUMNS = 80,
    INDENT = 8,
    WORDS_SIZE = 1024, /* more than the longest control word with all of its names */
    SEGMENTS = 8,
};

/* What the field's value means, "" where there is nothing to say. */
static void words_of(const struct vmcs_image *image, enum vmcs_field field, char *text, size_t size)
{
    struct text_buffer buffer;

    text_buffer_init(&buffer, text, size);
    vmcs_field_print(&buffer.sink, image, field);
}

/* Words below their field. */
static void print_words(struct sink *sink, const struct vmcs_image *image, enum vmcs_field field)
{
    char words[WORDS_SIZE];

    words_of(image, field, words, sizeof(words));
    print_wrapped(sink, INDENT, COLUMNS - 1 - INDENT, words);
}

static char mark_of(const struct vmcs_marks *marks, enum vmcs_field field)
{
    for (uint32_t i = 0; i < marks->count; i++) {
        if (marks->field[i] == field)
            return '>';
    }
    return ' ';
}

static void print_field(struct sink *sink, const struct vmcs_image *image,
                        const struct vmcs_marks *marks, const struct vmcs_field_row *row)
{
    static const int digits[] = {
        [VMCS_WIDTH_16] = 4, [VMCS_WIDTH_32] = 8, [VMCS_WIDTH_64] = 16, [VMCS_WIDTH_NATURAL] = 16};

    print_to(sink, "%c %-50s 0x%0*lx\n", mark_of(marks, row->field), row->name,
             digits[vmcs_encoding_width(row->field)], vmcs_image_get(image, row->field));
    print_words(sink, image, row->field);
}

/* The segment registers stand in the same order, ES first, in each of the four groups. */
static bool is_of_segment(enum vmcs_field field)
{
    return (field >= VMCS_GUEST_ES_SELECTOR && field <= VMCS_GUEST_TR_SELECTOR) ||
           (field >= VMCS_GUEST_ES_LIMIT && field <= VMCS_GUEST_TR_LIMIT) ||
           (field >= VMCS_GUEST_ES_ACCESS_RIGHTS && field <= VMCS_GUEST_TR_ACCESS_RIGHTS) ||
           (field >= VMCS_GUEST_ES_BASE && field <= VMCS_GUEST_TR_BASE);
}

/* What the image lacks of a segment is reported as dashes: never a value that nobody read. */
static void print_segment_value(struct sink *sink, const struct vmcs_image *image,
                                enum vmcs_field field, int digits)
{
    if (vmcs_image_has(image, field))
        print_to(sink, " 0x%0*lx", digits, vmcs_image_get(image, field));
    else
        print_to(sink, " %*s", digits + 2, "-");
}

/* One mark for the row: it has four fields. */
static char mark_of_segment(const struct vmcs_marks *marks, unsigned segment)
{
    static const enum vmcs_field groups[] = {VMCS_GUEST_ES_SELECTOR, VMCS_GUEST_ES_BASE,
                                             VMCS_GUEST_ES_LIMIT, VMCS_GUEST_ES_ACCESS_RIGHTS};
    char mark = ' ';

    for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]) && mark == ' '; i++)
        mark = mark_of(marks, vmcs_of_segment(groups[i], segment));
    return mark;
}

static void print_segments(struct sink *sink, const struct vmcs_image *image,
                           const struct vmcs_marks *marks)
{
    static const char *const names[SEGMENTS] = {"ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"};

    print_to(sink, "       selector base               limit      access rights\n");
    for (unsigned i = 0; i < SEGMENTS; i++) {
        enum vmcs_field rights = vmcs_of_segment(VMCS_GUEST_ES_ACCESS_RIGHTS, i);

        print_to(sink, "%c %-4s", mark_of_segment(marks, i), names[i]);
        print_segment_value(sink, image, vmcs_of_segment(VMCS_GUEST_ES_SELECTOR, i), 4);
        print_to(sink, "  ");
        print_segment_value(sink, image, vmcs_of_segment(VMCS_GUEST_ES_BASE, i), 16);
        print_segment_value(sink, image, vmcs_of_segment(VMCS_GUEST_ES_LIMIT, i), 8);
        print_segment_value(sink, image, rights, 8);
        print_to(sink, "\n");
        print_words(sink, image, rights);
    }
}

void vmcs_dump_text(const struct vmcs_image *image, struct vmcs_marks marks, struct sink *sink)
{
    static const struct {
        enum vmcs_type type;
        const char *heading;
    } parts[] = {{VMCS_TYPE_CONTROL, "Control fields"},
                 {VMCS_TYPE_GUEST, "Guest state"},
                 {VMCS_TYPE_HOST, "Host state"},
                 {VMCS_TYPE_READ_ONLY, "Exit information"}};

    for (unsigned part = 0; part < sizeof(parts) / sizeof(parts[0]); part++) {
        print_to(sink, "%s\n", parts[part].heading);
        if (parts[part].type == VMCS_TYPE_GUEST)
            print_segments(sink, image, &marks);
        for (uint32_t i = 0; i < VMCS_FIELD_COUNT; i++) {
            const struct vmcs_field_row *row = &vmcs_field_table[i];

            if (image->present[i] && vmcs_encoding_type(row->field) == parts[part].type &&
                !is_of_segment(row->field))
                print_field(sink, image, &marks, row);
        }
    }
}

void vmcs_dump_json(const struct vmcs_image *image, struct json *json, const char *name)
{
    char words[WORDS_SIZE];

    json_array_begin(json, name);
    for (uint32_t i = 0; i < VMCS_FIELD_COUNT; i++) {
        if (!image->present[i])
            continue;
        words_of(image, vmcs_field_table[i].field, words, sizeof(words));
        json_object_begin(json, NULL);
        json_string(json, "field", vmcs_field_table[i].name);
        json_hex(json, "encoding", (uint64_t)vmcs_field_table[i].field);
        json_hex(json, "value", image->value[i]);
        json_string(json, "text", words[0] != '\0' ? words : NULL);
        json_object_end(json);
    }
    json_array_end(json);
}
