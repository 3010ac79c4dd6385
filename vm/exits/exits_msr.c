#include "vm/exit.h"

/* An MSR without a rule: the processor's own, or none. */
static bool passes(const struct vcpu *vcpu, uint32_t msr)
{
    const struct vm_policy *policy = vcpu->vm->policy;

    return policy->owns_machine ||
           vm_policy_passes_msr(policy, msr, vcpu->controls[VMX_CONTROL_SECONDARY]);
}

static const struct msr_rule *search(const struct vm_policy *policy, uint32_t msr)
{
    for (uint32_t i = 0; i < policy->msr_count; i++) {
        if (policy->msrs[i].msr == msr)
            return &policy->msrs[i];
    }
    return NULL;
}

enum exit_done msr_read_fault(struct vcpu *vcpu, const struct msr_rule *rule)
{
    (void)rule;
    return exit_protection(vcpu);
}

enum exit_done msr_write_fault(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value)
{
    (void)rule;
    (void)value;
    return exit_protection(vcpu);
}

/* Apart lest the others pay for its room. */
__attribute__((noinline)) static enum exit_done rdmsr_other(struct vcpu *vcpu, uint32_t msr)
{
    const struct msr_rule *rule = search(vcpu->vm->policy, msr);
    uint64_t value;

    if (rule != NULL)
        return rule->read(vcpu, rule);
    if (!passes(vcpu, msr) || rdmsr_safe(msr, &value) != 0)
        return exit_protection(vcpu);
    return rdmsr_gives(vcpu, value);
}

enum exit_done exit_rdmsr(struct vcpu *vcpu)
{
    uint32_t msr = (uint32_t)vcpu->reg[VCPU_RCX];
    const struct msr_rule *rule = *vm_msr_slot(vcpu->vm, msr);

    return __builtin_expect(rule->msr == msr, 1) ? rule->read(vcpu, rule) : rdmsr_other(vcpu, msr);
}

__attribute__((noinline)) static enum exit_done wrmsr_other(struct vcpu *vcpu, uint32_t msr,
                                                            uint64_t value)
{
    const struct msr_rule *rule = search(vcpu->vm->policy, msr);

    if (rule != NULL)
        return rule->write(vcpu, rule, value);
    if (!passes(vcpu, msr) || wrmsr_safe(msr, value) != 0)
        return exit_protection(vcpu);
    return skip_emulated_instruction(EXIT_EMULATED);
}

enum exit_done exit_wrmsr(struct vcpu *vcpu)
{
    uint32_t msr = (uint32_t)vcpu->reg[VCPU_RCX];
    uint64_t value = (uint32_t)vcpu->reg[VCPU_RAX] | vcpu->reg[VCPU_RDX] << 32;
    const struct msr_rule *rule = *vm_msr_slot(vcpu->vm, msr);

    return __builtin_expect(rule->msr == msr, 1) ? rule->write(vcpu, rule, value)
                                                 : wrmsr_other(vcpu, msr, value);
}
