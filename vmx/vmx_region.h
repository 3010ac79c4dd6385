/*
 * The VMXON region and the VMCS: memory that the processor uses as its own.
 *
 * SDM Vol. 3, "VMCS Region", "VMXON Region", "Software Access to the VMCS and Related Structures".
 */
#ifndef VMX_VMX_REGION_H
#define VMX_VMX_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "vmx/finding.h"
#include "vmx/capability/vmcs_config.h"
#include "vmx/vmx_environment.h"

/* A VMXON region or a VMCS: 2^order pages of write-back memory, zeroed, revision id written. */
struct vmx_region {
    uint64_t address; /* physical; 0: none */
    int order;
    uint8_t memory_type; /* enum memory_type: the effective type of the whole range */
};

/*
 * Takes pages for a region of this configuration and writes the revision id into it. `name` is
 * what findings call it. False, with a finding and nothing taken, when there is no memory or when
 * the memory is not fit: not page aligned, beyond the physical-address width, or not proven
 * write-back.
 */
bool vmx_region_create(struct vmx_region *region, const struct vmcs_config *config,
                       const struct vmx_environment *environment, const char *name, uint32_t cpu,
                       struct findings *findings);

/* Zeroes a region that the processor does not use and writes `revision_id` into it. */
void vmx_region_write(const struct vmx_region *region, uint32_t revision_id);

/* Gives the pages back; a region that has none stays as it is. */
void vmx_region_free(struct vmx_region *region);

#endif
