/*
 * The outcome of a VMX instruction, one type for all of them.
 *
 * SDM Vol. 3, "Conventions" in "VMX Instruction Reference" (VMsucceed, VMfailInvalid, VMfailValid)
 * and "VM-Instruction Error Numbers".
 */
#ifndef VMX_VMX_RESULT_H
#define VMX_VMX_RESULT_H

#include "vmx/capability/vmx_capability.h"

enum vmx_outcome {
    VMX_SUCCEED,
    VMX_FAIL_INVALID, /* CF: there is no current VMCS that could hold an error number */
    VMX_FAIL_VALID,   /* ZF: `number` is the VM-instruction error */
    VMX_FAULT,        /* the instruction faulted: `number` is the vector */
};

struct vmx_result {
    enum vmx_outcome outcome;
    uint32_t number;
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

/*
 * Forgetting cached translations of guests: INVEPT and INVVPID.
 *
 * SDM Vol. 3, "Guidelines for Use of the INVEPT Instruction": after an EPT entry that was present
 * changed its address or memory type, lost a permission or its accessed or dirty flag, or was made
 * not present, guest accesses go on as before until INVEPT on every CPU that may have used it. An
 * entry that was not present, or only gains permissions, needs none. An EPTP that is used anew with
 * other tables, and the first use of an EPTP after VMXON, need one too.
 *
 * SDM Vol. 3, "Guidelines for Use of the INVVPID Instruction": where VPIDs are in use, VM entry
 * and VM exit keep linear and combined mappings, so whoever changes a guest's CR0, CR3 or CR4 or
 * executes INVLPG in its place does INVVPID as the instruction in the guest would have; likewise
 * before a VPID is used for another virtual processor.
 *
 * Where the processor lacks the instruction, the result is its #UD; a type that it lacks gives
 * VMfail (error 28) and cannot come from here, but where no type at all is offered.
 */

/* The types of both, as the descriptors' instructions number them. */
enum { INVEPT_ALL_CONTEXTS = 2 };
enum { INVVPID_SINGLE_CONTEXT = 1, INVVPID_ALL_CONTEXTS = 2 };

/* Guest-physical and combined mappings of all EPTPs. */
struct vmx_result invept_all(void);

/* Linear and combined mappings of one VPID (not 0); of all where the processor cannot do less. */
struct vmx_result invvpid(const struct vmx_capability *capability, uint16_t vpid);

/* Of all VPIDs but 0. */
struct vmx_result invvpid_all(void);

#endif
