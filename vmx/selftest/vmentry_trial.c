#include "vmx/selftest/vmentry_trial.h"

#include "lib/string.h"
#include "vmx/entry/vmentry_state.h"

#define TRIAL(rule, base, ...) \
    {0, TRIAL_BEGINS, false, VMENTRY_##rule | VMENTRY_BASE_##base << 8}, __VA_ARGS__,
#define SETUP(...) __VA_ARGS__
#define BREAK(...) {0, TRIAL_BREAKS, false, 0}, __VA_ARGS__
#define ALSO(rule)                           \
    {                                        \
        0, TRIAL_ALSO, false, VMENTRY_##rule \
    }

/* One half of a value is 0: what has bits in both takes two changes. */
#define HALF_OF(value)                                                                   \
    (uint64_t)(value) >> 32 != 0,                                                        \
        (sizeof(char[(uint32_t)(value) == 0 || (uint64_t)(value) >> 32 == 0 ? 1 : -1]) * \
         ((uint32_t)(value) | (uint64_t)(value) >> 32))
#define CHANGE(field, kind, value)                 \
    {                                              \
        ROW_##field, CHANGE_##kind, HALF_OF(value) \
    }
#define CONTROL(kind, word, id)                                                       \
    {                                                                                 \
        0, CHANGE_##kind, false, VMX_CONTROL_##word << 8 | __builtin_ctz(word##_##id) \
    }
#define SET(field, value)          CHANGE(field, SET, value)
#define OR(field, bits)            CHANGE(field, OR, bits)
#define CLEAR(field, bits)         CHANGE(field, CLEAR, bits)
#define ON(word, id)               CONTROL(ON, word, id)
#define OFF(word, id)              CONTROL(OFF, word, id)
#define PAGE(field, which, offset) CHANGE(field, PAGE, VMENTRY_PAGE_##which | (offset) << 12)
#define BEYOND(field)              CHANGE(field, BEYOND, 0)
#define NONCANONICAL(field)        CHANGE(field, NONCANONICAL, 0)
#define HIGH(field)                CHANGE(field, HIGH, 0)
#define LAST(field, bytes)         CHANGE(field, LAST, bytes)
#define CURRENT(field)             CHANGE(field, CURRENT, 0)
#define EVENT(type, vector, more) \
    SET(VM_ENTRY_INTERRUPTION_INFORMATION, 1u << 31 | EVENT_##type << 8 | (vector) | (more))

/* The number of each row of vmcs_field_table. */
#define FIELD(id, ...) ROW_##id,
enum {
#include "vmx/vmcs_fields.def"
};

/* All trials, one after the other: in as many bytes as they need. */
static const struct vmentry_change trials[] = {
#include "vmx/selftest/vmentry_trials.def"
};

_Static_assert(VMENTRY_RULE_COUNT <= 1 << 8, "a rule has eight bits of TRIAL_BEGINS");

/* The first that is of another kind than a change. */
static const struct vmentry_change *behind_changes(const struct vmentry_change *at)
{
    while (at < trials + sizeof(trials) / sizeof(trials[0]) && at->kind < TRIAL_BEGINS)
        at++;
    return at;
}

bool vmentry_trial_next(struct vmentry_trial *trial)
{
    const struct vmentry_change *end = trials + sizeof(trials) / sizeof(trials[0]);
    const struct vmentry_change *at = trial->end != NULL ? trial->end : trials;

    if (at == end)
        return false;
    trial->number = trial->end != NULL ? trial->number + 1 : 0;
    if (at->kind == TRIAL_BEGINS) {
        trial->rule = (enum vmentry_rule)(at->value & 0xff);
        trial->base = (enum vmentry_base)(at->value >> 8);
        trial->setup = at + 1;
        at = behind_changes(trial->setup);
    }
    trial->broken = at + 1;
    trial->also = behind_changes(trial->broken);
    for (at = trial->also; at < end && at->kind == TRIAL_ALSO; at++)
        ;
    trial->end = at;
    return true;
}

bool vmentry_trial_breaks(const struct vmentry_trial *trial, enum vmentry_rule rule)
{
    for (const struct vmentry_change *also = trial->also; also < trial->end; also++) {
        if (also->value == rule)
            return true;
    }
    return rule == trial->rule;
}

static uint64_t changed(const struct vmentry_ground *ground, const struct vmentry_change *change,
                        uint64_t old)
{
    const struct vmentry_context *context = ground->context;
    uint64_t value = change->upper ? (uint64_t)change->value << 32 : change->value;

    switch (change->kind) {
    case CHANGE_SET:
        return value;
    case CHANGE_OR:
        return old | value;
    case CHANGE_CLEAR:
        return old & ~value;
    case CHANGE_PAGE:
        return ground->page[value & 0xfff] + (value >> 12);
    case CHANGE_BEYOND:
        return old | 1ull << context->physical_address_width;
    case CHANGE_NONCANONICAL:
        return 1ull << (context->linear_address_width - 1);
    case CHANGE_HIGH:
        return (old & ((1ull << context->linear_address_width) - 1)) |
               1ull << context->linear_address_width;
    case CHANGE_LAST:
        return (1ull << context->physical_address_width) - value;
    case CHANGE_CURRENT:
        return context->current_vmcs;
    default:
        return old;
    }
}

static void change(const struct vmentry_ground *ground, const struct vmentry_change *changes,
                   const struct vmentry_change *end, struct vmcs_image *image)
{
    for (; changes < end; changes++) {
        if (changes->kind == CHANGE_ON || changes->kind == CHANGE_OFF)
            vmentry_switch(image, (struct vmentry_control){changes->value >> 8, changes->value},
                           changes->kind == CHANGE_ON);
        else
            vmcs_image_set(image, vmcs_field_table[changes->row].field,
                           changed(ground, changes, image->value[changes->row]));
    }
}

bool vmentry_trial_keep(const struct vmentry_ground *ground, const struct vmentry_trial *trial,
                        struct vmcs_image *image)
{
    if (!vmentry_base_image(ground, trial->base, image))
        return false;
    if (vmentry_forms[trial->rule].field_count > 0)
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
