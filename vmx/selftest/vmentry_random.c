/* Random images of a VMCS: vmx/selftest/vmentry_trial.h. */
#include "lib/string.h"
#include "vmx/entry/vmentry_state.h"
#include "vmx/selftest/vmentry_trial.h"

enum { CHANGED_MAX = 3 };

#define LOW_12       0xfffull
#define EVENT_COMMON 0xfffull

/* Marsaglia's xorshift64, from a seed of the round's own. */
static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t below(uint64_t *state, uint64_t limit)
{
    return (next(state) >> 11) % limit;
}

/* The guest's own registers cannot hurt, but for those that stay as they are after the VM exit. */
static uint64_t harmless_guest(const struct vmcs_image *base, enum vmcs_field field)
{
    bool timer = vmcs_image_get(base, VMCS_PIN_BASED_VM_EXECUTION_CONTROLS) & PIN_PREEMPTION_TIMER;

    switch (field) {
    case VMCS_GUEST_CR3:
        return LOW_12;
    case VMCS_GUEST_ACTIVITY_STATE: /* HLT alone ends with the preemption timer */
        return timer ? ACTIVITY_HLT : 0;
    case VMCS_GUEST_IA32_DEBUGCTL:
        return DEBUGCTL_BTF;
    case VMCS_GUEST_CS_ACCESS_RIGHTS:
        return ~(uint64_t)RIGHTS_UNUSABLE;
    case VMCS_LINK_POINTER:
    case VMCS_VMX_PREEMPTION_TIMER_VALUE:
    case VMCS_GUEST_IA32_PERF_GLOBAL_CTRL:
    case VMCS_GUEST_IA32_BNDCFGS:
    case VMCS_GUEST_IA32_RTIT_CTL:
    case VMCS_GUEST_IA32_LBR_CTL:
    case VMCS_GUEST_IA32_S_CET:
    case VMCS_GUEST_SSP:
    case VMCS_GUEST_IA32_INTERRUPT_SSP_TABLE_ADDR:
        return 0;
    default:
        return ~0ull;
    }
}

/* Without the other words and addresses a guest has no memory, nowhere to go, nothing to keep. */
uint64_t vmentry_harmless_bits(const struct vmcs_image *base, enum vmcs_field field)
{
    uint64_t entry = vmcs_image_get(base, VMCS_VM_ENTRY_CONTROLS);
    enum vmcs_type type = vmcs_encoding_type((uint32_t)field);

    switch (field) {
    case VMCS_PIN_BASED_VM_EXECUTION_CONTROLS:
        return PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING | PIN_VIRTUAL_NMIS;
    case VMCS_PRIMARY_VM_EXIT_CONTROLS:
        return EXIT_SAVE_DEBUG_CONTROLS | EXIT_ACKNOWLEDGE_INTERRUPT | EXIT_SAVE_PAT |
               EXIT_SAVE_EFER | EXIT_SAVE_PREEMPTION_TIMER;
    case VMCS_VM_ENTRY_CONTROLS:
        return ENTRY_LOAD_DEBUG_CONTROLS | ENTRY_IA32E_MODE_GUEST |
               (entry & (ENTRY_LOAD_PAT | ENTRY_LOAD_EFER));
    case VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS:
        return ~(uint64_t)(SECONDARY_PT_GUEST_PHYSICAL | SECONDARY_PASID_TRANSLATION);
    case VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS:
    case VMCS_VM_ENTRY_INTERRUPTION_INFORMATION:
    case VMCS_VM_ENTRY_EXCEPTION_ERROR_CODE:
    case VMCS_VM_ENTRY_INSTRUCTION_LENGTH:
    case VMCS_VIRTUAL_PROCESSOR_IDENTIFIER:
    case VMCS_TPR_THRESHOLD:
    case VMCS_TSC_OFFSET:
    case VMCS_CR0_GUEST_HOST_MASK:
    case VMCS_CR4_GUEST_HOST_MASK:
    case VMCS_CR0_READ_SHADOW:
    case VMCS_CR4_READ_SHADOW:
    case VMCS_CR3_TARGET_COUNT:
    case VMCS_HOST_IA32_SYSENTER_CS:
        return ~0ull;
    default:
        return type == VMCS_TYPE_GUEST ? harmless_guest(base, field) : 0;
    }
}

