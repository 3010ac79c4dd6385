#include "vmx/vmx_read.h"

#include "lib/x86.h"

/* The table's order matters: which of the later MSRs exist is reported by the earlier ones. */
#define VMX_MSR_ITEM(name, address) (address),
static const uint32_t msrs_in_order[] = {VMX_MSR_TABLE(VMX_MSR_ITEM)};
#undef VMX_MSR_ITEM

void vmx_read_msrs(struct vmx_msrs *msrs, enum vmx_check mode, uint32_t cpu,
                   struct findings *findings)
{
    *msrs = (struct vmx_msrs){0};
    for (unsigned i = 0; i < sizeof msrs_in_order / sizeof *msrs_in_order; i++) {
        uint32_t msr = msrs_in_order[i];
        uint64_t value;
        uint8_t vector;

        if (!vmx_msr_exists(msrs, msr))
            continue;
        vector = rdmsr_safe(msr, &value);
        if (vector == 0)
            vmx_msr_set(msrs, msr, value);
        else
            finding_add(findings, mode,
                        (struct finding){.rule = RULE_MSR_READ_FAULT,
                                         .cpu = cpu,
                                         .msr = msr,
                                         .high = -1,
                                         .low = -1,
                                         .seen = vector});
    }
}
