#include "vm/guests/exits/system_segment.h"

#include "vmx/vmcs_image.h"

#define HIGH_TYPE (0x1full << 40) /* bits 12:8 of the last doubleword */

struct system_segment system_segment_of(uint64_t low, uint64_t high)
{
    bool pages = (low >> 55 & 1) != 0; /* G */
    uint32_t limit = (uint32_t)((low & 0xffff) | (low >> 32 & 0xf0000));

    return (struct system_segment){
        .base = (low >> 16 & 0xffffff) | (low >> 56) << 24 | high << 32,
        .limit = pages ? limit << 12 | 0xfff : limit,
        .rights = (uint32_t)(low >> 40 & 0xf0ff),
        .long_type_0 = (high & HIGH_TYPE) == 0,
    };
}

bool system_segment_is(const struct system_segment *segment, uint16_t types)
{
    return (segment->rights & RIGHTS_S) == 0 && segment->long_type_0 &&
           (types >> (segment->rights & RIGHTS_TYPE) & 1) != 0;
}
