/*
 * From a VM exit to the next VM entry.
 *
 * vm_exit() is what vm/enter.S calls. A VM has a handler for each reason, from the table in
 * vm/exit.c or its own policy; each handler says what it did (enum exit_done), and EXIT_ENDED
 * leaves the guest.
 */
#pragma once

#include "vm/vcpu.h"

exit_function vm_exit;

/* Handlers by what they are about: vm/exit.c, vm/exits/exits_*.c. */
exit_function exit_unhandled, exit_no_memory;
exit_function exit_cpuid, exit_hlt, exit_vmcall, exit_skip, exit_undefined, exit_protection;
exit_function exit_rdmsr, exit_wrmsr;
exit_function exit_exception, exit_external_interrupt, exit_preemption_timer, exit_triple_fault;

/*
 * Is the guest in IA-32e mode now? It may have come there or left it without an exit; each VM exit
 * writes what it has into the VM-entry control.
 */
static inline bool guest_is_long(void)
{
    return (vmcs_read32(VMCS_VM_ENTRY_CONTROLS) & ENTRY_IA32E_MODE_GUEST) != 0;
}

/* CS.L counts in IA-32e mode only. */
static inline bool guest_is_64_bit(void)
{
    return guest_is_long() && (vmcs_read32(VMCS_GUEST_CS_ACCESS_RIGHTS) & RIGHTS_L) != 0;
}

/* skip_emulated_instruction() where there is more to do than to move on. */
enum exit_done skip_emulated_instruction_slow(uint64_t rip, uint64_t next, enum exit_done done);

/* An instruction that was done for the guest, whose RFLAGS are these: on to the next one. */
static inline enum exit_done skip_with_rflags(uint64_t rflags, enum exit_done done)
{
    uint64_t rip = vmcs_read_natural(VMCS_GUEST_RIP);
    uint64_t length = x86_vmread_bare(VMCS_VM_EXIT_INSTRUCTION_LENGTH), next = rip + length;
    uint32_t blocking = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY_STATE);

    /* A sum of 32 bits that is less than what was added has wrapped. */
    if (__builtin_expect((uint32_t)next < (uint32_t)length, 0) ||
        __builtin_expect((blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)) != 0, 0) ||
        __builtin_expect((rflags & (RFLAGS_TF | RFLAGS_RF)) != 0, 0))
        return skip_emulated_instruction_slow(rip, next, done);
    vmcs_write_natural(VMCS_GUEST_RIP, next);
    return done;
}

static inline enum exit_done skip_emulated_instruction(enum exit_done done)
{
    return skip_with_rflags(vmcs_read_natural(VMCS_GUEST_RFLAGS), done);
}

/* RDMSR is done, and gives this. */
static inline enum exit_done rdmsr_gives(struct vcpu *vcpu, uint64_t value)
{
    vcpu->reg[VCPU_RAX] = (uint32_t)value;
    vcpu->reg[VCPU_RDX] = value >> 32;
    return skip_emulated_instruction(EXIT_EMULATED);
}

/*
 * Events on their way to a guest. SDM Vol. 3, "VM-Entry Controls for Event Injection", "Information
 * for VM Exits Due to Vectored Events", "Information for VM Exits That Occur During Event
 * Delivery".
 */

/* What of an event that exited, or was interrupted, VM entry takes: the rest is undefined or 0. */
#define EVENT_TO_INJECT (EVENT_INFORMATION_VALID | EVENT_INFORMATION_ERROR_CODE | 0x7ffu)

/*
 * SDM Vol. 3, "Debug Exceptions", "Instruction-Breakpoint Exception Condition": the RFLAGS that the
 * delivery of a fault saves have RF = 1, lest an instruction breakpoint come twice. VM entry saves
 * what the VMCS holds, so the field must have it. Traps (#DB, #BP, #OF), aborts (#DF, #MC) and the
 * NMI save RF as it is; so does the #DB of DR7.GD, a fault, on Intel's processors.
 */
bool event_sets_resume_flag(uint8_t vector);

/* For an exception that VM entry shall deliver. */
void event_resume_flag(uint8_t vector);

/* The event whose delivery the exit interrupted, if there is one, comes again at VM entry. */
void event_requeue(void);

/*
 * An event for the next VM entry: an exception (`error_code` only where it has one), an external
 * interrupt, or an NMI. SDM Vol. 3, "Event Injection"; `type` is bits 10:8 of the field.
 */
void vcpu_inject(struct vcpu *vcpu, enum event_type type, uint8_t vector);
void vcpu_inject_error(struct vcpu *vcpu, uint8_t vector, uint32_t error_code);
