#include "vm/vcpu.h"

#include "vm/guest_state.h"
#include "vmx/vmcs_access.h"

#include "lib/x86.h"

uint64_t vcpu_register_get(const struct vcpu *vcpu, unsigned number)
{
    return number == VCPU_RSP ? vmcs_read_natural(VMCS_GUEST_RSP) : vcpu->reg[number];
}

void vcpu_register_set(struct vcpu *vcpu, unsigned number, uint64_t value)
{
    if (number == VCPU_RSP)
        vmcs_write_natural(VMCS_GUEST_RSP, value);
    else
        vcpu->reg[number] = value;
}

void vcpu_control_set(struct vcpu *vcpu, enum vmx_control_word word, uint32_t mask, bool on)
{
    uint32_t value;

    /* VM exits keep "IA-32e mode guest" as the guest has it: SDM Vol. 3, IA32_VMX_MISC, bit 5. */
    if (word == VMX_CONTROL_ENTRY)
        vcpu->controls[word] = vmcs_read32(VMCS_VM_ENTRY_CONTROLS);
    value = on ? vcpu->controls[word] | mask : vcpu->controls[word] & ~mask;
    vcpu->controls[word] = value;
    switch (word) {
    case VMX_CONTROL_PIN:
        vmcs_write32(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, value);
        break;
    case VMX_CONTROL_PRIMARY:
        vmcs_write32(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, value);
        break;
    case VMX_CONTROL_SECONDARY:
        vmcs_write32(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, value);
        break;
    case VMX_CONTROL_EXIT:
        vmcs_write32(VMCS_PRIMARY_VM_EXIT_CONTROLS, value);
        break;
    case VMX_CONTROL_ENTRY:
        vmcs_write32(VMCS_VM_ENTRY_CONTROLS, value);
        break;
    case VMX_CONTROL_WORD_COUNT:
        break;
    }
}

enum exit_done vcpu_end(struct vcpu *vcpu, enum guest_end end, uint32_t number, uint64_t value)
{
    vcpu->end = end;
    vcpu->end_number = number;
    vcpu->end_value = value;
    return EXIT_ENDED;
}
