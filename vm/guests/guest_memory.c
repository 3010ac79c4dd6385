#include "vm/guests/guest_run.h"

#include "mm/memory_use.h"

static bool map_without_ept(struct vcpu *vcpu)
{
    struct page_tables tables;

    if (!paging_init(&tables, false, false, &vcpu->vm->pages))
        return false;
    vcpu->vm->page_tables = tables.radix.root;
    return paging_map(&tables, 0, vcpu->vm->memory, GUEST_MEMORY_BYTES,
                      PAGING_WRITE | PAGING_EXECUTE | PAGING_PAT(PAT_INDEX_WB)) == MAP_OK;
}

/*
 * Non-RAM memory is the firmware's, or a device's registers, so a guest may read it and no more.
 * Nor may it execute there: an executable page that is large lets a guest stop some processors by a
 * machine check (CVE-2018-12207, "machine check error on page size change").
 */
static bool map_machine(struct vcpu *vcpu)
{
    const struct ept_memory_types types = {memory_non_ram_type, &vcpu->cpu->memory_types};
    uint64_t next = GUEST_MEMORY_BYTES, base, end;

    while (memory_next_non_ram(&next, &base, &end) && base < GUEST_MACHINE_END) {
        if (end > GUEST_MACHINE_END)
            end = GUEST_MACHINE_END;
        if (ept_map_by_type(&vcpu->vm->ept, base, base, end - base, EPT_READ, &types) != MAP_OK)
            return false;
    }
    return ept_unmap(&vcpu->vm->ept, vcpu->msr_apic_base & APIC_BASE_ADDRESS, PAGE_SIZE) == MAP_OK;
}

const char *guest_memory_owner(const struct vcpu *vcpu, uint64_t guest_physical)
{
    if (!guest_of(vcpu)->sees_machine || guest_physical < GUEST_MEMORY_BYTES)
        return NULL;
    if (((guest_physical ^ vcpu->msr_apic_base) & APIC_BASE_ADDRESS) == 0)
        return "its local APIC";
    return memory_owned(guest_physical);
}

bool guest_memory_create(struct vcpu *vcpu)
{
    bool ept = (vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT) != 0;
    struct vm *vm = vcpu->vm;

    if (!vm_create_memory(vm, GUEST_MEMORY_BYTES, ept ? &vcpu->capability : NULL,
                          &vcpu->cpu->memory_types) ||
        !guest_image_write(guest_of(vcpu), phys_to_virt(vm->memory)))
        return false;
    if (!ept)
        return map_without_ept(vcpu);
    return !guest_of(vcpu)->sees_machine || map_machine(vcpu);
}
