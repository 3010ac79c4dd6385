/*
 * CR0 and CR4 against the bits that VMX operation fixes, all 64 of them.
 *
 * SDM Vol. 3, "Restrictions on VMX Operation"; appendix, "VMX-Fixed Bits in CR0" and "VMX-Fixed
 * Bits in CR4".
 */
#ifndef VMX_CR_FIXED_H
#define VMX_CR_FIXED_H

#include <stdint.h>

#include "vmx/finding.h"
#include "vmx/capability/vmx_msr.h"

/* The bits of CR0 and CR4 that have a name. */
struct cr_bit {
    uint64_t mask;
    const char *name; /* "CR4.VMXE" */
};

enum { CR_BIT_COUNT = 39, CR_NAME_PREFIX = 4 /* "CR4." */ };
extern const struct cr_bit cr_bits[CR_BIT_COUNT];

/* The value as it is now with every bit that VMX operation needs at 1; in CR4 also VMXE. */
uint64_t cr0_for_vmx(uint64_t cr0, const struct vmx_msrs *msrs);
uint64_t cr4_for_vmx(uint64_t cr4, const struct vmx_msrs *msrs);

/*
 * A refusal for each bit that would be 1 in VMX operation and must be 0 there: we do not turn off
 * what the kernel, or the machine, relies on. Registers whose MSRs were not read are not checked.
 */
void cr_fixed_check(uint64_t cr0, uint64_t cr4, const struct vmx_msrs *msrs, enum vmx_check mode,
                    uint32_t cpu, struct findings *findings);

#endif
