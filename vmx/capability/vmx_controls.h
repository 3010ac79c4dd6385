/*
 * The VM-execution, VM-exit and VM-entry controls: what the processor allows, what a minimal
 * hypervisor asks for (vmx/capability/vmx_controls.def), and the values that come out of both.
 *
 * SDM Vol. 3, appendix "VMX Capability Reporting Facility": "VM-Execution Controls", "VM-Exit
 * Controls", "VM-Entry Controls"; "Algorithms for Determining VMX Capabilities".
 */
#ifndef VMX_VMX_CONTROLS_H
#define VMX_VMX_CONTROLS_H

#include <stdint.h>

#include "lib/set.h"

#include "vmx/finding.h"
#include "vmx/capability/vmx_msr.h"

enum vmx_control_word {
    VMX_CONTROL_PIN,
    VMX_CONTROL_PRIMARY,
    VMX_CONTROL_SECONDARY,
    VMX_CONTROL_EXIT,
    VMX_CONTROL_ENTRY,
    VMX_CONTROL_WORD_COUNT,
};

/* The words of 64 bits, from which a minimal hypervisor wants nothing. */
enum {
    VMX_CONTROL_TERTIARY = VMX_CONTROL_WORD_COUNT,
    VMX_CONTROL_SECONDARY_EXIT,
    VMX_CONTROL_VM_FUNCTION,
    VMX_CONTROL_NONE, /* no word; and how many there are */
};

/* PIN_NMI_EXITING, TERTIARY_ENABLE_HLAT …: each control as a mask in its word. */
#define CONTROL(word, bit, id, ...) word##_##id = 1u << (bit),
enum vmx_control_mask {
#include "vmx/capability/vmx_controls.def"
};

enum vmx_control_want {
    CONTROL_REQUIRED,
    CONTROL_WANTED,
    CONTROL_UNWANTED,
    CONTROL_MUST_BE_ZERO,
};

struct vmx_control {
    uint8_t word; /* enum vmx_control_word, or one of 64 bits */
    uint32_t mask;
    const char *name; /* the SDM's */
    enum vmx_control_want want;
};

/* One row for each line of vmx/capability/vmx_controls.def, in its order. */
extern const struct vmx_control vmx_control_table[];
extern const uint32_t vmx_control_count;

struct vmx_control_word_text {
    const char *name;  /* "pin-based VM-execution controls" */
    uint32_t msr;      /* the plain capability MSR */
    uint32_t default1; /* the bits that are 1 in the plain MSR's low half on every processor */
};

extern const struct vmx_control_word_text vmx_control_words[VMX_CONTROL_WORD_COUNT];

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

/* Where a bit of `control` is 1, a bit of `needs` must be 1 too; else the rule is broken. */
struct vmx_control_need {
    enum rule rule;
    struct vmx_bits control, needs;
    const char *name; /* of the control */
};

/* The rows of vmx/capability/control_needs.def, in its order, a pair as two. */
extern const struct vmx_control_need vmx_control_needs[];
extern const uint32_t vmx_control_need_count;

/*
 * Adjusts one word. `plain` and `true_value` are the values of its plain and its TRUE capability
 * MSR (the plain one twice where there is no TRUE one): low half bit 1: must be 1; high half bit 0:
 * must be 0. Controls that must be 1 stay 1, whatever the table wants; a default1 control that
 * the table does not name keeps its default, 1, also where 0 is allowed, as the SDM advises.
 * Every contradiction and every wish that cannot be met is added to `findings`; `msr` is named
 * there.
 */
uint32_t adjust_vmx_control(enum vmx_control_word word, uint64_t plain, uint64_t true_value,
                            uint32_t msr, struct findings *findings);

/*
 * Adjusts all words from the capability MSRs, then turns off those controls that need another one
 * or a capability that is not there. A word whose MSR has no value is 0, and nothing is said here.
 */
void vmx_controls_derive(const struct vmx_msrs *msrs, uint32_t controls[VMX_CONTROL_WORD_COUNT],
                         struct findings *findings);

/*
 * What the capability MSRs of one CPU say about each other: TRUE against plain, a capability
 * without the control that uses it, a control without another one that it needs, a register that
 * is switched on the way in and not on the way out. Notes and warnings: the derivation itself
 * (vmx/capability/vmcs_config.h) refuses what cannot work.
 *
 * SDM Vol. 3, "Checks on VMX Controls" (VM entries); appendix "VMX Capability Reporting Facility".
 */

/* Adds a finding for each contradiction. An MSR that has no value is not checked. */
void consistency_check(const struct vmx_msrs *msrs, struct findings *findings);

/* A check of a CPU's values beyond those without which there is no vmcs_config. */
struct capability_check {
    void (*check)(const struct vmx_msrs *msrs, struct findings *findings);
};
SET_DECLARE(capability_checks, const struct capability_check);

#endif
