/*
 * What the capability MSRs of one CPU say about each other: TRUE against plain, a capability
 * without the control that uses it, a control without another one that it needs, a register that
 * is switched on the way in and not on the way out. Notes and warnings: the derivation itself
 * (vmx/capability/vmcs_config.c) refuses what cannot work.
 *
 * SDM Vol. 3, "Checks on VMX Controls" (VM entries); appendix "VMX Capability Reporting Facility".
 */
#ifndef VMX_CONSISTENCY_H
#define VMX_CONSISTENCY_H

#include "vmx/capability/vmx_controls.h"

/* Bits of a capability MSR, `shift` to the left: of a control the bit that allows it to be 1. */
struct vmx_bits {
    uint32_t msr; /* the plain one */
    uint8_t shift;
    uint64_t mask;
};

#define VMX_BITS(word, control)           \
    {                                     \
        VMX_BITS_##word, word##_##control \
    }
#define VMX_BITS_PIN            IA32_VMX_PINBASED_CTLS, 32
#define VMX_BITS_PRIMARY        IA32_VMX_PROCBASED_CTLS, 32
#define VMX_BITS_SECONDARY      IA32_VMX_PROCBASED_CTLS2, 32
#define VMX_BITS_TERTIARY       IA32_VMX_PROCBASED_CTLS3, 0
#define VMX_BITS_EXIT           IA32_VMX_EXIT_CTLS, 32
#define VMX_BITS_SECONDARY_EXIT IA32_VMX_EXIT_CTLS2, 0
#define VMX_BITS_ENTRY          IA32_VMX_ENTRY_CTLS, 32
#define VMX_BITS_VM_FUNCTION    IA32_VMX_VMFUNC, 0

/* Adds a finding for each contradiction. An MSR that has no value is not checked. */
void consistency_check(const struct vmx_msrs *msrs, struct findings *findings);

#endif
