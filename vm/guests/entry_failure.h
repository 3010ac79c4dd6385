/*
 * Why a VM entry failed, or would: the rules that the VMCS breaks, named.
 */
#ifndef VM_ENTRY_FAILURE_H
#define VM_ENTRY_FAILURE_H

#include <stdbool.h>

#include "vm/guests/guest.h"

/*
 * Does the current VMCS, which is the vCPU's, keep all rules? Takes thousands of instructions: for
 * check-entry=always.
 */
bool entry_is_sound(const struct vcpu *vcpu);

/*
 * Checks the current VMCS, which is the vCPU's and whose entry failed, by the checks that the
 * processor performs: fills run->entry, and adds to run->detail which rules are broken. Does
 * nothing for another end.
 */
void entry_failure_explain(const struct vcpu *vcpu, struct guest_run *run);

/* Did the entry fail, or was it not made, over this rule and no other? */
bool entry_failure_is(const struct vcpu *vcpu, enum vmentry_rule rule);

#endif
