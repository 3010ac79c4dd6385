#include "vmx/capability/cr_fixed.h"

#include "lib/x86.h"

/* The names of the bits of one register, by bit. */
#define CR_BIT(cr, bit, ...) [REGISTER_##cr][__builtin_ctzll(cr##_##bit)] = #cr "." #bit,
enum { REGISTER_CR0, REGISTER_CR4 };
static const char *const bit_names[][64] = {
#include "vmx/capability/cr_bits.def"
};
#undef CR_BIT

uint64_t cr0_for_vmx(uint64_t cr0, const struct vmx_msrs *msrs)
{
    return cr0 | vmx_msr_value(msrs, IA32_VMX_CR0_FIXED0);
}

uint64_t cr4_for_vmx(uint64_t cr4, const struct vmx_msrs *msrs)
{
    return cr4 | vmx_msr_value(msrs, IA32_VMX_CR4_FIXED0) | CR4_VMXE;
}

static void print_forbidden(uint64_t forbidden, const char *const *names, const char *reg,
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

void cr_fixed_check(uint64_t cr0, uint64_t cr4, const struct vmx_msrs *msrs, enum vmx_check mode,
                    uint32_t cpu, struct findings *findings)
{
    print_forbidden(
        forbidden_bits(cr0_for_vmx(cr0, msrs), IA32_VMX_CR0_FIXED0, IA32_VMX_CR0_FIXED1, msrs),
        bit_names[REGISTER_CR0], "CR0", IA32_VMX_CR0_FIXED1, mode, cpu, findings);
    print_forbidden(
        forbidden_bits(cr4_for_vmx(cr4, msrs), IA32_VMX_CR4_FIXED0, IA32_VMX_CR4_FIXED1, msrs),
        bit_names[REGISTER_CR4], "CR4", IA32_VMX_CR4_FIXED1, mode, cpu, findings);
}
