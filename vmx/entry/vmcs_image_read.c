#include "lib/string.h"
#include "vmx/entry/vmentry_rule.h"
#include "vmx/vmx_result.h"

void vmcs_image_read(struct vmcs_image *image, const struct vmx_capability *capability)
{
    memset(image, 0, sizeof(*image));
    for (uint32_t i = 0; i < VMCS_FIELD_COUNT; i++) {
        enum vmcs_field field = vmcs_field_table[i].field;
        uint64_t value;

        if (vmcs_field_exists(field, capability) && vmx_ok(vmread(field, &value)))
            vmcs_image_set(image, field, value);
    }
}
