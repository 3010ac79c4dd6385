#include "vm/leave/leave.h"

#include "lib/string.h"
#include "mm/memory.h"
#include "vm/registers/registers.h"

enum { IA32_DEBUGCTL = 0x1d9, IA32_S_CET = 0x6a2, S_CET_SHADOW_STACK = 1 };
enum { PML4_ENTRIES = 512, LEAVE_ENTRY = 257 /* LEAVE_BASE's */ };
enum { CR_MOV_TO_CR3 = 3, CR_ACCESS = 0x3f }; /* exit qualification: register and access */

/* Of a VMXON region that is none any more: the state, and behind it the code. */
enum { CODE_OFFSET = 0x800 };
_Static_assert(sizeof(struct leave_state) <= CODE_OFFSET, "it must not reach the code");

/* The offsets of vm/leave/leave.S. */
#define AT(member, offset) \
    _Static_assert(offsetof(struct leave_state, member) == (offset), "leave.S: " #member)
AT(bridge, 128);
AT(cr0, 136);
AT(cr4_before, 144);
AT(cr4, 152);
AT(dr7, 160);
AT(selector, 168);
AT(msr, 184);
AT(rip, 280);
AT(own_gdt, 320);
AT(gdt, 330);
AT(idt, 340);
#undef AT

static uint64_t *guest_pml4(void)
{
    return phys_to_virt(vmcs_read_natural(VMCS_GUEST_CR3) & RADIX_ADDRESS);
}

bool leave_prepare(struct leave *leave, struct vm *vm, uint64_t base, uint64_t end)
{
    uint64_t *root;

    if (leave->ready)
        return true;
    if (!paging_init(&leave->tables, false, false, &vm->pages) ||
        paging_map(&leave->tables, LEAVE_BASE + base, base, end - base,
                   PAGING_WRITE | PAGING_EXECUTE) != MAP_OK)
        return false;
    root = phys_to_virt(leave->tables.radix.root);
    for (unsigned i = 0; i < PML4_ENTRIES; i++) {
        if (i != LEAVE_ENTRY)
            root[i] = ((const uint64_t *)phys_to_virt(read_cr3() & RADIX_ADDRESS))[i];
    }
    leave->ready = true;
    return true;
}

void leave_watch(struct vcpu *vcpu, exit_handler handler)
{
    vcpu->handlers[EXIT_REASON_CONTROL_REGISTER_ACCESS] = handler;
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_CR3_LOAD_EXITING, true);
}

static struct vmcs_segment segment_of(unsigned number)
{
    return (struct vmcs_segment){
        (uint16_t)x86_vmread_bare(vmcs_of_segment(VMCS_GUEST_ES_SELECTOR, number)),
        x86_vmread_bare(vmcs_of_segment(VMCS_GUEST_ES_BASE, number)),
        (uint32_t)x86_vmread_bare(vmcs_of_segment(VMCS_GUEST_ES_LIMIT, number)),
        (uint32_t)x86_vmread_bare(vmcs_of_segment(VMCS_GUEST_ES_ACCESS_RIGHTS, number)),
    };
}

/* CS and SS are IRETQ's, from the guest's own table. */
enum { LOADED = 6 };
static const uint8_t loaded[LOADED] = {SEGMENT_LDTR, SEGMENT_TR, SEGMENT_ES,
                                       SEGMENT_DS,   SEGMENT_FS, SEGMENT_GS};

static bool has_segments(void)
{
    for (unsigned i = 0; i < LOADED; i++) {
        if (!leave_has_segment(segment_of(loaded[i])))
            return false;
    }
    return true;
}

/* A shadow stack would have to know of the IRETQ; LA57 cannot change with paging on. */
bool leave_mode_allows(const struct vcpu *vcpu)
{
    uint64_t cr4 = guest_cr4(vcpu), cet = 0;

    if ((cr4 & CR4_CET) != 0)
        (void)rdmsr_safe(IA32_S_CET, &cet);
    return guest_is_64_bit() && (cr4 & CR4_LA57) == 0 && (cet & S_CET_SHADOW_STACK) == 0 &&
           (vmcs_read64(VMCS_GUEST_IA32_EFER) & EFER_NXE) != 0;
}

/* With interrupts off no handler of the guest's sees the page tables in between. */
static bool nothing_pends(const struct vcpu *vcpu)
{
    return (vmcs_read_natural(VMCS_GUEST_RFLAGS) & (RFLAGS_IF | RFLAGS_TF)) == 0 &&
           vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY_STATE) == 0 &&
           vmcs_read_natural(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS) == 0 &&
           (vcpu->controls[VMX_CONTROL_PRIMARY] & PRIMARY_NMI_WINDOW_EXITING) == 0;
}

bool leave_is_possible(const struct vcpu *vcpu)
{
    return (vmcs_read_natural(VMCS_EXIT_QUALIFICATION) & CR_ACCESS) == CR_MOV_TO_CR3 &&
           leave_mode_allows(vcpu) && nothing_pends(vcpu) &&
           paging_is_mapped(kernel_tables(), (uint64_t)guest_pml4()) &&
           guest_pml4()[LEAVE_ENTRY] == 0 && has_segments();
}

