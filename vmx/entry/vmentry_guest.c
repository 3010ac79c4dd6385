/* The rules of vmx/entry/vmentry_guest.def that have a form of their own. */
#include "lib/x86.h"
#include "vmx/entry/vmentry_state.h"

struct vmentry_view vmentry_guest_cr0_fixed(const struct vmentry_state *state)
{
    const struct vmx_capability *capability = state->context->capability;
    uint64_t seen = vmentry_get(state, VMCS_GUEST_CR0);
    uint64_t free = CR0_NOT_CHECKED | (vmentry_is_unrestricted(state) ? CR0_PE | CR0_PG : 0);
    uint64_t wanted = (seen | (capability->cr0_fixed0 & ~free)) & (capability->cr0_fixed1 | free);

    return (struct vmentry_view){VMCS_GUEST_CR0, seen, wanted};
}

bool vmentry_guest_paging(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_GUEST_CR0) & CR0_PG;
}

struct vmentry_view vmentry_guest_cr4_fixed(const struct vmentry_state *state)
{
    const struct vmx_capability *capability = state->context->capability;
    uint64_t seen = vmentry_get(state, VMCS_GUEST_CR4);

    return (struct vmentry_view){VMCS_GUEST_CR4, seen,
                                 (seen | capability->cr4_fixed0) & capability->cr4_fixed1};
}

bool vmentry_guest_cet(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_GUEST_CR4) & CR4_CET;
}

struct vmentry_view vmentry_guest_cr3(const struct vmentry_state *state)
{
    return vmentry_zero(state, VMCS_GUEST_CR3,
                        vmentry_cr3_reserved(state, vmentry_guest_width(state)));
}

static bool loads_efer(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, LOAD_EFER));
}

struct vmentry_view vmentry_guest_efer_lma(const struct vmentry_state *state)
{
    if (!loads_efer(state))
        return vmentry_kept();
    return vmentry_guest_ia32e(state) ? vmentry_ones(state, VMCS_GUEST_IA32_EFER, EFER_LMA)
                                      : vmentry_zero(state, VMCS_GUEST_IA32_EFER, EFER_LMA);
}

struct vmentry_view vmentry_guest_efer_lme(const struct vmentry_state *state)
{
    if (!loads_efer(state) || !(vmentry_get(state, VMCS_GUEST_CR0) & CR0_PG))
        return vmentry_kept();
    return vmentry_get(state, VMCS_GUEST_IA32_EFER) & EFER_LMA
               ? vmentry_ones(state, VMCS_GUEST_IA32_EFER, EFER_LME)
               : vmentry_zero(state, VMCS_GUEST_IA32_EFER, EFER_LME);
}

static bool loads_cet(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, LOAD_CET_STATE));
}

struct vmentry_view vmentry_guest_s_cet_tracker(const struct vmentry_state *state)
{
    if (!loads_cet(state) ||
        (vmentry_get(state, VMCS_GUEST_IA32_S_CET) & S_CET_TRACKER) != S_CET_TRACKER)
        return vmentry_kept();
    return vmentry_zero(state, VMCS_GUEST_IA32_S_CET, S_CET_TRACKER);
}

/* Less than canonical: bit N-1 may differ from the bits N and up, with N the linear-address width.
 */
static struct vmentry_view identical(const struct vmentry_state *state, enum vmcs_field field)
{
    uint64_t seen = vmentry_get(state, field);
    unsigned width = state->context->linear_address_width;

    return (struct vmentry_view){field, seen, width < 64 ? vmentry_extended(seen, width) : seen};
}

struct vmentry_view vmentry_guest_rip_identical(const struct vmentry_state *state)
{
    return vmentry_guest_64(state) ? identical(state, VMCS_GUEST_RIP) : vmentry_kept();
}

bool vmentry_may_be_v8086(const struct vmentry_state *state)
{
    return !vmentry_guest_ia32e(state) && vmentry_guest_protected(state);
}

struct vmentry_view vmentry_guest_ssp_identical(const struct vmentry_state *state)
{
    return loads_cet(state) ? identical(state, VMCS_GUEST_SSP) : vmentry_kept();
}

/* FRED's stack pointers, the host's and the guest's, and a guest that uses it. */
#define RSP_RESERVED 0x3full
#define SSP_RESERVED 0x7ull

enum { STACKS = 3 };

/* The first of the stack pointers that is wrong, or the last of them. */
static struct vmentry_view stacks(const struct vmentry_state *state, enum vmcs_field rsp1,
                                  enum vmcs_field ssp1)
{
    struct vmentry_view view = vmentry_kept();

    for (unsigned i = 0; i < 2 * STACKS && view.seen == view.wanted; i++) {
        bool shadow = i >= STACKS;
        enum vmcs_field field = (enum vmcs_field)(shadow ? ssp1 + 2 * (i - STACKS) : rsp1 + 2 * i);
        uint64_t seen = vmentry_get(state, field);

        view = (struct vmentry_view){
            field, seen, vmentry_canonical(state, seen) & ~(shadow ? SSP_RESERVED : RSP_RESERVED)};
    }
    return view;
}

struct vmentry_view vmentry_host_fred_stacks(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(SECONDARY_EXIT, LOAD_FRED))
               ? stacks(state, VMCS_HOST_IA32_FRED_RSP1, VMCS_HOST_IA32_FRED_SSP1)
               : vmentry_kept();
}

struct vmentry_view vmentry_guest_fred_stacks(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, LOAD_FRED))
               ? stacks(state, VMCS_GUEST_IA32_FRED_RSP1, VMCS_GUEST_IA32_FRED_SSP1)
               : vmentry_kept();
}

static bool guest_uses_fred(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_GUEST_CR4) & CR4_FRED;
}

/* FRED knows two privilege levels: a DPL of 1 or 2 would have to be 0. */
bool vmentry_ss_fits_fred(const struct vmentry_state *state)
{
    uint32_t dpl = vmentry_segment_rights(state, SEGMENT_SS) & RIGHTS_DPL;

    return !guest_uses_fred(state) || dpl == 0 || dpl == RIGHTS_DPL;
}

bool vmentry_is_fred_kernel(const struct vmentry_state *state)
{
    return guest_uses_fred(state) && !(vmentry_segment_rights(state, SEGMENT_SS) & RIGHTS_DPL);
}

/* ERETU, which enters ring 3 with FRED, leaves neither IOPL nor blocking by STI. */
bool vmentry_is_fred_user(const struct vmentry_state *state)
{
    return guest_uses_fred(state) &&
           (vmentry_segment_rights(state, SEGMENT_SS) & RIGHTS_DPL) == RIGHTS_DPL;
}
