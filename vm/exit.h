/*
 * From a VM exit to the next VM entry.
 *
 * vm_exit() is what vm/enter.S calls. One table, by basic exit reason, says which handler serves
 * it; each handler says what it did (enum exit_done), and EXIT_ENDED leaves the guest.
 */
#ifndef VM_EXIT_H
#define VM_EXIT_H

#include "vm/vcpu.h"

enum exit_done vm_exit(struct vcpu *vcpu);

/* Handlers by what they are about: vm/exits_*.c. */
enum exit_done exit_cpuid(struct vcpu *vcpu);
enum exit_done exit_hlt(struct vcpu *vcpu);
enum exit_done exit_vmcall(struct vcpu *vcpu);
enum exit_done exit_rdtsc(struct vcpu *vcpu);
enum exit_done exit_rdtscp(struct vcpu *vcpu);
enum exit_done exit_random(struct vcpu *vcpu);
enum exit_done exit_xsetbv(struct vcpu *vcpu);
enum exit_done exit_wbinvd(struct vcpu *vcpu);
enum exit_done exit_skip(struct vcpu *vcpu);
enum exit_done exit_undefined(struct vcpu *vcpu);
enum exit_done exit_protection(struct vcpu *vcpu);

enum exit_done exit_io(struct vcpu *vcpu);

enum exit_done exit_rdmsr(struct vcpu *vcpu);
enum exit_done exit_wrmsr(struct vcpu *vcpu);

enum exit_done exit_control_register(struct vcpu *vcpu);
enum exit_done exit_mov_dr(struct vcpu *vcpu);
enum exit_done exit_descriptor_table(struct vcpu *vcpu);

enum exit_done exit_exception(struct vcpu *vcpu);
enum exit_done exit_external_interrupt(struct vcpu *vcpu);
enum exit_done exit_interrupt_window(struct vcpu *vcpu);
enum exit_done exit_nmi_window(struct vcpu *vcpu);
enum exit_done exit_step(struct vcpu *vcpu);
enum exit_done exit_preemption_timer(struct vcpu *vcpu);
enum exit_done exit_triple_fault(struct vcpu *vcpu);
enum exit_done exit_wait(struct vcpu *vcpu);

enum exit_done exit_invalidate(struct vcpu *vcpu);
enum exit_done exit_ept_violation(struct vcpu *vcpu);
enum exit_done exit_ept_misconfiguration(struct vcpu *vcpu);

/* An instruction done for the guest: on behind it. */
static inline enum exit_done exit_behind(struct vcpu *vcpu, enum exit_done done)
{
    vcpu_skip_instruction(vcpu);
    return done;
}

#endif
