/* The rules of vmx/entry/vmentry_guest_segments.def that have a form of their own. */
#include "vmx/entry/vmentry_state.h"

#define LIMIT_LOW  0xfffu
#define LIMIT_HIGH 0xfff00000u

enum {
    TYPE_DATA_WRITABLE = 3, /* and accessed, expand-up */
    TYPE_DATA_DOWN = 7,     /* and accessed, writable, expand-down */
    TYPE_CODE = 9,          /* accessed, execute-only: the least of those that CS may be */
    TYPE_CODE_READABLE = 11,
    TYPE_CONFORMING = 4, /* of a code segment */
    TYPE_TSS_16_BUSY = 3,
    TYPE_TSS_BUSY = 11,
    LIMIT_V8086 = 0xffff,
};

static unsigned type_of(const struct vmentry_state *state, unsigned segment)
{
    return vmentry_segment_rights(state, segment) & RIGHTS_TYPE;
}

static unsigned dpl_of(const struct vmentry_state *state, unsigned segment)
{
    return (vmentry_segment_rights(state, segment) & RIGHTS_DPL) >> 5;
}

/* CS and TR are looked at whether they are usable or not. */
static bool is_looked_at(const struct vmentry_state *state, unsigned segment)
{
    return segment == SEGMENT_CS || segment == SEGMENT_TR ||
           !(vmentry_segment_rights(state, segment) & RIGHTS_UNUSABLE);
}

/* In virtual-8086 mode the whole of a code or data segment's access rights is prescribed. */
VMENTRY_TEST_SEGMENT(vmentry_rights_matter,
                     (segment >= SEGMENT_LDTR || !vmentry_guest_v8086(state)) &&
                         is_looked_at(state, segment))
VMENTRY_TEST_SEGMENT(vmentry_is_v8086, vmentry_guest_v8086(state))

/* A view of access rights with some of their bits as they should be. */
static struct vmentry_view rights(const struct vmentry_state *state, unsigned segment,
                                  uint64_t bits, uint64_t wanted)
{
    uint64_t seen = vmentry_segment_rights(state, segment);

    return (struct vmentry_view){vmcs_of_segment(VMCS_GUEST_ES_ACCESS_RIGHTS, segment), seen,
                                 (seen & ~bits) | wanted};
}

struct vmentry_view vmentry_segment_ti(const struct vmentry_state *state, unsigned segment)
{
    return is_looked_at(state, segment)
               ? vmentry_zero(state, vmcs_of_segment(VMCS_GUEST_ES_SELECTOR, segment), SELECTOR_TI)
               : vmentry_kept();
}

struct vmentry_view vmentry_ss_cs_rpl(const struct vmentry_state *state)
{
    uint64_t ss, rpl;

    if (vmentry_guest_v8086(state) || vmentry_is_unrestricted(state))
        return vmentry_kept();
    ss = vmentry_get(state, VMCS_GUEST_SS_SELECTOR);
    rpl = vmentry_get(state, VMCS_GUEST_CS_SELECTOR) & SELECTOR_RPL;
    return (struct vmentry_view){VMCS_GUEST_SS_SELECTOR, ss, (ss & ~(uint64_t)SELECTOR_RPL) | rpl};
}

struct vmentry_view vmentry_v8086_base(const struct vmentry_state *state, unsigned segment)
{
    if (!vmentry_guest_v8086(state))
        return vmentry_kept();
    return (struct vmentry_view){
        vmcs_of_segment(VMCS_GUEST_ES_BASE, segment),
        vmentry_get(state, vmcs_of_segment(VMCS_GUEST_ES_BASE, segment)),
        vmentry_get(state, vmcs_of_segment(VMCS_GUEST_ES_SELECTOR, segment)) << 4};
}

struct vmentry_view vmentry_segment_canonical(const struct vmentry_state *state, unsigned segment)
{
    uint64_t base;

    if (segment == SEGMENT_LDTR && !is_looked_at(state, segment))
        return vmentry_kept();
    base = vmentry_get(state, vmcs_of_segment(VMCS_GUEST_ES_BASE, segment));
    return (struct vmentry_view){vmcs_of_segment(VMCS_GUEST_ES_BASE, segment), base,
                                 vmentry_canonical(state, base)};
}

struct vmentry_view vmentry_segment_base_high(const struct vmentry_state *state, unsigned segment)
{
    return is_looked_at(state, segment)
               ? vmentry_zero(state, vmcs_of_segment(VMCS_GUEST_ES_BASE, segment), HIGH_HALF)
               : vmentry_kept();
}

struct vmentry_view vmentry_v8086_limit(const struct vmentry_state *state, unsigned segment)
{
    if (!vmentry_guest_v8086(state))
        return vmentry_kept();
    return (struct vmentry_view){vmcs_of_segment(VMCS_GUEST_ES_LIMIT, segment),
                                 vmentry_get(state, vmcs_of_segment(VMCS_GUEST_ES_LIMIT, segment)),
                                 LIMIT_V8086};
}

