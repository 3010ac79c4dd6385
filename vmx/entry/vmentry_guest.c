/* The rules of vmx/entry/vmentry_guest.def that have a form of their own. */
#include "lib/x86.h"
#include "vmx/entry/vmentry_state.h"

#define BNDCFGS_RESERVED 0xffcull /* 11:2 */

struct vmentry_view vmentry_guest_cr0_fixed(const struct vmentry_state *state)
{
    const struct vmx_capability *capability = state->context->capability;
    uint64_t seen = vmentry_get(state, VMCS_GUEST_CR0);
    uint64_t free = CR0_NOT_CHECKED | (vmentry_is_unrestricted(state) ? CR0_PE | CR0_PG : 0);
    uint64_t wanted = (seen | (capability->cr0_fixed0 & ~free)) & (capability->cr0_fixed1 | free);

    return (struct vmentry_view){VMCS_GUEST_CR0, seen, wanted};
}

struct vmentry_view vmentry_guest_cr0_pg_pe(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_GUEST_CR0) & CR0_PG ? vmentry_ones(state, VMCS_GUEST_CR0, CR0_PE)
                                                       : vmentry_kept();
}

struct vmentry_view vmentry_guest_cr4_fixed(const struct vmentry_state *state)
{
    const struct vmx_capability *capability = state->context->capability;
    uint64_t seen = vmentry_get(state, VMCS_GUEST_CR4);

    return (struct vmentry_view){VMCS_GUEST_CR4, seen,
                                 (seen | capability->cr4_fixed0) & capability->cr4_fixed1};
}

struct vmentry_view vmentry_guest_cet_wp(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_GUEST_CR4) & CR4_CET
               ? vmentry_ones(state, VMCS_GUEST_CR0, CR0_WP)
               : vmentry_kept();
}

struct vmentry_view vmentry_guest_debugctl(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, LOAD_DEBUG_CONTROLS))
               ? vmentry_zero(state, VMCS_GUEST_IA32_DEBUGCTL, state->context->debugctl_reserved)
               : vmentry_kept();
}

struct vmentry_view vmentry_guest_ia32e_paging(const struct vmentry_state *state)
{
    return vmentry_guest_ia32e(state) ? vmentry_ones(state, VMCS_GUEST_CR0, CR0_PG)
                                      : vmentry_kept();
}

struct vmentry_view vmentry_guest_ia32e_pae(const struct vmentry_state *state)
{
    return vmentry_guest_ia32e(state) ? vmentry_ones(state, VMCS_GUEST_CR4, CR4_PAE)
                                      : vmentry_kept();
}

struct vmentry_view vmentry_guest_cr4_ia32e_only(const struct vmentry_state *state)
{
    return vmentry_guest_ia32e(state) ? vmentry_kept()
                                      : vmentry_zero(state, VMCS_GUEST_CR4, CR4_PCIDE | CR4_FRED);
}

struct vmentry_view vmentry_guest_cr3(const struct vmentry_state *state)
{
    return vmentry_zero(state, VMCS_GUEST_CR3,
                        vmentry_cr3_reserved(state, vmentry_guest_width(state)));
}

struct vmentry_view vmentry_guest_perf(const struct vmentry_state *state)
{
    if (!vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, LOAD_PERF_GLOBAL_CTRL)))
        return vmentry_kept();
    return vmentry_zero(state, VMCS_GUEST_IA32_PERF_GLOBAL_CTRL,
                        state->context->perf_global_ctrl_reserved);
}

struct vmentry_view vmentry_guest_spec_ctrl(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, LOAD_SPEC_CTRL))
               ? vmentry_zero(state, VMCS_GUEST_IA32_SPEC_CTRL, state->context->spec_ctrl_reserved)
               : vmentry_kept();
}

static bool loads_efer(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, LOAD_EFER));
}

struct vmentry_view vmentry_guest_efer_reserved(const struct vmentry_state *state)
{
    return loads_efer(state)
               ? vmentry_zero(state, VMCS_GUEST_IA32_EFER, state->context->efer_reserved)
               : vmentry_kept();
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

struct vmentry_view vmentry_guest_bndcfgs(const struct vmentry_state *state)
{
    uint64_t seen;

    if (!vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, LOAD_BNDCFGS)))
        return vmentry_kept();
    seen = vmentry_get(state, VMCS_GUEST_IA32_BNDCFGS);
    return (struct vmentry_view){VMCS_GUEST_IA32_BNDCFGS, seen,
                                 vmentry_canonical(state, seen) & ~BNDCFGS_RESERVED};
}

struct vmentry_view vmentry_guest_rtit(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, LOAD_RTIT_CTL))
               ? vmentry_zero(state, VMCS_GUEST_IA32_RTIT_CTL, state->context->rtit_ctl_reserved)
               : vmentry_kept();
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

struct vmentry_view vmentry_guest_rip_high(const struct vmentry_state *state)
{
    return vmentry_guest_64(state) ? vmentry_kept()
                                   : vmentry_zero(state, VMCS_GUEST_RIP, HIGH_HALF);
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

struct vmentry_view vmentry_guest_rflags_one(const struct vmentry_state *state)
{
    return vmentry_ones(state, VMCS_GUEST_RFLAGS, 2);
}

struct vmentry_view vmentry_guest_rflags_vm(const struct vmentry_state *state)
{
    return vmentry_guest_ia32e(state) || !vmentry_guest_protected(state)
               ? vmentry_zero(state, VMCS_GUEST_RFLAGS, RFLAGS_VM)
               : vmentry_kept();
}

struct vmentry_view vmentry_guest_rflags_if(const struct vmentry_state *state)
{
    return vmentry_injects(state) && vmentry_injected_type(state) == EVENT_EXTERNAL_INTERRUPT
               ? vmentry_ones(state, VMCS_GUEST_RFLAGS, RFLAGS_IF)
               : vmentry_kept();
}

struct vmentry_view vmentry_guest_ssp_identical(const struct vmentry_state *state)
{
    return loads_cet(state) ? identical(state, VMCS_GUEST_SSP) : vmentry_kept();
}

struct vmentry_view vmentry_guest_ssp_high(const struct vmentry_state *state)
{
    return loads_cet(state) && !vmentry_guest_64(state)
               ? vmentry_zero(state, VMCS_GUEST_SSP, HIGH_HALF)
               : vmentry_kept();
}
