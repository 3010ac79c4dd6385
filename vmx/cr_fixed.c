#include "vmx/cr_fixed.h"

#include "lib/x86.h"

/* SDM Vol. 3, "Control Registers". */
static const char *const cr0_bit_names[64] = {
    [0] = "CR0.PE",  [1] = "CR0.MP",  [2] = "CR0.EM",  [3] = "CR0.TS",
    [4] = "CR0.ET",  [5] = "CR0.NE",  [16] = "CR0.WP", [18] = "CR0.AM",
    [29] = "CR0.NW", [30] = "CR0.CD", [31] = "CR0.PG",
};

static const char *const cr4_bit_names[64] = {
    [0] = "CR4.VME",    [1] = "CR4.PVI",      [2] = "CR4.TSD",         [3] = "CR4.DE",
    [4] = "CR4.PSE",    [5] = "CR4.PAE",      [6] = "CR4.MCE",         [7] = "CR4.PGE",
    [8] = "CR4.PCE",    [9] = "CR4.OSFXSR",   [10] = "CR4.OSXMMEXCPT", [11] = "CR4.UMIP",
    [12] = "CR4.LA57",  [13] = "CR4.VMXE",    [14] = "CR4.SMXE",       [16] = "CR4.FSGSBASE",
    [17] = "CR4.PCIDE", [18] = "CR4.OSXSAVE", [19] = "CR4.KL",         [20] = "CR4.SMEP",
    [21] = "CR4.SMAP",  [22] = "CR4.PKE",     [23] = "CR4.CET",        [24] = "CR4.PKS",
    [25] = "CR4.UINTR", [27] = "CR4.LASS",    [28] = "CR4.LAM_SUP",    [32] = "CR4.FRED",
};

uint64_t cr0_for_vmx(uint64_t cr0, const struct vmx_msrs *msrs)
{
    return cr0 | vmx_msr_value(msrs, IA32_VMX_CR0_FIXED0);
}

uint64_t cr4_for_vmx(uint64_t cr4, const struct vmx_msrs *msrs)
{
    return cr4 | vmx_msr_value(msrs, IA32_VMX_CR4_FIXED0) | CR4_VMXE;
}

static void tell_forbidden(uint64_t forbidden, const char *const *names, const char *reg,
                           uint32_t fixed1_msr, enum vmx_check mode, uint32_t cpu,
                           struct findings *findings)
{
    for (int bit = 0; bit < 64; bit++) {
        if (!(forbidden >> bit & 1))
            continue;
        finding_add(findings, mode,
                    (struct finding){.rule = RULE_CR_BIT_MUST_BE_ZERO,
                                     .cpu = cpu,
                                     .msr = fixed1_msr,
                                     .high = (int8_t)bit,
                                     .low = (int8_t)bit,
                                     .seen = 1,
                                     .wanted = 0,
                                     .detail = names[bit] ? names[bit] : reg});
    }
}

/* What FIXED0 itself demands is left out: that contradiction has a rule of its own. */
static uint64_t forbidden_bits(uint64_t value, uint32_t fixed0_msr, uint32_t fixed1_msr,
                               const struct vmx_msrs *msrs)
{
    if (!vmx_msr_is_present(msrs, fixed1_msr))
        return 0;
    return value & ~vmx_msr_value(msrs, fixed0_msr) & ~vmx_msr_value(msrs, fixed1_msr);
}

void cr_fixed_judge(uint64_t cr0, uint64_t cr4, const struct vmx_msrs *msrs, enum vmx_check mode,
                    uint32_t cpu, struct findings *findings)
{
    tell_forbidden(
        forbidden_bits(cr0_for_vmx(cr0, msrs), IA32_VMX_CR0_FIXED0, IA32_VMX_CR0_FIXED1, msrs),
        cr0_bit_names, "CR0", IA32_VMX_CR0_FIXED1, mode, cpu, findings);
    tell_forbidden(
        forbidden_bits(cr4_for_vmx(cr4, msrs), IA32_VMX_CR4_FIXED0, IA32_VMX_CR4_FIXED1, msrs),
        cr4_bit_names, "CR4", IA32_VMX_CR4_FIXED1, mode, cpu, findings);
}
