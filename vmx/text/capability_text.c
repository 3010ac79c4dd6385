#include "vmx/text/capability_text.h"

#include "lib/packed.h"
#include "vmx/text/failure_text.h"

const struct basic_field basic_fields[BASIC_FIELD_COUNT] = {
    {63, 59, "reserved-63-59", "not defined yet",
     "not defined yet, and 0 on every known processor"},
    {58, 58, "nested-exception", "events in VMX: no nested-exception information",
     "events in VMX: nested-exception information (FRED)"},
    {57, 57, "bit-57", "undocumented", "undocumented; 1 on all since Alder Lake"},
    {56, 56, "any-event-error-code", "hardware exceptions: error code as in the real event",
     "hardware exceptions: with or without an error code"},
    {55, 55, "true-controls", "TRUE control MSRs: none, default1 controls stay 1",
     "TRUE control MSRs: 0x48d to 0x490, more controls may be 0"},
    {54, 54, "ins-outs-information", "exits of INS and OUTS: no information on the instruction",
     "exits of INS and OUTS: information on the instruction"},
    {53, 50, "memory-type", NULL, NULL},
    {49, 49, "dual-monitor-treatment", "dual-monitor treatment of SMIs and SMM: no",
     "dual-monitor treatment of SMIs and SMM: yes"},
    {48, 48, "32-bit-addresses", "VMX structures: at any physical address",
     "VMX structures: only below 4 GiB"},
    {47, 45, "reserved-47-45", "reserved", "reserved, and should be 0"},
    {44, 32, "size", "bytes for a VMXON region or a VMCS: impossible",
     "bytes for a VMXON region or a VMCS"},
    {31, 31, "bit-31", "always 0", "always 0 on a processor; not part of the revision id"},
    {30, 0, "revision-id", "VMCS revision id, first in every region",
     "VMCS revision id, first in every region"},
};

/* SDM, table "Memory Types Recommended for VMCS and Related Data Structures"; PAT's encodings. */
static const char *const memory_types[16] = {
    [0] = "memory type for VMCS accesses: uncacheable (UC)",
    [1] = "memory type for VMCS accesses: write combining (WC)",
    [4] = "memory type for VMCS accesses: write through (WT)",
    [5] = "memory type for VMCS accesses: write protected (WP)",
    [6] = "memory type for VMCS accesses: write-back (WB)",
    [7] = "memory type for VMCS accesses: uncached (UC-)",
};

enum { MEMORY_TYPE = 6, REVISION_ID = 12 }; /* their places in the table */

uint64_t basic_field_value(const struct basic_field *field, uint64_t basic)
{
    return basic >> field->low & (~0ull >> (63 - (field->high - field->low)));
}

const char *basic_field_meaning(const struct basic_field *field, uint64_t basic)
{
    uint64_t value = basic_field_value(field, basic);
    ptrdiff_t index = field - basic_fields;

    if (index == MEMORY_TYPE)
        return memory_types[value] ? memory_types[value]
                                   : "memory type for VMCS accesses: none of the known ones";
    return value ? field->other : field->zero;
}

static enum severity severity_of(const struct basic_field *field, const struct findings *findings)
{
    enum severity worst = SEVERITY_NONE;

    for (uint32_t i = 0; findings && i < findings->count; i++) {
        const struct finding *finding = &findings->item[i];

        if (finding->msr == IA32_VMX_BASIC && finding->high == field->high &&
            finding->low == field->low && finding->severity > worst)
            worst = finding->severity;
    }
    return worst;
}

/* The number of each field's highest bit, read downwards, above its leftmost digit. */
static void draw_ruler(struct sink *sink, unsigned divisor)
{
    print_to(sink, "  ");
    for (int i = 0; i < BASIC_FIELD_COUNT; i++) {
        int width = basic_fields[i].high - basic_fields[i].low + 1;
        unsigned digit = (unsigned)basic_fields[i].high / divisor % 10;

        /* No spaces at the end of a line. */
        print_to(sink, "%u%*s", digit, i + 1 < BASIC_FIELD_COUNT ? width : 0, "");
    }
    print_to(sink, "\n");
}

static void draw_bits(struct sink *sink, uint64_t basic)
{
    print_to(sink, " ");
    for (int i = 0; i < BASIC_FIELD_COUNT; i++) {
        print_to(sink, " ");
        for (int bit = basic_fields[i].high; bit >= basic_fields[i].low; bit--)
            print_to(sink, "%c", basic >> bit & 1 ? '1' : '0');
    }
    print_to(sink, "\n");
}

static void draw_field(struct sink *sink, int index, uint64_t basic, enum severity severity)
{
    static const char marks[] = {[SEVERITY_NONE] = ' ',
                                 [SEVERITY_NOTE] = ' ',
                                 [SEVERITY_WARNING] = '!',
                                 [SEVERITY_REFUSAL] = 'X'};
    const struct basic_field *field = &basic_fields[index];
    uint64_t value = basic_field_value(field, basic);
    char range[8], shown[12];

    if (field->high == field->low)
        format_text(range, sizeof(range), "%d", field->high);
    else
        format_text(range, sizeof(range), "%d:%d", field->high, field->low);
    format_text(shown, sizeof(shown), index == REVISION_ID ? "0x%x" : "%u", (unsigned)value);
    print_to(sink, "%c %5s  %-10s  %s", marks[severity], range, shown,
             basic_field_meaning(field, basic));
}

void basic_render(struct sink *sink, uint64_t basic, const struct findings *findings,
                  void (*paint)(struct sink *sink, enum severity severity))
{
    print_to(sink, "IA32_VMX_BASIC (MSR 0x%x) = 0x%016llx\n\n", IA32_VMX_BASIC,
             (unsigned long long)basic);
    draw_ruler(sink, 10);
    draw_ruler(sink, 1);
    draw_bits(sink, basic);
    print_to(sink, "\n   bits  value       meaning\n");
    for (int i = 0; i < BASIC_FIELD_COUNT; i++) {
        enum severity severity = severity_of(&basic_fields[i], findings);

        if (paint)
            paint(sink, severity);
        draw_field(sink, i, basic, severity);
        if (paint)
            paint(sink, SEVERITY_NONE);
        print_to(sink, "\n");
    }
}

/* Of each rule its three texts, packed (lib/packed.h): packing, texts, places in them. */
#include "finding_texts.inc"

struct rule_text rule_text(enum rule rule)
{
    const char *packed = texts + places[rule];
    struct rule_text of = {0};

    packed = unpack(packing, packed, of.text, sizeof(of.text));
    packed = unpack(packing, packed, of.sdm, sizeof(of.sdm));
    (void)unpack(packing, packed, of.remedy, sizeof(of.remedy));
    return of;
}

static const struct vmx_texts vmx_texts = {rule_text, vmx_error_text};
SET_MEMBER(vmx_texts, 0, const struct vmx_texts, vmx_texts);
