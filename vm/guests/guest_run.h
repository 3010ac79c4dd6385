/*
 * One guest on this CPU, from nothing to its end.
 */
#ifndef VM_GUEST_RUN_H
#define VM_GUEST_RUN_H

#include "vm/guests/guest.h"
#include "vmx/vmx_cpu.h"

/*
 * Runs `guest` on the CPU that calls, which is in VMX operation, interrupts off. `run` is filled
 * whole. The CPU's own VMCS is current before and after.
 */
void guest_run(const struct guest *guest, struct vmx_cpu *cpu, const struct vm_options *options,
               struct guest_run *run);

#endif
