/*
 * Handlers of VM exits that only test guests provoke: their VM's policy has them
 * (vm/guests/guest_policy.c).
 */
#ifndef VM_GUEST_EXITS_H
#define VM_GUEST_EXITS_H

#include "vm/exit.h"

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

#endif
