/*
 * What of the processor a guest may see and use: one policy, from which come the answers of CPUID,
 * the MSRs that the guest has, and the components of XCR0. A feature that has MSRs is shown with
 * them, or neither is there. What is not known here is not shown. Pure.
 *
 * SDM Vol. 2, "CPUID"; Vol. 3, "Changes to Instruction Behavior in VMX Non-Root Operation"; Vol. 4,
 * "Architectural MSRs".
 */
#ifndef VM_GUEST_POLICY_H
#define VM_GUEST_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86.h"

enum {
    CPUID_LEAF_FEATURES = 1,
    CPUID_LEAF_POWER = 6,
    CPUID_LEAF_MORE_FEATURES = 7,
    CPUID_LEAF_XSAVE = 0xd,
    CPUID_LEAF_HYPERVISOR_FIRST = 0x40000000, /* to LAST: a hypervisor's, by convention */
    CPUID_LEAF_HYPERVISOR_LAST = 0x400000ff,
};
#define CPUID_LEAF_EXTENDED 0x80000001u

/* x87, SSE, AVX; AVX-512; PKRU; AMX. Not MPX (IA32_BNDCFGS), nor APX, whose registers no handler
 * knows. */
#define XCR0_GUEST 0x602e7u

/* True: a guest is reported what the processor says. The short way for leaves 0 and 4, and their
 * kin from 80000000H on. */
static inline bool guest_policy_keeps_leaf(uint32_t leaf)
{
    return (leaf & 0x7ffffffbu) == 0;
}

/*
 * What CPUID reports. `processor`: what it says in VMX root operation. `cr4`: the guest's.
 * `secondary`: the secondary processor-based VM-execution controls.
 */
struct cpuid_registers guest_policy_cpuid(uint32_t leaf, uint32_t subleaf,
                                          struct cpuid_registers processor, uint64_t cr4,
                                          uint32_t secondary);

/*
 * Is this an MSR of the processor that is the guest's own while it runs? The kernel has no use for
 * them, and vm/guests/guest_run.c puts back what was there. What else a guest has is in
 * vm/exits/exits_msr.c.
 */
bool guest_policy_passes_msr(uint32_t msr, uint32_t secondary);

#endif
