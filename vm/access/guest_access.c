#include "vm/access/guest_access.h"
#include "vm/memory/ept_walk.h"

#include "lib/string.h"
#include "vm/exit.h"
#include "lib/x86_rooms.h"

enum { PAGE_BYTES = 4096 };

static bool guest_has_ept(const struct vcpu *vcpu)
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

/* What a guest has: its RAM, and pages that it was given at its first touch. NULL: not for this. */
static void *reach_through_ept(const struct vcpu *vcpu, uint64_t address, bool write)
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

/* Up to the end of its page. Without EPT the processor walks the hypervisor's tables, and the
 * addresses are the machine's. */
static void *reach_physical(const struct vcpu *vcpu, uint64_t address, bool write)
{
    if (guest_has_ept(vcpu))
        return reach_through_ept(vcpu, address, write);
    return is_apic_page(vcpu, address) ? NULL : vm_memory(vcpu->vm, address - vcpu->vm->memory, 1);
}

/* SDM Vol. 3, "Accessed and Dirty Flags for EPT": with them every access to the guest's paging
 * structures is a write. */
static void *reach_entry(const struct guest_paging *paging, uint64_t physical, bool write)
{
    const struct vcpu *vcpu = paging->context;

    if (!guest_has_ept(vcpu))
        return phys_to_virt(physical);
    return reach_through_ept(vcpu, physical, write || vcpu->vm->ept.capability.ept_accessed_dirty);
}

/* Without the control that loads IA32_EFER the guest has the host's, but for its own mode. */
static uint64_t efer_now(const struct vcpu *vcpu)
{
    uint64_t efer = (vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_LOAD_EFER) != 0
                        ? vmcs_read64(VMCS_GUEST_IA32_EFER)
                        : rdmsr(IA32_EFER);

    return guest_is_long() ? efer | EFER_LMA : efer & ~EFER_LMA;
}

/* RDPKRU needs CR4.PKE, which the hypervisor, all of whose pages are the supervisor's, lacks. */
static uint32_t pkru_now(void)
{
    uint64_t cr4 = read_cr4();
    uint32_t pkru;

    (void)write_cr4_safe(cr4 | CR4_PKE);
    pkru = rdpkru();
    (void)write_cr4_safe(cr4);
    return pkru;
}

static struct guest_paging paging_now(const struct vcpu *vcpu)
{
    struct guest_paging paging = {
        .cr0 = vmcs_read_natural(VMCS_GUEST_CR0),
        .cr3 = vmcs_read_natural(VMCS_GUEST_CR3),
        .cr4 = vmcs_read_natural(VMCS_GUEST_CR4),
        .efer = efer_now(vcpu),
        .rflags = vmcs_read_natural(VMCS_GUEST_RFLAGS),
        .physical_address_width = vcpu->cpu->memory_types.physical_width,
        .pages_1g = (cpuid(CPUID_LEAF_EXTENDED, 0).edx & CPUID_EXTENDED_EDX_1G) != 0,
        .pse36 = (cpuid(CPUID_LEAF_FEATURES, 0).edx & CPUID_1_EDX_PSE36) != 0,
        .entry = reach_entry,
        .context = (void *)vcpu,
    };

    if (guest_has_ept(vcpu)) {
        for (unsigned i = 0; i < 4; i++)
            paging.pdpte[i] = x86_vmread_bare(VMCS_GUEST_PDPTE0 + 2 * i);
    }
    if ((paging.cr4 & CR4_PKE) != 0)
        paging.pkru = pkru_now();
    return paging;
}

/* A part of an operand, within one page. */
static enum exit_done reach_linear(struct vcpu *vcpu, const struct guest_paging *paging,
                                   uint64_t linear, uint32_t access, uint8_t **memory)
{
    struct guest_translation translation = guest_translate(paging, linear, access);

    if (translation.result == TRANSLATION_FAULTS) {
        write_cr2(linear);
        vcpu_inject_error(vcpu, X86_VECTOR_PF, translation.error);
        return EXIT_INJECTED;
    }
    *memory = translation.result == TRANSLATED
                  ? reach_physical(vcpu, translation.physical, (access & ACCESS_WRITE) != 0)
                  : NULL;
    if (*memory != NULL)
        return EXIT_EMULATED;
    (void)vcpu_end(vcpu, GUEST_END_MEMORY, vmcs_read32(VMCS_EXIT_REASON) & EXIT_REASON_BASIC,
                   translation.physical);
    return EXIT_ENDED;
}

/* After the last byte of 32-bit addresses comes the first. */
static uint64_t next_page(uint64_t linear, uint32_t access)
{
    uint64_t next = (linear | (PAGE_BYTES - 1)) + 1;
    bool wide = (access & ACCESS_IMPLICIT) != 0 ? guest_is_long() : guest_is_64_bit();

    return wide ? next : (uint32_t)next;
}

static void copy(uint8_t *memory, uint8_t *data, unsigned bytes, uint32_t access)
{
    if ((access & ACCESS_WRITE) != 0)
        memcpy(memory, data, bytes);
    else
        memcpy(data, memory, bytes);
}

/* All of it is reached before any of it is touched. */
enum exit_done guest_access_linear(struct vcpu *vcpu, uint64_t linear, void *data, unsigned bytes,
                                   uint32_t access)
{
    const struct guest_paging paging = paging_now(vcpu);
    unsigned room = PAGE_BYTES - (linear & (PAGE_BYTES - 1));
    unsigned first = bytes < room ? bytes : room;
    uint8_t *memory, *rest = NULL;
    enum exit_done done;

    if (guest_privilege() == 3 && (access & ACCESS_IMPLICIT) == 0)
        access |= ACCESS_USER;
    done = reach_linear(vcpu, &paging, linear, access, &memory);
    if (done == EXIT_EMULATED && first < bytes)
        done = reach_linear(vcpu, &paging, next_page(linear, access), access, &rest);
    if (done != EXIT_EMULATED)
        return done;
    copy(memory, data, first, access);
    if (rest != NULL)
        copy(rest, (uint8_t *)data + first, bytes - first, access);
    return EXIT_EMULATED;
}
