/*
 * IA32_FEATURE_CONTROL: may VMXON be executed, and if the firmware left that open, what to write.
 *
 * SDM Vol. 3, "Enabling and Entering VMX Operation"; Vol. 4, "IA32_FEATURE_CONTROL".
 */
#ifndef VMX_FEATURE_CONTROL_H
#define VMX_FEATURE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "vmx/finding.h"

/* Locked so that VMXON outside SMX operation faults until the next reset? */
bool feature_control_is_locked_off(uint64_t value);

/*
 * Checks the register as found; `present` is false where RDMSR of it faulted. Refuses where it is
 * locked off. Gives what is to be written before VMXON, which is locked and so never 0; 0: nothing.
 */
uint64_t feature_control_decide(bool present, uint64_t value, enum vmx_check mode, uint32_t cpu,
                                struct findings *findings);

/*
 * Checks that write: `vector` is WRMSR's fault or 0, `read_back` what the register
 * holds afterwards. True if VMXON may now be tried.
 */
bool feature_control_written(uint8_t vector, uint64_t read_back, enum vmx_check mode, uint32_t cpu,
                             struct findings *findings);

#endif
