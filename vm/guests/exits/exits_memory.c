#include "vm/events/guest_events.h"
#include "vm/guests/exits/guest_exits.h"
#include "vm/guests/guest.h"

/* Another vCPU may have been faster: then the page is there. */
static inline bool map_fresh_page(struct vcpu *vcpu, uint64_t address)
{
    struct ept_recent *recent = &guest_vm_of(vcpu)->recent;
    uint64_t *entry = ept_page_entry(&vcpu->vm->ept, recent, address), page;

    if (entry == NULL)
        return false;
    if (__builtin_expect(*entry == 0, 1)) {
        page = page_cache_alloc(&vcpu->vm->pages);
        if (page == 0)
            return false;
        *entry = page | EPT_RAM;
    }
    return true;
}

/* The first touch of a page that the guest may have. It needs no INVEPT, on no CPU. */
static enum exit_done map_page(struct vcpu *vcpu, uint64_t address)
{
    bool mapped;

    spinlock_acquire(&vcpu->vm->lock);
    mapped = map_fresh_page(vcpu, address);
    spinlock_release(&vcpu->vm->lock);
    if (!mapped)
        return exit_no_memory(vcpu);
    event_requeue();
    return EXIT_MAPPED;
}

enum exit_done exit_demand(struct vcpu *vcpu)
{
    uint64_t address = vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS);
    uint64_t odd = vmcs_read_natural(VMCS_EXIT_QUALIFICATION) &
                   (EPT_VIOLATION_ALLOWED | EPT_VIOLATION_NMI_UNBLOCKING);

    if (address - vcpu->vm->demand_base >= vcpu->vm->demand_bytes)
        return exit_no_memory(vcpu);
    if (__builtin_expect(odd != 0, 0)) {
        if ((odd & EPT_VIOLATION_ALLOWED) != 0)
            return exit_no_memory(vcpu);
        event_nmi_blocked_again(vcpu);
    }
    return map_page(vcpu, address);
}

/* Apart, so that a HLT with a full cache needs no room for it. */
__attribute__((noinline)) static enum exit_done refill(struct vcpu *vcpu)
{
    spinlock_acquire(&vcpu->vm->lock);
    page_cache_fill(&vcpu->vm->pages);
    spinlock_release(&vcpu->vm->lock);
    return exit_hlt(vcpu);
}

/* Filling the page cache here keeps zeroing of pages out of the EPT violations. */
enum exit_done exit_hlt_refill(struct vcpu *vcpu)
{
    if (vcpu->vm->demand_bytes != 0 && vcpu->vm->pages.count < PAGE_CACHE_SIZE)
        return refill(vcpu);
    return exit_hlt(vcpu);
}

enum exit_done exit_misconfigured(struct vcpu *vcpu)
{
    guest_vm_of(vcpu)->misconfiguration =
        ept_walk(&vcpu->vm->ept, vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS)).misconfiguration;
    return exit_no_memory(vcpu);
}

/* More is forgotten than is asked for, which is always allowed. */
enum exit_done exit_invlpg(struct vcpu *vcpu)
{
    translation_flush(vcpu);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* SDM Vol. 2, "INVPCID": types, and the two halves of the descriptor. */
enum { INVPCID_ADDRESS, INVPCID_CONTEXT, INVPCID_TYPES = 4 };
#define INVPCID_PCID 0xfffull

static bool invpcid_faults(uint64_t type, const uint64_t descriptor[2])
{
    uint64_t cr4 = vmcs_read_natural(VMCS_GUEST_CR4);
    bool names_pcid = type == INVPCID_ADDRESS || type == INVPCID_CONTEXT;

    if ((descriptor[0] & ~INVPCID_PCID) != 0)
        return true;
    if (names_pcid && (cr4 & CR4_PCIDE) == 0 && descriptor[0] != 0)
        return true;
    return type == INVPCID_ADDRESS && !is_canonical(descriptor[1], linear_width(cr4));
}

/* The exit comes before these checks. Likewise more is forgotten. */
enum exit_done exit_invpcid(struct vcpu *vcpu)
{
    uint32_t information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    uint64_t type = vcpu_register_get(vcpu, information >> 28), descriptor[2];
    struct operand operand = guest_operand(vcpu, information);
    enum exit_done done;

    if (operand.mode != OPERAND_64_BIT)
        type = (uint32_t)type;
    if (type >= INVPCID_TYPES)
        return exit_protection(vcpu);
    operand.bytes = sizeof(descriptor);
    done = guest_operand_access(vcpu, &operand, descriptor);
    if (done != EXIT_EMULATED)
        return done;
    return invpcid_faults(type, descriptor) ? exit_protection(vcpu) : exit_invlpg(vcpu);
}

/* The log has 512 entries and is written downwards. */
enum { PML_LAST = 511, PML_NMI_UNBLOCKING = 1 << 12 };

/* Nobody reads the log: it begins anew, and the guest makes its access again. */
enum exit_done exit_page_log_full(struct vcpu *vcpu)
{
    if ((vmcs_read_natural(VMCS_EXIT_QUALIFICATION) & PML_NMI_UNBLOCKING) != 0)
        event_nmi_blocked_again(vcpu);
    vmcs_write16(VMCS_PML_INDEX, PML_LAST);
    event_requeue();
    return EXIT_STEPPED;
}

/* No interrupt waits for a lower task priority; and VM entry refuses a threshold above it. */
enum exit_done exit_tpr_below_threshold(struct vcpu *vcpu)
{
    (void)vcpu;
    vmcs_write32(VMCS_TPR_THRESHOLD, 0);
    return EXIT_STEPPED;
}

/* There is no APIC after the page: from here on it is the memory that it is. */
enum exit_done exit_apic_access(struct vcpu *vcpu)
{
    vcpu_control_set(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_VIRTUALIZE_APIC_ACCESSES, false);
    translation_flush_all(vcpu);
    event_requeue();
    return EXIT_MAPPED;
}
