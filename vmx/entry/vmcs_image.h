/*
 * A snapshot of a VMCS: the values of all fields that this processor has, as plain data that can be
 * checked, changed, told and compared without touching the processor.
 */
#ifndef VMX_VMCS_IMAGE_H
#define VMX_VMCS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmx/vmcs_field.h"

struct vmcs_image {
    uint64_t value[VMCS_FIELD_COUNT]; /* by row of vmcs_field_table */
    bool present[VMCS_FIELD_COUNT];
};

/* The field's value in the image; NULL where it has none. */
static inline const uint64_t *vmcs_image_find(const struct vmcs_image *image, enum vmcs_field field)
{
    uint32_t index = vmcs_field_index(field);

    return index < VMCS_FIELD_COUNT && image->present[index] ? &image->value[index] : NULL;
}

/* Has the image a value for this field? */
static inline bool vmcs_image_has(const struct vmcs_image *image, enum vmcs_field field)
{
    return vmcs_image_find(image, field) != NULL;
}

/* The field's value, 0 where the image has none. */
static inline uint64_t vmcs_image_get(const struct vmcs_image *image, enum vmcs_field field)
{
    const uint64_t *value = vmcs_image_find(image, field);

    return value != NULL ? *value : 0;
}

/*
 * Gives the field a value, cut to the field's width, and makes it present. An encoding that the
 * table does not have changes nothing.
 */
void vmcs_image_set(struct vmcs_image *image, enum vmcs_field field, uint64_t value);

/*
 * Fills the whole image from the current VMCS by VMREAD. Only the fields that `capability` (this
 * CPU's own) promises are read; one whose VMREAD fails all the same is absent.
 */
void vmcs_image_read(struct vmcs_image *image, const struct vmx_capability *capability);

/*
 * Writes what is present in the image, the read-only fields excepted, to the current VMCS. Gives
 * false, and goes on, where a VMWRITE did not succeed, but for a value of 0: nobody misses it in a
 * field that is not there (KVM has no CR3-target values, vmx/selftest/selftest_departures.def).
 */
bool vmcs_image_write(const struct vmcs_image *image);

#endif
