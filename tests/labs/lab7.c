/* Lab 7: events and time. docs/labs/7.md is its page. */
#include "tests/labs/lab.h"
#include "tests/labs/exit_done.h"

#include "tests/host/guest_machine.h"
#include "vm/events/guest_events.h"
#include "vm/exit.h"
#include "vm/guests/exits/guest_exits.h"
#include "vm/guests/guest_run.h"

/* The event fields, by the manual's numbers: valid, error code, type in 10:8. */
#define VALID    0x80000000u
#define CODE     0x800u
#define HARDWARE 0x300u
#define FAULT(n) (VALID | HARDWARE | (n))
#define BEYOND   0x1000u /* bit 12: undefined in IDT-vectoring information */

static struct vcpu *vcpu;

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

static bool has_rf(void)
{
    return (FIELD(GUEST_RFLAGS) & RFLAGS_RF) != 0;
}

static void inject(void **state)
{
    (void)state;
    vcpu_inject(vcpu, EVENT_HARDWARE_EXCEPTION, X86_VECTOR_UD);
    want(guest_machine_injected() & VALID,
         "0x%x is written: without bit 31 VM entry injects nothing", guest_machine_injected());
    want(guest_machine_injected() == FAULT(6),
         "#UD is injected as 0x%x, not 0x%x: the type is in bits 10:8", guest_machine_injected(),
         FAULT(6));
    want(has_rf(), "#UD is a fault: its delivery saves RFLAGS.RF = 1, so the field must have it");
    FIELD(GUEST_RFLAGS) &= ~RFLAGS_RF;
    vcpu_inject(vcpu, EVENT_EXTERNAL_INTERRUPT, 0x20);
    want(guest_machine_injected() == (VALID | 0x20), "interrupt 0x20 is injected as 0x%x, not 0x%x",
         guest_machine_injected(), VALID | 0x20);
    want(!has_rf(), "an interrupt is no fault, but RFLAGS.RF is set");
    vcpu_inject(vcpu, EVENT_HARDWARE_EXCEPTION, X86_VECTOR_DB);
    want(!has_rf(), "#DB may be a trap: RF stays as it is");
}

static void error_code(void **state)
{
    (void)state;
    vcpu_inject_error(vcpu, X86_VECTOR_GP, 0x18);
    want(guest_machine_injected() == (FAULT(13) | CODE), "#GP(0x18) is injected as 0x%x, not 0x%x",
         guest_machine_injected(), FAULT(13) | CODE);
    want(FIELD(VM_ENTRY_EXCEPTION_ERROR_CODE) == 0x18, "its error code is 0x%llx, not 0x18",
         ull(FIELD(VM_ENTRY_EXCEPTION_ERROR_CODE)));
    want(has_rf(), "#GP is a fault: its delivery saves RFLAGS.RF = 1");
    vcpu = guest_machine_in(GUEST_REAL);
    vcpu_inject_error(vcpu, X86_VECTOR_GP, 0x18);
    want(guest_machine_injected() == FAULT(13),
         "in real mode no exception has an error code, but 0x%x is injected: VM entry would fail",
         guest_machine_injected());
}

static void interrupted(uint32_t event)
{
    guest_machine_exit(EXIT_REASON_EPT_VIOLATION, 0, 2);
    FIELD(IDT_VECTORING_INFORMATION) = event;
    FIELD(IDT_VECTORING_ERROR_CODE) = 0x28;
    event_requeue();
}

static void requeue(void **state)
{
    (void)state;
    interrupted(FAULT(13) | CODE | BEYOND);
    want(guest_machine_injected() & VALID,
         "the exit interrupted the delivery of #GP, and it is lost");
    want((guest_machine_injected() & BEYOND) == 0,
         "0x%x is injected: bit 12 is undefined in the vectoring information, and must be 0 at VM "
         "entry",
         guest_machine_injected());
    want(guest_machine_injected() == (FAULT(13) | CODE), "0x%x is injected, not 0x%x",
         guest_machine_injected(), FAULT(13) | CODE);
    want(FIELD(VM_ENTRY_EXCEPTION_ERROR_CODE) == 0x28, "its error code is 0x%llx, not 0x28",
         ull(FIELD(VM_ENTRY_EXCEPTION_ERROR_CODE)));
    interrupted(VALID | 4 << 8 | 0x80);
    want(FIELD(VM_ENTRY_INSTRUCTION_LENGTH) == 2,
         "INT 0x80 was delivered: its length, 2, must come along, or the guest returns to the "
         "wrong place");
    interrupted(0x30d);
    want((guest_machine_injected() & VALID) == 0,
         "nothing was delivered (bit 31 is 0), but 0x%x is injected", guest_machine_injected());
}

