/*
 * A VM entry and its first VM exit as one function: for who looks at every one of them.
 */
#ifndef VMX_VM_ENTER_H
#define VMX_VM_ENTER_H

#include "lib/x86_vmx.h"
#include "vmx/vmx_result.h"

/*
 * Enters the guest that the current VMCS describes (VMRESUME if `resume`, else VMLAUNCH), with
 * these general registers in the order of their numbers, RSP's unused; comes back at its first VM
 * exit, which saves them there. Writes HOST_RSP, and HOST_RIP: `host_rip` where that is not 0,
 * which only an entry that fails comes back from. All flags clear: the guest was entered, or failed
 * to be with a VM exit of its own kind; the exit reason says which. vmx/selftest/selftest_entry.S.
 */
struct vmx_flags x86_vm_enter(bool resume, uint64_t host_rip, uint64_t registers[16]);

/* The same with its outcome. */
static inline struct vmx_result vm_enter(bool resume, uint64_t host_rip, uint64_t registers[16])
{
    return vmx_result_of(x86_vm_enter(resume, host_rip, registers));
}

#endif