static bool cs_is_data(const struct vmentry_state *state)
{
    return type_of(state, SEGMENT_CS) == TYPE_DATA_WRITABLE;
}

struct vmentry_view vmentry_cs_type(const struct vmentry_state *state)
{
    bool code = (type_of(state, SEGMENT_CS) & TYPE_CODE) == TYPE_CODE;

    if (vmentry_guest_v8086(state) || code || (vmentry_is_unrestricted(state) && cs_is_data(state)))
        return vmentry_kept();
    return rights(state, SEGMENT_CS, RIGHTS_TYPE, TYPE_CODE_READABLE);
}

struct vmentry_view vmentry_ss_type(const struct vmentry_state *state)
{
    unsigned type = type_of(state, SEGMENT_SS);

    if (!vmentry_rights_matter(state, SEGMENT_SS) || type == TYPE_DATA_WRITABLE ||
        type == TYPE_DATA_DOWN)
        return vmentry_kept();
    return rights(state, SEGMENT_SS, RIGHTS_TYPE, TYPE_DATA_WRITABLE);
}

VMENTRY_TEST_SEGMENT(vmentry_is_code,
                     vmentry_rights_matter(state, segment) && type_of(state, segment) & RIGHTS_CODE)
VMENTRY_TEST_SEGMENT(vmentry_is_data_cs, !vmentry_guest_v8086(state) && cs_is_data(state))

static bool cs_is_code(const struct vmentry_state *state, bool conforming)
{
    unsigned type = type_of(state, SEGMENT_CS);

    return !vmentry_guest_v8086(state) && (type & TYPE_CODE) == TYPE_CODE &&
           ((type & TYPE_CONFORMING) != 0) == conforming;
}

struct vmentry_view vmentry_cs_dpl_ss(const struct vmentry_state *state)
{
    if (!cs_is_code(state, false))
        return vmentry_kept();
    return rights(state, SEGMENT_CS, RIGHTS_DPL, dpl_of(state, SEGMENT_SS) << 5);
}

struct vmentry_view vmentry_cs_dpl_conforming(const struct vmentry_state *state)
{
    if (!cs_is_code(state, true) || dpl_of(state, SEGMENT_CS) <= dpl_of(state, SEGMENT_SS))
        return vmentry_kept();
    return rights(state, SEGMENT_CS, RIGHTS_DPL, dpl_of(state, SEGMENT_SS) << 5);
}

/* The DPL of SS is the CPL after the VM entry, so it counts even in an SS that is not usable. */
struct vmentry_view vmentry_ss_dpl_rpl(const struct vmentry_state *state)
{
    if (vmentry_guest_v8086(state) || vmentry_is_unrestricted(state))
        return vmentry_kept();
    return rights(state, SEGMENT_SS, RIGHTS_DPL,
                  (vmentry_get(state, VMCS_GUEST_SS_SELECTOR) & SELECTOR_RPL) << 5);
}

VMENTRY_TEST_SEGMENT(vmentry_is_ss_of_0, !vmentry_guest_v8086(state) &&
                                             (cs_is_data(state) || !vmentry_guest_protected(state)))

struct vmentry_view vmentry_data_dpl(const struct vmentry_state *state, unsigned segment)
{
    uint64_t rpl =
        vmentry_get(state, vmcs_of_segment(VMCS_GUEST_ES_SELECTOR, segment)) & SELECTOR_RPL;

    if (!vmentry_rights_matter(state, segment) || vmentry_is_unrestricted(state) ||
        type_of(state, segment) > TYPE_CODE_READABLE || dpl_of(state, segment) >= rpl)
        return vmentry_kept();
    return rights(state, segment, RIGHTS_DPL, rpl << 5);
}

VMENTRY_TEST_SEGMENT(vmentry_is_64_bit_cs, vmentry_guest_64(state) && !vmentry_guest_v8086(state))

/* A limit in units of 4 KiB has its low 12 bits at 1; one in bytes has no more than 20 bits. */
VMENTRY_TEST_SEGMENT(vmentry_limit_is_of_bytes,
                     vmentry_rights_matter(state, segment) &&
                         (vmentry_get(state, vmcs_of_segment(VMCS_GUEST_ES_LIMIT, segment)) &
                          LIMIT_LOW) != LIMIT_LOW)
VMENTRY_TEST_SEGMENT(vmentry_limit_is_of_pages,
                     vmentry_rights_matter(state, segment) &&
                         vmentry_get(state, vmcs_of_segment(VMCS_GUEST_ES_LIMIT, segment)) &
                             LIMIT_HIGH)

struct vmentry_view vmentry_tr_type(const struct vmentry_state *state)
{
    unsigned type = type_of(state, SEGMENT_TR);

    if (type == TYPE_TSS_BUSY || (type == TYPE_TSS_16_BUSY && !vmentry_guest_ia32e(state)))
        return vmentry_kept();
    return rights(state, SEGMENT_TR, RIGHTS_TYPE, TYPE_TSS_BUSY);
}