static void requeue_nmi(void **state)
{
    (void)state;
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = BLOCKING_BY_NMI;
    interrupted(VALID | 2 << 8 | 2);
    want(guest_machine_injected() == (VALID | 0x202),
         "the NMI whose delivery was interrupted is lost");
    want((FIELD(GUEST_INTERRUPTIBILITY_STATE) & BLOCKING_BY_NMI) == 0,
         "an NMI is injected while NMIs are blocked: VM entry fails; its delivery blocks them "
         "again");
}

static void want_combined(uint32_t first, uint32_t second, enum event_outcome wanted,
                          const char *why)
{
    static const char *const names[] = {"the second one", "a double fault", "a triple fault"};
    const enum event_outcome seen = event_combine(first, second);

    want(seen == wanted, "vector %u while vector %u is delivered becomes %s, not %s: %s",
         second & 0xff, first & 0xff, names[seen], names[wanted], why);
}

static void combine(void **state)
{
    (void)state;
    want_combined(FAULT(13) | CODE, FAULT(11) | CODE, EVENT_BECOMES_DOUBLE_FAULT,
                  "both are contributory");
    want_combined(FAULT(14) | CODE, FAULT(13) | CODE, EVENT_BECOMES_DOUBLE_FAULT,
                  "#PF, then contributory");
    want_combined(FAULT(14) | CODE, FAULT(14) | CODE, EVENT_BECOMES_DOUBLE_FAULT, "#PF, then #PF");
    want_combined(FAULT(13) | CODE, FAULT(14) | CODE, EVENT_STAYS,
                  "#PF while a contributory exception is delivered is served as it is");
    want_combined(FAULT(8) | CODE, FAULT(13) | CODE, EVENT_BECOMES_TRIPLE_FAULT,
                  "during #DF the next one shuts the processor down");
    want_combined(FAULT(6), FAULT(13) | CODE, EVENT_STAYS, "#UD is benign");
    want_combined(VALID | 14, FAULT(13) | CODE, EVENT_STAYS,
                  "the first is an external interrupt, whatever its vector");
    want_combined(HARDWARE | 13, FAULT(13) | CODE, EVENT_STAYS,
                  "nothing was delivered: bit 31 is 0");
}

static void of_the_host(void **state)
{
    const int64_t left = vcpu->exits_left;
    enum exit_done done;

    (void)state;
    guest_machine_exit(EXIT_REASON_EXCEPTION_OR_NMI, 0, 0);
    FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = VALID | 0x202;
    FIELD(IDT_VECTORING_INFORMATION) = VALID | 0x20;
    done = exit_exception(vcpu);
    want(done == EXIT_HOST, "an NMI exits: the handler gives %s, not EXIT_HOST", done_name(done));
    want(guest_machine.host_exceptions == 1,
         "the NMI is the host's, but its handler, int_nmi(), was not called");
    want(guest_machine_injected() == (VALID | 0x20),
         "the NMI came while interrupt 0x20 was delivered to the guest: that is lost");
    want(vcpu->exits_left == left + 1,
         "the exit was the host's, and must not count for the guest's budget");
    guest_machine_exit(EXIT_REASON_EXCEPTION_OR_NMI, 0, 0);
    FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = FAULT(18);
    (void)exit_exception(vcpu);
    want(guest_machine.host_exceptions == 2 && guest_machine.host_vector == 18,
         "a machine check is the host's: int_machine_check() was not called");
    guest_machine_exit(EXIT_REASON_EXCEPTION_OR_NMI, 0, 0);
    FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = FAULT(6);
    want(exit_exception(vcpu) == EXIT_ENDED && vcpu->end == GUEST_END_UNHANDLED,
         "any other exception here is nobody's: exit_unhandled()");
}

static void external_interrupt(void **state)
{
    (void)state;
    guest_machine_exit(EXIT_REASON_EXTERNAL_INTERRUPT, 0, 0);
    FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = VALID | 0x31;
    want(exit_external_interrupt(vcpu) == EXIT_HOST, "an external interrupt is the host's");
    want(guest_machine.host_interrupts == 1 && guest_machine.host_vector == 0x31,
         "the exit acknowledged interrupt 0x31 (bit 31 is 1): apic_eoi() of that vector, or the "
         "APIC keeps all "
         "lower ones back");
    guest_machine_exit(EXIT_REASON_EXTERNAL_INTERRUPT, 0, 0);
    FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = 0;
    (void)exit_external_interrupt(vcpu);
    want(model_cpu.interrupts_taken == 1 && guest_machine.host_interrupts == 1,
         "the exit did not acknowledge (bit 31 is 0): the interrupt still waits, and "
         "take_interrupt() takes it");
}

