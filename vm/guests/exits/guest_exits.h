/*
 * Handlers of VM exits that only test guests provoke: their VM's policy has them
 * (vm/guests/guest_policy.c).
 */
#ifndef VM_GUEST_EXITS_H
#define VM_GUEST_EXITS_H

#include "vm/guests/exits/operand.h"
#include "vm/registers/registers.h"

/* Events, and the guest's time. */
exit_function exit_exception_timed, exit_interrupt_timed, exit_interrupt_window, exit_nmi_window;
exit_function exit_step, exit_wait, exit_timer, exit_call;

exit_function exit_hlt_refill, exit_demand, exit_misconfigured, exit_rdtsc, exit_rdtscp,
    exit_random;
exit_function exit_user_wait, exit_rdmsr_immediate, exit_wrmsrns_immediate, exit_mov_dr;
exit_function exit_gdtr_idtr, exit_ldtr_tr, exit_tpr_below_threshold, exit_apic_access;
exit_function exit_page_log_full, exit_invlpg, exit_invpcid;
exit_function exit_io;

/* For MSR rules. A field of the VMCS has the value: any, or one that must be canonical. */
msr_read_function msr_read_field, msr_read_apic_base, msr_read_tsc, msr_read_pat, msr_read_efer;
msr_write_function msr_write_field, msr_write_address, msr_write_pat, msr_write_efer;

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
