/*
 * A virtual CPU: the guest's registers, its VMCS, and what is counted about it. One runs on one CPU
 * from its creation to its end; what several vCPUs share is their VM's.
 */
#pragma once

#include "lib/x86_vmx.h"
#include "vm/vm.h"
#include "vmx/exit_reason.h"
#include "vmx/vmcs_image.h"
#include "vmx/vmx_cpu.h"

/* The general registers, numbered as instructions and exit qualifications number them. */
enum { VCPU_RAX, VCPU_RCX, VCPU_RDX, VCPU_RBX, VCPU_RSP, VCPU_RBP, VCPU_RSI, VCPU_RDI, VCPU_R8 };
enum { VCPU_R15 = 15, VCPU_REGISTERS }; /* RSP is in the VMCS */

/* Why a guest ended. */
enum guest_end {
    GUEST_END_CALL,          /* it said so: VMCALL with RAX = VM_CALL_END */
    GUEST_END_HALT,          /* HLT with interrupts off: nothing could ever wake it */
    GUEST_END_TRIPLE_FAULT,  /* SDM Vol. 3, "Interrupt 8 - Double Fault Exception" */
    GUEST_END_MEMORY,        /* it reached for memory that it does not have */
    GUEST_END_MISCONFIGURED, /* EPT misconfiguration */
    GUEST_END_TIME,          /* its budget of time is used up */
    GUEST_END_EXITS,         /* its budget of exits is used up */
    GUEST_END_ENTRY_ERROR,   /* VMLAUNCH or VMRESUME: VMfailInvalid or VMfailValid */
    GUEST_END_ENTRY_FAILED,  /* VM entry failed with an exit: reasons 33, 34, 41 */
    GUEST_END_RULES,     /* not entered: the VMCS breaks rules of VM entry (check-entry=always) */
    GUEST_END_WAIT,      /* it waits for INIT or SIPI, which nobody will send */
    GUEST_END_UNHANDLED, /* an exit that nothing here can serve */
    GUEST_END_COUNT,
};

/* Did it end so because it was not entered, or not for good? */
static inline bool guest_end_is_no_entry(enum guest_end end)
{
    return end == GUEST_END_ENTRY_ERROR || end == GUEST_END_ENTRY_FAILED || end == GUEST_END_RULES;
}

enum { VCPU_BROKEN_SIZE = 320 };
enum { VCPU_VPID = 1 }; /* of every guest: a CPU has one at a time, and it begins with a flush */

struct vcpu {
    uint64_t reg[VCPU_REGISTERS]; /* first: vm/enter.S */

    /* What every exit touches. */
    int64_t exits_left;                   /* of the budget; below 0: used up */
    uint32_t cpuid_mask;                  /* the VM's */
    uint32_t exit_count[EXIT_HANDLERS];   /* by basic reason */
    exit_handler handlers[EXIT_HANDLERS]; /* the VM's, or one that watches every exit */
    bool says_smi_blocked;                /* vmx/vmx_cpu.h */

    enum guest_end end;
    uint32_t end_number;           /* VM-instruction error, or the basic exit reason */
    uint64_t end_value;            /* the exit qualification, guest-physical address, or field */
    char broken[VCPU_BROKEN_SIZE]; /* the rules that a VM entry broke, where a room knows them */

    struct vm *vm;             /* that it belongs to */
    const struct vmx_cpu *cpu; /* that it runs on */
    struct vmx_capability capability;
    uint32_t controls[VMX_CONTROL_WORD_COUNT]; /* as the VMCS has them now, but for "IA-32e mode
                                                  guest": guest_is_long() of vm/exit.h */
    struct vmx_region vmcs;
    uint64_t cr0_fixed, cr4_fixed; /* bits that the guest cannot have as it wants */
    uint64_t cr3_seen;             /* without EPT: the CR3 that the guest believes in */
    uint64_t cr8;
    uint64_t msr_apic_base;
    uint32_t timer; /* what the preemption timer begins with, where there is one */
};

/* What a guest begins with, as it would read it; its general registers but RSP are the vCPU's. */
struct vcpu_start {
    uint64_t cr0, cr3, cr4, efer;
    uint64_t rip, rsp;
    uint64_t gdt_base, idt_base;
    uint16_t gdt_limit, idt_limit;
    struct vmcs_segment code, stack, data, tr;
};

/* A vCPU of `vm` that will run on `cpu`, the one that calls, with all its members. */
void vcpu_init(struct vcpu *vcpu, struct vm *vm, const struct vmx_cpu *cpu);

/* When its VM is made: its VMCS. False: no memory. */
bool vcpu_create(struct vcpu *vcpu);

/* Makes its VMCS current, in its first state, and forgets what the processor knows of others. */
struct vmx_result vcpu_load(struct vcpu *vcpu, const struct vcpu_start *start);

/* From there to the guest's end. */
void vcpu_run(struct vcpu *vcpu);

/* What vcpu_enter() came back with: the guest's end, or a VM entry that did not take place. */
enum vm_entry {
    VM_ENTRY_ENDED,
    VM_ENTRY_LAUNCH_INVALID = 2, /* VMLAUNCH gave VMfailInvalid */
    VM_ENTRY_LAUNCH_VALID,       /* VMLAUNCH gave VMfailValid */
    VM_ENTRY_RESUME_INVALID,
    VM_ENTRY_RESUME_VALID,
};

/* vm/enter.S */
enum vm_entry vcpu_enter(struct vcpu *vcpu);

/*
 * Fills the current VMCS, all but HOST_RSP and HOST_RIP (vm/enter.S), with the guest in its mode's
 * first state. Gives VMsucceed, or the outcome of the first VMWRITE that did not.
 */
struct vmx_result vcpu_state_write(struct vcpu *vcpu, const struct vcpu_start *start);

/* Its CR0 and CR4: it sees and keeps its own bits, not those that VMX or its VM's policy fixes. */
void vcpu_set_control_registers(struct vcpu *vcpu, uint64_t cr0, uint64_t cr4,
                                struct vmcs_image *image);

/*
 * Forgets what the processor remembers of address translations (SDM Vol. 3, "Caching Translation
 * Information"): all that an earlier guest may have left, before the first VM entry.
 */
void translation_flush_all(const struct vcpu *vcpu);

/* A VM entry did not take place: a room names the rules that the current VMCS breaks. */
struct entry_failed {
    void (*explain)(struct vcpu *vcpu, struct sink *broken);
};
SET_DECLARE(entries_failed, const struct entry_failed);

/* The guest's end; what a handler then returns. */
enum exit_done vcpu_end(struct vcpu *vcpu, enum guest_end end, uint32_t number, uint64_t value);
