/*
 * From a VM exit to the next VM entry.
 *
 * vm_exit() is what vm/enter.S calls. A VM has a handler for each reason, from the table in
 * vm/exit.c or its own policy; each handler says what it did (enum exit_done), and EXIT_ENDED
 * leaves the guest.
 */
#ifndef VM_EXIT_H
#define VM_EXIT_H

#include "lib/x86.h"
#include "vmx/vmcs_image.h"
#include "vm/vcpu.h"
#include "vmx/exit_reason.h"
#include "vmx/vmcs_access.h"

enum exit_done vm_exit(struct vcpu *vcpu);

/* Handlers by what they are about: vm/exits/exits_*.c. */
enum exit_done exit_cpuid(struct vcpu *vcpu);
enum exit_done exit_hlt(struct vcpu *vcpu);
enum exit_done exit_vmcall(struct vcpu *vcpu);
enum exit_done exit_xsetbv(struct vcpu *vcpu);
enum exit_done exit_skip(struct vcpu *vcpu);
enum exit_done exit_unhandled(struct vcpu *vcpu);
enum exit_done exit_undefined(struct vcpu *vcpu);
enum exit_done exit_protection(struct vcpu *vcpu);

enum exit_done exit_io(struct vcpu *vcpu);

enum exit_done exit_rdmsr(struct vcpu *vcpu);
enum exit_done exit_wrmsr(struct vcpu *vcpu);
enum exit_done exit_control_register(struct vcpu *vcpu);

enum exit_done exit_exception(struct vcpu *vcpu);
enum exit_done exit_external_interrupt(struct vcpu *vcpu);
enum exit_done exit_preemption_timer(struct vcpu *vcpu);
enum exit_done exit_triple_fault(struct vcpu *vcpu);

enum exit_done exit_no_memory(struct vcpu *vcpu);

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

static inline unsigned guest_privilege(void)
{
    return vmcs_read32(VMCS_GUEST_SS_ACCESS_RIGHTS) >> 5 & 3;
}

/* What the guest reads in CR4. */
uint64_t guest_cr4(const struct vcpu *vcpu);

/* A register as an operand of MOV to or from control and debug registers: 32 bits outside 64-bit
 * mode. */
uint64_t guest_mov_operand(const struct vcpu *vcpu, unsigned reg);

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

#endif
