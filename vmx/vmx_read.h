/*
 * Reading the VMX capability MSRs of the CPU that runs this.
 */
#ifndef VMX_VMX_READ_H
#define VMX_VMX_READ_H

#include <stdint.h>

#include "vmx/finding.h"
#include "vmx/capability/vmx_msr.h"

/*
 * Reads every capability MSR that this CPU has and none that it has not. One that should exist and
 * faults is a finding (`seen`: the vector) and stays absent. CPUID must have shown VMX.
 */
void vmx_read_msrs(struct vmx_msrs *msrs, enum vmx_check mode, uint32_t cpu,
                   struct findings *findings);

#endif
