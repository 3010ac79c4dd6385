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

static bool exit_loads(const struct vmcs_image *image, enum vmcs_field field)
{
    uint64_t controls = vmcs_image_get(image, VMCS_PRIMARY_VM_EXIT_CONTROLS);

    return (field != VMCS_HOST_IA32_PAT || (controls & EXIT_LOAD_PAT) != 0) &&
           (field != VMCS_HOST_IA32_EFER || (controls & EXIT_LOAD_EFER) != 0);
}

uint32_t vmcs_host_difference(const struct vmcs_image *image, uint64_t *here)
{
    struct vmcs_image host = {0};

    vmcs_image_set_host(&host);
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        *here = host.value[row];
        if (host.present[row] && image->present[row] && *here != image->value[row] &&
            exit_loads(image, vmcs_field_table[row].field))
            return row;
    }
    return VMCS_FIELD_COUNT;
}
