/*
 * Rules about the entries of the VM-entry MSR-load area, where a dump shows them: the engine reads
 * the area from the list instead of memory.
 */
#include <string.h>

#include "lib/x86_registers.h"
#include "tools/entry/check_entry.h"
#include "vmx/entry/vmentry_state.h"

/* A context in front, so that what reads memory finds the list. */
struct list_context {
    struct vmentry_context context;
    const struct msr_list *list;
};

/* In the list's order from address 0. */
static bool read_entry(const struct vmentry_context *context, uint64_t address, void *to,
                       size_t bytes)
{
    const struct msr_list *list = ((const struct list_context *)context)->list;
    uint64_t i = address / sizeof(struct vmentry_msr_entry);
    struct vmentry_msr_entry entry;

    if (i >= list->count || bytes != sizeof(entry))
        return false;
    entry = (struct vmentry_msr_entry){.index = list->msr[i], .value = list->value[i]};
    memcpy(to, &entry, sizeof(entry));
    return true;
}

enum write_end { WRITE_DONE, WRITE_FAULTS, WRITE_UNKNOWN };

enum { LINEAR_WIDTH_MAX = 57 };

/* SDM Vol. 2, "WRMSR", of MSRs that are alike on all processors; of others nothing is known. */
static enum write_end write_of(uint32_t msr, uint64_t value)
{
    switch (msr) {
    case IA32_PAT:
        return vmentry_pat(value) == value ? WRITE_DONE : WRITE_FAULTS;
    case IA32_EFER:
        return value & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE) ? WRITE_FAULTS : WRITE_UNKNOWN;
    case IA32_STAR:
        return WRITE_DONE;
    case IA32_SYSENTER_ESP:
    case IA32_SYSENTER_EIP:
    case IA32_LSTAR:
    case IA32_CSTAR:
    case IA32_KERNEL_GS_BASE:
        return vmentry_extended(value, LINEAR_WIDTH_MAX - 1) == value ? WRITE_DONE : WRITE_FAULTS;
    case IA32_FMASK:
    case IA32_TSC_AUX:
        return value >> 32 ? WRITE_FAULTS : WRITE_DONE;
    default:
        return WRITE_UNKNOWN;
    }
}

static bool write_faults(const struct vmentry_context *context, uint32_t msr, uint64_t value)
{
    (void)context;
    return write_of(msr, value) == WRITE_FAULTS;
}

/* Does it hold of all entries, of those that may not be shown, too? */
static bool is_kept(enum vmentry_rule rule, const struct msr_list *list)
{
    bool kept = list->whole;

    for (unsigned i = 0; i < list->count && rule == VMENTRY_MSR_WRITE_FAULT; i++)
        kept = kept && write_of(list->msr[i], list->value[i]) == WRITE_DONE;
    return kept;
}

void check_entry_msrs(const struct vmcs_image *image, const struct msr_list *list,
                      struct entry_check *check)
{
    struct vmcs_image area = *image;
    struct vmx_capability capability;
    struct list_context here = {.list = list};
    static struct vmentry_findings findings;

    if (list->count == 0)
        return;
    vmcs_image_set(&area, VMCS_VM_ENTRY_MSR_LOAD_COUNT, list->count);
    vmcs_image_set(&area, VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, 0);
    here.context = check_entry_context(&area, check->first, MSR_GUESS, &capability);
    here.context.read = read_entry;
    here.context.msr_write_faults = write_faults;
    for (enum vmentry_rule rule = VMENTRY_MSR_RESERVED; rule < VMENTRY_RULE_COUNT; rule++) {
        struct checked_rule *checked = &check->rule[rule];

        if (checked->state != RULE_UNKNOWN)
            continue;
        memset(&findings, 0, sizeof(findings));
        vmentry_check_rule(&area, &here.context, rule, &findings);
        if (findings.count > 0 && check->findings.count < VMENTRY_FINDINGS_MAX) {
            findings.item[0].entry = list->number[findings.item[0].entry - 1];
            check->findings.item[check->findings.count++] = findings.item[0];
            checked->breaks = check->cpus;
            checked->example = check->first->id;
        } else if (findings.count == 0 && is_kept(rule, list)) {
            checked->state = RULE_KEPT;
        }
    }
    check_entry_conclude(check);
}
