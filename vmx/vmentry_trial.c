#include "vmx/vmentry_trial.h"

#include "lib/string.h"
#include "lib/x86.h"
#include "vmx/vmentry_state.h"

#define TRIAL(rule, base, ...) {VMENTRY_##rule, VMENTRY_BASE_##base, __VA_ARGS__},
#define SETUP(...)             .setup = {__VA_ARGS__}
#define BREAK(...)             .change = {__VA_ARGS__}
#define ALSO(...)                                                                               \
    .also_count = sizeof((const enum vmentry_rule[]){__VA_ARGS__}) / sizeof(enum vmentry_rule), \
    .also = {__VA_ARGS__}

#define PIN_FIELD            VMCS_PIN_BASED_VM_EXECUTION_CONTROLS
#define PRIMARY_FIELD        VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS
#define SECONDARY_FIELD      VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS
#define TERTIARY_FIELD       VMCS_TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS
#define VM_FUNCTION_FIELD    VMCS_VM_FUNCTION_CONTROLS
#define EXIT_FIELD           VMCS_PRIMARY_VM_EXIT_CONTROLS
#define SECONDARY_EXIT_FIELD VMCS_SECONDARY_VM_EXIT_CONTROLS
#define ENTRY_FIELD          VMCS_VM_ENTRY_CONTROLS

#define SET(field, value)                 \
    {                                     \
        VMCS_##field, CHANGE_SET, (value) \
    }
#define OR(field, bits)                 \
    {                                   \
        VMCS_##field, CHANGE_OR, (bits) \
    }
#define CLEAR(field, bits)                 \
    {                                      \
        VMCS_##field, CHANGE_CLEAR, (bits) \
    }
#define ON(word, id)                         \
    {                                        \
        word##_FIELD, CHANGE_OR, word##_##id \
    }
#define OFF(word, id)                           \
    {                                           \
        word##_FIELD, CHANGE_CLEAR, word##_##id \
    }
#define PAGE(field, which, offset)                                       \
    {                                                                    \
        VMCS_##field, CHANGE_PAGE, VMENTRY_PAGE_##which | (offset) << 12 \
    }
#define BEYOND(field)                  \
    {                                  \
        VMCS_##field, CHANGE_BEYOND, 0 \
    }
#define NONCANONICAL(field)                  \
    {                                        \
        VMCS_##field, CHANGE_NONCANONICAL, 0 \
    }
#define HIGH(field)                  \
    {                                \
        VMCS_##field, CHANGE_HIGH, 0 \
    }
#define LAST(field, bytes)                 \
    {                                      \
        VMCS_##field, CHANGE_LAST, (bytes) \
    }
#define CURRENT(field)                  \
    {                                   \
        VMCS_##field, CHANGE_CURRENT, 0 \
    }
#define EVENT(type, vector, more)                           \
    {                                                       \
        VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, CHANGE_SET, \
            1u << 31 | (type) << 8 | (vector) | (more)      \
    }

const struct vmentry_trial vmentry_trials[] = {
#include "vmx/vmentry_trials.def"
};

const uint32_t vmentry_trial_count = sizeof(vmentry_trials) / sizeof(vmentry_trials[0]);

static uint64_t changed(const struct vmentry_ground *ground, const struct vmentry_change *change,
                        uint64_t old)
{
    const struct vmentry_context *context = ground->context;

    switch (change->kind) {
    case CHANGE_SET:
        return change->value;
    case CHANGE_OR:
        return old | change->value;
    case CHANGE_CLEAR:
        return old & ~change->value;
    case CHANGE_PAGE:
        return ground->page[change->value & 0xfff] + (change->value >> 12);
    case CHANGE_BEYOND:
        return old | 1ull << context->physical_address_width;
    case CHANGE_NONCANONICAL:
        return 1ull << (context->linear_address_width - 1);
    case CHANGE_HIGH:
        return (old & ((1ull << context->linear_address_width) - 1)) |
               1ull << context->linear_address_width;
    case CHANGE_LAST:
        return (1ull << context->physical_address_width) - change->value;
    case CHANGE_CURRENT:
        return context->current_vmcs;
    case CHANGE_NONE:
        break;
    }
    return old;
}

void vmentry_change_image(const struct vmentry_ground *ground,
                          const struct vmentry_change changes[VMENTRY_CHANGES_MAX],
                          struct vmcs_image *image)
{
    for (unsigned i = 0; i < VMENTRY_CHANGES_MAX && changes[i].kind != CHANGE_NONE; i++)
        vmcs_image_set(image, changes[i].field,
                       changed(ground, &changes[i], vmcs_image_get(image, changes[i].field)));
}

void vmentry_page_fill(enum vmentry_page page, uint32_t revision_id, void *bytes)
{
    /* Trials say at which offset which entry stands: vmx/vmentry_trials_guest.def. */
    static const struct vmentry_msr_entry entries[] = {
        {0x174, 0, 0},                     /* IA32_SYSENTER_CS, which any value fits */
        {0x174, 1, 0},                     /* a reserved bit */
        {IA32_FS_BASE, 0, 0},              /* which the guest-state area has */
        {IA32_X2APIC_FIRST + 2, 0, 0},     /* the local APIC */
        {0x9b, 0, 0},                      /* IA32_SMM_MONITOR_CTL */
        {IA32_PAT, 0, 0x0007040600070402}, /* memory type 2: WRMSR faults */
        {0x174, 0, 0},
        {IA32_GS_BASE, 0, 0},
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
