/*
 * One guest on this CPU, from nothing to its end.
 */
#ifndef VM_RUN_H
#define VM_RUN_H

#include "vm/guest.h"
#include "vmx/vmx_cpu.h"

/* What vcpu_enter() came back with: the guest's end, or a VM entry that did not take place. */
enum vm_entry {
    VM_ENTRY_ENDED,
    VM_ENTRY_LAUNCH_INVALID = 2, /* VMLAUNCH gave VMfailInvalid */
    VM_ENTRY_LAUNCH_VALID,       /* VMLAUNCH gave VMfailValid */
    VM_ENTRY_RESUME_INVALID,
    VM_ENTRY_RESUME_VALID,
};

/* vm/enter.S */
enum vm_entry vcpu_enter(struct vcpu *vcpu);

/*
 * Runs `guest` on the CPU that calls, which is in VMX operation, interrupts off. `run` is filled
 * whole. The CPU's own VMCS is current before and after.
 */
void guest_run(const struct guest *guest, struct vmx_cpu *cpu, const struct vm_options *options,
               struct guest_run *run);

#endif
