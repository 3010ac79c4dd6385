#include "vmx/capability/vmxon_registers.h"

#include "lib/x86_registers.h"

enum { BIT_LOCK = 0, BIT_VMX_OUTSIDE_SMX = 2 };

static struct finding about_bit(enum rule rule, int8_t bit)
{
    return FINDING_AT(rule, bit, bit, .msr = IA32_FEATURE_CONTROL, .seen = 0, .wanted = 1);
}

/*
 * "Allowed inside SMX operation only" is a locked-off register to us: SMX operation begins with
 * GETSEC[SENTER], a measured launch, and GRUB makes none. CR4.SMXE does not show whether one was
 * made, so it is not read.
 */
bool feature_control_is_locked_off(uint64_t value)
{
    return (value & (FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX)) == FEATURE_CONTROL_LOCK;
}

/*
 * An absent register contradicts the manual (CPUID shows VMX, so it exists) and is seen under
 * hypervisors only, where VMXON need not depend on it. Linux gives VMX up then; we go on, because
 * VMXON's own #GP can be caught, and shows it.
 *
 * A register that allows VMXON but is not locked must be locked all the same: VMXON faults until
 * it is. The other bits stay as the firmware chose them.
 */
uint64_t feature_control_decide(bool present, uint64_t value, struct findings *findings)
{
    if (!present) {
        finding_add(findings, FINDING(RULE_FEATURE_CONTROL_ABSENT, .msr = IA32_FEATURE_CONTROL));
    } else if (!(value & FEATURE_CONTROL_LOCK)) {
        finding_add(findings, about_bit(RULE_FEATURE_CONTROL_UNLOCKED, BIT_LOCK));
        return value | FEATURE_CONTROL_VMX | FEATURE_CONTROL_LOCK;
    } else if (feature_control_is_locked_off(value)) {
        enum rule rule = (value & FEATURE_CONTROL_VMX_SMX) ? RULE_FEATURE_CONTROL_SMX_ONLY
                                                           : RULE_FEATURE_CONTROL_LOCKED_OFF;

        finding_add(findings, about_bit(rule, BIT_VMX_OUTSIDE_SMX));
    }
    return 0;
}

/*
 * What the register holds counts, not whether the write went through: where the two threads of a
 * core share it, the one that comes second faults on the lock that the first has just set.
 */
bool feature_control_written(uint8_t vector, uint64_t read_back, struct findings *findings)
{
    const uint64_t wanted = FEATURE_CONTROL_VMX | FEATURE_CONTROL_LOCK;

    if ((read_back & wanted) == wanted)
        return true;
    finding_add(findings,
                FINDING(vector ? RULE_FEATURE_CONTROL_WRITE_FAULT : RULE_FEATURE_CONTROL_NOT_KEPT,
                        .msr = IA32_FEATURE_CONTROL, .seen = vector ? vector : read_back,
                        .wanted = vector ? 0 : read_back | wanted));
    return false;
}

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

/* FIXED1 has the address after FIXED0's. What that itself demands has a rule of its own. */
static void check_forbidden(uint64_t value, const char *reg, uint32_t fixed0,
                            const struct vmx_msrs *msrs, struct findings *findings)
{
    uint32_t fixed1 = fixed0 + 1;
    uint64_t forbidden = value & ~vmx_msr_value(msrs, fixed0) & ~vmx_msr_value(msrs, fixed1);

    if (!vmx_msr_is_present(msrs, fixed1))
        return;
    for (int bit = 0; bit < 64; bit++) {
        if (forbidden >> bit & 1)
            finding_add(findings, FINDING_AT(RULE_CR_BIT_MUST_BE_ZERO, (int8_t)bit, (int8_t)bit,
                                             .msr = fixed1, .seen = 1, .wanted = 0,
                                             .detail = bit_name(reg, bit)));
    }
}

void cr_fixed_check(uint64_t cr0, uint64_t cr4, const struct vmx_msrs *msrs,
                    struct findings *findings)
{
    check_forbidden(cr0_for_vmx(cr0, msrs), "CR0", IA32_VMX_CR0_FIXED0, msrs, findings);
    check_forbidden(cr4_for_vmx(cr4, msrs), "CR4", IA32_VMX_CR4_FIXED0, msrs, findings);
}
