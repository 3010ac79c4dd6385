/* The rules of vmx/entry/vmentry_host.def and vmx/entry/vmentry_guest.def that need a function. */
#include "vmx/entry/vmentry_state.h"

enum { LINEAR_WIDTH_4_LEVEL = 48 };

VMENTRY_TEST(vmentry_host_cet, vmentry_get(state, VMCS_HOST_CR4) & CR4_CET)
VMENTRY_WANTED(vmentry_cr3_of_host,
               seen & ~vmentry_cr3_reserved(state, state->context->physical_address_width))
VMENTRY_WANTED(vmentry_efer_of_host,
               vmentry_host_64(state) ? seen | EFER_LMA | EFER_LME : seen & ~(EFER_LMA | EFER_LME))

/* Of the host and of the guest: not both bits of the tracker. */
VMENTRY_WANTED(vmentry_one_tracker,
               (seen & S_CET_TRACKER) == S_CET_TRACKER ? seen & ~S_CET_TRACKER : seen)
VMENTRY_WANTED(vmentry_any_selector, seen != 0 ? seen : 8)
VMENTRY_WANTED(vmentry_space_as_now, state->context->ia32e_mode
                                         ? seen | EXIT_HOST_ADDRESS_SPACE_SIZE
                                         : seen & ~(uint64_t)EXIT_HOST_ADDRESS_SPACE_SIZE)

/* An address that the host uses as wide as it is. */
VMENTRY_WANTED(vmentry_address_of_host,
               vmentry_host_64(state) ? vmentry_canonical(state, seen) : seen & ~HIGH_HALF)

/*
 * The instruction pointer must be canonical in the paging mode in which it will be used: 57 bits
 * with CR4.LA57, 48 without, also on a processor that has it. The VM exit loads CR4 from the host's
 * field, so that one counts (KVM: "nVMX: fix canonical check of vmcs12 HOST_RIP"). Bases and MSRs
 * are checked against what the processor has, whatever CR4 says (KVM: "model canonical checks more
 * precisely", seen on processors).
 */
uint64_t vmentry_rip_of_host(const struct vmentry_state *state, uint64_t seen)
{
    unsigned width = state->context->linear_address_width;

    if (width > LINEAR_WIDTH_4_LEVEL && !(vmentry_get(state, VMCS_HOST_CR4) & CR4_LA57))
        width = LINEAR_WIDTH_4_LEVEL;
    return vmentry_extended(seen, width - 1);
}

VMENTRY_TEST(vmentry_guest_paging, vmentry_get(state, VMCS_GUEST_CR0) & CR0_PG)
VMENTRY_TEST(vmentry_guest_cet, vmentry_get(state, VMCS_GUEST_CR4) & CR4_CET)
VMENTRY_WANTED(vmentry_cr3_of_guest,
               seen & ~vmentry_cr3_reserved(state, vmentry_guest_width(state)))
VMENTRY_WANTED(vmentry_lma_as_mode, vmentry_guest_ia32e(state) ? seen | EFER_LMA : seen & ~EFER_LMA)
VMENTRY_WANTED(vmentry_lme_as_lma, (seen & EFER_LMA) != 0 ? seen | EFER_LME : seen & ~EFER_LME)

/* Less than canonical: bit N-1 may differ from the bits N and up, with N the linear-address width.
 */
uint64_t vmentry_identical(const struct vmentry_state *state, uint64_t seen)
{
    unsigned width = state->context->linear_address_width;

    return width < 64 ? vmentry_extended(seen, width) : seen;
}

VMENTRY_TEST(vmentry_may_be_v8086, !vmentry_guest_ia32e(state) && vmentry_guest_protected(state))

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

VMENTRY_TEST(vmentry_is_fred_kernel,
             guest_uses_fred(state) && !(vmentry_segment_rights(state, SEGMENT_SS) & RIGHTS_DPL))

/* ERETU, which enters ring 3 with FRED, leaves neither IOPL nor blocking by STI. */
VMENTRY_TEST(vmentry_is_fred_user,
             guest_uses_fred(state) &&
                 (vmentry_segment_rights(state, SEGMENT_SS) & RIGHTS_DPL) == RIGHTS_DPL)
