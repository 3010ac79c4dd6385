#include "vm/exit.h"
#include "vm/guest.h"
#include "vm/guest_state.h"
#include "vm/translation.h"
#include "vmx/vmcs_access.h"

#include "lib/x86.h"

/* SDM Vol. 3, table "Exit Qualification for Control-Register Accesses". */
enum cr_access { CR_MOV_TO, CR_MOV_FROM, CR_CLTS, CR_LMSW };

#define CR0_LMSW     0xfull /* PE, MP, EM, TS: what LMSW loads; PE it can only set */
#define CR3_NO_FLUSH (1ull << 63)

static bool has(const struct vcpu *vcpu, uint32_t mask)
{
    return (vcpu->controls[VMX_CONTROL_SECONDARY] & mask) != 0;
}

/* What the guest would read: its own bits from the register, the others from the shadow. */
static uint64_t cr0_seen(const struct vcpu *vcpu)
{
    return (vmcs_read_natural(VMCS_GUEST_CR0) & ~vcpu->cr0_fixed) |
           (vmcs_read_natural(VMCS_CR0_READ_SHADOW) & vcpu->cr0_fixed);
}

/* Does the guest page with PDPTEs, now that its registers are as they are? */
static bool uses_pdptes(const struct vcpu *vcpu)
{
    return (vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_IA32E_MODE_GUEST) == 0 &&
           (vmcs_read_natural(VMCS_GUEST_CR0) & CR0_PG) != 0 &&
           (vmcs_read_natural(VMCS_GUEST_CR4) & CR4_PAE) != 0;
}

/* SDM Vol. 3, "PDPTE Registers". False where they are not in the guest's memory. */
static bool load_pdptes(const struct vcpu *vcpu)
{
    const uint64_t *pdpt = vcpu_memory(vcpu, vmcs_read_natural(VMCS_GUEST_CR3) & 0xffffffe0, 32);

    if (pdpt == NULL)
        return false;
    vmcs_write64(VMCS_GUEST_PDPTE0, pdpt[0]);
    vmcs_write64(VMCS_GUEST_PDPTE1, pdpt[1]);
    vmcs_write64(VMCS_GUEST_PDPTE2, pdpt[2]);
    vmcs_write64(VMCS_GUEST_PDPTE3, pdpt[3]);
    return true;
}

/*
 * Paging goes on or off: IA32_EFER.LMA follows, and with it the VM-entry control that must say the
 * same (SDM Vol. 3, "Checks on Guest Control Registers, Debug Registers, and MSRs").
 */
static bool switch_paging(struct vcpu *vcpu, bool on)
{
    uint64_t efer;

    if (!has(vcpu, SECONDARY_UNRESTRICTED_GUEST) ||
        (vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_LOAD_EFER) == 0)
        return false;
    efer = vmcs_read64(VMCS_GUEST_IA32_EFER);
    if ((efer & EFER_LME) != 0) {
        if (on && (vmcs_read_natural(VMCS_GUEST_CR4) & CR4_PAE) == 0)
            return false;
        vmcs_write64(VMCS_GUEST_IA32_EFER, on ? efer | EFER_LMA : efer & ~EFER_LMA);
        vcpu_control_set(vcpu, VMX_CONTROL_ENTRY, ENTRY_IA32E_MODE_GUEST, on);
        return true;
    }
    if (on && (vmcs_read_natural(VMCS_GUEST_CR4) & CR4_PAE) != 0)
        return load_pdptes(vcpu);
    return true;
}

/* SDM Vol. 2, "MOV - Move to/from Control Registers": what raises #GP. */
static enum exit_done guest_write_cr0(struct vcpu *vcpu, uint64_t value)
{
    uint64_t changed = value ^ cr0_seen(vcpu);

    value |= CR0_ET;
    if (value >> 32 != 0 || (value & (CR0_PG | CR0_PE)) == CR0_PG ||
        (value & (CR0_NW | CR0_CD)) == CR0_NW)
        return exit_protection(vcpu);
    if ((changed & (CR0_PE | CR0_PG)) != 0 && !has(vcpu, SECONDARY_UNRESTRICTED_GUEST))
        return vcpu_end(vcpu, GUEST_END_UNHANDLED, 28, vmcs_read_natural(VMCS_EXIT_QUALIFICATION));
    if ((changed & CR0_PG) != 0 && !switch_paging(vcpu, (value & CR0_PG) != 0))
        return exit_protection(vcpu);
    vmcs_write_natural(VMCS_CR0_READ_SHADOW, value);
    vmcs_write_natural(VMCS_GUEST_CR0, (value & ~vcpu->cr0_fixed) |
                                           (vmcs_read_natural(VMCS_GUEST_CR0) & vcpu->cr0_fixed));
    if ((changed & (CR0_PG | CR0_WP)) != 0)
        translation_flush(vcpu);
    return exit_behind(EXIT_EMULATED);
}

