/*
 * What ends a guest's time: the preemption timer's exits, and the host's events where there is no
 * such timer. On the model CPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/guest_machine.h"
#include "vm/exit.h"

/* SDM Vol. 3, "Information for VM Exits Due to Vectored Events". */
enum { INTERRUPT = 0xf1, VALID_INTERRUPT = (int)0x800000f1, VALID_NMI = (int)0x80000202 };

#define LATER (1ull << 40)

static struct vcpu *vcpu;

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

static enum exit_done host_event(uint32_t reason, uint32_t information)
{
    guest_machine_exit(reason, 0, 0);
    FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = information;
    return guest_machine_serve_now();
}

static enum exit_done interrupt(void)
{
    return host_event(EXIT_REASON_EXTERNAL_INTERRUPT, (uint32_t)VALID_INTERRUPT);
}

static enum exit_done nmi(void)
{
    return host_event(EXIT_REASON_EXCEPTION_OR_NMI, (uint32_t)VALID_NMI);
}

static void with_a_preemption_timer_the_hosts_events_end_nothing(void **state)
{
    (void)state;
    assert_int_equal(interrupt(), EXIT_HOST);
    assert_int_equal(guest_machine.host_interrupts, 1);
    assert_int_equal(guest_machine.host_vector, INTERRUPT);
    assert_int_equal(nmi(), EXIT_HOST);
    assert_int_equal(guest_machine.host_exceptions, 1);
    assert_int_equal(guest_machine.host_vector, X86_VECTOR_NMI);
    assert_int_equal(guest_machine.alarms, 0);
}

/* A guest has no part in them; but one whose exits are used up does not get another. */
static void the_hosts_events_are_not_the_guests_exits(void **state)
{
    (void)state;
    vcpu->exits_left = 1;
    for (int i = 0; i < 10; i++)
        assert_int_equal(i % 2 ? interrupt() : nmi(), EXIT_HOST);
    assert_int_equal(guest_machine_serve(EXIT_REASON_PAUSE, 0, 2), EXIT_IGNORED);
    assert_int_equal(guest_machine_serve(EXIT_REASON_PAUSE, 0, 2), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_EXITS);
}

static void nor_are_they_recorded(void **state)
{
    (void)state;
    vcpu_watch(vcpu);
    assert_int_equal(interrupt(), EXIT_HOST);
    assert_int_equal(nmi(), EXIT_HOST);
    assert_int_equal(guest_vm_of(vcpu)->record_count, 0);
    assert_int_equal(guest_machine_serve(EXIT_REASON_PAUSE, 0, 2), EXIT_IGNORED);
    assert_int_equal(guest_vm_of(vcpu)->record_count, 1);
    assert_int_equal(guest_vm_of(vcpu)->record[0].reason, EXIT_REASON_PAUSE);
    assert_int_equal(vcpu->exit_count[EXIT_REASON_EXTERNAL_INTERRUPT], 1);
}

/* The alarm comes early where clocks differ, or another event comes: it is set for the rest. */
static void an_early_alarm_is_set_again(void **state)
{
    uint64_t before;

    (void)state;
    guest_vm_of(vcpu)->deadline = rdtsc() + LATER;
    for (unsigned i = 1; i <= 2; i++) {
        before = rdtsc();
        assert_int_equal(i == 1 ? interrupt() : nmi(), EXIT_HOST);
        assert_int_equal(guest_machine.alarms, i);
        assert_in_range(guest_machine.alarm_ticks, 1, guest_vm_of(vcpu)->deadline - before);
    }
}

static void the_alarm_ends_a_guest_whose_time_is_up(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        in_long_mode(state);
        guest_vm_of(vcpu)->deadline = rdtsc();
        FIELD(GUEST_RIP) = 0x8123;
        assert_int_equal(i == 0 ? interrupt() : nmi(), EXIT_ENDED);
        assert_int_equal(guest_machine.host_interrupts + guest_machine.host_exceptions, 1);
        assert_int_equal(vcpu->end, GUEST_END_TIME);
        assert_int_equal(vcpu->end_value, 0x8123);
        assert_int_equal(guest_machine.alarms, 0);
    }
}

static void wait_for(uint64_t ticks)
{
    uint64_t since = rdtsc();

    while (rdtsc() - since < ticks)
        continue;
}

static void trace(const struct vcpu *traced, const struct exit_record *exit)
{
    (void)traced;
    (void)exit;
    wait_for(100000);
}

