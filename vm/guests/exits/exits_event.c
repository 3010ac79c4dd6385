#include "vm/events/guest_events.h"
#include "vm/guests/exits/guest_exits.h"
#include "vm/guests/guest_run.h"
#include "vm/host/alarm.h"

void guest_begin(struct guest_vm *machine, uint64_t ticks)
{
    unsigned shift = (unsigned)machine->vcpu.capability.preemption_timer_shift;

    machine->pat = PAT_RESET;
    machine->time = time_budget_of(ticks, shift);
    machine->vcpu.timer = time_budget_load(&machine->time);
}

/* Without a preemption timer an event of the host's may be the alarm, which is set again where it
 * comes too early. */
static enum exit_done ends_in_time(struct vcpu *vcpu, enum exit_done done)
{
    uint64_t deadline = guest_vm_of(vcpu)->deadline, now;

    if (done != EXIT_HOST || deadline == 0)
        return done;
    now = rdtsc();
    if (now >= deadline)
        return vcpu_end(vcpu, GUEST_END_TIME, 0, vmcs_read_natural(VMCS_GUEST_RIP));
    alarm_set(deadline - now);
    return EXIT_HOST;
}

enum exit_done exit_exception_timed(struct vcpu *vcpu)
{
    return ends_in_time(vcpu, exit_exception_reflect(vcpu));
}

enum exit_done exit_interrupt_timed(struct vcpu *vcpu)
{
    return ends_in_time(vcpu, exit_external_interrupt(vcpu));
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

enum exit_done exit_wait(struct vcpu *vcpu)
{
    return vcpu_end(vcpu, GUEST_END_WAIT, vmcs_read32(VMCS_EXIT_REASON) & 0xffff,
                    vmcs_read_natural(VMCS_EXIT_QUALIFICATION));
}

/* A timer that the guest asked for begins again, while its time lasts. */
enum exit_done exit_timer(struct vcpu *vcpu)
{
    struct time_budget *time = &guest_vm_of(vcpu)->time;
    uint32_t ticks = time->period;

    if (__builtin_expect(!time_budget_renew(time), 0)) {
        ticks = time_budget_load(time);
        if (ticks == 0)
            return exit_preemption_timer(vcpu);
    }
    vmcs_write32(VMCS_VMX_PREEMPTION_TIMER_VALUE, ticks);
    return EXIT_STEPPED;
}

static void set_timer(struct vcpu *vcpu, uint32_t period)
{
    struct time_budget *time = &guest_vm_of(vcpu)->time;

    if ((vcpu->controls[VMX_CONTROL_PIN] & PIN_PREEMPTION_TIMER) == 0)
        return;
    time_budget_ask(time, vmcs_read32(VMCS_VMX_PREEMPTION_TIMER_VALUE), period);
    vmcs_write32(VMCS_VMX_PREEMPTION_TIMER_VALUE, time_budget_load(time));
}

/* Apart, so that a call that does nothing takes no time. */
__attribute__((noinline)) static enum exit_done serve_call(struct vcpu *vcpu)
{
    if ((uint32_t)vcpu->reg[VCPU_RAX] == VM_CALL_TIMER)
        set_timer(vcpu, (uint32_t)vcpu->reg[VCPU_RCX]);
    return exit_vmcall(vcpu);
}

enum exit_done exit_call(struct vcpu *vcpu)
{
    if (__builtin_expect((uint32_t)vcpu->reg[VCPU_RAX] >= VM_CALL_FIRST, 0))
        return serve_call(vcpu);
    return skip_emulated_instruction(EXIT_EMULATED);
}
