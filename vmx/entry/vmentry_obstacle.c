#include "vmx/entry/vmentry_rule.h"
#include "vmx/entry/vmentry_state.h"

/*
 * Is there a VM exit from a guest that does nothing to cause one? SDM Vol. 3, "Activity State":
 * external interrupts are blocked in the states of shutdown and wait-for-SIPI; "VMX-Preemption
 * Timer": it causes no VM exit in the latter.
 */
static bool exits_by_itself(const struct vmcs_image *image)
{
    uint64_t controls = vmcs_image_get(image, VMCS_PIN_BASED_VM_EXECUTION_CONTROLS);

    switch (vmcs_image_get(image, VMCS_GUEST_ACTIVITY_STATE)) {
    case ACTIVITY_WAIT_FOR_SIPI:
        return false;
    case ACTIVITY_SHUTDOWN:
        return (controls & PIN_PREEMPTION_TIMER) != 0;
    default:
        return (controls & (PIN_PREEMPTION_TIMER | PIN_EXTERNAL_INTERRUPT_EXITING)) != 0;
    }
}

/* SDM Vol. 3, "Loading Host Control Registers, Debug Registers, MSRs". */
static bool is_loaded_back(const struct vmcs_image *image)
{
    uint64_t entry = vmcs_image_get(image, VMCS_VM_ENTRY_CONTROLS);
    uint64_t exit = vmcs_image_get(image, VMCS_PRIMARY_VM_EXIT_CONTROLS);

    return ((entry & ENTRY_LOAD_EFER) == 0 || (exit & EXIT_LOAD_EFER) != 0) &&
           ((entry & ENTRY_LOAD_PAT) == 0 || (exit & EXIT_LOAD_PAT) != 0);
}

/* A list that cannot be read may load anything. */
static bool list_has_vital(const struct vmcs_image *image,
                           bool (*read)(uint64_t address, void *to, size_t bytes),
                           bool (*is_vital)(uint32_t msr, uint64_t value))
{
    uint64_t count = vmcs_image_get(image, VMCS_VM_ENTRY_MSR_LOAD_COUNT);
    uint64_t address = vmcs_image_get(image, VMCS_VM_ENTRY_MSR_LOAD_ADDRESS);
    struct vmentry_msr_entry entry;

    for (; count > 0; count--, address += sizeof(entry)) {
        if (!read(address, &entry, sizeof(entry)) || is_vital(entry.index, entry.value))
            return true;
    }
    return false;
}

const char *vmentry_obstacle(const struct vmcs_image *image,
                             bool (*read)(uint64_t address, void *to, size_t bytes),
                             bool (*is_vital)(uint32_t msr, uint64_t value))
{
    uint64_t secondary =
        vmcs_image_get(image, VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS);

    if (!exits_by_itself(image))
        return "nothing would bring the guest back";
    if (!is_loaded_back(image))
        return "VM entry would load IA32_EFER or IA32_PAT, and the VM exit not";
    if (list_has_vital(image, read, is_vital))
        return "VM entry would load an MSR that Rootmode runs on";
    if ((vmcs_image_get(image, VMCS_VM_EXIT_MSR_LOAD_COUNT) |
         vmcs_image_get(image, VMCS_VM_EXIT_MSR_STORE_COUNT)) != 0)
        return "the VM exit would load or store MSRs";
    if ((secondary & SECONDARY_ENABLE_EPT) == 0 &&
        vmcs_image_get(image, VMCS_GUEST_CR3) != vmcs_image_get(image, VMCS_HOST_CR3))
        return "without EPT the guest would have all memory";
    return NULL;
}
