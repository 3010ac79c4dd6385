#include "vm/registers/registers.h"

/* SDM Vol. 3, table "Exit Qualification for Control-Register Accesses". */
enum cr_access { CR_MOV_TO, CR_MOV_FROM, CR_CLTS, CR_LMSW };

/* SDM Vol. 2, "MOV - Move to/from Control Registers": "attempting to set any reserved bits in
 * CR0[31:0] is ignored"; they are 15:6, 17, 28:19. */
#define CR0_IGNORED 0x1ffaffc0ull

#define CR0_LMSW   0xfull            /* PE, MP, EM, TS: what LMSW loads; PE it can only set */
#define CR0_CACHES (CR0_CD | CR0_NW) /* neither VM entry nor VM exit loads them */

/* What these change, translations that the processor remembers may not know. */
#define CR0_TRANSLATION (CR0_PG | CR0_WP)
#define CR4_TRANSLATION \
    (CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_LA57 | CR4_PKE)

uint64_t vcpu_register_get(const struct vcpu *vcpu, unsigned number)
{
    return number == VCPU_RSP ? vmcs_read_natural(VMCS_GUEST_RSP) : vcpu->reg[number];
}

void vcpu_register_set(struct vcpu *vcpu, unsigned number, uint64_t value)
{
    if (number == VCPU_RSP)
        vmcs_write_natural(VMCS_GUEST_RSP, value);
    else
        vcpu->reg[number] = value;
}

void vcpu_control_set(struct vcpu *vcpu, enum vmx_control_word word, uint32_t mask, bool on)
{
    uint32_t value;

    /* VM exits keep "IA-32e mode guest" as the guest has it: SDM Vol. 3, IA32_VMX_MISC, bit 5. */
    if (word == VMX_CONTROL_ENTRY)
        vcpu->controls[word] = vmcs_read32(VMCS_VM_ENTRY_CONTROLS);
    value = on ? vcpu->controls[word] | mask : vcpu->controls[word] & ~mask;
    vcpu->controls[word] = value;
    x86_vmwrite_bare(vmx_control_field[word], value);
}

static bool has(const struct vcpu *vcpu, uint32_t mask)
{
    return (vcpu->controls[VMX_CONTROL_SECONDARY] & mask) != 0;
}

void translation_flush(const struct vcpu *vcpu)
{
    uint64_t type =
        vcpu->capability.invvpid_single_context ? INVVPID_SINGLE_CONTEXT : INVVPID_ALL_CONTEXTS;

    if (has(vcpu, SECONDARY_ENABLE_VPID))
        (void)x86_invvpid(type, VCPU_VPID, 0);
}

/* What the guest would read: its own bits from the register, the others from the shadow. */
static uint64_t cr0_seen(const struct vcpu *vcpu)
{
    return (vmcs_read_natural(VMCS_GUEST_CR0) & ~vcpu->cr0_fixed) |
           (vmcs_read_natural(VMCS_CR0_READ_SHADOW) & vcpu->cr0_fixed);
}

uint64_t guest_cr4(const struct vcpu *vcpu)
{
    return (vmcs_read_natural(VMCS_GUEST_CR4) & ~vcpu->cr4_fixed) |
           (vmcs_read_natural(VMCS_CR4_READ_SHADOW) & vcpu->cr4_fixed);
}

/* Without the control that loads IA32_EFER, "IA-32e mode guest" is what the guest has of it. */
static uint64_t efer_seen(const struct vcpu *vcpu)
{
    if ((vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_LOAD_EFER) != 0)
        return vmcs_read64(VMCS_GUEST_IA32_EFER);
    return guest_is_long() ? EFER_LME | EFER_LMA : 0;
}

/* Without EPT the guest's own tables are only remembered: it runs on the hypervisor's. */
static uint64_t cr3_seen(const struct vcpu *vcpu)
{
    return has(vcpu, SECONDARY_ENABLE_EPT) ? vmcs_read_natural(VMCS_GUEST_CR3) : vcpu->cr3_seen;
}

static enum exit_done set_cr3(struct vcpu *vcpu, uint64_t value)
{
    if (has(vcpu, SECONDARY_ENABLE_EPT))
        vmcs_write_natural(VMCS_GUEST_CR3, value);
    else
        vcpu->cr3_seen = value;
    translation_flush(vcpu);
    return skip_emulated_instruction(EXIT_EMULATED);
}