/* Bits that are not CR4_GUEST's do not exist for the guest, nor those that are fixed to 0. */
static enum exit_done guest_write_cr4(struct vcpu *vcpu, uint64_t value)
{
    bool long_mode = (vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_IA32E_MODE_GUEST) != 0;

    if ((value & ~(vcpu->capability.cr4_fixed1 & CR4_GUEST)) != 0 ||
        (value & (long_mode ? CR4_PAE : CR4_PCIDE)) != (long_mode ? CR4_PAE : 0))
        return exit_protection(vcpu);
    vmcs_write_natural(VMCS_CR4_READ_SHADOW, value);
    vmcs_write_natural(VMCS_GUEST_CR4, (value & ~vcpu->cr4_fixed) |
                                           (vmcs_read_natural(VMCS_GUEST_CR4) & vcpu->cr4_fixed));
    if (uses_pdptes(vcpu) && !load_pdptes(vcpu))
        return vcpu_end(vcpu, GUEST_END_MEMORY, 0, vmcs_read_natural(VMCS_GUEST_CR3));
    translation_flush(vcpu);
    return exit_behind(EXIT_EMULATED);
}

/* Without EPT the guest's own tables are only remembered: it runs on the hypervisor's. */
static enum exit_done guest_write_cr3(struct vcpu *vcpu, uint64_t value)
{
    uint64_t cr3 = value & ~CR3_NO_FLUSH;

    if (__builtin_expect(cr3 >> vcpu->environment->vmx->physical_address_width != 0, 0))
        return exit_protection(vcpu);
    if (has(vcpu, SECONDARY_ENABLE_EPT)) {
        vmcs_write_natural(VMCS_GUEST_CR3, cr3);
        if (uses_pdptes(vcpu) && !load_pdptes(vcpu))
            return exit_protection(vcpu);
    } else {
        vcpu->cr3_seen = cr3;
    }
    translation_flush(vcpu);
    return exit_behind(EXIT_EMULATED);
}

static enum exit_done mov_to_cr(struct vcpu *vcpu, unsigned number, uint64_t value)
{
    switch (number) {
    case 0:
        return guest_write_cr0(vcpu, value);
    case 3:
        return guest_write_cr3(vcpu, value);
    case 4:
        return guest_write_cr4(vcpu, value);
    default: /* CR8: there is no interrupt that a priority could hold back */
        if (value > 15)
            return exit_protection(vcpu);
        vcpu->cr8 = value;
        return exit_behind(EXIT_EMULATED);
    }
}

enum exit_done exit_control_register(struct vcpu *vcpu)
{
    uint64_t qualification = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);
    unsigned number = qualification & 15, reg = qualification >> 8 & 15;

    switch ((enum cr_access)(qualification >> 4 & 3)) {
    case CR_MOV_TO:
        return mov_to_cr(vcpu, number, vcpu_register_get(vcpu, reg));
    case CR_MOV_FROM: /* only CR3 and CR8 exit when they are read */
        if (number == 8)
            vcpu_register_set(vcpu, reg, vcpu->cr8);
        else
            vcpu_register_set(vcpu, reg,
                              has(vcpu, SECONDARY_ENABLE_EPT) ? vmcs_read_natural(VMCS_GUEST_CR3)
                                                              : vcpu->cr3_seen);
        return exit_behind(EXIT_EMULATED);
    case CR_CLTS:
        return guest_write_cr0(vcpu, cr0_seen(vcpu) & ~CR0_TS);
    case CR_LMSW:
        break;
    }
    uint64_t cr0 = cr0_seen(vcpu), source = qualification >> 16 & CR0_LMSW;

    return guest_write_cr0(vcpu, (cr0 & ~(CR0_LMSW & ~CR0_PE)) | source);
}

/*
 * DR0 to DR3 and DR6 hold the guest's values while it runs and in between: at a VM exit DR7 becomes
 * 0x400, so that they mean nothing to the host. DR4 and DR5 are DR6 and DR7.
 */
enum exit_done exit_mov_dr(struct vcpu *vcpu)
{
    uint64_t qualification = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);
    unsigned number = qualification & 7, reg = qualification >> 8 & 15;
    bool is_dr7 = number == 5 || number == 7, is_read = (qualification >> 4 & 1) != 0;

    if (is_read) {
        vcpu_register_set(vcpu, reg, is_dr7 ? vmcs_read_natural(VMCS_GUEST_DR7) : read_dr(number));
        return exit_behind(EXIT_EMULATED);
    }
    uint64_t value = vcpu_register_get(vcpu, reg);

    if (number >= 4 && value >> 32 != 0)
        return exit_protection(vcpu);
    if (is_dr7)
        vmcs_write_natural(VMCS_GUEST_DR7, (value & ~0xd000ull) | DR7_INITIAL);
    else
        write_dr(number, value);
    return exit_behind(EXIT_EMULATED);
}
