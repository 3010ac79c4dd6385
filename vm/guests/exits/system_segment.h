/*
 * Descriptors of LDTs and TSSs, as the GDT has them. Pure.
 *
 * SDM Vol. 3, "System Descriptor Types", "TSS Descriptor", "TSS Descriptor in 64-bit mode".
 */
#ifndef VM_SYSTEM_SEGMENT_H
#define VM_SYSTEM_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

struct system_segment {
    uint64_t base;
    uint32_t limit;   /* in bytes */
    uint32_t rights;  /* access rights as the VMCS has them */
    bool long_type_0; /* what must be 0 in the upper half is */
};

/* `high`: of a descriptor of 16 bytes the upper half; 0 for one of 8. */
struct system_segment system_segment_of(uint64_t low, uint64_t high);

/* `types`: bit n stands for the system type n. */
bool system_segment_is(const struct system_segment *segment, uint16_t types);

#endif
