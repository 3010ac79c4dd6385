#include "vmx/vmcs_image.h"
#include "lib/x86_registers.h"
#include "mm/memory_type.h"

void vmcs_image_set(struct vmcs_image *image, enum vmcs_field field, uint64_t value)
{
    uint32_t index = vmcs_field_index(field);

    if (index == VMCS_FIELD_COUNT)
        return;
    if (vmcs_encoding_width(vmcs_field_table[index].field) == VMCS_WIDTH_16)
        value = (uint16_t)value;
    else if (vmcs_encoding_width(vmcs_field_table[index].field) == VMCS_WIDTH_32)
        value = (uint32_t)value;
    image->value[index] = value;
    image->present[index] = true;
}

void vmcs_image_put(struct vmcs_image *image, enum vmcs_field field, uint64_t value)
{
    if (vmcs_image_has(image, field))
        vmcs_image_set(image, field, value);
}

void vmcs_image_segment(struct vmcs_image *image, unsigned segment, struct vmcs_segment value)
{
    vmcs_image_set(image, vmcs_of_segment(VMCS_GUEST_ES_SELECTOR, segment), value.selector);
    vmcs_image_set(image, vmcs_of_segment(VMCS_GUEST_ES_BASE, segment), value.base);
    vmcs_image_set(image, vmcs_of_segment(VMCS_GUEST_ES_LIMIT, segment), value.limit);
    vmcs_image_set(image, vmcs_of_segment(VMCS_GUEST_ES_ACCESS_RIGHTS, segment), value.rights);
}

void vmcs_image_segments(struct vmcs_image *image, struct vmcs_segment code,
                         struct vmcs_segment data, struct vmcs_segment tr)
{
    for (unsigned segment = SEGMENT_ES; segment <= SEGMENT_GS; segment++)
        vmcs_image_segment(image, segment, segment == SEGMENT_CS ? code : data);
    vmcs_image_segment(image, SEGMENT_LDTR, (struct vmcs_segment){0, 0, 0, RIGHTS_UNUSABLE});
    vmcs_image_segment(image, SEGMENT_TR, tr);
}

void vmcs_image_reset(struct vmcs_image *image)
{
    vmcs_image_segments(image, (struct vmcs_segment){0xf000, 0xffff0000, 0xffff, RIGHTS_CODE_16},
                        (struct vmcs_segment){0, 0, 0xffff, RIGHTS_DATA_16},
                        (struct vmcs_segment){0, 0, 0xffff, RIGHTS_TSS_BUSY});
    vmcs_image_segment(image, SEGMENT_LDTR, (struct vmcs_segment){0, 0, 0xffff, RIGHTS_LDT});
    vmcs_image_set(image, VMCS_GUEST_DR7, DR7_INITIAL);
    vmcs_image_set(image, VMCS_GUEST_RFLAGS, RFLAGS_RESERVED);
    vmcs_image_set(image, VMCS_GUEST_RIP, 0xfff0);
    vmcs_image_set(image, VMCS_GUEST_RSP, 0);
    vmcs_image_set(image, VMCS_GUEST_GDTR_BASE, 0);
    vmcs_image_set(image, VMCS_GUEST_GDTR_LIMIT, 0xffff);
    vmcs_image_set(image, VMCS_GUEST_IDTR_BASE, 0);
    vmcs_image_set(image, VMCS_GUEST_IDTR_LIMIT, 0xffff);
    vmcs_image_set(image, VMCS_GUEST_INTERRUPTIBILITY_STATE, 0);
    vmcs_image_set(image, VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0);
}

const enum vmcs_field vmx_control_field[VMX_CONTROL_WORD_COUNT] = {
    [VMX_CONTROL_PIN] = VMCS_PIN_BASED_VM_EXECUTION_CONTROLS,
    [VMX_CONTROL_PRIMARY] = VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
    [VMX_CONTROL_SECONDARY] = VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
    [VMX_CONTROL_EXIT] = VMCS_PRIMARY_VM_EXIT_CONTROLS,
    [VMX_CONTROL_ENTRY] = VMCS_VM_ENTRY_CONTROLS,
};

void vmcs_image_init(struct vmcs_image *image, const struct vmx_capability *capability,
                     const uint32_t controls[VMX_CONTROL_WORD_COUNT])
{
    for (uint32_t i = 0; i < VMCS_FIELD_COUNT; i++) {
        const struct vmcs_field_row *row = &vmcs_field_table[i];

        image->present[i] = vmcs_encoding_type(row->field) != VMCS_TYPE_READ_ONLY &&
                            vmcs_field_exists(row->field, capability);
        if (vmcs_encoding_type(row->field) != VMCS_TYPE_HOST)
            image->value[i] = 0;
    }
    for (unsigned i = 0; i < VMX_CONTROL_WORD_COUNT; i++)
        vmcs_image_put(image, vmx_control_field[i], controls[i]);
    vmcs_image_reset(image);
    vmcs_image_put(image, VMCS_GUEST_IA32_PAT, PAT_RESET);
    vmcs_image_put(image, VMCS_LINK_POINTER, UINT64_MAX);
}
