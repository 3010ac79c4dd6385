/*
 * Why a VM entry failed, or would: the rules that the VMCS breaks, named.
 */
#ifndef VM_ENTRY_FAILURE_H
#define VM_ENTRY_FAILURE_H

#include "vm/guests/guest.h"

/*
 * Does the current VMCS, which is the vCPU's, keep all rules? Takes thousands of instructions: for
 * check-entry=always.
 */
bool entry_is_sound(const struct vcpu *vcpu);

/* Would the processor refuse it over its controls or its host state? Then no VM exit comes. */
bool entry_is_refused(const struct vcpu *vcpu);

/*
 * Of a test guest whose entry failed: fills run->entry, and adds to run->detail which rules are
 * broken, as they were found when it ended (vm/vcpu.h, entries_failed). Nothing of another end.
 */
void entry_failure_take(const struct vcpu *vcpu, struct guest_run *run);

/* Did the entry fail, or was it not made, over this rule and no other? */
bool entry_failure_is(const struct vcpu *vcpu, enum vmentry_rule rule);

#endif
