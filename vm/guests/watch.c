
#include "vm/guests/guest_run.h"
#include "vm/host/alarm.h"
#include "vmx/text/exit_text.h"
#include "vmx/quirks.h"

/* What is undefined is not written down: bit 12 where it says nothing, and all of an event that is
 * not valid (SDM Vol. 3, "Information for VM Exits Due to Vectored Events"). */
static void drop_undefined(const struct vcpu *vcpu, struct exit_record *exit)
{
    if (!nmi_unblocking_is_defined(vcpu->controls[VMX_CONTROL_PIN], exit->interruption,
                                   exit->vectoring)) {
        exit->interruption &= ~EVENT_INFORMATION_NMI_UNBLOCKING;
        if (nmi_unblocking_is_in_qualification(exit->basic))
            exit->qualification &= ~(uint64_t)EVENT_INFORMATION_NMI_UNBLOCKING;
    }
    exit->vectoring &= ~EVENT_INFORMATION_NMI_UNBLOCKING;
    if ((exit->interruption & EVENT_INFORMATION_VALID) == 0)
        exit->interruption = 0;
    if ((exit->vectoring & EVENT_INFORMATION_VALID) == 0)
        exit->vectoring = 0;
}

static void read_record(const struct vcpu *vcpu, uint32_t reason, struct exit_record *exit)
{
    bool ept = (vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT) != 0;
    uint64_t guest_physical = ept ? vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS) : 0;

    *exit = (struct exit_record){
        .reason = reason,
        .qualification = vmcs_read_natural(VMCS_EXIT_QUALIFICATION),
        .rip = vmcs_read_natural(VMCS_GUEST_RIP),
        .guest_linear = vmcs_read_natural(VMCS_GUEST_LINEAR_ADDRESS),
        .guest_physical = guest_physical,
        .owner = (reason & EXIT_REASON_BASIC) == EXIT_REASON_EPT_VIOLATION
                     ? guest_memory_owner(vcpu, guest_physical)
                     : NULL,
        .instruction_length = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_LENGTH),
        .instruction_information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION),
        .interruption = vmcs_read32(VMCS_VM_EXIT_INTERRUPTION_INFORMATION),
        .interruption_error = vmcs_read32(VMCS_VM_EXIT_INTERRUPTION_ERROR_CODE),
        .vectoring = vmcs_read32(VMCS_IDT_VECTORING_INFORMATION),
        .vectoring_error = vmcs_read32(VMCS_IDT_VECTORING_ERROR_CODE),
        .rax = vcpu->reg[VCPU_RAX],
        .rcx = vcpu->reg[VCPU_RCX],
        .rdx = vcpu->reg[VCPU_RDX],
    };
    drop_undefined(vcpu, exit);
}

/* What is written down, and reported as it comes: not the host's own events. */
static void write_down(const struct vcpu *vcpu, const struct exit_record *exit)
{
    struct guest_vm *machine = guest_vm_of(vcpu);

    if (exit->done != EXIT_HOST && machine->record_count++ < VCPU_EXITS_RECORDED)
        machine->record[machine->record_count - 1] = *exit;
    if (machine->options->trace != NULL)
        machine->options->trace(vcpu, exit);
}

/* SMIs can be blocked in system-management mode only; outside of it no VM entry would succeed. */
static void forget_smi_blocking(struct vcpu *vcpu)
{
    uint32_t blocking = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY_STATE);

    if ((blocking & BLOCKING_BY_SMI) == 0)
        return;
    vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY_STATE, blocking & ~BLOCKING_BY_SMI);
    vcpu->says_smi_blocked = true;
}

/*
 * What the long way takes, with a serial line or all rules of VM entry, is not the guest's time.
 * But for the host's own events it is: they are not counted, and time that they gave back would
 * never end.
 */
static void resume_time(struct vcpu *vcpu, uint64_t since, enum exit_done done)
{
    uint64_t *deadline = &guest_vm_of(vcpu)->deadline, now = rdtsc();

    if (done != EXIT_HOST)
        *deadline += now - since;
    alarm_set(now < *deadline ? *deadline - now : 1);
}

/* The long way: the guest's own handler is asked first, then everything is written down. A VM entry
 * that failed is not the guest's to serve. */
static enum exit_done exit_watched(struct vcpu *vcpu)
{
    struct guest_vm *machine = guest_vm_of(vcpu);
    uint32_t reason = vmcs_read32(VMCS_EXIT_REASON);
    uint64_t since = rdtsc(), before[VCPU_REGISTERS];
    struct exit_record exit;

    if (machine->deadline != 0)
        alarm_set(0);
    read_record(vcpu, reason, &exit);
    if (quirk(QUIRK_SMI_BLOCKED_AFTER_SIPI))
        forget_smi_blocking(vcpu);
    exit.done = EXIT_DEFAULT;
    if (machine->guest->on_exit != NULL && (reason & EXIT_REASON_ENTRY_FAILURE) == 0)
        exit.done = machine->guest->on_exit(vcpu, &exit);
    if (exit.done == EXIT_DEFAULT) {
        for (unsigned i = 0; i < VCPU_REGISTERS; i++)
            before[i] = vcpu->reg[i];
        machine->instruction_error = vmcs_read32(VMCS_VM_INSTRUCTION_ERROR);
        exit.done = vcpu->vm->handlers[(uint8_t)reason](vcpu);
        handler_check(machine, &exit, before);
    }
    write_down(vcpu, &exit);
    if (exit.done != EXIT_ENDED && machine->options->check_entries) {
        if (!entry_is_sound(vcpu))
            return vcpu_end(vcpu, GUEST_END_RULES, 0, 0);
        if (!host_state_is_sound(vcpu))
            return vcpu_end(vcpu, GUEST_END_RULES, HOST_STATE_DIFFERS, 0);
    }
    if (machine->deadline != 0)
        resume_time(vcpu, since, exit.done);
    return exit.done;
}

void vcpu_watch(struct vcpu *vcpu)
{
    for (uint32_t i = 0; i < EXIT_HANDLERS; i++)
        vcpu->handlers[i] = exit_watched;
}
