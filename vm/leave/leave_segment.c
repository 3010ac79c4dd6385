#include "vm/leave/leave.h"

/* SDM Vol. 3, "Segment Descriptors"; the VMCS has the limit in bytes, and rights as in bits 55:40.
 */
enum { SELECTOR_INDEX_SHIFT = 3, GRANULE_SHIFT = 12 };
enum {
    DESCRIPTOR_RIGHTS_SHIFT = 40,
    DESCRIPTOR_LIMIT_HIGH_SHIFT = 48,
    DESCRIPTOR_BASE_HIGH_SHIFT = 56
};

static bool is_null(struct vmcs_segment segment)
{
    return (segment.selector & ~SELECTOR_RPL) == 0;
}

static uint64_t descriptor(struct vmcs_segment segment)
{
    uint64_t limit = segment.limit, rights = segment.rights & 0xf0ffu;

    if ((segment.rights & RIGHTS_G) != 0)
        limit >>= GRANULE_SHIFT;
    if ((rights & (RIGHTS_S | RIGHTS_TYPE)) == (RIGHTS_TYPE_TSS | RIGHTS_TSS_IS_BUSY))
        rights &= ~(uint64_t)RIGHTS_TSS_IS_BUSY; /* LTR takes none that is busy */
    return (limit & 0xffff) | (segment.base & 0xffffff) << 16 | rights << DESCRIPTOR_RIGHTS_SHIFT |
           (limit >> 16 & 0xf) << DESCRIPTOR_LIMIT_HIGH_SHIFT |
           (segment.base >> 24 & 0xff) << DESCRIPTOR_BASE_HIGH_SHIFT;
}

static bool is_loaded(struct vmcs_segment segment)
{
    return (segment.rights & RIGHTS_UNUSABLE) == 0 && !is_null(segment);
}

static bool is_system(struct vmcs_segment segment)
{
    return (segment.rights & RIGHTS_S) == 0;
}

bool leave_has_segment(struct vmcs_segment segment)
{
    unsigned index = segment.selector >> SELECTOR_INDEX_SHIFT;

    return !is_loaded(segment) || ((segment.selector & SELECTOR_TI) == 0 &&
                                   index + is_system(segment) < LEAVE_DESCRIPTORS);
}

void leave_segment(uint64_t table[LEAVE_DESCRIPTORS], struct vmcs_segment segment)
{
    unsigned index = segment.selector >> SELECTOR_INDEX_SHIFT;

    if (!is_loaded(segment))
        return;
    table[index] = descriptor(segment);
    if (is_system(segment))
        table[index + 1] = segment.base >> 32;
}

uint16_t leave_selector(struct vmcs_segment segment)
{
    return is_loaded(segment) ? segment.selector : segment.selector & SELECTOR_RPL;
}
