/*
 * The outcome of a VMX instruction, one type for all of them.
 *
 * SDM Vol. 3, "Conventions" in "VMX Instruction Reference" (VMsucceed, VMfailInvalid, VMfailValid)
 * and "VM-Instruction Error Numbers".
 */
#pragma once

#include "vmx/capability/vmx_capability.h"

enum vmx_outcome {
    VMX_SUCCEED,
    VMX_FAIL_INVALID, /* CF: there is no current VMCS that could hold an error number */
    VMX_FAIL_VALID,   /* ZF: `number` is the VM-instruction error */
    VMX_FAULT,        /* the instruction faulted: `number` is the vector */
};

struct vmx_result {
    enum vmx_outcome outcome;
    uint32_t number : 16, field : 16; /* field: of many VMWRITEs that of the one that failed */
};

static inline bool vmx_ok(struct vmx_result result)
{
    return result.outcome == VMX_SUCCEED;
}

struct vmx_flags;

/*
 * What an instruction's flags mean (lib/x86_vmx.h). On VMfailValid the VM-instruction error is read
 * from the current VMCS before anything else can replace it.
 */
struct vmx_result vmx_result_of(struct vmx_flags flags);

/* One VMX instruction each; regions are physical addresses. */
struct vmx_result vmxon(uint64_t region);
struct vmx_result vmxoff(void);
struct vmx_result vmclear(uint64_t region);
struct vmx_result vmptrld(uint64_t region);
struct vmx_result vmptrst(uint64_t *region);
struct vmx_result vmread(uint64_t field, uint64_t *value);
struct vmx_result vmwrite(uint64_t field, uint64_t value);

static inline const char *vmx_outcome_name(enum vmx_outcome outcome)
{
    static const char *const names[] = {"VMsucceed", "VMfailInvalid", "VMfailValid", "fault"};

    return names[outcome];
}
