#include "vm/guests/exits/guest_exits.h"
#include "vm/guests/guest.h"

/* IA32_PAT: eight types of one byte each; 2, 3 and all above 7 are reserved. */
#define PAT_RESERVED 0xf8f8f8f8f8f8f8f8ull
#define PAT_BIT_1    0x0202020202020202ull

static bool has_efer(const struct vcpu *vcpu)
{
    return (vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_LOAD_EFER) != 0;
}

static bool has_pat(const struct vcpu *vcpu)
{
    return (vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_LOAD_PAT) != 0;
}

/* VM entry then makes LME and LMA what "IA-32e mode guest" is; the rest is the host's. */
static uint64_t efer_without_control(void)
{
    return (rdmsr(IA32_EFER) & ~(EFER_LME | EFER_LMA)) |
           (guest_is_long() ? EFER_LME | EFER_LMA : 0);
}

#define MSR_READ(name, value)                                                      \
    enum exit_done msr_read_##name(struct vcpu *vcpu, const struct msr_rule *rule) \
    {                                                                              \
        (void)rule;                                                                \
        return rdmsr_gives(vcpu, value);                                           \
    }

MSR_READ(field, x86_vmread_bare(rule->field))
MSR_READ(apic_base, vcpu->msr_apic_base)
MSR_READ(tsc, guest_tsc(vcpu))
MSR_READ(pat, has_pat(vcpu) ? vmcs_read64(VMCS_GUEST_IA32_PAT) : guest_vm_of(vcpu)->pat)
MSR_READ(efer, has_efer(vcpu) ? vmcs_read64(VMCS_GUEST_IA32_EFER) : efer_without_control())

enum exit_done msr_write_field(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value)
{
    (void)vcpu;
    x86_vmwrite_bare(rule->field, value);
    return skip_emulated_instruction(EXIT_EMULATED);
}

enum exit_done msr_write_address(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value)
{
    return is_canonical(value, guest_linear_width(vcpu)) ? msr_write_field(vcpu, rule, value)
                                                         : exit_protection(vcpu);
}

enum exit_done msr_write_pat(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value)
{
    (void)rule;
    if ((value & PAT_RESERVED) != 0 || (value & PAT_BIT_1 & ~(value >> 1)) != 0)
        return exit_protection(vcpu);
    if (has_pat(vcpu))
        vmcs_write64(VMCS_GUEST_IA32_PAT, value);
    else
        guest_vm_of(vcpu)->pat = value;
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* SDM Vol. 3, "Extended Feature Enable Register": LMA is read-only, LME fixed while paging. */
enum exit_done msr_write_efer(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value)
{
    bool nx = (cpuid(CPUID_LEAF_EXTENDED, 0).edx & CPUID_EXTENDED_EDX_NX) != 0;
    const uint64_t known = EFER_SCE | EFER_LME | EFER_LMA | (nx ? EFER_NXE : 0);
    bool paging = (vmcs_read_natural(VMCS_GUEST_CR0) & CR0_PG) != 0;
    uint64_t now;

    (void)rule;
    if (!has_efer(vcpu) || (value & ~known) != 0)
        return exit_protection(vcpu);
    now = vmcs_read64(VMCS_GUEST_IA32_EFER);
    if (paging && ((value ^ now) & EFER_LME) != 0)
        return exit_protection(vcpu);
    vmcs_write64(VMCS_GUEST_IA32_EFER, (value & ~EFER_LMA) | (now & EFER_LMA));
    return skip_emulated_instruction(EXIT_EMULATED);
}
