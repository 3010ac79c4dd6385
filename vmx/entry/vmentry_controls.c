/* The rules of vmx/entry/vmentry_controls.def that have a form of their own. */
#include "mm/memory_type.h"
#include "vmx/entry/vmentry_state.h"

/* SDM, "Virtual APIC State": VTPR is at the offset of the local APIC's TPR. */
enum { VTPR_OFFSET = 0x80 };

enum { PID_POINTER_BYTES = 8 };

uint64_t vmentry_cr3_targets(const struct vmentry_state *state, uint64_t seen)
{
    uint64_t most = state->context->capability->cr3_targets;

    return seen > most ? most : seen;
}

/* Where it counts: with virtual-interrupt delivery the threshold is not used. */
VMENTRY_TEST(vmentry_threshold_is_used,
             vmentry_is_set(state, VMENTRY_CONTROL(PRIMARY, TPR_SHADOW)) &&
                 !vmentry_is_set(state, VMENTRY_CONTROL(SECONDARY, VIRTUAL_INTERRUPT_DELIVERY)))

struct vmentry_view vmentry_tpr_threshold_vtpr(const struct vmentry_state *state)
{
    uint64_t page, threshold;
    uint8_t vtpr;

    if (!vmentry_threshold_is_used(state) ||
        vmentry_is_set(state, VMENTRY_CONTROL(SECONDARY, VIRTUALIZE_APIC_ACCESSES)))
        return vmentry_kept();
    page = vmentry_get(state, VMCS_VIRTUAL_APIC_ADDRESS);
    threshold = vmentry_get(state, VMCS_TPR_THRESHOLD) & 0xf;
    if (page & (vmentry_beyond(state) | 0xfff) ||
        !vmentry_read(state, page + VTPR_OFFSET, &vtpr, sizeof(vtpr)) || threshold <= vtpr >> 4)
        return vmentry_kept();
    return (struct vmentry_view){VMCS_TPR_THRESHOLD, threshold, vtpr >> 4};
}

uint64_t vmentry_eptp_memory_type(const struct vmentry_state *state, uint64_t seen)
{
    const struct vmx_capability *capability = state->context->capability;
    uint64_t type = seen & EPTP_MEMORY_TYPE;
    uint64_t good = capability->ept_write_back ? MEMORY_TYPE_WB : MEMORY_TYPE_UC;

    if ((type == MEMORY_TYPE_UC && capability->ept_uncacheable) ||
        (type == MEMORY_TYPE_WB && capability->ept_write_back))
        return seen;
    return (seen & ~EPTP_MEMORY_TYPE) | (good != type ? good : type ^ 1);
}

uint64_t vmentry_eptp_walk_length(const struct vmentry_state *state, uint64_t seen)
{
    const struct vmx_capability *capability = state->context->capability;
    uint64_t walk = seen & EPTP_WALK;

    if ((walk == EPTP_WALK_4 && capability->ept_page_walk_4) ||
        (walk == EPTP_WALK_5 && capability->ept_page_walk_5))
        return seen;
    return (seen & ~EPTP_WALK) | (walk != EPTP_WALK_4 ? EPTP_WALK_4 : EPTP_WALK_5);
}

VMENTRY_TEST(vmentry_eptp_without_dirty, !state->context->capability->ept_accessed_dirty)
VMENTRY_TEST(vmentry_eptp_without_shadow, !state->context->capability->ept_supervisor_shadow_stack)

struct vmentry_view vmentry_pid_table_end(const struct vmentry_state *state)
{
    uint64_t table, index;

    if (!vmentry_is_set(state, VMENTRY_CONTROL(TERTIARY, IPI_VIRTUALIZATION)))
        return vmentry_kept();
    table = vmentry_get(state, VMCS_PID_POINTER_TABLE_ADDRESS);
    index = vmentry_get(state, VMCS_LAST_PID_POINTER_INDEX);
    if (table & vmentry_beyond(state) ||
        !((table + PID_POINTER_BYTES * index) & vmentry_beyond(state)))
        return vmentry_kept();
    return (struct vmentry_view){VMCS_LAST_PID_POINTER_INDEX, index, 0};
}

VMENTRY_TEST(vmentry_is_tracing, state->context->tracing)
