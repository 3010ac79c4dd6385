/*
 * The registers that VMXON looks at: IA32_FEATURE_CONTROL, which may forbid it until the next
 * reset, and CR0 and CR4. SDM Vol. 3, "Enabling and Entering VMX Operation", "Restrictions on VMX
 * Operation"; "VMX-Fixed Bits in CR0" and "VMX-Fixed Bits in CR4"; Vol. 4, "IA32_FEATURE_CONTROL".
 */
#pragma once

#include "vmx/capability/vmx_msr.h"

/* Locked so that VMXON outside SMX operation faults until the next reset? */
bool feature_control_is_locked_off(uint64_t value);

/*
 * Checks the register as found; `present` is false where RDMSR of it faulted. Gives what is to be
 * written before VMXON, which is locked and so never 0; 0: nothing.
 */
uint64_t feature_control_decide(bool present, uint64_t value, struct findings *findings);

/* And that write: `vector` is WRMSR's fault or 0. True if VMXON may now be tried. */
bool feature_control_written(uint8_t vector, uint64_t read_back, struct findings *findings);

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
void cr_fixed_check(uint64_t cr0, uint64_t cr4, const struct vmx_msrs *msrs,
                    struct findings *findings);
