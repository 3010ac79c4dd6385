#include "vm/exit.h"
#include "lib/host/apic.h"

void event_requeue(void)
{
    uint32_t vectoring = vmcs_read32(VMCS_IDT_VECTORING_INFORMATION);

    if ((vectoring & EVENT_INFORMATION_VALID) == 0)
        return;
    vmcs_write32(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, vectoring & EVENT_TO_INJECT);
    vmcs_write32(VMCS_VM_ENTRY_EXCEPTION_ERROR_CODE, vmcs_read32(VMCS_IDT_VECTORING_ERROR_CODE));
    vmcs_write32(VMCS_VM_ENTRY_INSTRUCTION_LENGTH, vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_LENGTH));
    if (event_type_of(vectoring) == EVENT_NMI) /* it will block again when it is delivered */
        vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY_STATE,
                     vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY_STATE) & ~BLOCKING_BY_NMI);
}

bool event_sets_resume_flag(uint8_t vector)
{
    const uint32_t others = 1u << X86_VECTOR_DB | 1u << X86_VECTOR_NMI | 1u << X86_VECTOR_BP |
                            1u << X86_VECTOR_OF | 1u << X86_VECTOR_DF | 1u << X86_VECTOR_MC;

    return vector < 32 && (others >> vector & 1) == 0;
}

void event_resume_flag(uint8_t vector)
{
    if (event_sets_resume_flag(vector))
        vmcs_write_natural(VMCS_GUEST_RFLAGS, vmcs_read_natural(VMCS_GUEST_RFLAGS) | RFLAGS_RF);
}

void vcpu_inject(struct vcpu *vcpu, enum event_type type, uint8_t vector)
{
    (void)vcpu;
    if (type == EVENT_HARDWARE_EXCEPTION)
        event_resume_flag(vector);
    vmcs_write32(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION,
                 EVENT_INFORMATION_VALID | (uint32_t)type << EVENT_TYPE_SHIFT | vector);
}

void vcpu_inject_error(struct vcpu *vcpu, uint8_t vector, uint32_t error_code)
{
    bool protected_mode = (vmcs_read_natural(VMCS_GUEST_CR0) & CR0_PE) != 0;

    if (!protected_mode) { /* in real mode no exception has an error code */
        vcpu_inject(vcpu, EVENT_HARDWARE_EXCEPTION, vector);
        return;
    }
    event_resume_flag(vector);
    vmcs_write32(VMCS_VM_ENTRY_EXCEPTION_ERROR_CODE, error_code);
    vmcs_write32(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION,
                 EVENT_INFORMATION_VALID | EVENT_INFORMATION_ERROR_CODE |
                     EVENT_HARDWARE_EXCEPTION << EVENT_TYPE_SHIFT | vector);
}

/* An event of the host's is served: it is none of the guest's exits. */
static enum exit_done served(struct vcpu *vcpu)
{
    vcpu->exits_left++;
    return EXIT_HOST;
}

/*
 * NMIs and machine checks are the host's, whichever guest runs; an event on its way to the guest
 * stays. Whoever wants other exceptions to exit serves them before this.
 */
enum exit_done exit_exception(struct vcpu *vcpu)
{
    uint32_t event = vmcs_read32(VMCS_VM_EXIT_INTERRUPTION_INFORMATION);
    bool machine_check = event_vector(event) == X86_VECTOR_MC;

    if (event_type_of(event) != EVENT_NMI && !machine_check)
        return exit_unhandled(vcpu);
    event_requeue();
    if (machine_check)
        int_machine_check();
    else
        int_nmi();
    return served(vcpu);
}

/* Acknowledged by the exit: "acknowledge interrupt on exit" is on wherever it is offered. */
enum exit_done exit_external_interrupt(struct vcpu *vcpu)
{
    uint32_t event = vmcs_read32(VMCS_VM_EXIT_INTERRUPTION_INFORMATION);

    if ((event & EVENT_INFORMATION_VALID) != 0)
        apic_eoi((uint8_t)event_vector(event));
    else
        take_interrupt();
    return served(vcpu);
}

enum exit_done exit_triple_fault(struct vcpu *vcpu)
{
    return vcpu_end(vcpu, GUEST_END_TRIPLE_FAULT, 0, vmcs_read_natural(VMCS_GUEST_RIP));
}

/* It was loaded with all the time that the guest has. */
enum exit_done exit_preemption_timer(struct vcpu *vcpu)
{
    return vcpu_end(vcpu, GUEST_END_TIME, 0, vmcs_read_natural(VMCS_GUEST_RIP));
}