static void gather_msrs(struct leave_state *state)
{
    const struct {
        uint32_t number;
        uint64_t value;
    } msrs[LEAVE_MSRS] = {
        {IA32_FS_BASE, vmcs_read_natural(VMCS_GUEST_FS_BASE)},
        {IA32_GS_BASE, vmcs_read_natural(VMCS_GUEST_GS_BASE)},
        {IA32_SYSENTER_CS, vmcs_read32(VMCS_GUEST_IA32_SYSENTER_CS)},
        {IA32_SYSENTER_ESP, vmcs_read_natural(VMCS_GUEST_IA32_SYSENTER_ESP)},
        {IA32_SYSENTER_EIP, vmcs_read_natural(VMCS_GUEST_IA32_SYSENTER_EIP)},
        {IA32_PAT, vmcs_read64(VMCS_GUEST_IA32_PAT)},
        {IA32_EFER, vmcs_read64(VMCS_GUEST_IA32_EFER)},
        {IA32_DEBUGCTL, vmcs_read64(VMCS_GUEST_IA32_DEBUGCTL)},
    };

    for (unsigned i = 0; i < LEAVE_MSRS; i++) {
        state->msr[i].number = msrs[i].number;
        state->msr[i].low = (uint32_t)msrs[i].value;
        state->msr[i].high = (uint32_t)(msrs[i].value >> 32);
    }
}

static void gather(const struct vcpu *vcpu, struct leave_state *state)
{
    uint64_t fixed = vcpu->cr0_fixed;

    memcpy(state->reg, vcpu->reg, sizeof(state->reg));
    state->bridge = vcpu->vmcs.address;
    state->cr0 = (vmcs_read_natural(VMCS_GUEST_CR0) & ~fixed) |
                 (vmcs_read_natural(VMCS_CR0_READ_SHADOW) & fixed);
    state->cr4_before = read_cr4() & ~(CR4_VMXE | CR4_PGE); /* which forgets global pages */
    state->cr4 = guest_cr4(vcpu);
    state->dr7 = vmcs_read_natural(VMCS_GUEST_DR7);
    for (unsigned i = 0; i < LOADED; i++)
        state->selector[i] = leave_selector(segment_of(loaded[i]));
    gather_msrs(state);
    state->rip = vmcs_read_natural(VMCS_GUEST_RIP);
    state->cs = vmcs_read16(VMCS_GUEST_CS_SELECTOR);
    state->rflags = vmcs_read_natural(VMCS_GUEST_RFLAGS);
    state->rsp = vmcs_read_natural(VMCS_GUEST_RSP);
    state->ss = vmcs_read16(VMCS_GUEST_SS_SELECTOR);
    state->own_gdt =
        (struct x86_table){LEAVE_DESCRIPTORS * 8 - 1, LEAVE_BASE + vcpu->cpu->vmcs_region.address};
    state->gdt = (struct x86_table){(uint16_t)vmcs_read32(VMCS_GUEST_GDTR_LIMIT),
                                    vmcs_read_natural(VMCS_GUEST_GDTR_BASE)};
    state->idt = (struct x86_table){(uint16_t)vmcs_read32(VMCS_GUEST_IDTR_LIMIT),
                                    vmcs_read_natural(VMCS_GUEST_IDTR_BASE)};
}

static void leave_vmx(const struct vcpu *vcpu)
{
    (void)vmclear(vcpu->vmcs.address);
    (void)vmclear(vcpu->cpu->vmcs_region.address);
    (void)vmxoff();
}

/* The CPU's three VMX regions become what takes it away: page tables, descriptors, state and code.
 */
_Noreturn void leave_to_guest(struct vcpu *vcpu, const struct leave *leave)
{
    uint64_t page = vcpu->cpu->vmxon_region.address;
    uint64_t *table = phys_to_virt(vcpu->cpu->vmcs_region.address);
    uint64_t *bridge = phys_to_virt(vcpu->vmcs.address);
    const uint64_t *pml4 = guest_pml4();
    struct vmcs_segment segments[LOADED];
    struct leave_state state;
    uint8_t *to = phys_to_virt(page);

    gather(vcpu, &state);
    for (unsigned i = 0; i < LOADED; i++)
        segments[i] = segment_of(loaded[i]);
    leave_vmx(vcpu);
    memset(table, 0, PAGE_SIZE);
    for (unsigned i = 0; i < LOADED; i++)
        leave_segment(table, segments[i]);
    memcpy(bridge, pml4, PAGE_SIZE);
    bridge[LEAVE_ENTRY] = *radix_entry(leave->tables.radix.root, LEAVE_BASE, LEVEL_PML4);
    memcpy(to, &state, sizeof(state));
    memcpy(to + CODE_OFFSET, leave_code, (size_t)(leave_code_end - leave_code));
    leave_jump(leave->tables.radix.root, LEAVE_BASE + page + CODE_OFFSET, LEAVE_BASE + page);
}

_Noreturn void leave_and_halt(struct vcpu *vcpu)
{
    leave_vmx(vcpu);
    leave_halt();
}
