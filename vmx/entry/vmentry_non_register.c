/* The rules of vmx/entry/vmentry_non_register.def that have a form of their own. */
#include "lib/x86.h"
#include "vmx/entry/vmentry_state.h"

/* SDM, "Guest Non-Register State": the activity states. */
enum { ACTIVE, HLT, SHUTDOWN, WAIT_FOR_SIPI };

enum { VECTOR_PENDING_MTF = 0 };

#define DEBUGCTL_BTF     (1ull << 1)
#define PENDING_BUS_LOCK (1ull << 11)
#define PENDING_ENABLED  (1ull << 12)
#define PENDING_BS       (1ull << 14)
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

/* A view of an activity state in whose place the active state would do. */
static struct vmentry_view not_active(const struct vmentry_state *state, bool wrong)
{
    return (struct vmentry_view){VMCS_GUEST_ACTIVITY_STATE, activity(state),
                                 wrong ? ACTIVE : activity(state)};
}

struct vmentry_view vmentry_activity(const struct vmentry_state *state)
{
    const struct vmx_capability *capability = state->context->capability;
    bool known[] = {true, capability->activity_hlt, capability->activity_shutdown,
                    capability->activity_wait_for_sipi};

    return not_active(state, activity(state) > WAIT_FOR_SIPI || !known[activity(state)]);
}

struct vmentry_view vmentry_hlt_dpl(const struct vmentry_state *state)
{
    return not_active(state, activity(state) == HLT &&
                                 vmentry_segment_rights(state, SEGMENT_SS) & RIGHTS_DPL);
}

struct vmentry_view vmentry_activity_blocked(const struct vmentry_state *state)
{
    return not_active(state,
                      vmentry_interruptibility(state) & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
}

static bool injects(const struct vmentry_state *state, unsigned type)
{
    return vmentry_injects(state) && vmentry_injected_type(state) == type;
}

static bool injects_exception(const struct vmentry_state *state, unsigned vector)
{
    return injects(state, EVENT_HARDWARE_EXCEPTION) && vmentry_injected_vector(state) == vector;
}

struct vmentry_view vmentry_hlt_event(const struct vmentry_state *state)
{
    bool wakes =
        injects(state, EVENT_EXTERNAL_INTERRUPT) || injects(state, EVENT_NMI) ||
        injects_exception(state, X86_VECTOR_DB) || injects_exception(state, X86_VECTOR_MC) ||
        (injects(state, EVENT_OTHER) && vmentry_injected_vector(state) == VECTOR_PENDING_MTF);

    return not_active(state, activity(state) == HLT && vmentry_injects(state) && !wakes);
}

struct vmentry_view vmentry_shutdown_event(const struct vmentry_state *state)
{
    bool wakes = injects(state, EVENT_NMI) || injects_exception(state, X86_VECTOR_MC);

    return not_active(state, activity(state) == SHUTDOWN && vmentry_injects(state) && !wakes);
}

struct vmentry_view vmentry_sipi_event(const struct vmentry_state *state)
{
    return not_active(state, activity(state) == WAIT_FOR_SIPI && vmentry_injects(state));
}

static bool enters_smm(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, ENTRY_TO_SMM));
}

struct vmentry_view vmentry_activity_smm(const struct vmentry_state *state)
{
    return not_active(state, activity(state) == WAIT_FOR_SIPI && enters_smm(state));
}

struct vmentry_view vmentry_blocking_smm(const struct vmentry_state *state)
{
    return enters_smm(state)
               ? vmentry_ones(state, VMCS_GUEST_INTERRUPTIBILITY_STATE, BLOCKING_BY_SMI)
               : vmentry_kept();
}

/* A view of blocking that must not be, where `wrong`. */
static struct vmentry_view no_blocking(const struct vmentry_state *state, uint64_t bits, bool wrong)
{
    return wrong ? vmentry_zero(state, VMCS_GUEST_INTERRUPTIBILITY_STATE, bits) : vmentry_kept();
}

struct vmentry_view vmentry_sti_and_mov_ss(const struct vmentry_state *state)
{
    return no_blocking(state, BLOCKING_BY_MOV_SS,
                       vmentry_interruptibility(state) & BLOCKING_BY_STI);
}

struct vmentry_view vmentry_sti_if(const struct vmentry_state *state)
{
    return no_blocking(state, BLOCKING_BY_STI,
                       !(vmentry_get(state, VMCS_GUEST_RFLAGS) & RFLAGS_IF));
}

