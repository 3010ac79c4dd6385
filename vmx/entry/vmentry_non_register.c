/* The rules of vmx/entry/vmentry_non_register.def that have a form of their own. */
#include "vmx/entry/vmentry_state.h"

/* SDM, "Guest Non-Register State": the activity states. */

enum { VECTOR_PENDING_MTF = 0 };

#define DEBUGCTL_BTF     (1ull << 1)
#define PENDING_BUS_LOCK (1ull << 11)
#define PENDING_ENABLED  (1ull << 12)
#define PENDING_RTM      (1ull << 16)
#define PENDING_RESERVED 0xfffffffffffeaff0ull /* 63:17, 15, 13, 11:4 */
#define NO_LINK          UINT64_MAX
#define SHADOW_VMCS      (1u << 31)
#define PAE_TABLE        0xffffffe0ull /* what CR3 holds with PAE paging */

enum { PDPTES = 4 };

static uint64_t activity(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_GUEST_ACTIVITY_STATE);
}

uint64_t vmentry_activity(const struct vmentry_state *state, uint64_t seen)
{
    const struct vmx_capability *capability = state->context->capability;
    bool known[] = {true, capability->activity_hlt, capability->activity_shutdown,
                    capability->activity_wait_for_sipi};

    return seen > ACTIVITY_WAIT_FOR_SIPI || !known[seen] ? ACTIVITY_ACTIVE : seen;
}

VMENTRY_TEST(vmentry_hlt_in_user, activity(state) == ACTIVITY_HLT &&
                                      vmentry_segment_rights(state, SEGMENT_SS) & RIGHTS_DPL)
VMENTRY_TEST(vmentry_is_blocked,
             vmentry_interruptibility(state) & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS))

static bool injects_exception(const struct vmentry_state *state, unsigned vector)
{
    return vmentry_injects_type(state, EVENT_HARDWARE_EXCEPTION) &&
           vmentry_injected_vector(state) == vector;
}

bool vmentry_stays_in_hlt(const struct vmentry_state *state)
{
    bool wakes = vmentry_injects_interrupt(state) || vmentry_injects_nmi(state) ||
                 injects_exception(state, X86_VECTOR_DB) ||
                 injects_exception(state, X86_VECTOR_MC) ||
                 (vmentry_injects_type(state, EVENT_OTHER) &&
                  vmentry_injected_vector(state) == VECTOR_PENDING_MTF);

    return activity(state) == ACTIVITY_HLT && vmentry_injects(state) && !wakes;
}

bool vmentry_stays_in_shutdown(const struct vmentry_state *state)
{
    bool wakes = vmentry_injects_nmi(state) || injects_exception(state, X86_VECTOR_MC);

    return activity(state) == ACTIVITY_SHUTDOWN && vmentry_injects(state) && !wakes;
}

VMENTRY_TEST(vmentry_waits_for_sipi, activity(state) == ACTIVITY_WAIT_FOR_SIPI)
VMENTRY_TEST(vmentry_stays_in_sipi, vmentry_waits_for_sipi(state) && vmentry_injects(state))
VMENTRY_TEST(vmentry_sti_blocks, vmentry_interruptibility(state) & BLOCKING_BY_STI)
VMENTRY_TEST(vmentry_takes_interrupts, vmentry_get(state, VMCS_GUEST_RFLAGS) & RFLAGS_IF)
VMENTRY_TEST(vmentry_nmi_after_sti, vmentry_injects_nmi(state) && state->context->sti_blocks_nmi)
VMENTRY_TEST(vmentry_left_enclave, vmentry_interruptibility(state) & ENCLAVE_INTERRUPTION)
VMENTRY_TEST(vmentry_has_sgx, state->context->sgx)

uint64_t vmentry_pending_reserved(const struct vmentry_state *state, uint64_t seen)
{
    uint64_t bus_lock = state->context->bus_lock_debug ? PENDING_BUS_LOCK : 0;

    return seen & ~(PENDING_RESERVED & ~bus_lock);
}

/* Where a single-step trap must be pending, or must not: no instruction has ended in between. */
static bool single_step_is_known(const struct vmentry_state *state)
{
    return vmentry_interruptibility(state) & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS) ||
           activity(state) == ACTIVITY_HLT;
}

static bool single_stepping(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_GUEST_RFLAGS) & RFLAGS_TF &&
           !(vmentry_get(state, VMCS_GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF);
}

