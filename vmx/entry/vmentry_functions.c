/* The rules of vmx/entry/vmentry_rules.def that are longer than an expression. */
#include "mm/memory_type.h"
#include "vmx/entry/vmentry_conditions.h"

/* SDM, "Virtual APIC State": VTPR is at the offset of the local APIC's TPR. */
enum { VTPR_OFFSET = 0x80 };

struct vmentry_view vmentry_tpr_threshold_vtpr(const struct vmentry_state *state)
{
    uint64_t page, threshold;
    uint8_t vtpr;

    if (!threshold_is_used(state) || IS_ON(SECONDARY, VIRTUALIZE_APIC_ACCESSES))
        return vmentry_kept();
    page = GET(VIRTUAL_APIC_ADDRESS);
    threshold = GET(TPR_THRESHOLD) & 0xf;
    if (page & (vmentry_beyond(state) | 0xfff) ||
        !vmentry_read(state, page + VTPR_OFFSET, &vtpr, sizeof(vtpr)) || threshold <= vtpr >> 4)
        return vmentry_kept();
    return (struct vmentry_view){VMCS_TPR_THRESHOLD, threshold, vtpr >> 4};
}

uint64_t vmentry_eptp_memory_type(const struct vmentry_state *state, uint64_t seen)
{
    uint64_t type = seen & EPTP_MEMORY_TYPE;
    uint64_t good = capability(state)->ept_write_back ? MEMORY_TYPE_WB : MEMORY_TYPE_UC;

    if ((type == MEMORY_TYPE_UC && capability(state)->ept_uncacheable) ||
        (type == MEMORY_TYPE_WB && capability(state)->ept_write_back))
        return seen;
    return with(seen, EPTP_MEMORY_TYPE, good != type ? good : type ^ 1);
}

uint64_t vmentry_eptp_walk_length(const struct vmentry_state *state, uint64_t seen)
{
    uint64_t walk = seen & EPTP_WALK;

    if ((walk == EPTP_WALK_4 && capability(state)->ept_page_walk_4) ||
        (walk == EPTP_WALK_5 && capability(state)->ept_page_walk_5))
        return seen;
    return with(seen, EPTP_WALK, walk != EPTP_WALK_4 ? EPTP_WALK_4 : EPTP_WALK_5);
}

static bool other_vector_fits(const struct vmentry_state *state)
{
    if (injected_vector(state) == OTHER_PENDING_MTF)
        return offers_trap_flag(state);
    return is_system_call(state) && guest_fred(state);
}

uint64_t vmentry_event_vector(const struct vmentry_state *state, uint64_t seen)
{
    enum { VECTOR_NMI = 2, VECTOR = 0xff };

    if (injected_type(state) == EVENT_NMI)
        return with(seen, VECTOR, VECTOR_NMI);
    if (injected_type(state) == EVENT_HARDWARE_EXCEPTION && injected_vector(state) > EXCEPTION_LAST)
        return with(seen, VECTOR, 0);
    if (injected_type(state) == EVENT_OTHER && knows_other_events(state) &&
        !other_vector_fits(state))
        return with(seen, VECTOR, offers_trap_flag(state) ? OTHER_PENDING_MTF : OTHER_SYSCALL);
    return seen;
}

/*
 * The instruction pointer must be canonical in the paging mode in which it will be used: 57 bits
 * with CR4.LA57, 48 without, also on a processor that has it. The VM exit loads CR4 from the host's
 * field, so that one counts (KVM: "nVMX: fix canonical check of vmcs12 HOST_RIP"). Bases and MSRs
 * are checked against what the processor has, whatever CR4 says (KVM: "model canonical checks more
 * precisely", seen on processors).
 */
uint64_t vmentry_rip_of_host(const struct vmentry_state *state, uint64_t seen)
{
    enum { WIDTH_4_LEVEL = 48 };
    unsigned width = state->context->linear_address_width;

    if (width > WIDTH_4_LEVEL && !(GET(HOST_CR4) & CR4_LA57))
        width = WIDTH_4_LEVEL;
    return vmentry_extended(seen, width - 1);
}

