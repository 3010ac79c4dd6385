#include "vm/guests/guest_run.h"

#include "lib/string.h"
#include "mm/memory_use.h"

enum { MSR_ENTRY_BYTES = 16 };

/* What the processor said; VMENTRY_ENTERS: nothing about a rule. Where the entry was not made it is
 * what it would say, which `findings` tell. */
static enum vmentry_class class_of(const struct vcpu *vcpu)
{
    switch (vcpu->end) {
    case GUEST_END_ENTRY_ERROR:
        return vcpu->end_number == VMENTRY_ERROR_CONTROLS ? VMENTRY_CONTROLS
               : vcpu->end_number == VMENTRY_ERROR_HOST   ? VMENTRY_HOST
                                                          : VMENTRY_ENTERS;
    case GUEST_END_ENTRY_FAILED:
        return vcpu->end_number == EXIT_REASON_ENTRY_FAILURE_GUEST_STATE   ? VMENTRY_GUEST
               : vcpu->end_number == EXIT_REASON_ENTRY_FAILURE_MSR_LOADING ? VMENTRY_MSR_LOAD
                                                                           : VMENTRY_ENTERS;
    default:
        return VMENTRY_ENTERS;
    }
}

/* Whether WRMSR of an entry's value would fault cannot be known beforehand. But where the processor
 * stopped at an entry that breaks no other rule, it did. */
static void add_write_fault(const struct vcpu *vcpu, struct vmentry_findings *findings)
{
    uint64_t number = vcpu->end_value, area = 0;
    uint32_t msr;

    if (vcpu->end != GUEST_END_ENTRY_FAILED ||
        vcpu->end_number != EXIT_REASON_ENTRY_FAILURE_MSR_LOADING || number == 0 ||
        number > UINT32_MAX || findings->count == VMENTRY_FINDINGS_MAX)
        return;
    for (uint32_t i = 0; i < findings->count; i++) {
        if (findings->item[i].entry == number)
            return;
    }
    (void)vmread(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, &area);
    if (memory_read(area + (number - 1) * MSR_ENTRY_BYTES, &msr, sizeof(msr)))
        findings->item[findings->count++] =
            (struct vmentry_finding){.rule = VMENTRY_MSR_WRITE_FAULT,
                                     .field = VMCS_VM_ENTRY_MSR_LOAD_ADDRESS,
                                     .seen = msr,
                                     .entry = (uint32_t)number};
}

static void check(const struct vcpu *vcpu, struct vmentry_findings *findings)
{
    struct vmcs_image image;

    vmentry_check_current(&vcpu->capability, vcpu->cpu->config.revision_id, &image, findings);
    add_write_fault(vcpu, findings);
}

bool entry_is_sound(const struct vcpu *vcpu)
{
    struct vmentry_findings findings;

    check(vcpu, &findings);
    return findings.count == 0;
}

bool entry_is_refused(const struct vcpu *vcpu)
{
    struct vmentry_findings findings;

    check(vcpu, &findings);
    return vmentry_predict(&findings).class < VMENTRY_GUEST;
}

bool entry_failure_is(const struct vcpu *vcpu, enum vmentry_rule rule)
{
    const struct entry_failure *entry = &guest_vm_of(vcpu)->run->entry;

    return entry->checked && entry->broken == 1 && entry->item[0].rule == rule &&
           entry->class == vmentry_class_of(rule);
}

/* Of any vCPU: what else was found is kept for a test guest's, whose VM stands beside it. */
static void explain(struct vcpu *vcpu, struct sink *broken)
{
    bool not_made = vcpu->end == GUEST_END_RULES && vcpu->end_number == 0;
    enum vmentry_class class = class_of(vcpu);
    struct vmentry_findings findings;
    struct entry_failure *entry;

    if (class == VMENTRY_ENTERS && !not_made)
        return;
    check(vcpu, &findings);
    vmentry_names_print(broken, &findings);
    if (vcpu->vm != &guest_vm_of(vcpu)->vm)
        return;
    entry = &guest_vm_of(vcpu)->run->entry;
    entry->checked = true;
    entry->class = not_made ? vmentry_predict(&findings).class : class;
    entry->broken = findings.count + findings.lost;
    entry->unread = findings.unread;
    memcpy(entry->unchecked, findings.unchecked, sizeof(entry->unchecked));
    for (uint32_t i = 0; i < findings.count && i < ENTRY_FINDINGS_KEPT; i++)
        entry->item[i] = findings.item[i];
}

static const struct entry_failed room = {explain};
SET_MEMBER(entries_failed, 0, const struct entry_failed, room);
