/*
 * Mistakes of the code around a guest, which its result names: what a VM exit would load, and what
 * handlers of VM exits do to the guest that they should not.
 */
#ifndef VM_HANDLER_CHECK_H
#define VM_HANDLER_CHECK_H

#include "vm/guests/guest.h"

/* As the number of GUEST_END_RULES: no rule of VM entry is broken. */
enum { HOST_STATE_DIFFERS = 1 };

/*
 * Does a VM exit load what this CPU has, and is the VMCS one of this processor's? False:
 * `mistake` of the guest's machine says what does not. That a VM entry would refuse anyway is no
 * matter: the processor says so, and nothing is lost.
 */
bool host_state_is_sound(const struct vcpu *vcpu);

/*
 * SDM Vol. 3, "VM-Execution Controls" (capability reporting): the TRUE MSR says which controls of
 * the default1 class may be 0. Fills `mistake` where a named one is 1 that nobody asked for:
 * without EPT the hypervisor does.
 */
void check_controls(const struct vcpu *vcpu);

/*
 * After an exit was served, with the registers that the guest had: whether the handler moved RIP on
 * where it says that the instruction is done, and left registers alone which the instruction does
 * not write. Fills `mistake` where nothing stands yet, and counts exits without progress.
 */
void handler_check(struct guest_vm *machine, const struct exit_record *exit,
                   const uint64_t before[VCPU_REGISTERS]);

#endif
