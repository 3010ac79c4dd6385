#include "vm/event.h"
#include "vm/exit.h"
#include "lib/host/apic.h"
#include "vmx/exit_reason.h"
#include "vmx/quirks.h"
#include "vmx/vmcs_access.h"

#include "lib/x86.h"

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

/* For an exception that VM entry shall deliver. */
static void event_resume_flag(uint8_t vector)
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

/* The guest gets what it would have got without a hypervisor. */
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
    if ((event & EVENT_INFORMATION_NMI_UNBLOCKING) != 0)
        event_nmi_blocked_again(vcpu);
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

/*
 * An event of the host's is served. It is none of the guest's exits; but without a preemption timer
 * it may be the alarm, which is set again where it comes too early.
 */
static enum exit_done served(struct vcpu *vcpu)
{
    uint64_t now;

    vcpu->exits_left++;
    if (vcpu->deadline == 0)
        return EXIT_HOST;
    now = rdtsc();
    if (now >= vcpu->deadline)
        return vcpu_end(vcpu, GUEST_END_TIME, 0, vmcs_read_natural(VMCS_GUEST_RIP));
    alarm_set(vcpu->deadline - now);
    return EXIT_HOST;
}

/*
 * NMIs and machine checks are the host's, whichever guest runs; an event on its way to the guest
 * stays.
 */
enum exit_done exit_exception(struct vcpu *vcpu)
{
    uint32_t event = vmcs_read32(VMCS_VM_EXIT_INTERRUPTION_INFORMATION);
    bool machine_check = event_vector(event) == X86_VECTOR_MC;

    if (event_type_of(event) != EVENT_NMI && !machine_check)
        return reflect(vcpu, event);
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

enum exit_done exit_interrupt_window(struct vcpu *vcpu)
{
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_INTERRUPT_WINDOW_EXITING, false);
    return EXIT_WINDOW;
}

enum exit_done exit_nmi_window(struct vcpu *vcpu)
{
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_NMI_WINDOW_EXITING, false);
    return EXIT_WINDOW;
}

/* A step of a guest that is stepped singly. */
enum exit_done exit_step(struct vcpu *vcpu)
{
    (void)vcpu;
    return EXIT_STEPPED;
}

/* A timer that the guest asked for begins again, while its time lasts. */
enum exit_done exit_preemption_timer(struct vcpu *vcpu)
{
    uint32_t ticks = vcpu->time.period;

    if (__builtin_expect(!time_budget_renew(&vcpu->time), 0)) {
        ticks = time_budget_load(&vcpu->time);
        if (ticks == 0)
            return vcpu_end(vcpu, GUEST_END_TIME, 0, vmcs_read_natural(VMCS_GUEST_RIP));
    }
    vmcs_write32(VMCS_VMX_PREEMPTION_TIMER_VALUE, ticks);
    return EXIT_STEPPED;
}

enum exit_done exit_triple_fault(struct vcpu *vcpu)
{
    return vcpu_end(vcpu, GUEST_END_TRIPLE_FAULT, 0, vmcs_read_natural(VMCS_GUEST_RIP));
}

enum exit_done exit_wait(struct vcpu *vcpu)
{
    return vcpu_end(vcpu, GUEST_END_WAIT, vmcs_read32(VMCS_EXIT_REASON) & 0xffff,
                    vmcs_read_natural(VMCS_EXIT_QUALIFICATION));
}