VMENTRY_TEST(vmentry_step_is_pending, single_step_is_known(state) && single_stepping(state))
VMENTRY_TEST(vmentry_step_is_not_pending, single_step_is_known(state) && !single_stepping(state))
VMENTRY_WANTED(vmentry_pending_rtm,
               (seen & PENDING_RTM) != 0 ? PENDING_RTM | PENDING_ENABLED : seen)
VMENTRY_TEST(vmentry_rtm_fits,
             state->context->rtm && !(vmentry_interruptibility(state) & BLOCKING_BY_MOV_SS))

static uint64_t link_pointer(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_LINK_POINTER);
}

VMENTRY_TEST(vmentry_has_link, link_pointer(state) != NO_LINK)

/* The first four bytes of a VMCS region: SDM, "Format of the VMCS Region". */
struct vmentry_view vmentry_link_revision(const struct vmentry_state *state)
{
    uint32_t seen, wanted = state->context->revision_id;

    if (link_pointer(state) & (vmentry_beyond(state) | 0xfff) ||
        !vmentry_read(state, link_pointer(state), &seen, sizeof(seen)))
        return vmentry_kept();
    if (vmentry_is_set(state, VMENTRY_CONTROL(SECONDARY, VMCS_SHADOWING)))
        wanted |= SHADOW_VMCS;
    return (struct vmentry_view){VMCS_LINK_POINTER, seen, wanted};
}

VMENTRY_WANTED(vmentry_link_current, seen == state->context->current_vmcs ? NO_LINK : seen)

static bool uses_pae_paging(const struct vmentry_state *state)
{
    return !vmentry_guest_ia32e(state) && vmentry_get(state, VMCS_GUEST_CR0) & CR0_PG &&
           vmentry_get(state, VMCS_GUEST_CR4) & CR4_PAE;
}

static uint64_t pdpte_of(const struct vmentry_state *state, uint64_t pdpte)
{
    uint64_t beyond = ~0ull << vmentry_guest_width(state);

    return pdpte & PDPTE_PRESENT ? pdpte & ~(PDPTE_RESERVED | beyond) : pdpte;
}

struct vmentry_view vmentry_pdpte_fields(const struct vmentry_state *state)
{
    struct vmentry_view view = vmentry_kept();

    for (unsigned i = 0; i < PDPTES && view.seen == view.wanted; i++) {
        enum vmcs_field field = (enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i);

        if (vmentry_uses_ept(state) && uses_pae_paging(state))
            view = (struct vmentry_view){field, vmentry_get(state, field),
                                         pdpte_of(state, vmentry_get(state, field))};
    }
    return view;
}

struct vmentry_view vmentry_pdpte_memory(const struct vmentry_state *state)
{
    uint64_t pdptes[PDPTES];

    if (vmentry_uses_ept(state) || !uses_pae_paging(state) ||
        !vmentry_read(state, vmentry_get(state, VMCS_GUEST_CR3) & PAE_TABLE, pdptes,
                      sizeof(pdptes)))
        return vmentry_kept();
    for (unsigned i = 0; i < PDPTES; i++) {
        if (pdpte_of(state, pdptes[i]) != pdptes[i])
            return (struct vmentry_view){VMCS_GUEST_CR3, pdptes[i], pdpte_of(state, pdptes[i])};
    }
    return vmentry_kept();
}

/* The VM-entry MSR-load area. */
#define IA32_BIOS_UPDT_TRIG 0x79u
#define IA32_BIOS_SIGN_ID   0x8bu

bool vmentry_msr_reserved(const struct vmentry_state *state, const struct vmentry_msr_entry *entry)
{
    (void)state;
    return entry->reserved != 0;
}

/* SDM Vol. 4, of both: a processor may prevent writing to this MSR when it loads guest state. */
bool vmentry_msr_microcode(const struct vmentry_state *state, const struct vmentry_msr_entry *entry)
{
    (void)state;
    return entry->index == IA32_BIOS_UPDT_TRIG || entry->index == IA32_BIOS_SIGN_ID;
}

bool vmentry_msr_fault(const struct vmentry_state *state, const struct vmentry_msr_entry *entry)
{
    const struct vmentry_context *context = state->context;

    return context->msr_write_faults &&
           context->msr_write_faults(context, entry->index, entry->value);
}
