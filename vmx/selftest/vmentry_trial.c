#include "vmx/selftest/vmentry_trial.h"

#include "lib/string.h"
#include "vmx/entry/vmentry_state.h"

/* What bits 15:12 of a word say that the others are. */
enum {
    /* Of a field: bits 7:0 are its row in vmcs_field_table. Two words with a value are behind it;
     * that is of bits 63:32 where bit 8 is 1. */
    CHANGE_SET,   /* the value */
    CHANGE_OR,    /* with the value's bits set */
    CHANGE_CLEAR, /* with the value's bits clear */
    CHANGE_PAGE,  /* the page's address; the value is page + 4096 * offset */
    CHANGE_LAST,  /* that many bytes before the end of the physical addresses */
    /* Of a field, without a value. */
    CHANGE_BEYOND,       /* with the first bit beyond the physical-address width set */
    CHANGE_NONCANONICAL, /* the smallest address that is not canonical */
    CHANGE_HIGH,         /* with the first bit beyond the linear-address width set */
    CHANGE_CURRENT,      /* the address of the current VMCS */
    /* Of a control: bits 9:6 are its word, bits 5:0 its place there. */
    CHANGE_ON,
    CHANGE_OFF,
    /* No changes, but what stands between them where the trials stand one after the other. */
    TRIAL_BEGINS, /* bits 7:0 are the rule, bits 11:8 the base */
    TRIAL_BREAKS,
    TRIAL_ALSO, /* a rule */
};

#define KIND_OF(word) ((word) >> 12)

#define TRIAL_IN(base, rule, ...) \
    TRIAL_BEGINS << 12 | VMENTRY_BASE_##base << 8 | VMENTRY_##rule, __VA_ARGS__,
#define TRIAL(rule, ...) TRIAL_IN(LONG, rule, __VA_ARGS__)
#define SETUP(...)       __VA_ARGS__
#define BREAK(...)       TRIAL_BREAKS << 12, __VA_ARGS__
#define ALSO(rule)       TRIAL_ALSO << 12 | VMENTRY_##rule

/* One half of a value is 0: what has bits in both takes two changes. */
#define LOWER_HALF(value) ((uint32_t)(value))
#define UPPER_HALF(value) ((uint32_t)((uint64_t)(value) >> 32))
#define HALF_OF(value)                                                         \
    (sizeof(char[LOWER_HALF(value) == 0 || UPPER_HALF(value) == 0 ? 1 : -1]) * \
     (LOWER_HALF(value) | UPPER_HALF(value)))
#define SHORT(kind, field) CHANGE_##kind << 12 | ROW_##field
#define CHANGE(field, kind, value)                                               \
    SHORT(kind, field) | (UPPER_HALF(value) != 0) << 8, HALF_OF(value) & 0xffff, \
        HALF_OF(value) >> 16
#define CONTROL(kind, word, id) \
    CHANGE_##kind << 12 | VMX_CONTROL_##word << 6 | __builtin_ctz(word##_##id)