static struct control_registers registers_seen(const struct vcpu *vcpu)
{
    return (struct control_registers){
        .cr0 = cr0_seen(vcpu),
        .cr3 = cr3_seen(vcpu),
        .cr4 = guest_cr4(vcpu),
        .efer = efer_seen(vcpu),
        .cs_rights = vmcs_read32(VMCS_GUEST_CS_ACCESS_RIGHTS),
        .tr_rights = vmcs_read32(VMCS_GUEST_TR_ACCESS_RIGHTS),
    };
}

/*
 * SDM Vol. 3, "PAE Paging". Gives EXIT_EMULATED when the PDPTEs are loaded; otherwise #GP is
 * injected, or the guest has ended, because they are not in its memory.
 */
static enum exit_done load_pdptes(struct vcpu *vcpu, uint64_t cr3)
{
    uint64_t address = cr3 & 0xffffffe0;
    const uint64_t *pdpt = vm_memory(vcpu->vm, address, 4 * sizeof(*pdpt));

    if (pdpt == NULL)
        return vcpu_end(vcpu, GUEST_END_MEMORY, EXIT_REASON_CONTROL_REGISTER_ACCESS, address);
    for (unsigned i = 0; i < 4; i++) {
        if (!pdpte_is_valid(pdpt[i], vcpu->cpu->memory_types.physical_width))
            return exit_protection(vcpu);
    }
    for (unsigned i = 0; i < 4; i++)
        x86_vmwrite_bare(VMCS_GUEST_PDPTE0 + 2 * i, pdpt[i]);
    return EXIT_EMULATED;
}

/*
 * Paging goes on or off: IA32_EFER.LMA follows, and with it the VM-entry control that must say the
 * same (SDM Vol. 3, "Checks on Guest Control Registers, Debug Registers, and MSRs").
 */
static void switch_ia32e_mode(struct vcpu *vcpu, uint64_t efer)
{
    vmcs_write64(VMCS_GUEST_IA32_EFER, efer);
    vcpu_control_set(vcpu, VMX_CONTROL_ENTRY, ENTRY_IA32E_MODE_GUEST, (efer & EFER_LMA) != 0);
}

/* Can the guest have paging and protection on and off as it wants? */
static bool paging_is_free(const struct vcpu *vcpu)
{
    return has(vcpu, SECONDARY_UNRESTRICTED_GUEST) &&
           (vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_LOAD_EFER) != 0;
}

