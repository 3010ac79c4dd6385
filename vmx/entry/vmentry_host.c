/* The rules of vmx/entry/vmentry_host.def that have a form of their own. */
#include "lib/x86.h"
#include "vmx/entry/vmentry_state.h"

enum { LINEAR_WIDTH_4_LEVEL = 48 };

/* A view of a register that VMX operation holds some bits of: FIXED0 at 1, those not in FIXED1 at
 * 0. */
static struct vmentry_view fixed(const struct vmentry_state *state, enum vmcs_field field,
                                 uint64_t fixed0, uint64_t fixed1)
{
    uint64_t seen = vmentry_get(state, field);

    return (struct vmentry_view){field, seen, (seen | fixed0) & fixed1};
}

struct vmentry_view vmentry_host_cr0_fixed(const struct vmentry_state *state)
{
    const struct vmx_capability *capability = state->context->capability;

    return fixed(state, VMCS_HOST_CR0, capability->cr0_fixed0 & ~CR0_NOT_CHECKED,
                 capability->cr0_fixed1 | CR0_NOT_CHECKED);
}

struct vmentry_view vmentry_host_cr4_fixed(const struct vmentry_state *state)
{
    return fixed(state, VMCS_HOST_CR4, state->context->capability->cr4_fixed0,
                 state->context->capability->cr4_fixed1);
}

bool vmentry_host_cet(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_HOST_CR4) & CR4_CET;
}

struct vmentry_view vmentry_host_cr3(const struct vmentry_state *state)
{
    return vmentry_zero(state, VMCS_HOST_CR3,
                        vmentry_cr3_reserved(state, state->context->physical_address_width));
}

struct vmentry_view vmentry_host_efer_long_mode(const struct vmentry_state *state)
{
    if (!vmentry_is_set(state, VMENTRY_CONTROL(EXIT, LOAD_EFER)))
        return vmentry_kept();
    return vmentry_host_64(state) ? vmentry_ones(state, VMCS_HOST_IA32_EFER, EFER_LMA | EFER_LME)
                                  : vmentry_zero(state, VMCS_HOST_IA32_EFER, EFER_LMA | EFER_LME);
}

static bool loads_cet(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(EXIT, LOAD_CET_STATE));
}

struct vmentry_view vmentry_host_s_cet_tracker(const struct vmentry_state *state)
{
    if (!loads_cet(state) ||
        (vmentry_get(state, VMCS_HOST_IA32_S_CET) & S_CET_TRACKER) != S_CET_TRACKER)
        return vmentry_kept();
    return vmentry_zero(state, VMCS_HOST_IA32_S_CET, S_CET_TRACKER);
}

struct vmentry_view vmentry_host_ss(const struct vmentry_state *state)
{
    if (vmentry_host_64(state) || vmentry_get(state, VMCS_HOST_SS_SELECTOR) != 0)
        return vmentry_kept();
    return (struct vmentry_view){VMCS_HOST_SS_SELECTOR, 0, 8};
}

struct vmentry_view vmentry_host_address_space(const struct vmentry_state *state)
{
    return state->context->ia32e_mode
               ? vmentry_ones(state, VMCS_PRIMARY_VM_EXIT_CONTROLS, EXIT_HOST_ADDRESS_SPACE_SIZE)
               : vmentry_zero(state, VMCS_PRIMARY_VM_EXIT_CONTROLS, EXIT_HOST_ADDRESS_SPACE_SIZE);
}

/* A view of an address that the host uses as wide as it is. */
static struct vmentry_view host_address(const struct vmentry_state *state, enum vmcs_field field)
{
    uint64_t seen = vmentry_get(state, field);

    return vmentry_host_64(state)
               ? (struct vmentry_view){field, seen, vmentry_canonical(state, seen)}
               : vmentry_zero(state, field, HIGH_HALF);
}

/*
 * The instruction pointer must be canonical in the paging mode in which it will be used: 57 bits
 * with CR4.LA57, 48 without, also on a processor that has it. The VM exit loads CR4 from the host's
 * field, so that one counts (KVM: "nVMX: fix canonical check of vmcs12 HOST_RIP"). Bases and MSRs
 * are checked against what the processor has, whatever CR4 says (KVM: "model canonical checks more
 * precisely", seen on processors).
 */
struct vmentry_view vmentry_host_64_rip(const struct vmentry_state *state)
{
    unsigned width = state->context->linear_address_width;
    uint64_t seen;

    if (!vmentry_host_64(state))
        return vmentry_kept();
    if (width > LINEAR_WIDTH_4_LEVEL && !(vmentry_get(state, VMCS_HOST_CR4) & CR4_LA57))
        width = LINEAR_WIDTH_4_LEVEL;
    seen = vmentry_get(state, VMCS_HOST_RIP);
    return (struct vmentry_view){VMCS_HOST_RIP, seen, vmentry_extended(seen, width - 1)};
}

struct vmentry_view vmentry_host_s_cet_size(const struct vmentry_state *state)
{
    return loads_cet(state) ? host_address(state, VMCS_HOST_IA32_S_CET) : vmentry_kept();
}

struct vmentry_view vmentry_host_ssp_size(const struct vmentry_state *state)
{
    return loads_cet(state) ? host_address(state, VMCS_HOST_SSP) : vmentry_kept();
}