#define SET(field, value)          CHANGE(field, SET, value)
#define OR(field, bits)            CHANGE(field, OR, bits)
#define CLEAR(field, bits)         CHANGE(field, CLEAR, bits)
#define ON(word, id)               CONTROL(ON, word, id)
#define OFF(word, id)              CONTROL(OFF, word, id)
#define PAGE(field, which, offset) CHANGE(field, PAGE, VMENTRY_PAGE_##which | (offset) << 12)
#define BEYOND(field)              SHORT(BEYOND, field)
#define NONCANONICAL(field)        SHORT(NONCANONICAL, field)
#define HIGH(field)                SHORT(HIGH, field)
#define LAST(field, bytes)         CHANGE(field, LAST, bytes)
#define CURRENT(field)             SHORT(CURRENT, field)
#define EVENT(type, vector, more) \
    SET(VM_ENTRY_INTERRUPTION_INFORMATION, 1u << 31 | EVENT_##type << 8 | (vector) | (more))

/* The number of each row of vmcs_field_table. */
#define FIELD(id, ...) ROW_##id,
enum {
#include "vmx/vmcs_fields.def"
};

/* All trials, one after the other: in as many words as they need. */
static const uint16_t trials[] = {
#include "vmx/selftest/vmentry_trials.def"
};
static const uint16_t *const trials_end = trials + sizeof trials / sizeof *trials;

_Static_assert(VMENTRY_RULE_COUNT <= 1 << 8, "a rule has eight bits of TRIAL_BEGINS");

static const uint16_t *behind(const uint16_t *change)
{
    return change + (KIND_OF(*change) <= CHANGE_LAST ? 3 : 1);
}

/* The first that is of another kind than a change. */
static const uint16_t *behind_changes(const uint16_t *at)
{
    while (at < trials_end && KIND_OF(*at) < TRIAL_BEGINS)
        at = behind(at);
    return at;
}

bool vmentry_trial_next(struct vmentry_trial *trial)
{
    const uint16_t *at = trial->end != NULL ? trial->end : trials;

    if (at == trials_end)
        return false;
    trial->number = trial->end != NULL ? trial->number + 1 : 0;
    if (KIND_OF(*at) == TRIAL_BEGINS) {
        trial->rule = (enum vmentry_rule)(*at & 0xff);
        trial->base = (enum vmentry_base)(*at >> 8 & 0xf);
        trial->setup = at + 1;
        at = behind_changes(trial->setup);
    }
    trial->broken = at + 1;
    trial->also = behind_changes(trial->broken);
    for (at = trial->also; at < trials_end && KIND_OF(*at) == TRIAL_ALSO; at++)
        ;
    trial->end = at;
    return true;
}

bool vmentry_trial_breaks(const struct vmentry_trial *trial, enum vmentry_rule rule)
{
    for (const uint16_t *also = trial->also; also < trial->end; also++) {
        if ((*also & 0xff) == rule)
            return true;
    }
    return rule == trial->rule;
}

static uint64_t changed(const struct vmentry_ground *ground, const uint16_t *change, uint64_t old)
{
    const struct vmentry_context *context = ground->context;
    uint64_t value = 0;

    if (KIND_OF(*change) <= CHANGE_LAST)
        value = (uint64_t)(change[1] | (uint32_t)change[2] << 16) << (*change & 1 << 8 ? 32 : 0);
    switch (KIND_OF(*change)) {
    case CHANGE_SET:
        return value;
    case CHANGE_OR:
        return old | value;
    case CHANGE_CLEAR:
        return old & ~value;
    case CHANGE_PAGE:
        return ground->page[value & 0xfff] + (value >> 12);
    case CHANGE_LAST:
        return (1ull << context->physical_address_width) - value;
    case CHANGE_BEYOND:
        return old | 1ull << context->physical_address_width;
    case CHANGE_NONCANONICAL:
        return 1ull << (context->linear_address_width - 1);
    case CHANGE_HIGH:
        return (old & ((1ull << context->linear_address_width) - 1)) |
               1ull << context->linear_address_width;
    default: /* CHANGE_CURRENT */
        return context->current_vmcs;
    }
}

static void change(const struct vmentry_ground *ground, const uint16_t *changes,
                   const uint16_t *end, struct vmcs_image *image)
{
    for (; changes < end; changes = behind(changes)) {
        unsigned kind = KIND_OF(*changes), row = *changes & 0xff;

        if (kind == CHANGE_ON || kind == CHANGE_OFF)
            vmentry_switch(image, (struct vmentry_control){*changes >> 6 & 0xf, *changes & 0x3f},
                           kind == CHANGE_ON);
        else
            vmcs_image_set(image, vmcs_field_table[row].field,
                           changed(ground, changes, image->value[row]));
    }
}

bool vmentry_trial_keep(const struct vmentry_ground *ground, const struct vmentry_trial *trial,
                        struct vmcs_image *image)
{
    if (!vmentry_base_image(ground, trial->base, image))
        return false;
    if (vmentry_forms[trial->rule].fields != 0)
        vmentry_switch(image, vmentry_forms[trial->rule].when, true);
    change(ground, trial->setup, behind_changes(trial->setup), image);
    return true;
}

void vmentry_trial_break(const struct vmentry_ground *ground, const struct vmentry_trial *trial,
                         struct vmcs_image *image)
{
    change(ground, trial->broken, trial->also, image);
}

void vmentry_page_fill(enum vmentry_page page, uint32_t revision_id, void *bytes)
{
    /* Trials say at which offset which entry stands: vmx/selftest/vmentry_trials_guest.def. */
    static const struct vmentry_msr_entry entries[] = {
        {0x174, 0, 0},                     /* IA32_SYSENTER_CS, which any value fits */
        {0x174, 1, 0},                     /* a reserved bit */
        {IA32_FS_BASE, 0, 0},              /* which the guest-state area has */
        {IA32_X2APIC_FIRST + 2, 0, 0},     /* the local APIC */
        {0x9b, 0, 0},                      /* IA32_SMM_MONITOR_CTL */
        {IA32_PAT, 0, 0x0007040600070402}, /* memory type 2: WRMSR faults */
        {0x174, 0, 0},
        {IA32_GS_BASE, 0, 0},
        {0x8b, 0, 0}, /* IA32_BIOS_SIGN_ID: 0 is what software writes before it reads it */
    };
    static const uint64_t pdptes[] = {3, 0, 0, 0, 0, 0, 0, 0x21}; /* bit 1; bit 5 */
    uint32_t first = revision_id | (page == VMENTRY_PAGE_SHADOW ? 1u << 31 : 0);

    memset(bytes, 0, 4096);
    if (page == VMENTRY_PAGE_LINK || page == VMENTRY_PAGE_SHADOW)
        memcpy(bytes, &first, sizeof(first));
    else if (page == VMENTRY_PAGE_PDPTES)
        memcpy(bytes, pdptes, sizeof(pdptes));
    else if (page == VMENTRY_PAGE_MSRS)
        memcpy(bytes, entries, sizeof(entries));
}
