#include "vmx/selftest/selftest.h"

#include "vmx/quirks.h"

enum {
    ACCESS_HIGH = 1, /* the access type: the upper 32 bits of a 64-bit field */
    WIDTHS = 4,
    TYPES = 4,
    INDEXES = 512, /* 9 bits */
    UNSUPPORTED_COMPONENT = 12,
    ERRATUM_SEEN = 21, /* in IA32_VMX_VMCS_ENUM; the preemption timer has index 23 */
    ERRATUM_WANTED = 23,
};

static const struct departure {
    uint32_t emulators;
    bool exists; /* what the machine says */
    const char *text;
    const enum vmcs_field *fields;
    uint32_t count;
} departures[] = {
#define FIELD_DEPARTURES(emulators, exists, text, ...)                      \
    {(emulators), (exists), (text), (const enum vmcs_field[]){__VA_ARGS__}, \
     sizeof((const enum vmcs_field[]){__VA_ARGS__}) / sizeof(enum vmcs_field)},
#include "vmx/selftest/departures.def"
#undef FIELD_DEPARTURES
};

/* What the walk over the encodings works with. */
struct walk {
    struct vmx_cpu *cpu;
    struct selftest *selftest;
    struct vmx_capability capability;
    uint32_t highest_index; /* of the fields that could be read, as predicted */
};

static const struct departure *known_departure(enum vmcs_field field, bool exists)
{
    for (unsigned i = 0; i < sizeof departures / sizeof *departures; i++) {
        for (uint32_t n = 0; n < departures[i].count; n++) {
            if ((departures[i].emulators & emulators_here) != 0 &&
                departures[i].fields[n] == field && departures[i].exists == exists)
                return &departures[i];
        }
    }
    return NULL;
}

void selftest_fields_drop(struct vmcs_image *image)
{
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        if (known_departure(vmcs_field_table[row].field, false))
            vmcs_image_put(image, vmcs_field_table[row].field, 0);
    }
}

/* Reports a field that is there or not against the prediction; true if that was known. */
static bool print_departure(struct walk *walk, uint32_t encoding, uint32_t index,
                            struct selftest_row row)
{
    const struct departure *known =
        known_departure((enum vmcs_field)(encoding & ~ACCESS_HIGH), vmx_ok(row.seen));

    row.has_value = true;
    row.predicted_value = row.seen_value = encoding;
    row.agrees = known != NULL;
    format_text(row.name, sizeof(row.name), "%s%s%s", known ? known->text : "", known ? ": " : "",
                index < VMCS_FIELD_COUNT ? vmcs_field_table[index].name
                                         : "a field that the manual does not name");
    /* Of a known one the upper half goes without saying. */
    if (!known || !(encoding & ACCESS_HIGH))
        selftest_add(walk->selftest, walk->cpu, &row);
    return known != NULL;
}

/* Reads one encoding; true if it went as the table, or a known departure from it, predicts. */
static bool walk_encoding(struct walk *walk, uint32_t encoding, struct selftest_row *group)
{
    enum vmcs_field full = (enum vmcs_field)(encoding & ~ACCESS_HIGH);
    uint32_t index = vmcs_field_index(full);
    bool exists = vmcs_field_exists(full, &walk->capability) &&
                  (encoding == full || vmcs_encoding_width(encoding) == VMCS_WIDTH_64);
    struct selftest_row row = {.predicted = {exists ? VMX_SUCCEED : VMX_FAIL_VALID,
                                             exists ? 0 : UNSUPPORTED_COMPONENT, 0}};
    uint64_t value;

    row.seen = vmread(encoding, &value);
    if (exists && vmx_ok(row.seen) && vmcs_encoding_index(encoding) > walk->highest_index)
        walk->highest_index = vmcs_encoding_index(encoding);
    group->predicted_value += exists;
    group->seen_value += vmx_ok(row.seen);
    return (index < VMCS_FIELD_COUNT && !vmcs_field_table[index].reported) ||
           (row.seen.outcome == row.predicted.outcome && row.seen.number == row.predicted.number) ||
           print_departure(walk, encoding, index, row);
}

static void walk_group(struct walk *walk, enum vmcs_width width, enum vmcs_type type)
{
    static const char *const widths[] = {[VMCS_WIDTH_16] = "16-bit",
                                         [VMCS_WIDTH_64] = "64-bit",
                                         [VMCS_WIDTH_32] = "32-bit",
                                         [VMCS_WIDTH_NATURAL] = "natural"};
    static const char *const types[] = {[VMCS_TYPE_CONTROL] = "control",
                                        [VMCS_TYPE_READ_ONLY] = "read-only",
                                        [VMCS_TYPE_GUEST] = "guest",
                                        [VMCS_TYPE_HOST] = "host"};
    struct selftest_row group = {.has_value = true, .agrees = true};

    format_text(group.name, sizeof(group.name), "VMREAD of %s %s fields", widths[width],
                types[type]);
    for (uint32_t index = 0; index < INDEXES; index++) {
        for (uint32_t high = 0; high <= 1; high++)
            group.agrees &=
                walk_encoding(walk, width << 13 | type << 10 | index << 1 | high, &group);
    }
    selftest_add(walk->selftest, walk->cpu, &group);
}

void selftest_fields_run(struct vmx_cpu *cpu, struct selftest *selftest)
{
    struct walk walk = {.cpu = cpu, .selftest = selftest};
    struct selftest_row enumeration = {.name = "IA32_VMX_VMCS_ENUM reaches the highest index",
                                       .has_value = true};

    vmx_capability_derive(&cpu->msrs, &walk.capability);
    for (unsigned width = 0; width < WIDTHS; width++) {
        for (unsigned type = 0; type < TYPES; type++)
            walk_group(&walk, (enum vmcs_width)width, (enum vmcs_type)type);
    }
    enumeration.predicted_value = walk.highest_index;
    enumeration.seen_value = walk.capability.vmcs_enum_max_index;
    /*
     * More is no harm: processors count fields that nobody may read. Too little is an erratum of
     * Haswell and its time ("IA32_VMX_VMCS_ENUM MSR (48AH) Does Not Properly Report the Highest
     * Index Value Used For VMCS Encoding").
     */
    enumeration.agrees =
        enumeration.seen_value >= enumeration.predicted_value ||
        (enumeration.seen_value == ERRATUM_SEEN && enumeration.predicted_value == ERRATUM_WANTED);
    selftest_add(selftest, cpu, &enumeration);
}
