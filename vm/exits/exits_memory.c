#include "vm/event.h"
#include "vm/exit.h"
#include "vmx/exit_reason.h"
#include "vmx/vmcs_access.h"

/* Bits 5:3 of the exit qualification: what EPT allows there; nothing, where nothing is mapped. */
enum { VIOLATION_ALLOWED = 7 << 3, VIOLATION_NMI_UNBLOCKING = 1 << 12 };

/* Another vCPU may have been faster: then the page is there. */
static inline bool map_fresh_page(struct vm *vm, uint64_t address)
{
    uint64_t *entry = ept_page_entry(&vm->ept, address), page;

    if (entry == NULL)
        return false;
    if (__builtin_expect(*entry == 0, 1)) {
        page = page_cache_alloc(&vm->pages);
        if (page == 0)
            return false;
        *entry = page | EPT_RAM;
    }
    return true;
}

/* The first touch of a page that the guest may have. It needs no INVEPT, on no CPU. */
static enum exit_done map_page(struct vcpu *vcpu, uint64_t address)
{
    struct vm *vm = vcpu->vm;
    bool mapped;

    spinlock_acquire(&vm->lock);
    mapped = map_fresh_page(vm, address);
    spinlock_release(&vm->lock);
    if (!mapped)
        return vcpu_end(vcpu, GUEST_END_MEMORY, EXIT_REASON_EPT_VIOLATION, address);
    event_requeue();
    return EXIT_MAPPED;
}

/* Otherwise it has reached for memory that is not its own, or not for this kind of access. */
static __attribute__((noinline)) enum exit_done end_there(struct vcpu *vcpu, uint64_t address)
{
    return vcpu_end(vcpu, GUEST_END_MEMORY, EXIT_REASON_EPT_VIOLATION, address);
}

enum exit_done exit_ept_violation(struct vcpu *vcpu)
{
    uint64_t address = vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS);
    uint64_t odd =
        vmcs_read_natural(VMCS_EXIT_QUALIFICATION) & (VIOLATION_ALLOWED | VIOLATION_NMI_UNBLOCKING);

    if (address - vcpu->vm->demand_base >= vcpu->vm->demand_bytes)
        return end_there(vcpu, address);
    if (__builtin_expect(odd != 0, 0)) {
        if ((odd & VIOLATION_ALLOWED) != 0)
            return end_there(vcpu, address);
        event_nmi_blocked_again(vcpu);
    }
    return map_page(vcpu, address);
}

enum exit_done exit_ept_misconfiguration(struct vcpu *vcpu)
{
    uint64_t address = vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS);

    vcpu->misconfiguration = ept_walk(&vcpu->vm->ept, address).misconfiguration;
    return vcpu_end(vcpu, GUEST_END_MISCONFIGURED, EXIT_REASON_EPT_MISCONFIGURATION, address);
}