/* A bit or two the other way round, or a value at which something begins or ends. */
static uint64_t random_value(const struct vmentry_ground *ground, enum vmcs_field field,
                             uint64_t old, uint64_t *state)
{
    static const uint8_t widths[] = {[VMCS_WIDTH_16] = 16,
                                     [VMCS_WIDTH_64] = 64,
                                     [VMCS_WIDTH_32] = 32,
                                     [VMCS_WIDTH_NATURAL] = 64};
    const unsigned width = widths[vmcs_encoding_width((uint32_t)field)];
    const uint64_t values[] = {0,
                               1,
                               2,
                               3,
                               0xffff,
                               UINT32_MAX,
                               UINT64_MAX,
                               1ull << 63,
                               1ull << ground->context->physical_address_width,
                               1ull << (ground->context->linear_address_width - 1),
                               ground->page[VMENTRY_PAGE_SCRATCH]};

    if (field == VMCS_VM_ENTRY_INTERRUPTION_INFORMATION && below(state, 4) != 0)
        return EVENT_INFORMATION_VALID | (next(state) & EVENT_COMMON);
    switch (below(state, 4)) {
    case 0:
        return values[below(state, sizeof values / sizeof *values)];
    case 1:
        old ^= 1ull << below(state, width);
        /* fall through */
    default:
        return old ^ 1ull << below(state, width);
    }
}

static enum vmcs_field random_field(const struct vmcs_image *image, uint64_t *state)
{
    uint32_t index;

    do
        index = (uint32_t)below(state, VMCS_FIELD_COUNT);
    while (!image->present[index] || vmcs_field_table[index].field == VMCS_HOST_RSP);
    return vmcs_field_table[index].field;
}

static bool is_named(const struct vmentry_findings *findings, enum vmcs_field field)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (findings->item[i].field == field)
            return true;
    }
    return false;
}

/*
 * May the field be what it is? With VMfailValid nothing is loaded; with a VM exit the host's fields
 * and the VM-exit controls are used; with an entry everything is. A processor may not check a rule
 * that only another field breaks, and then comes back to what the host's fields say.
 */
static bool is_idle(const struct vmentry_findings *findings, enum vmcs_field field)
{
    unsigned type = vmcs_encoding_type((uint32_t)field);

    if (vmentry_predict(findings).class <= VMENTRY_HOST)
        return type != VMCS_TYPE_HOST || is_named(findings, field);
    return type == VMCS_TYPE_GUEST &&
           !vmentry_allows(findings, (struct vmentry_outcome){VMENTRY_ENTERS, 0});
}

/* Puts back what could do harm. */
static bool settle(const struct vmcs_image *base, const enum vmcs_field *fields, unsigned count,
                   const struct vmentry_findings *findings, struct vmcs_image *image)
{
    bool settled = true;

    for (unsigned i = 0; i < count; i++) {
        uint64_t old = vmcs_image_get(base, fields[i]), value = vmcs_image_get(image, fields[i]);
        uint64_t harm = (old ^ value) & ~vmentry_harmless_bits(base, fields[i]);

        if (harm == 0 || is_idle(findings, fields[i]))
            continue;
        vmcs_image_set(image, fields[i], value ^ harm);
        settled = false;
    }
    return settled;
}

bool vmentry_random_image(const struct vmentry_ground *ground, const struct vmcs_image *base,
                          uint32_t round, struct vmcs_image *image,
                          struct vmentry_findings *findings)
{
    uint64_t state = (round + 1) * 0x9e3779b97f4a7c15ull;
    enum vmcs_field fields[CHANGED_MAX];
    unsigned count;

    (void)next(&state);
    *image = *base;
    count = 1 + (unsigned)below(&state, CHANGED_MAX);
    for (unsigned i = 0; i < count; i++) {
        fields[i] = random_field(base, &state);
        vmcs_image_set(image, fields[i],
                       random_value(ground, fields[i], vmcs_image_get(image, fields[i]), &state));
    }
    /* This ends: of each field harm is put back once, and then there is none. */
    do
        vmentry_check(image, ground->context, findings);
    while (!settle(base, fields, count, findings, image));
    return memcmp(image->value, base->value, sizeof(base->value)) != 0;
}
