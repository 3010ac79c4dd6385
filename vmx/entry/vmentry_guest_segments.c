/* The rules of vmx/entry/vmentry_guest_segments.def that have a form of their own. */
#include "lib/x86.h"
#include "vmx/entry/vmentry_state.h"

#define LIMIT_LOW     0xfffu
#define LIMIT_HIGH    0xfff00000u
#define RESERVED_BITS 0xfffe0f00ull /* 31:17 and 11:8 */

enum {
    TYPE_DATA_WRITABLE = 3, /* and accessed, expand-up */
    TYPE_DATA_DOWN = 7,     /* and accessed, writable, expand-down */
    TYPE_CODE = 9,          /* accessed, execute-only: the least of those that CS may be */
    TYPE_CODE_READABLE = 11,
    TYPE_CONFORMING = 4, /* of a code segment */
    TYPE_LDT = 2,
    TYPE_TSS_16_BUSY = 3,
    TYPE_TSS_BUSY = 11,
    LIMIT_V8086 = 0xffff,
    RIGHTS_V8086 = 0xf3,
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

/* In virtual-8086 mode the whole of the access rights is prescribed. */
static bool rights_matter(const struct vmentry_state *state, unsigned segment)
{
    return !vmentry_guest_v8086(state) && is_looked_at(state, segment);
}

/* A view of access rights with some of their bits as they should be. */
static struct vmentry_view rights(const struct vmentry_state *state, unsigned segment,
                                  uint64_t bits, uint64_t wanted)
{
    uint64_t seen = vmentry_segment_rights(state, segment);

    return (struct vmentry_view){vmentry_rights(segment), seen, (seen & ~bits) | wanted};
}

struct vmentry_view vmentry_segment_ti(const struct vmentry_state *state, unsigned segment)
{
    return is_looked_at(state, segment)
               ? vmentry_zero(state, vmentry_selector(segment), SELECTOR_TI)
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
    return (struct vmentry_view){vmentry_base(segment), vmentry_get(state, vmentry_base(segment)),
                                 vmentry_get(state, vmentry_selector(segment)) << 4};
}

struct vmentry_view vmentry_segment_canonical(const struct vmentry_state *state, unsigned segment)
{
    uint64_t base;

    if (segment == SEGMENT_LDTR && !is_looked_at(state, segment))
        return vmentry_kept();
    base = vmentry_get(state, vmentry_base(segment));
    return (struct vmentry_view){vmentry_base(segment), base, vmentry_canonical(state, base)};
}

struct vmentry_view vmentry_segment_base_high(const struct vmentry_state *state, unsigned segment)
{
    return is_looked_at(state, segment) ? vmentry_zero(state, vmentry_base(segment), HIGH_HALF)
                                        : vmentry_kept();
}

struct vmentry_view vmentry_v8086_limit(const struct vmentry_state *state, unsigned segment)
{
    if (!vmentry_guest_v8086(state))
        return vmentry_kept();
    return (struct vmentry_view){vmentry_limit(segment), vmentry_get(state, vmentry_limit(segment)),
                                 LIMIT_V8086};
}

struct vmentry_view vmentry_v8086_rights(const struct vmentry_state *state, unsigned segment)
{
    return vmentry_guest_v8086(state) ? rights(state, segment, ~0ull, RIGHTS_V8086)
                                      : vmentry_kept();
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

    if (!rights_matter(state, SEGMENT_SS) || type == TYPE_DATA_WRITABLE || type == TYPE_DATA_DOWN)
        return vmentry_kept();
    return rights(state, SEGMENT_SS, RIGHTS_TYPE, TYPE_DATA_WRITABLE);
}

struct vmentry_view vmentry_data_accessed(const struct vmentry_state *state, unsigned segment)
{
    return rights_matter(state, segment) ? rights(state, segment, 0, RIGHTS_ACCESSED)
                                         : vmentry_kept();
}

struct vmentry_view vmentry_data_readable(const struct vmentry_state *state, unsigned segment)
{
    return rights_matter(state, segment) && type_of(state, segment) & RIGHTS_CODE
               ? rights(state, segment, 0, RIGHTS_READABLE)
               : vmentry_kept();
}

struct vmentry_view vmentry_segment_s(const struct vmentry_state *state, unsigned segment)
{
    return rights_matter(state, segment) ? rights(state, segment, 0, RIGHTS_S) : vmentry_kept();
}

struct vmentry_view vmentry_cs_dpl_data(const struct vmentry_state *state)
{
    return !vmentry_guest_v8086(state) && cs_is_data(state)
               ? rights(state, SEGMENT_CS, RIGHTS_DPL, 0)
               : vmentry_kept();
}

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

struct vmentry_view vmentry_ss_dpl_zero(const struct vmentry_state *state)
{
    return !vmentry_guest_v8086(state) && (cs_is_data(state) || !vmentry_guest_protected(state))
               ? rights(state, SEGMENT_SS, RIGHTS_DPL, 0)
               : vmentry_kept();
}

struct vmentry_view vmentry_data_dpl(const struct vmentry_state *state, unsigned segment)
{
    uint64_t rpl = vmentry_get(state, vmentry_selector(segment)) & SELECTOR_RPL;

