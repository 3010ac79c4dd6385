#include "vm/vm.h"

#include "lib/string.h"

/* Of what the guest's operating system turns on. */
enum { OSXSAVE = 1 << 27, OSPKE = 1 << 4 };

static bool is_given(const struct feature_rule *feature, uint32_t secondary)
{
    return feature->control == 0 || (secondary & feature->control) != 0;
}

static uint32_t *cpuid_register(struct cpuid_registers *r, enum cpuid_register reg)
{
    return reg == CPUID_EAX   ? &r->eax
           : reg == CPUID_EBX ? &r->ebx
           : reg == CPUID_ECX ? &r->ecx
                              : &r->edx;
}

static uint32_t set_bit_if(bool on, uint32_t value, uint32_t mask)
{
    return on ? value | mask : value & ~mask;
}

static const struct cpuid_rule *find_rule(const struct vm_policy *policy, uint32_t leaf,
                                          uint32_t subleaf)
{
    for (uint32_t i = 0; i < policy->cpuid_count; i++) {
        const struct cpuid_rule *rule = &policy->cpuid[i];

        if (rule->leaf == leaf && subleaf >= rule->first &&
            (subleaf <= rule->last || rule->last == CPUID_EVERY_SUBLEAF))
            return rule;
    }
    return NULL;
}

/* What no rule names. */
static bool is_shown(const struct vm_policy *policy, uint32_t leaf)
{
    return policy->owns_machine &&
           (leaf < CPUID_LEAF_HYPERVISOR_FIRST || leaf > CPUID_LEAF_HYPERVISOR_LAST);
}

static struct cpuid_registers apply(const struct cpuid_rule *rule, struct cpuid_registers r)
{
    return (struct cpuid_registers){
        (r.eax & rule->show.eax) | rule->set.eax, (r.ebx & rule->show.ebx) | rule->set.ebx,
        (r.ecx & rule->show.ecx) | rule->set.ecx, (r.edx & rule->show.edx) | rule->set.edx};
}

struct cpuid_registers vm_policy_cpuid(const struct vm_policy *policy, uint32_t leaf,
                                       uint32_t subleaf, struct cpuid_registers processor,
                                       uint64_t cr4, uint32_t secondary)
{
    const struct cpuid_rule *rule = find_rule(policy, leaf, subleaf);
    struct cpuid_registers r = processor;

    if (rule != NULL)
        r = apply(rule, r);
    else if (!is_shown(policy, leaf))
        return (struct cpuid_registers){0};
    if (leaf == CPUID_LEAF_FEATURES)
        r.ecx = set_bit_if((cr4 & CR4_OSXSAVE) != 0, r.ecx, OSXSAVE);
    if (leaf == CPUID_LEAF_MORE_FEATURES && subleaf != 0)
        return r;
    if (leaf == CPUID_LEAF_MORE_FEATURES)
        r.ecx = set_bit_if((cr4 & CR4_PKE) != 0, r.ecx, OSPKE);
    for (uint32_t i = 0; i < policy->feature_count; i++) {
        const struct feature_rule *feature = &policy->features[i];

        if (feature->leaf == leaf && !is_given(feature, secondary))
            *cpuid_register(&r, feature->reg) &= ~feature->mask;
    }
    return r;
}

bool vm_policy_passes_msr(const struct vm_policy *policy, uint32_t msr, uint32_t secondary)
{
    for (uint32_t i = 0; i < policy->feature_count; i++) {
        const struct feature_rule *feature = &policy->features[i];

        if (msr - feature->msr < feature->msrs && is_given(feature, secondary))
            return true;
    }
    return false;
}

/* Its value must be kept over exits, or each exit would give the guest its whole time again. */
bool vcpu_controls_have_timer(const struct vmx_capability *capability)
{
    return (capability->pin_allowed1 & PIN_PREEMPTION_TIMER) != 0 &&
           (capability->exit_allowed1 & EXIT_SAVE_PREEMPTION_TIMER) != 0;
}

void vcpu_controls_adjust(const uint32_t policy[VMX_CONTROL_WORD_COUNT],
                          const struct vmcs_config *config, const struct vmx_capability *capability,
                          uint32_t controls[VMX_CONTROL_WORD_COUNT])
{
    memcpy(controls, config->controls, sizeof(config->controls));
    /* Without EPT the hypervisor owns the page tables, and CR3 is what it says. */
    if ((controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT) == 0)
        controls[VMX_CONTROL_PRIMARY] |= PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING;
    if (vcpu_controls_have_timer(capability)) {
        controls[VMX_CONTROL_PIN] |= PIN_PREEMPTION_TIMER;
        controls[VMX_CONTROL_EXIT] |= EXIT_SAVE_PREEMPTION_TIMER;
    }
    controls[VMX_CONTROL_PRIMARY] |=
        policy[VMX_CONTROL_PRIMARY] & (uint32_t)capability->primary_allowed1;
    if ((controls[VMX_CONTROL_PRIMARY] & PRIMARY_SECONDARY_CONTROLS) != 0)
        controls[VMX_CONTROL_SECONDARY] |=
            policy[VMX_CONTROL_SECONDARY] & (uint32_t)capability->secondary_allowed1;
}
