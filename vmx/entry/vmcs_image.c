#include "vmx/entry/vmcs_image.h"

void vmcs_image_set(struct vmcs_image *image, enum vmcs_field field, uint64_t value)
{
    uint32_t index = vmcs_field_index(field);

    if (index == VMCS_FIELD_COUNT)
        return;
    if (vmcs_field_table[index].width == VMCS_WIDTH_16)
        value = (uint16_t)value;
    else if (vmcs_field_table[index].width == VMCS_WIDTH_32)
        value = (uint32_t)value;
    image->value[index] = value;
    image->present[index] = true;
}
