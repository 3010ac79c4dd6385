#include "vm/memory/guest_physical.h"

#include "lib/string.h"
#include "mm/page_alloc.h"
#include "vm/exit.h"

enum { PAGE_BYTES = 4096 };

bool guest_has_ept(const struct vcpu *vcpu)
{
    return (vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT) != 0;
}

/* SDM Vol. 3, "Virtualizing Memory-Mapped APIC Accesses": what is read and written there is not
 * what the page holds. */
static bool is_apic_page(const struct vcpu *vcpu, uint64_t physical)
{
    return (vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_VIRTUALIZE_APIC_ACCESSES) != 0 &&
           (physical ^ vmcs_read64(VMCS_APIC_ACCESS_ADDRESS)) < PAGE_BYTES;
}

/* What a guest has: its RAM, and pages that it was given at its first touch. */
void *guest_through_ept(const struct vcpu *vcpu, uint64_t address, bool write)
{
    struct ept_walk walk = ept_walk(&vcpu->vm->ept, address);
    bool is_own = address < vcpu->vm->memory_bytes ||
                  address - vcpu->vm->demand_base < vcpu->vm->demand_bytes;
    uint64_t physical = walk.physical + (address - walk.guest_physical);

    if (!is_own || !walk.mapped || (walk.permissions & (write ? EPT_WRITE : EPT_READ)) == 0 ||
        is_apic_page(vcpu, physical))
        return NULL;
    return phys_to_virt(physical);
}

/*
 * Where a guest-physical address can be touched, up to the end of its page; NULL: not for this.
 * Without EPT the processor walks the hypervisor's tables, and the addresses are the machine's.
 */
void *guest_reach_physical(const struct vcpu *vcpu, uint64_t address, bool write)
{
    if (guest_has_ept(vcpu))
        return guest_through_ept(vcpu, address, write);
    return is_apic_page(vcpu, address) ? NULL : vm_memory(vcpu->vm, address - vcpu->vm->memory, 1);
}

enum exit_done guest_has_no_memory(struct vcpu *vcpu, uint64_t physical)
{
    (void)vcpu_end(vcpu, GUEST_END_MEMORY, vmcs_read32(VMCS_EXIT_REASON) & EXIT_REASON_BASIC,
                   physical);
    return EXIT_ENDED;
}

enum exit_done guest_read_physical(struct vcpu *vcpu, uint64_t physical, void *data, unsigned bytes)
{
    const void *memory = guest_reach_physical(vcpu, physical, false);

    if (memory == NULL)
        return guest_has_no_memory(vcpu, physical);
    memcpy(data, memory, bytes);
    return EXIT_EMULATED;
}