/* FRED's stack pointers: the first that is wrong, or the last of them. */
static struct vmentry_view stacks(const struct vmentry_state *state, enum vmcs_field rsp1,
                                  enum vmcs_field ssp1)
{
    enum { STACKS = 3, RSP_RESERVED = 0x3f, SSP_RESERVED = 0x7 };
    struct vmentry_view view = vmentry_kept();

    for (unsigned i = 0; i < 2 * STACKS && view.seen == view.wanted; i++) {
        bool shadow = i >= STACKS;
        enum vmcs_field field = (enum vmcs_field)(shadow ? ssp1 + 2 * (i - STACKS) : rsp1 + 2 * i);
        uint64_t seen = vmentry_get(state, field);

        view = (struct vmentry_view){
            field, seen,
            with(vmentry_canonical(state, seen), shadow ? SSP_RESERVED : RSP_RESERVED, 0)};
    }
    return view;
}

struct vmentry_view vmentry_host_fred_stacks(const struct vmentry_state *state)
{
    return stacks(state, VMCS_HOST_IA32_FRED_RSP1, VMCS_HOST_IA32_FRED_SSP1);
}

struct vmentry_view vmentry_guest_fred_stacks(const struct vmentry_state *state)
{
    return stacks(state, VMCS_GUEST_IA32_FRED_RSP1, VMCS_GUEST_IA32_FRED_SSP1);
}

/* The first four bytes of a VMCS region: SDM, "Format of the VMCS Region". */
struct vmentry_view vmentry_link_revision(const struct vmentry_state *state)
{
    const uint32_t shadow_vmcs = 1u << 31;
    uint32_t seen, wanted = state->context->revision_id;

    if (GET(LINK_POINTER) & (vmentry_beyond(state) | 0xfff) ||
        !vmentry_read(state, GET(LINK_POINTER), &seen, sizeof(seen)))
        return vmentry_kept();
    if (IS_ON(SECONDARY, VMCS_SHADOWING))
        wanted |= shadow_vmcs;
    return (struct vmentry_view){VMCS_LINK_POINTER, seen, wanted};
}

enum { PDPTES = 4 };

static bool uses_pae_paging(const struct vmentry_state *state)
{
    return !guest_ia32e(state) && GET(GUEST_CR0) & CR0_PG && GET(GUEST_CR4) & CR4_PAE;
}

static uint64_t pdpte_of(const struct vmentry_state *state, uint64_t pdpte)
{
    uint64_t beyond = ~0ull << guest_width(state);

    return pdpte & PDPTE_PRESENT ? pdpte & ~(PDPTE_RESERVED | beyond) : pdpte;
}

struct vmentry_view vmentry_pdpte_fields(const struct vmentry_state *state)
{
    struct vmentry_view view = vmentry_kept();

    for (unsigned i = 0; i < PDPTES && view.seen == view.wanted; i++) {
        enum vmcs_field field = (enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i);

        if (uses_ept(state) && uses_pae_paging(state))
            view = (struct vmentry_view){field, vmentry_get(state, field),
                                         pdpte_of(state, vmentry_get(state, field))};
    }
    return view;
}

struct vmentry_view vmentry_pdpte_memory(const struct vmentry_state *state)
{
    const uint64_t pae_table = 0xffffffe0; /* what CR3 holds with PAE paging */
    uint64_t pdptes[PDPTES];

    if (uses_ept(state) || !uses_pae_paging(state) ||
        !vmentry_read(state, GET(GUEST_CR3) & pae_table, pdptes, sizeof(pdptes)))
        return vmentry_kept();
    for (unsigned i = 0; i < PDPTES; i++) {
        if (pdpte_of(state, pdptes[i]) != pdptes[i])
            return (struct vmentry_view){VMCS_GUEST_CR3, pdptes[i], pdpte_of(state, pdptes[i])};
    }
    return vmentry_kept();
}
