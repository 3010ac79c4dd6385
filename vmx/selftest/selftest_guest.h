/*
 * The smallest guest: 64-bit code at CPL 0 that shares the host's address space and descriptor
 * tables, and whose only instruction is CPUID. It has no stack: an NMI or machine check, the only
 * events that could come before it exits, has one of its own in the host's TSS.
 */
#ifndef VMX_SELFTEST_GUEST_H
#define VMX_SELFTEST_GUEST_H

#include "lib/x86_vmx.h"
#include "vmx/capability/vmx_msr.h"
#include "vmx/vmx_result.h"

/* CPUID, again and again: vmx/selftest/selftest_entry.S. */
extern const uint8_t selftest_guest_code[];

/*
 * Describes that guest, and the way back but for HOST_RSP and HOST_RIP, in the current VMCS.
 * Gives VMsucceed, or the outcome of the first VMWRITE that did not succeed.
 */
struct vmx_result selftest_guest_write(const struct vmx_msrs *msrs);

#endif
