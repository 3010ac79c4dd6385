#include "vm/events/guest_events.h"

static bool is_unrestricted(const struct vcpu *vcpu)
{
    return (vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_UNRESTRICTED_GUEST) != 0;
}

/* EDX then reports the processor's family, model and stepping; the other registers are 0. */
static void clear_registers(struct vcpu *vcpu)
{
    for (unsigned i = 0; i < VCPU_REGISTERS; i++)
        vcpu->reg[i] = 0;
    vcpu->reg[VCPU_RDX] = cpuid(1, 0).eax;
    for (unsigned i = 0; i < 4; i++)
        write_dr(i, 0);
    write_dr(6, DR6_INITIAL);
    write_cr2(0);
}

/* The MSRs stay, but for EFER. */
struct vmx_result vcpu_state_init(struct vcpu *vcpu)
{
    struct vmcs_image image = {0};

    vmcs_image_set(&image, VMCS_GUEST_ACTIVITY_STATE, ACTIVITY_WAIT_FOR_SIPI);
    if (is_unrestricted(vcpu)) {
        clear_registers(vcpu);
        vcpu_control_set(vcpu, VMX_CONTROL_ENTRY, ENTRY_IA32E_MODE_GUEST, false);
        vcpu_set_control_registers(vcpu, CR0_ET, 0, &image);
        vmcs_image_set(&image, VMCS_GUEST_CR3, 0);
        vmcs_image_reset(&image);
        if ((vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_LOAD_EFER) != 0)
            vmcs_image_set(&image, VMCS_GUEST_IA32_EFER, 0);
    }
    return vmcs_image_write(&image);
}

struct vmx_result vcpu_state_startup(struct vcpu *vcpu, uint8_t vector)
{
    const struct vmcs_segment code = {(uint16_t)(vector << 8), (uint64_t)vector << 12, 0xffff,
                                      RIGHTS_CODE_16};
    struct vmcs_image image = {0};

    vmcs_image_set(&image, VMCS_GUEST_ACTIVITY_STATE, 0);
    vmcs_image_set(&image, VMCS_GUEST_INTERRUPTIBILITY_STATE, 0);
    if (is_unrestricted(vcpu)) {
        vmcs_image_segment(&image, SEGMENT_CS, code);
        vmcs_image_set(&image, VMCS_GUEST_RIP, 0);
    }
    return vmcs_image_write(&image);
}
