#include "vmx/selftest/selftest_guest.h"

#include "vmx/vmcs_image.h"

/* Host-state fields that the guest has as well, and where. */
static const struct {
    enum vmcs_field guest, host;
} shared[] = {
    {VMCS_GUEST_CR0, VMCS_HOST_CR0},
    {VMCS_GUEST_CR3, VMCS_HOST_CR3},
    {VMCS_GUEST_CR4, VMCS_HOST_CR4},
    {VMCS_GUEST_ES_SELECTOR, VMCS_HOST_ES_SELECTOR},
    {VMCS_GUEST_CS_SELECTOR, VMCS_HOST_CS_SELECTOR},
    {VMCS_GUEST_SS_SELECTOR, VMCS_HOST_SS_SELECTOR},
    {VMCS_GUEST_DS_SELECTOR, VMCS_HOST_DS_SELECTOR},
    {VMCS_GUEST_FS_SELECTOR, VMCS_HOST_FS_SELECTOR},
    {VMCS_GUEST_GS_SELECTOR, VMCS_HOST_GS_SELECTOR},
    {VMCS_GUEST_TR_SELECTOR, VMCS_HOST_TR_SELECTOR},
    {VMCS_GUEST_FS_BASE, VMCS_HOST_FS_BASE},
    {VMCS_GUEST_GS_BASE, VMCS_HOST_GS_BASE},
    {VMCS_GUEST_TR_BASE, VMCS_HOST_TR_BASE},
    {VMCS_GUEST_GDTR_BASE, VMCS_HOST_GDTR_BASE},
    {VMCS_GUEST_IDTR_BASE, VMCS_HOST_IDTR_BASE},
};

/*
 * The allowed 0-settings are the bits that must be 1: nothing is asked for that this guest does
 * not need, so the secondary controls, and EPT with them, stay off. CPUID exits always.
 */
struct vmx_result selftest_guest_write(const struct vmx_msrs *msrs)
{
    struct vmx_capability capability;
    struct vmcs_image image = {0};

    vmx_capability_derive(msrs, &capability);
    const uint32_t controls[VMX_CONTROL_WORD_COUNT] = {
        [VMX_CONTROL_PIN] = (uint32_t)capability.pin_allowed0,
        [VMX_CONTROL_PRIMARY] = (uint32_t)capability.primary_allowed0,
        [VMX_CONTROL_EXIT] = (uint32_t)capability.exit_allowed0 | EXIT_HOST_ADDRESS_SPACE_SIZE,
        [VMX_CONTROL_ENTRY] = (uint32_t)capability.entry_allowed0 | ENTRY_IA32E_MODE_GUEST,
    };

    vmcs_image_set_host(&image);
    vmcs_image_init(&image, &capability, controls);
    vmcs_image_segments(&image, (struct vmcs_segment){0, 0, UINT32_MAX, RIGHTS_CODE_64},
                        (struct vmcs_segment){0, 0, UINT32_MAX, RIGHTS_DATA_32},
                        (struct vmcs_segment){0, 0, TSS_LIMIT, RIGHTS_TSS_BUSY});
    vmcs_image_put(&image, VMCS_GUEST_RIP, (uint64_t)(uintptr_t)selftest_guest_code);
    for (unsigned i = 0; i < sizeof shared / sizeof *shared; i++)
        vmcs_image_put(&image, shared[i].guest, vmcs_image_get(&image, shared[i].host));
    return vmcs_image_write(&image);
}
