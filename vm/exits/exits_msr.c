#include "vm/exit.h"
#include "vm/guest.h"
#include "vm/exits/guest_operand.h"
#include "vm/guest_policy.h"
#include "vmx/vmcs_access.h"

#include "lib/x86.h"

/* IA32_PAT: eight types of one byte each; 2, 3 and all above 7 are reserved. */
#define PAT_RESERVED 0xf8f8f8f8f8f8f8f8ull
#define PAT_BIT_1    0x0202020202020202ull
#define PAT_BIT_2    0x0404040404040404ull

static bool pat_valid(uint64_t pat)
{
    return (pat & PAT_RESERVED) == 0 && (pat & PAT_BIT_1 & ~(pat >> 1)) == 0;
}

static bool canonical(const struct vcpu *vcpu, uint64_t address)
{
    return is_canonical(address, guest_linear_width(vcpu));
}

static bool has_efer(const struct vcpu *vcpu)
{
    return (vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_LOAD_EFER) != 0;
}

static bool has_pat(const struct vcpu *vcpu)
{
    return (vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_LOAD_PAT) != 0;
}

static bool is_guests_own(const struct vcpu *vcpu, uint32_t msr)
{
    return guest_policy_passes_msr(msr, vcpu->controls[VMX_CONTROL_SECONDARY]);
}

/* VM entry then makes LME and LMA what "IA-32e mode guest" is; the rest is the host's. */
static uint64_t efer_without_control(void)
{
    return (rdmsr(IA32_EFER) & ~(EFER_LME | EFER_LMA)) |
           (guest_is_long() ? EFER_LME | EFER_LMA : 0);
}

/* False: this guest has no such MSR, or it is one that is_guests_own(). */
static bool read_msr(const struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    switch (msr) {
    case IA32_APIC_BASE:
        *value = vcpu->msr_apic_base;
        return true;
    case IA32_PAT:
        *value = has_pat(vcpu) ? vmcs_read64(VMCS_GUEST_IA32_PAT) : vcpu->msr_pat;
        return true;
    case IA32_EFER:
        *value = has_efer(vcpu) ? vmcs_read64(VMCS_GUEST_IA32_EFER) : efer_without_control();
        return true;
    case IA32_FS_BASE:
        *value = vmcs_read_natural(VMCS_GUEST_FS_BASE);
        return true;
    case IA32_GS_BASE:
        *value = vmcs_read_natural(VMCS_GUEST_GS_BASE);
        return true;
    case IA32_SYSENTER_CS:
        *value = vmcs_read32(VMCS_GUEST_IA32_SYSENTER_CS);
        return true;
    case IA32_SYSENTER_ESP:
        *value = vmcs_read_natural(VMCS_GUEST_IA32_SYSENTER_ESP);
        return true;
    case IA32_SYSENTER_EIP:
        *value = vmcs_read_natural(VMCS_GUEST_IA32_SYSENTER_EIP);
        return true;
    case IA32_TIME_STAMP_COUNTER:
        *value = guest_tsc(vcpu);
        return true;
    default:
        return false;
    }
}

static enum exit_done rdmsr_gives(struct vcpu *vcpu, uint64_t value)
{
    vcpu->reg[VCPU_RAX] = (uint32_t)value;
    vcpu->reg[VCPU_RDX] = value >> 32;
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* What read_msr() does not have, apart lest the others pay for its room. */
__attribute__((noinline)) static enum exit_done rdmsr_other(struct vcpu *vcpu)
{
    uint32_t msr = (uint32_t)vcpu->reg[VCPU_RCX];
    uint64_t value;

    if (!is_guests_own(vcpu, msr) || rdmsr_safe(msr, &value) != 0)
        return exit_protection(vcpu);
    return rdmsr_gives(vcpu, value);
}

enum exit_done exit_rdmsr(struct vcpu *vcpu)
{
    uint64_t value;

