#include "vmx/vmcs_image.h"
#include "lib/x86.h"

/* SDM Vol. 3, "VM-Instruction Error Numbers": VMREAD or VMWRITE of an unsupported component. */
enum { ERROR_UNSUPPORTED_FIELD = 12 };

void vmcs_image_set_host(struct vmcs_image *image)
{
    const struct x86_segments s = x86_segments();
    const struct {
        enum vmcs_field field;
        uint64_t value;
    } host[] = {
        {VMCS_HOST_CR0, read_cr0()},
        {VMCS_HOST_CR3, read_cr3()},
        {VMCS_HOST_CR4, read_cr4()},
        {VMCS_HOST_ES_SELECTOR, s.es},
        {VMCS_HOST_CS_SELECTOR, s.cs},
        {VMCS_HOST_SS_SELECTOR, s.ss},
        {VMCS_HOST_DS_SELECTOR, s.ds},
        {VMCS_HOST_FS_SELECTOR, s.fs},
        {VMCS_HOST_GS_SELECTOR, s.gs},
        {VMCS_HOST_TR_SELECTOR, s.tr},
        {VMCS_HOST_FS_BASE, rdmsr(IA32_FS_BASE)},
        {VMCS_HOST_GS_BASE, rdmsr(IA32_GS_BASE)},
        {VMCS_HOST_TR_BASE, s.tr_base},
        {VMCS_HOST_GDTR_BASE, s.gdt.base},
        {VMCS_HOST_IDTR_BASE, s.idt.base},
        {VMCS_HOST_IA32_PAT, rdmsr(IA32_PAT)},
        {VMCS_HOST_IA32_EFER, rdmsr(IA32_EFER)},
    };

    for (unsigned i = 0; i < sizeof host / sizeof *host; i++)
        vmcs_image_set(image, host[i].field, host[i].value);
}

struct vmx_result vmcs_image_write(const struct vmcs_image *image)
{
    struct vmx_result result = {VMX_SUCCEED, 0, 0};

    for (uint32_t i = 0; i < VMCS_FIELD_COUNT && vmx_ok(result); i++) {
        if (!image->present[i] ||
            vmcs_encoding_type(vmcs_field_table[i].field) == VMCS_TYPE_READ_ONLY)
            continue;
        result = vmwrite(vmcs_field_table[i].field, image->value[i]);
        result.field = (uint16_t)vmcs_field_table[i].field;
        if (image->value[i] == 0 && result.outcome == VMX_FAIL_VALID &&
            result.number == ERROR_UNSUPPORTED_FIELD)
            result = (struct vmx_result){VMX_SUCCEED, 0, 0};
    }
    return result;
}
