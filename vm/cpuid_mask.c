#include "vm/cpuid_mask.h"

/* All subleaves, and whatever CR4 is. */
static bool is_whole(const struct vm_policy *policy, uint32_t leaf)
{
    const struct cpuid_registers none = {0}, all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    struct cpuid_registers r;

    if (leaf == CPUID_LEAF_FEATURES || leaf == CPUID_LEAF_MORE_FEATURES)
        return false;
    for (uint32_t i = 0; i < policy->feature_count; i++) {
        if (policy->features[i].leaf == leaf)
            return false;
    }
    for (uint32_t i = 0; i < policy->cpuid_count; i++) {
        const struct cpuid_rule *rule = &policy->cpuid[i];

        if (rule->leaf == leaf && (rule->first != 0 || rule->last != CPUID_EVERY_SUBLEAF))
            return false;
    }
    r = vm_policy_cpuid(policy, leaf, 0, none, 0, 0);
    if ((r.eax | r.ebx | r.ecx | r.edx) != 0)
        return false;
    r = vm_policy_cpuid(policy, leaf, 0, all, 0, 0);
    return (r.eax & r.ebx & r.ecx & r.edx) == UINT32_MAX;
}

/* Bits that a leaf may have, one more as long as every leaf of them is whole. */
uint32_t vm_policy_cpuid_mask(const struct vm_policy *policy)
{
    static const uint32_t bits[] = {1u << 31, 1u << 2, 1u << 1, 1u << 3, 1u << 4};
    uint32_t free = 0;

    for (uint32_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        uint32_t more = free | bits[i], leaf = 0;
        bool whole = true;

        do {
            whole &= is_whole(policy, leaf);
            leaf = (leaf - more) & more; /* the next subset */
        } while (leaf != 0);
        free = whole ? more : free;
    }
    return is_whole(policy, 0) ? ~free : UINT32_MAX;
}