static void window(void **state)
{
    enum exit_done done;

    (void)state;
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_INTERRUPT_WINDOW_EXITING, true);
    guest_machine_exit(EXIT_REASON_INTERRUPT_WINDOW, 0, 0);
    done = exit_interrupt_window(vcpu);
    want(done == EXIT_WINDOW, "the handler of the interrupt window gives %s, not EXIT_WINDOW",
         done_name(done));
    want((FIELD(PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) &
          PRIMARY_INTERRUPT_WINDOW_EXITING) == 0,
         "interrupt-window exiting stays on: the guest exits again before each instruction");
}

static void timer(void **state)
{
    struct time_budget *time = &guest_machine.own.time;
    enum exit_done done;

    (void)state;
    FIELD(VMX_PREEMPTION_TIMER_VALUE) = 900;
    *time = (struct time_budget){.reserve = 100, .period = UINT32_MAX};
    guest_machine_exit(EXIT_REASON_VMCALL, 0, 3);
    vcpu->reg[VCPU_RAX] = VM_CALL_TIMER;
    vcpu->reg[VCPU_RCX] = 300;
    (void)exit_call(vcpu);
    want(FIELD(VMX_PREEMPTION_TIMER_VALUE) == 300,
         "the guest asks for an exit each 300 ticks: the timer has %llu",
         ull(FIELD(VMX_PREEMPTION_TIMER_VALUE)));
    want(time->reserve == 700,
         "of 1000 ticks 300 are in the timer, but %llu are kept: what the timer still had goes "
         "back first",
         ull(time->reserve));
    for (int i = 0; i < 2; i++) {
        guest_machine_exit(EXIT_REASON_PREEMPTION_TIMER, 0, 0);
        done = exit_timer(vcpu);
        want(done == EXIT_STEPPED && FIELD(VMX_PREEMPTION_TIMER_VALUE) == 300,
             "the timer expired and time is left: it begins again with 300, not %llu (the handler "
             "gives %s)",
             ull(FIELD(VMX_PREEMPTION_TIMER_VALUE)), done_name(done));
    }
    guest_machine_exit(EXIT_REASON_PREEMPTION_TIMER, 0, 0);
    (void)exit_timer(vcpu);
    want(FIELD(VMX_PREEMPTION_TIMER_VALUE) == 100,
         "100 ticks are left of the budget: the timer has %llu",
         ull(FIELD(VMX_PREEMPTION_TIMER_VALUE)));
    guest_machine_exit(EXIT_REASON_PREEMPTION_TIMER, 0, 0);
    want(exit_timer(vcpu) == EXIT_ENDED && vcpu->end == GUEST_END_TIME,
         "the budget is used up, but the guest goes on: a timer of its own must not lengthen its "
         "time");
}

/* A processor without the timer has no such field, and its guests' time ends by the host's alarm.
 */
static void no_timer(void **state)
{
    struct time_budget *time = &guest_machine.own.time;

    (void)state;
    *time = (struct time_budget){.reserve = 1000, .period = UINT32_MAX};
    vcpu->controls[VMX_CONTROL_PIN] &= ~(uint32_t)PIN_PREEMPTION_TIMER;
    FIELD(VMX_PREEMPTION_TIMER_VALUE) = 7;
    vcpu->reg[VCPU_RAX] = VM_CALL_TIMER;
    vcpu->reg[VCPU_RCX] = 300;
    guest_machine_exit(EXIT_REASON_VMCALL, 0, 3);
    (void)exit_call(vcpu);
    want(FIELD(VMX_PREEMPTION_TIMER_VALUE) == 7 && time->reserve == 1000,
         "\"activate VMX-preemption timer\" is off, but the guest's call writes the timer or takes "
         "from its budget");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(inject, in_long_mode),
        cmocka_unit_test_setup(error_code, in_long_mode),
        cmocka_unit_test_setup(requeue, in_long_mode),
        cmocka_unit_test_setup(requeue_nmi, in_long_mode),
        cmocka_unit_test_setup(combine, in_long_mode),
        cmocka_unit_test_setup(of_the_host, in_long_mode),
        cmocka_unit_test_setup(external_interrupt, in_long_mode),
        cmocka_unit_test_setup(window, in_long_mode),
        cmocka_unit_test_setup(timer, in_long_mode),
        cmocka_unit_test_setup(no_timer, in_long_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