    if (!rights_matter(state, segment) || vmentry_is_unrestricted(state) ||
        type_of(state, segment) > TYPE_CODE_READABLE || dpl_of(state, segment) >= rpl)
        return vmentry_kept();
    return rights(state, segment, RIGHTS_DPL, rpl << 5);
}

struct vmentry_view vmentry_segment_present(const struct vmentry_state *state, unsigned segment)
{
    return rights_matter(state, segment) ? rights(state, segment, 0, RIGHTS_P) : vmentry_kept();
}

struct vmentry_view vmentry_segment_reserved(const struct vmentry_state *state, unsigned segment)
{
    return rights_matter(state, segment) ? rights(state, segment, RESERVED_BITS, 0)
                                         : vmentry_kept();
}

struct vmentry_view vmentry_cs_db(const struct vmentry_state *state)
{
    return vmentry_guest_64(state) && !vmentry_guest_v8086(state)
               ? rights(state, SEGMENT_CS, RIGHTS_DB, 0)
               : vmentry_kept();
}

/* A limit in units of 4 KiB has its low 12 bits at 1; one in bytes has no more than 20 bits. */
static struct vmentry_view granularity_low(const struct vmentry_state *state, unsigned segment)
{
    uint64_t limit = vmentry_get(state, vmentry_limit(segment));

    return (limit & LIMIT_LOW) != LIMIT_LOW ? rights(state, segment, RIGHTS_G, 0) : vmentry_kept();
}

static struct vmentry_view granularity_high(const struct vmentry_state *state, unsigned segment)
{
    uint64_t limit = vmentry_get(state, vmentry_limit(segment));

    return limit & LIMIT_HIGH ? rights(state, segment, 0, RIGHTS_G) : vmentry_kept();
}

struct vmentry_view vmentry_segment_g_low(const struct vmentry_state *state, unsigned segment)
{
    return rights_matter(state, segment) ? granularity_low(state, segment) : vmentry_kept();
}

struct vmentry_view vmentry_segment_g_high(const struct vmentry_state *state, unsigned segment)
{
    return rights_matter(state, segment) ? granularity_high(state, segment) : vmentry_kept();
}

struct vmentry_view vmentry_tr_type(const struct vmentry_state *state)
{
    unsigned type = type_of(state, SEGMENT_TR);

    if (type == TYPE_TSS_BUSY || (type == TYPE_TSS_16_BUSY && !vmentry_guest_ia32e(state)))
        return vmentry_kept();
    return rights(state, SEGMENT_TR, RIGHTS_TYPE, TYPE_TSS_BUSY);
}

struct vmentry_view vmentry_ldtr_type(const struct vmentry_state *state)
{
    return is_looked_at(state, SEGMENT_LDTR) ? rights(state, SEGMENT_LDTR, RIGHTS_TYPE, TYPE_LDT)
                                             : vmentry_kept();
}

struct vmentry_view vmentry_system_s(const struct vmentry_state *state, unsigned segment)
{
    return is_looked_at(state, segment) ? rights(state, segment, RIGHTS_S, 0) : vmentry_kept();
}

struct vmentry_view vmentry_system_present(const struct vmentry_state *state, unsigned segment)
{
    return is_looked_at(state, segment) ? rights(state, segment, 0, RIGHTS_P) : vmentry_kept();
}

struct vmentry_view vmentry_system_reserved(const struct vmentry_state *state, unsigned segment)
{
    return is_looked_at(state, segment) ? rights(state, segment, RESERVED_BITS, 0) : vmentry_kept();
}

struct vmentry_view vmentry_system_g_low(const struct vmentry_state *state, unsigned segment)
{
    return is_looked_at(state, segment) ? granularity_low(state, segment) : vmentry_kept();
}

struct vmentry_view vmentry_system_g_high(const struct vmentry_state *state, unsigned segment)
{
    return is_looked_at(state, segment) ? granularity_high(state, segment) : vmentry_kept();
}