/* A serial line is slow. */
static void what_the_reporting_takes_is_not_the_guests_time(void **state)
{
    uint64_t deadline = rdtsc() + LATER;

    (void)state;
    vcpu_watch(vcpu);
    guest_machine.options.trace = trace;
    guest_vm_of(vcpu)->deadline = deadline;
    assert_int_equal(guest_machine_serve(EXIT_REASON_PAUSE, 0, 2), EXIT_IGNORED);
    assert_true(guest_vm_of(vcpu)->deadline - deadline >= 100000);
    assert_int_equal(guest_machine.alarms, 2); /* held, and set for what was left */
    assert_in_range(guest_machine.alarm_ticks, LATER - 2000, LATER);
    guest_vm_of(vcpu)->deadline = 0;
    assert_int_equal(guest_machine_serve(EXIT_REASON_PAUSE, 0, 2), EXIT_IGNORED);
    assert_int_equal(guest_vm_of(vcpu)->deadline, 0);
}

/* Nobody counts these, so that one after the other would give a guest time without end. */
static void what_the_reporting_of_the_hosts_events_takes_is(void **state)
{
    uint64_t deadline = rdtsc() + 150000;

    (void)state;
    vcpu_watch(vcpu);
    guest_machine.options.trace = trace;
    guest_vm_of(vcpu)->deadline = deadline;
    assert_int_equal(interrupt(), EXIT_HOST);
    assert_int_equal(guest_vm_of(vcpu)->deadline, deadline);
    assert_in_range(guest_machine.alarm_ticks, 1, 50000);
    assert_int_equal(nmi(), EXIT_HOST);
    assert_int_equal(guest_machine.alarm_ticks, 1); /* at once */
    assert_int_equal(interrupt(), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_TIME);
}

/* vm/guests/guest.h: VM_CALL_TIMER, "again and again in its time". */
static void the_preemption_timer_counts_the_whole_time_once(void **state)
{
    (void)state;
    guest_vm_of(vcpu)->time = time_budget_of(999, 0);
    FIELD(VMX_PREEMPTION_TIMER_VALUE) = time_budget_load(&guest_vm_of(vcpu)->time);
    vcpu->reg[VCPU_RAX] = VM_CALL_TIMER;
    vcpu->reg[VCPU_RCX] = 400;
    FIELD(VMX_PREEMPTION_TIMER_VALUE) = 900; /* saved by the exit */
    assert_int_equal(guest_machine_serve(EXIT_REASON_VMCALL, 0, 3), EXIT_EMULATED);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(FIELD(VMX_PREEMPTION_TIMER_VALUE), i < 2 ? 400 : 100);
        FIELD(VMX_PREEMPTION_TIMER_VALUE) = 0;
        assert_int_equal(guest_machine_serve(EXIT_REASON_PREEMPTION_TIMER, 0, 0),
                         i < 2 ? EXIT_STEPPED : EXIT_ENDED);
    }
    assert_int_equal(vcpu->end, GUEST_END_TIME);
}

static void asking_when_all_is_used_up_gives_nothing(void **state)
{
    (void)state;
    guest_vm_of(vcpu)->time = time_budget_of(999, 0);
    (void)time_budget_load(&guest_vm_of(vcpu)->time);
    FIELD(VMX_PREEMPTION_TIMER_VALUE) = 0;
    vcpu->reg[VCPU_RAX] = VM_CALL_TIMER;
    vcpu->reg[VCPU_RCX] = UINT32_MAX;
    assert_int_equal(guest_machine_serve(EXIT_REASON_VMCALL, 0, 3), EXIT_EMULATED);
    assert_int_equal(FIELD(VMX_PREEMPTION_TIMER_VALUE), 0);
    assert_int_equal(guest_machine_serve(EXIT_REASON_PREEMPTION_TIMER, 0, 0), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_TIME);
}

#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)

/* It is up with the tick that was named, not with the next one. */
static void time_is_up_at_the_deadline(void **state)
{
    uint64_t read;

    (void)state;
    read = rdtsc();
    guest_vm_of(vcpu)->deadline = read + (rdtsc() - read) * 2; /* what the next reading gives */
    assert_int_equal(interrupt(), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_TIME);
    assert_int_equal(vcpu->end_number, 0);
    assert_int_equal(vcpu->end_value, FIELD(GUEST_RIP));
    assert_int_equal(guest_machine.alarms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(with_a_preemption_timer_the_hosts_events_end_nothing),
        TEST(the_hosts_events_are_not_the_guests_exits),
        TEST(nor_are_they_recorded),
        TEST(an_early_alarm_is_set_again),
        TEST(the_alarm_ends_a_guest_whose_time_is_up),
        TEST(what_the_reporting_takes_is_not_the_guests_time),
        TEST(what_the_reporting_of_the_hosts_events_takes_is),
        TEST(the_preemption_timer_counts_the_whole_time_once),
        TEST(asking_when_all_is_used_up_gives_nothing),
        TEST(time_is_up_at_the_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
