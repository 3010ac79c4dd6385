/*
 * What CPUID tells a guest: what the processor says, without what the guest cannot use.
 *
 * SDM Vol. 2, "CPUID"; Vol. 3, "Changes to Instruction Behavior in VMX Non-Root Operation".
 */
#ifndef VM_CPUID_TOLD_H
#define VM_CPUID_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86.h"

enum {
    CPUID_LEAF_FEATURES = 1,
    CPUID_LEAF_MORE_FEATURES = 7,
    CPUID_LEAF_XSAVE = 0xd,
    CPUID_LEAF_HYPERVISOR_FIRST = 0x40000000, /* to LAST: a hypervisor's, by convention */
    CPUID_LEAF_HYPERVISOR_LAST = 0x400000ff,
};
#define CPUID_LEAF_EXTENDED 0x80000001u

/* False: cpuid_told() tells what the processor says. All others are odd, or a hypervisor's. */
static inline bool cpuid_may_change(uint32_t leaf)
{
    return (leaf & (CPUID_LEAF_HYPERVISOR_FIRST | 1)) != 0;
}

/*
 * `processor`: what CPUID says in VMX root operation. `cr4`: the guest's. `secondary`: the
 * secondary processor-based VM-execution controls.
 */
struct cpuid_registers cpuid_told(uint32_t leaf, uint32_t subleaf, struct cpuid_registers processor,
                                  uint64_t cr4, uint32_t secondary);

#endif
