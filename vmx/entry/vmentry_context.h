/*
 * What the checks of a VM entry need to know of the processor that performs them: read from it.
 */
#ifndef VMX_VMENTRY_CONTEXT_H
#define VMX_VMENTRY_CONTEXT_H

#include "vmx/entry/vmentry_check.h"

/*
 * Fills `context` from CPUID and MSRs of the CPU that runs this, which is in VMX operation in
 * IA-32e mode; `capability` is its own, `revision_id` that of its VMCSs. How memory is read, and
 * what WRMSR would say, stays as it is in `context`.
 */
void vmentry_context_read(const struct vmx_capability *capability, uint32_t revision_id,
                          struct vmentry_context *context);

#endif
