#include "vmx/capability/cr_fixed.h"

#include "lib/x86.h"

#define BIT(cr, bit)             \
    {                            \
        cr##_##bit, #cr "." #bit \
    }
const struct cr_bit cr_bits[CR_BIT_COUNT] = {
    BIT(CR0, PE),     BIT(CR0, MP),         BIT(CR0, EM),      BIT(CR0, TS),      BIT(CR0, ET),
    BIT(CR0, NE),     BIT(CR0, WP),         BIT(CR0, AM),      BIT(CR0, NW),      BIT(CR0, CD),
    BIT(CR0, PG),     BIT(CR4, VME),        BIT(CR4, PVI),     BIT(CR4, TSD),     BIT(CR4, DE),
    BIT(CR4, PSE),    BIT(CR4, PAE),        BIT(CR4, MCE),     BIT(CR4, PGE),     BIT(CR4, PCE),
    BIT(CR4, OSFXSR), BIT(CR4, OSXMMEXCPT), BIT(CR4, UMIP),    BIT(CR4, LA57),    BIT(CR4, VMXE),
    BIT(CR4, SMXE),   BIT(CR4, FSGSBASE),   BIT(CR4, PCIDE),   BIT(CR4, OSXSAVE), BIT(CR4, KL),
    BIT(CR4, SMEP),   BIT(CR4, SMAP),       BIT(CR4, PKE),     BIT(CR4, CET),     BIT(CR4, PKS),
    BIT(CR4, UINTR),  BIT(CR4, LASS),       BIT(CR4, LAM_SUP), BIT(CR4, FRED),
};

/* The name of a bit, that of its register where it has none. */
static const char *bit_name(const char *reg, int bit)
{
    for (unsigned i = 0; i < CR_BIT_COUNT; i++) {
        if (cr_bits[i].mask == 1ull << bit && cr_bits[i].name[2] == reg[2])
            return cr_bits[i].name;
    }
    return reg;
}

uint64_t cr0_for_vmx(uint64_t cr0, const struct vmx_msrs *msrs)
{
    return cr0 | vmx_msr_value(msrs, IA32_VMX_CR0_FIXED0);
}

uint64_t cr4_for_vmx(uint64_t cr4, const struct vmx_msrs *msrs)
{
    return cr4 | vmx_msr_value(msrs, IA32_VMX_CR4_FIXED0) | CR4_VMXE;
}

static void print_forbidden(uint64_t forbidden, const char *reg, uint32_t fixed1_msr,
                            enum vmx_check mode, uint32_t cpu, struct findings *findings)
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
                                     .detail = bit_name(reg, bit)});
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

void cr_fixed_check(uint64_t cr0, uint64_t cr4, const struct vmx_msrs *msrs, enum vmx_check mode,
                    uint32_t cpu, struct findings *findings)
{
    print_forbidden(
        forbidden_bits(cr0_for_vmx(cr0, msrs), IA32_VMX_CR0_FIXED0, IA32_VMX_CR0_FIXED1, msrs),
        "CR0", IA32_VMX_CR0_FIXED1, mode, cpu, findings);
    print_forbidden(
        forbidden_bits(cr4_for_vmx(cr4, msrs), IA32_VMX_CR4_FIXED0, IA32_VMX_CR4_FIXED1, msrs),
        "CR4", IA32_VMX_CR4_FIXED1, mode, cpu, findings);
}
