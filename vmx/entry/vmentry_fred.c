/* The rules about FRED: its MSRs, the host's and the guest's, and a guest that uses it. */
#include "vmx/entry/vmentry_state.h"

#define CONFIG_RESERVED (1ull << 2 | 3ull << 4 | 1ull << 11)
#define RSP_RESERVED    0x3full
#define SSP_RESERVED    0x7ull

enum { STACKS = 3 };

static struct vmentry_view config(const struct vmentry_state *state, enum vmcs_field field)
{
    uint64_t seen = vmentry_get(state, field);

    return (struct vmentry_view){field, seen, vmentry_canonical(state, seen) & ~CONFIG_RESERVED};
}

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

static bool host_loads(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(SECONDARY_EXIT, LOAD_FRED));
}

static bool guest_loads(const struct vmentry_state *state)
{
    return vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, LOAD_FRED));
}

struct vmentry_view vmentry_host_fred_config(const struct vmentry_state *state)
{
    return host_loads(state) ? config(state, VMCS_HOST_IA32_FRED_CONFIG) : vmentry_kept();
}

struct vmentry_view vmentry_host_fred_stacks(const struct vmentry_state *state)
{
    return host_loads(state) ? stacks(state, VMCS_HOST_IA32_FRED_RSP1, VMCS_HOST_IA32_FRED_SSP1)
                             : vmentry_kept();
}

struct vmentry_view vmentry_guest_fred_config(const struct vmentry_state *state)
{
    return guest_loads(state) ? config(state, VMCS_GUEST_IA32_FRED_CONFIG) : vmentry_kept();
}

struct vmentry_view vmentry_guest_fred_stacks(const struct vmentry_state *state)
{
    return guest_loads(state) ? stacks(state, VMCS_GUEST_IA32_FRED_RSP1, VMCS_GUEST_IA32_FRED_SSP1)
                              : vmentry_kept();
}

static bool guest_uses_fred(const struct vmentry_state *state)
{
    return vmentry_get(state, VMCS_GUEST_CR4) & CR4_FRED;
}

/* FRED knows two privilege levels: a DPL of 1 or 2 would have to be 0. */
struct vmentry_view vmentry_ss_dpl_fred(const struct vmentry_state *state)
{
    uint32_t dpl = vmentry_segment_rights(state, SEGMENT_SS) & RIGHTS_DPL;

    if (!guest_uses_fred(state) || dpl == 0 || dpl == RIGHTS_DPL)
        return vmentry_kept();
    return vmentry_zero(state, VMCS_GUEST_SS_ACCESS_RIGHTS, RIGHTS_DPL);
}

struct vmentry_view vmentry_cs_l_fred(const struct vmentry_state *state)
{
    if (!guest_uses_fred(state) || vmentry_segment_rights(state, SEGMENT_SS) & RIGHTS_DPL)
        return vmentry_kept();
    return vmentry_ones(state, VMCS_GUEST_CS_ACCESS_RIGHTS, RIGHTS_L);
}

/* ERETU, which enters ring 3 with FRED, leaves neither of the two after. */
static bool is_fred_user(const struct vmentry_state *state)
{
    return guest_uses_fred(state) &&
           (vmentry_segment_rights(state, SEGMENT_SS) & RIGHTS_DPL) == RIGHTS_DPL;
}

struct vmentry_view vmentry_fred_user_iopl(const struct vmentry_state *state)
{
    return is_fred_user(state) ? vmentry_zero(state, VMCS_GUEST_RFLAGS, RFLAGS_IOPL)
                               : vmentry_kept();
}

struct vmentry_view vmentry_fred_user_sti(const struct vmentry_state *state)
{
    return is_fred_user(state)
               ? vmentry_zero(state, VMCS_GUEST_INTERRUPTIBILITY_STATE, BLOCKING_BY_STI)
               : vmentry_kept();
}
