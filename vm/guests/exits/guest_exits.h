/*
 * Handlers of VM exits that only test guests provoke: their VM's policy has them
 * (vm/guests/guest_policy.c).
 */
#ifndef VM_GUEST_EXITS_H
#define VM_GUEST_EXITS_H

#include "vm/exit.h"
#include "vm/guests/exits/operand.h"

/* Events, and the guest's time. */
enum exit_done exit_exception_timed(struct vcpu *vcpu);
enum exit_done exit_interrupt_timed(struct vcpu *vcpu);
enum exit_done exit_interrupt_window(struct vcpu *vcpu);
enum exit_done exit_nmi_window(struct vcpu *vcpu);
enum exit_done exit_step(struct vcpu *vcpu);
enum exit_done exit_wait(struct vcpu *vcpu);
enum exit_done exit_timer(struct vcpu *vcpu);
enum exit_done exit_call(struct vcpu *vcpu);

enum exit_done exit_hlt_refill(struct vcpu *vcpu);
enum exit_done exit_demand(struct vcpu *vcpu);
enum exit_done exit_misconfigured(struct vcpu *vcpu);
enum exit_done exit_rdtsc(struct vcpu *vcpu);
enum exit_done exit_rdtscp(struct vcpu *vcpu);
enum exit_done exit_random(struct vcpu *vcpu);
enum exit_done exit_user_wait(struct vcpu *vcpu);
enum exit_done exit_rdmsr_immediate(struct vcpu *vcpu);
enum exit_done exit_wrmsrns_immediate(struct vcpu *vcpu);
enum exit_done exit_mov_dr(struct vcpu *vcpu);
enum exit_done exit_gdtr_idtr(struct vcpu *vcpu);
enum exit_done exit_ldtr_tr(struct vcpu *vcpu);
enum exit_done exit_tpr_below_threshold(struct vcpu *vcpu);
enum exit_done exit_apic_access(struct vcpu *vcpu);
enum exit_done exit_page_log_full(struct vcpu *vcpu);
enum exit_done exit_invlpg(struct vcpu *vcpu);
enum exit_done exit_invpcid(struct vcpu *vcpu);
enum exit_done exit_string_io(struct vcpu *vcpu); /* struct vm_policy */

/* For MSR rules. A field of the VMCS has the value: any, or one that must be canonical. */
enum exit_done msr_read_field(struct vcpu *vcpu, const struct msr_rule *rule);
enum exit_done msr_write_field(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value);
enum exit_done msr_write_address(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value);
enum exit_done msr_read_apic_base(struct vcpu *vcpu, const struct msr_rule *rule);
enum exit_done msr_read_tsc(struct vcpu *vcpu, const struct msr_rule *rule);
enum exit_done msr_read_pat(struct vcpu *vcpu, const struct msr_rule *rule);
enum exit_done msr_write_pat(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value);
enum exit_done msr_read_efer(struct vcpu *vcpu, const struct msr_rule *rule);
enum exit_done msr_write_efer(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value);

/* How wide addresses are that LGDT, WRMSR and their kin load: the processor's, in whatever mode. */
static inline unsigned guest_linear_width(const struct vcpu *vcpu)
{
    return linear_width(vcpu->capability.cr4_fixed1);
}

/* The guest's time-stamp counter. */
static inline uint64_t guest_tsc(const struct vcpu *vcpu)
{
    bool offset = (vcpu->controls[VMX_CONTROL_PRIMARY] & PRIMARY_TSC_OFFSETTING) != 0;

    return rdtsc() + (offset ? vmcs_read64(VMCS_TSC_OFFSET) : 0);
}

#endif
