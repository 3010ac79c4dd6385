/*
 * The smallest guest: 64-bit code at CPL 0 that shares the host's address space, descriptor tables
 * and stack, and whose only instruction is CPUID.
 */
#ifndef VMX_SELFTEST_GUEST_H
#define VMX_SELFTEST_GUEST_H

#include "lib/x86_vmx.h"
#include "vmx/capability/vmx_msr.h"
#include "vmx/vmx_result.h"

/*
 * Describes that guest, and the way back, in the current VMCS. x86_vm_enter() adds RIP and RSP.
 * Gives VMsucceed, or the outcome of the first VMWRITE that did not succeed.
 */
struct vmx_result selftest_guest_write(const struct vmx_msrs *msrs);

#endif