/* Apart, as CR4's and the odd writes of CR3, lest CR3, which is written often, pay their room. */
__attribute__((noinline)) static enum exit_done guest_write_cr0(struct vcpu *vcpu, uint64_t value)
{
    struct control_registers now = registers_seen(vcpu), after = now;
    uint64_t changed;
    enum exit_done done;

    value &= ~CR0_IGNORED;
    changed = value ^ now.cr0;
    after.cr0 = value | CR0_ET;
    if (!cr0_may_become(&now, after.cr0))
        return exit_protection(vcpu);
    if ((changed & (CR0_PE | CR0_PG)) != 0 && !paging_is_free(vcpu))
        return vcpu_end(vcpu, GUEST_END_UNHANDLED, EXIT_REASON_CONTROL_REGISTER_ACCESS,
                        vmcs_read_natural(VMCS_EXIT_QUALIFICATION));
    if ((changed & CR0_PG) != 0 && (now.efer & EFER_LME) != 0)
        after.efer ^= EFER_LMA;
    done = control_registers_load_pdptes(&now, &after) ? load_pdptes(vcpu, now.cr3) : EXIT_EMULATED;
    if (done != EXIT_EMULATED)
        return done;
    if (after.efer != now.efer)
        switch_ia32e_mode(vcpu, after.efer);
    vmcs_write_natural(VMCS_CR0_READ_SHADOW, after.cr0);
    vmcs_write_natural(VMCS_GUEST_CR0, (after.cr0 & ~vcpu->cr0_fixed) |
                                           (vmcs_read_natural(VMCS_GUEST_CR0) & vcpu->cr0_fixed));
    if ((changed & CR0_CACHES & ~vcpu->cr0_fixed) != 0)
        (void)write_cr0_safe((read_cr0() & ~CR0_CACHES) | (after.cr0 & CR0_CACHES));
    if ((changed & CR0_TRANSLATION) != 0)
        translation_flush(vcpu);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* Bits that its VM's policy does not give do not exist for the guest, nor those fixed to 0. */
__attribute__((noinline)) static enum exit_done guest_write_cr4(struct vcpu *vcpu, uint64_t value)
{
    struct control_registers now = registers_seen(vcpu), after = now;
    enum exit_done done;

    after.cr4 = value;
    if (!cr4_may_become(&now, value, vcpu->capability.cr4_fixed1 & vcpu->vm->policy->cr4_guest))
        return exit_protection(vcpu);
    done = control_registers_load_pdptes(&now, &after) ? load_pdptes(vcpu, now.cr3) : EXIT_EMULATED;
    if (done != EXIT_EMULATED)
        return done;
    vmcs_write_natural(VMCS_CR4_READ_SHADOW, value);
    vmcs_write_natural(VMCS_GUEST_CR4, (value & ~vcpu->cr4_fixed) |
                                           (vmcs_read_natural(VMCS_GUEST_CR4) & vcpu->cr4_fixed));
    if (((now.cr4 ^ value) & CR4_TRANSLATION) != 0)
        translation_flush(vcpu);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* Reserved bits, or bit 63, which is none with PCIDs; or PDPTEs are to be loaded. */
__attribute__((noinline)) static enum exit_done guest_write_cr3_oddly(struct vcpu *vcpu,
                                                                      uint64_t value)
{
    struct control_registers now = registers_seen(vcpu);
    enum exit_done done;

    if (!cr3_may_become(&now, value, vcpu->cpu->memory_types.physical_width))
        return exit_protection(vcpu);
    done = control_registers_pae(&now) ? load_pdptes(vcpu, value) : EXIT_EMULATED;
    return done == EXIT_EMULATED ? set_cr3(vcpu, value & ~CR3_NO_FLUSH) : done;
}

static enum exit_done guest_write_cr3(struct vcpu *vcpu, uint64_t value)
{
    if (__builtin_expect(value >> vcpu->cpu->memory_types.physical_width != 0, 0) ||
        __builtin_expect(!guest_is_long(), 0))
        return guest_write_cr3_oddly(vcpu, value);
    return set_cr3(vcpu, value);
}

/* SDM Vol. 2, "MOV - Move to/from Control Registers": 64 bits in 64-bit mode, else 32. */
uint64_t guest_mov_operand(const struct vcpu *vcpu, unsigned reg)
{
    uint64_t value = vcpu_register_get(vcpu, reg);

    return __builtin_expect(value >> 32 != 0, 0) && !guest_is_64_bit() ? (uint32_t)value : value;
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
        return skip_emulated_instruction(EXIT_EMULATED);
    }
}

enum exit_done exit_control_register(struct vcpu *vcpu)
{
    uint64_t qualification = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);
    unsigned number = qualification & 15, reg = qualification >> 8 & 15;
    uint64_t cr0, source = qualification >> 16 & CR0_LMSW;

    if (__builtin_expect((qualification >> 4 & 3) == CR_MOV_TO, 1))
        return mov_to_cr(vcpu, number, guest_mov_operand(vcpu, reg));
    switch ((enum cr_access)(qualification >> 4 & 3)) {
    case CR_MOV_FROM: /* only CR3 and CR8 exit when they are read */
        vcpu_register_set(vcpu, reg, number == 8 ? vcpu->cr8 : cr3_seen(vcpu));
        return skip_emulated_instruction(EXIT_EMULATED);
    case CR_CLTS:
        return guest_write_cr0(vcpu, cr0_seen(vcpu) & ~CR0_TS);
    default:
        cr0 = cr0_seen(vcpu);
        return guest_write_cr0(vcpu, (cr0 & ~(CR0_LMSW & ~CR0_PE)) | source);
    }
}

/* Of the components that CPUID shows the processor itself checks the value: a fault is the guest's.
 * host_registers_restore() puts ours back. */
enum exit_done exit_xsetbv(struct vcpu *vcpu)
{
    uint64_t value = (uint32_t)vcpu->reg[VCPU_RAX] | vcpu->reg[VCPU_RDX] << 32;

    if ((uint32_t)vcpu->reg[VCPU_RCX] != 0 || (value & ~vcpu->vm->policy->xcr0) != 0 ||
        xsetbv_safe(0, value) != 0)
        return exit_protection(vcpu);
    return skip_emulated_instruction(EXIT_EMULATED);
}