    if (!read_msr(vcpu, (uint32_t)vcpu->reg[VCPU_RCX], &value))
        return rdmsr_other(vcpu);
    return rdmsr_gives(vcpu, value);
}

/* SDM Vol. 3, "Extended Feature Enable Register": LMA is the processor's, LME fixed while paging.
 */
static bool write_efer(const struct vcpu *vcpu, uint64_t value)
{
    bool nx = (cpuid(CPUID_LEAF_EXTENDED, 0).edx & CPUID_EXTENDED_EDX_NX) != 0;
    const uint64_t known = EFER_SCE | EFER_LME | EFER_LMA | (nx ? EFER_NXE : 0);
    bool paging = (vmcs_read_natural(VMCS_GUEST_CR0) & CR0_PG) != 0;
    uint64_t now;

    if (!has_efer(vcpu) || (value & ~known) != 0)
        return false;
    now = vmcs_read64(VMCS_GUEST_IA32_EFER);
    if (paging && ((value ^ now) & EFER_LME) != 0)
        return false;
    vmcs_write64(VMCS_GUEST_IA32_EFER, (value & ~EFER_LMA) | (now & EFER_LMA));
    return true;
}

static bool write_other_msr(const struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    if (msr == IA32_EFER)
        return write_efer(vcpu, value);
    return is_guests_own(vcpu, msr) && wrmsr_safe(msr, value) == 0;
}

/* What write_msr() does not take, apart lest the others pay for its room; or a fault. */
__attribute__((noinline)) static enum exit_done wrmsr_other(struct vcpu *vcpu, uint64_t value)
{
    if (write_other_msr(vcpu, (uint32_t)vcpu->reg[VCPU_RCX], value))
        return skip_emulated_instruction(EXIT_EMULATED);
    return exit_protection(vcpu);
}

/* False: not this value, or one of write_other_msr(), if any. */
static bool write_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    switch (msr) {
    case IA32_PAT:
        if (!pat_valid(value))
            return false;
        if (has_pat(vcpu))
            vmcs_write64(VMCS_GUEST_IA32_PAT, value);
        else
            vcpu->msr_pat = value;
        return true;
    case IA32_FS_BASE:
        if (!canonical(vcpu, value))
            return false;
        vmcs_write_natural(VMCS_GUEST_FS_BASE, value);
        return true;
    case IA32_GS_BASE:
        if (!canonical(vcpu, value))
            return false;
        vmcs_write_natural(VMCS_GUEST_GS_BASE, value);
        return true;
    case IA32_SYSENTER_CS:
        vmcs_write32(VMCS_GUEST_IA32_SYSENTER_CS, value);
        return true;
    case IA32_SYSENTER_ESP:
        if (!canonical(vcpu, value))
            return false;
        vmcs_write_natural(VMCS_GUEST_IA32_SYSENTER_ESP, value);
        return true;
    case IA32_SYSENTER_EIP:
        if (!canonical(vcpu, value))
            return false;
        vmcs_write_natural(VMCS_GUEST_IA32_SYSENTER_EIP, value);
        return true;
    default:
        return false;
    }
}

enum exit_done exit_wrmsr(struct vcpu *vcpu)
{
    uint64_t value = (uint32_t)vcpu->reg[VCPU_RAX] | vcpu->reg[VCPU_RDX] << 32;

    if (!write_msr(vcpu, (uint32_t)vcpu->reg[VCPU_RCX], value))
        return wrmsr_other(vcpu, value);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/*
 * RDMSR and WRMSRNS that name the MSR themselves: it is in the exit qualification, the register in
 * bits 6:3 of the instruction information. They are done as RDMSR and WRMSR are, whose way stays as
 * short as it is, with the operands where those have them.
 */
static enum exit_done access_immediate(struct vcpu *vcpu, enum exit_done (*access)(struct vcpu *),
                                       uint64_t *value)
{
    uint64_t rax = vcpu->reg[VCPU_RAX], rcx = vcpu->reg[VCPU_RCX], rdx = vcpu->reg[VCPU_RDX];
    enum exit_done done;

    vcpu->reg[VCPU_RCX] = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);
    vcpu->reg[VCPU_RAX] = *value;
    vcpu->reg[VCPU_RDX] = *value >> 32;
    done = access(vcpu);
    *value = (uint32_t)vcpu->reg[VCPU_RAX] | vcpu->reg[VCPU_RDX] << 32;
    vcpu->reg[VCPU_RAX] = rax;
    vcpu->reg[VCPU_RCX] = rcx;
    vcpu->reg[VCPU_RDX] = rdx;
    return done;
}

static unsigned immediate_register(void)
{
    return vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION) >> 3 & 15;
}

enum exit_done exit_rdmsr_immediate(struct vcpu *vcpu)
{
    uint64_t value = 0;
    enum exit_done done = access_immediate(vcpu, exit_rdmsr, &value);

    if (done == EXIT_EMULATED)
        vcpu_register_set(vcpu, immediate_register(), value);
    return done;
}

enum exit_done exit_wrmsrns_immediate(struct vcpu *vcpu)
{
    uint64_t value = vcpu_register_get(vcpu, immediate_register());

    return access_immediate(vcpu, exit_wrmsr, &value);
}