struct vmentry_view vmentry_blocked_interrupt(const struct vmentry_state *state)
{
    return no_blocking(state, BLOCKING_BY_STI | BLOCKING_BY_MOV_SS,
                       injects(state, EVENT_EXTERNAL_INTERRUPT));
}

struct vmentry_view vmentry_nmi_mov_ss(const struct vmentry_state *state)
{
    return no_blocking(state, BLOCKING_BY_MOV_SS, injects(state, EVENT_NMI));
}

struct vmentry_view vmentry_nmi_sti(const struct vmentry_state *state)
{
    return no_blocking(state, BLOCKING_BY_STI,
                       state->context->sti_blocks_nmi && injects(state, EVENT_NMI));
}

struct vmentry_view vmentry_virtual_nmi(const struct vmentry_state *state)
{
    return no_blocking(state, BLOCKING_BY_NMI,
                       injects(state, EVENT_NMI) &&
                           vmentry_is_set(state, VMENTRY_CONTROL(PIN, VIRTUAL_NMIS)));
}

struct vmentry_view vmentry_enclave_mov_ss(const struct vmentry_state *state)
{
    return no_blocking(state, BLOCKING_BY_MOV_SS,
                       vmentry_interruptibility(state) & ENCLAVE_INTERRUPTION);
}

struct vmentry_view vmentry_enclave_sgx(const struct vmentry_state *state)
{
    return no_blocking(state, ENCLAVE_INTERRUPTION, !state->context->sgx);
}

struct vmentry_view vmentry_pending_reserved(const struct vmentry_state *state)
{
    uint64_t bus_lock = state->context->bus_lock_debug ? PENDING_BUS_LOCK : 0;

    return vmentry_zero(state, VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, PENDING_RESERVED & ~bus_lock);
}

/* Where a single-step trap must be pending, or must not: no instruction has ended in between. */
static bool single_step_is_known(const struct vmentry_state *state)
{
    return vmentry_interruptibility(state) & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS) ||
           activity(state) == HLT;
}

static bool single_stepping(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_GUEST_RFLAGS) & RFLAGS_TF &&
           !(vmentry_get(state, VMCS_GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF);
}

struct vmentry_view vmentry_bs_missing(const struct vmentry_state *state)
{
    return single_step_is_known(state) && single_stepping(state)
               ? vmentry_ones(state, VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, PENDING_BS)
               : vmentry_kept();
}

struct vmentry_view vmentry_bs_forbidden(const struct vmentry_state *state)
{
    return single_step_is_known(state) && !single_stepping(state)
               ? vmentry_zero(state, VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, PENDING_BS)
               : vmentry_kept();
}

static bool rtm_is_pending(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS) & PENDING_RTM;
}

struct vmentry_view vmentry_pending_rtm(const struct vmentry_state *state)
{
    uint64_t seen = vmentry_get(state, VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS);

    if (!rtm_is_pending(state))
        return vmentry_kept();
    return (struct vmentry_view){VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, seen,
                                 PENDING_RTM | PENDING_ENABLED};
}

struct vmentry_view vmentry_pending_rtm_supported(const struct vmentry_state *state)
{
    bool blocked = vmentry_interruptibility(state) & BLOCKING_BY_MOV_SS;

    return rtm_is_pending(state) && (!state->context->rtm || blocked)
               ? vmentry_zero(state, VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, PENDING_RTM)
               : vmentry_kept();
}

static uint64_t link_pointer(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_LINK_POINTER);
}

struct vmentry_view vmentry_link_aligned(const struct vmentry_state *state)
{
    return link_pointer(state) == NO_LINK ? vmentry_kept()
                                          : vmentry_zero(state, VMCS_LINK_POINTER, 0xfff);
}

struct vmentry_view vmentry_link_width(const struct vmentry_state *state)
{
    return link_pointer(state) == NO_LINK
               ? vmentry_kept()
               : vmentry_zero(state, VMCS_LINK_POINTER, vmentry_beyond(state));
}

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

struct vmentry_view vmentry_link_current(const struct vmentry_state *state)
{
    bool wrong = link_pointer(state) == state->context->current_vmcs;

    return (struct vmentry_view){VMCS_LINK_POINTER, link_pointer(state),
                                 wrong ? NO_LINK : link_pointer(state)};
}

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
