/*
 * Why a VM entry failed, or would: the rules that the VMCS breaks, named.
 */
#ifndef VM_ENTRY_FAILURE_H
#define VM_ENTRY_FAILURE_H

#include <stdbool.h>

#include "vm/guest.h"
#include "vmx/vmentry_check.h"

/*
 * Does the current VMCS, which is the vCPU's, keep all rules? Takes thousands of instructions: for
 * check-entry=always.
 */
bool entry_is_sound(const struct vcpu *vcpu);

/*
 * Judges the current VMCS, which is the vCPU's and whose entry failed, by the checks that the
 * processor performs. No findings for another end.
 */
void entry_failure_judge(const struct vcpu *vcpu, struct vmentry_findings *findings);

/* Adds to run->detail which rule is broken. Adds nothing for another end. */
void entry_failure_explain(const struct vcpu *vcpu, struct guest_run *run);

#endif
