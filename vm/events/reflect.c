#include "lib/x86_rooms.h"
#include "vm/events/guest_events.h"
#include "vmx/quirks.h"
#include "vmx/text/exit_text.h"

void event_nmi_blocked_again(const struct vcpu *vcpu)
{
    if (!nmi_unblocking_is_defined(vcpu->controls[VMX_CONTROL_PIN],
                                   vmcs_read32(VMCS_VM_EXIT_INTERRUPTION_INFORMATION),
                                   vmcs_read32(VMCS_IDT_VECTORING_INFORMATION)))
        return;
    vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY_STATE,
                 vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY_STATE) | BLOCKING_BY_NMI);
}

/*
 * Delivery also ends blocking by STI and by MOV SS; with RFLAGS.TF, VM entry would want a pending
 * single step beside the blocking, which the exit has taken away.
 */
void event_enter_debug(uint64_t qualification)
{
    write_dr(6, event_dr6(read_dr(6), qualification));
    vmcs_write_natural(VMCS_GUEST_DR7, vmcs_read_natural(VMCS_GUEST_DR7) & ~DR7_GENERAL_DETECT);
    vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY_STATE,
                 vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY_STATE) &
                     ~(uint32_t)(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
}

/*
 * The guest gets what it would have got without a hypervisor. An IRET that faults has ended
 * blocking by NMI before the handler begins (SDM Vol. 3, "Handling Multiple NMIs"), and so has the
 * exit.
 */
static enum exit_done reflect(struct vcpu *vcpu, uint32_t event)
{
    uint64_t qualification = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);
    uint32_t vectoring = vmcs_read32(VMCS_IDT_VECTORING_INFORMATION);

    switch (event_combine(vectoring, event)) {
    case EVENT_BECOMES_DOUBLE_FAULT: /* RF was saved as for the fault that is lost in it */
        vmcs_write_natural(VMCS_GUEST_RFLAGS, vmcs_read_natural(VMCS_GUEST_RFLAGS) & ~RFLAGS_RF);
        vcpu_inject_error(vcpu, X86_VECTOR_DF, 0);
        return EXIT_INJECTED;
    case EVENT_BECOMES_TRIPLE_FAULT:
        return vcpu_end(vcpu, GUEST_END_TRIPLE_FAULT, 0, vmcs_read_natural(VMCS_GUEST_RIP));
    case EVENT_STAYS:
        break;
    }
    if (event_vector(event) == X86_VECTOR_PF)
        write_cr2(qualification);
    if (event_vector(event) == X86_VECTOR_DB)
        event_enter_debug(qualification);
    if (quirk(QUIRK_RESUME_FLAG_SAVED_0))
        event_resume_flag((uint8_t)event_vector(event));
    vmcs_write32(VMCS_VM_ENTRY_EXCEPTION_ERROR_CODE,
                 vmcs_read32(VMCS_VM_EXIT_INTERRUPTION_ERROR_CODE));
    vmcs_write32(VMCS_VM_ENTRY_INSTRUCTION_LENGTH, vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_LENGTH));
    vmcs_write32(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, event & EVENT_TO_INJECT);
    return EXIT_INJECTED;
}

enum exit_done exit_exception_reflect(struct vcpu *vcpu)
{
    uint32_t event = vmcs_read32(VMCS_VM_EXIT_INTERRUPTION_INFORMATION);

    if (event_type_of(event) == EVENT_NMI || event_vector(event) == X86_VECTOR_MC)
        return exit_exception(vcpu);
    return reflect(vcpu, event);
}
