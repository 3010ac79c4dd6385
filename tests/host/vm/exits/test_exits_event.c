/*
 * Exits of events, and events that an exit interrupted, on the model CPU: SDM Vol. 3, "Information
 * for VM Exits Due to Vectored Events", "Information for VM Exits That Occur During Event
 * Delivery", "Interrupt 8 - Double Fault Exception (#DF)".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/guest_machine.h"
#include "vm/events/guest_events.h"
#include "vmx/quirks.h"

/* Valid; type in bits 10:8; bit 11: there is an error code. */
#define HARDWARE(vector) (0x80000300u | (vector))
#define WITH_ERROR       (1u << 11)
#define UNDEFINED        (1u << 12)
#define NMI              0x80000202u
#define INTERRUPT(n)     (0x80000000u | (n))
#define SOFTWARE(n)      (0x80000400u | (n))

static struct vcpu *vcpu;

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

static enum exit_done serve(uint32_t reason, uint64_t qualification, uint32_t event,
                            uint32_t vectoring)
{
    guest_machine_exit(reason, qualification, 2);
    FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = event;
    FIELD(VM_EXIT_INTERRUPTION_ERROR_CODE) = 0x18;
    FIELD(IDT_VECTORING_INFORMATION) = vectoring;
    FIELD(IDT_VECTORING_ERROR_CODE) = 0x28;
    return guest_machine_serve_now();
}

static enum exit_done exception(uint64_t qualification, uint32_t event, uint32_t vectoring)
{
    return serve(EXIT_REASON_EXCEPTION_OR_NMI, qualification, event, vectoring);
}

static void an_exception_is_the_guests(void **state)
{
    (void)state;
    assert_int_equal(exception(0, HARDWARE(X86_VECTOR_UD), 0), EXIT_INJECTED);
    assert_int_equal(guest_machine_injected(), HARDWARE(X86_VECTOR_UD));
    assert_int_equal(exception(0, HARDWARE(X86_VECTOR_GP) | WITH_ERROR, 0), EXIT_INJECTED);
    assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0x18));
    assert_int_equal(exception(0xfee1, HARDWARE(X86_VECTOR_PF) | WITH_ERROR, 0), EXIT_INJECTED);
    assert_int_equal(model_cpu.cr2, 0xfee1);
    assert_int_equal(exception(0, 0x80000603, 0), EXIT_INJECTED); /* INT3: its length counts */
    assert_int_equal(guest_machine_injected(), 0x80000603);
    assert_int_equal(FIELD(VM_ENTRY_INSTRUCTION_LENGTH), 2);
}

/* Delivered, the fault has RF 1 in its frame, whatever the exit saved; guest_machine.c looks. */
/*
 * SDM Vol. 3, "Exception and Interrupt Reference", the class of each: only faults have RF set in
 * their image. #DB has its own rule, #DF and #MC are aborts, #BP and #OF traps; 9 is of old
 * processors and 15 and above 21 are reserved, which nothing tells apart from faults.
 */
static void faults_set_the_resume_flag(void **state)
{
    static const uint8_t others[] = {1, 2, 3, 4, 8, 18};

    (void)state;
    for (unsigned vector = 0; vector < 256; vector++)
        assert_int_equal(event_sets_resume_flag((uint8_t)vector),
                         vector < 32 && memchr(others, (int)vector, sizeof(others)) == NULL);
}

static void a_fault_has_its_resume_flag_where_the_exit_saved_none(void **state)
{
    (void)state;
    quirks_here = 1u << QUIRK_RESUME_FLAG_SAVED_0;
    assert_int_equal(exception(0, HARDWARE(X86_VECTOR_UD), 0), EXIT_INJECTED);
    assert_true(FIELD(GUEST_RFLAGS) & RFLAGS_RF);
    assert_int_equal(exception(0, 0x80000603, 0), EXIT_INJECTED);
    assert_false(FIELD(GUEST_RFLAGS) & RFLAGS_RF);
}

/* Table "Interrupt and Exception Classes": 0, 10 to 13, and 21 are contributory; 14 and 20 page
 * faults. */
static unsigned class_of(unsigned vector)
{
    return vector == 14 || vector == 20                                    ? 2
           : vector == 0 || (vector >= 10 && vector <= 13) || vector == 21 ? 1
                                                                           : 0;
}

/* SDM Vol. 3, table "Protected-Mode Exceptions and Interrupts": which have an error code. */
static uint32_t fault(unsigned vector)
{
    bool has_error = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;

    return HARDWARE(vector) | (has_error ? WITH_ERROR : 0);
}

/* Table "Conditions for Generating a Double Fault", for every pair of exceptions. */
static void an_exception_within_an_exception_may_become_a_double_fault(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 22; first++) {
        for (unsigned second = 0; second < 22; second++) {
            bool both = class_of(first) == 1 && class_of(second) == 1;
            bool page = class_of(first) == 2 && class_of(second) != 0;
            enum exit_done done;

            if (first == 2 || second == 2 || second == 8 || second == 18 || second == 21)
                continue;
            vcpu->exits_left = 10;
            done = exception(0, fault(second), fault(first));
            if (first == 8 && class_of(second) != 0) {
                assert_int_equal(done, EXIT_ENDED);
                assert_int_equal(vcpu->end, GUEST_END_TRIPLE_FAULT);
            } else if (both || page) {
                assert_true(guest_machine_injects_error(X86_VECTOR_DF, 0));
            } else {
                assert_int_equal(guest_machine_injected(), fault(second));
            }
        }
    }
    /* software interrupts and external ones are benign whatever their vector */
    assert_int_equal(exception(0, HARDWARE(X86_VECTOR_GP) | WITH_ERROR, SOFTWARE(14)),
                     EXIT_INJECTED);
    assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0x18));
    assert_int_equal(exception(0, HARDWARE(X86_VECTOR_NP) | WITH_ERROR, INTERRUPT(14)),
                     EXIT_INJECTED);
    assert_true(guest_machine_injects_error(X86_VECTOR_NP, 0x18));
}

/* SDM Vol. 3, "Handling Multiple NMIs": IRET ends blocking by NMI even if it faults. Bit 12 is not
 * injected. */
static void nmis_come_to_the_handler_of_an_irets_fault(void **state)
{
    (void)state;
    exception(0, HARDWARE(X86_VECTOR_GP) | WITH_ERROR | UNDEFINED, 0);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
    assert_int_equal(guest_machine_injected(), HARDWARE(X86_VECTOR_GP) | WITH_ERROR);
}

/* Exit qualification: B0 to B3, BD, BS as in DR6; BLD (11) and RTM (16) the other way round. */
static void a_debug_exception_leaves_dr6_as_its_delivery_would(void **state)
{
    (void)state;
    model_cpu.dr6 = 0xffff0ff3;
    FIELD(GUEST_DR7) = 0x2400;
    exception(0x4004, HARDWARE(X86_VECTOR_DB), 0);
    assert_int_equal(model_cpu.dr6, 0xffff4ff4);
    assert_int_equal(FIELD(GUEST_DR7), 0x400);
    exception(1 << 11, HARDWARE(X86_VECTOR_DB), 0);
    assert_int_equal(model_cpu.dr6 & (1 << 11), 0);
    exception(1 << 16, HARDWARE(X86_VECTOR_DB), 0);
    assert_int_equal(model_cpu.dr6 & (1 << 16), 0);
    exception(0, HARDWARE(X86_VECTOR_DB), 0);
    assert_int_equal(model_cpu.dr6 & (1 << 16), 1 << 16);
}

/* Delivery ends blocking by STI and by MOV SS, and no other: bits 0 and 1 of the state. */
static void a_debug_exception_ends_the_blocking_by_instructions(void **state)
{
    (void)state;
    for (uint32_t blocking = 0; blocking < 4; blocking++) {
        FIELD(GUEST_INTERRUPTIBILITY_STATE) = blocking;
        exception(0x4000, HARDWARE(X86_VECTOR_DB), 0);
        assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
        FIELD(GUEST_INTERRUPTIBILITY_STATE) = blocking | BLOCKING_BY_NMI;
        exception(0x4000, HARDWARE(X86_VECTOR_DB), 0);
        assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), BLOCKING_BY_NMI);
    }
}

static void what_is_the_hosts_goes_to_the_host_and_nothing_is_lost(void **state)
{
    (void)state;
    assert_int_equal(exception(0, NMI, 0), EXIT_HOST);
    assert_int_equal(guest_machine.host_vector, 2);
    assert_int_equal(guest_machine_injected() >> 31, 0);
    assert_int_equal(exception(0, HARDWARE(X86_VECTOR_MC), SOFTWARE(0x80) | UNDEFINED), EXIT_HOST);
    assert_int_equal(guest_machine.host_vector, 18);
    assert_int_equal(guest_machine_injected(), SOFTWARE(0x80));
    assert_int_equal(FIELD(VM_ENTRY_INSTRUCTION_LENGTH), 2);
    assert_int_equal(serve(EXIT_REASON_EXTERNAL_INTERRUPT, 0, INTERRUPT(0x31), 0), EXIT_HOST);
    assert_int_equal(guest_machine.host_vector, 0x31);
    assert_int_equal(guest_machine.host_interrupts, 1);
    assert_int_equal(serve(EXIT_REASON_EXTERNAL_INTERRUPT, 0, 0, 0), EXIT_HOST); /* not taken yet */
    assert_int_equal(model_cpu.interrupts_taken, 1);
}

/* A page that is mapped on first touch: the event whose delivery touched it comes again. */
static void an_event_comes_again_when_its_page_is_mapped(void **state)
{
    (void)state;
    guest_machine_demand(&guest_machine.own);
    FIELD(GUEST_PHYSICAL_ADDRESS) = GUEST_TOUCH_BASE;
    assert_int_equal(
        serve(EXIT_REASON_EPT_VIOLATION, 1, 0, HARDWARE(X86_VECTOR_GP) | WITH_ERROR | UNDEFINED),
        EXIT_MAPPED);
    assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0x28));
    FIELD(GUEST_PHYSICAL_ADDRESS) = GUEST_TOUCH_BASE + 0x1000;
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = BLOCKING_BY_NMI; /* by the delivery of this one */
    assert_int_equal(serve(EXIT_REASON_EPT_VIOLATION, 1, 0, NMI), EXIT_MAPPED);
    assert_int_equal(guest_machine_injected(), NMI);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
}

static void memory_that_a_guest_does_not_have_ends_it(void **state)
{
    static const uint64_t addresses[] = {GUEST_TOUCH_BASE - 1, GUEST_TOUCH_END, GUEST_MEMORY_BYTES,
                                         1ull << 38};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        guest_machine_demand(&guest_machine.own);
        FIELD(GUEST_PHYSICAL_ADDRESS) = addresses[i];
        assert_int_equal(serve(EXIT_REASON_EPT_VIOLATION, 1, 0, 0), EXIT_ENDED);
        assert_int_equal(vcpu->end, GUEST_END_MEMORY);
        assert_int_equal(vcpu->end_value, addresses[i]);
    }
    FIELD(GUEST_PHYSICAL_ADDRESS) = GUEST_TOUCH_BASE; /* there, but not for writing */
    assert_int_equal(serve(EXIT_REASON_EPT_VIOLATION, 2 | 1 << 3, 0, 0), EXIT_ENDED);
    assert_int_equal(serve(EXIT_REASON_EPT_MISCONFIGURATION, 0, 0, 0), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MISCONFIGURED);
}

static void windows_close_and_steps_go_on(void **state)
{
    (void)state;
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY,
                     PRIMARY_INTERRUPT_WINDOW_EXITING | PRIMARY_NMI_WINDOW_EXITING, true);
    FIELD(GUEST_RFLAGS) |= RFLAGS_IF;
    assert_int_equal(serve(EXIT_REASON_INTERRUPT_WINDOW, 0, 0, 0), EXIT_WINDOW);
    assert_int_equal(serve(EXIT_REASON_NMI_WINDOW, 0, 0, 0), EXIT_WINDOW);
    assert_int_equal(FIELD(PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) &
                         (PRIMARY_INTERRUPT_WINDOW_EXITING | PRIMARY_NMI_WINDOW_EXITING),
                     0);
    assert_int_equal(serve(EXIT_REASON_MONITOR_TRAP_FLAG, 0, 0, 0), EXIT_STEPPED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE);
}

static void ends_are_told(void **state)
{
    (void)state;
    assert_int_equal(serve(EXIT_REASON_TRIPLE_FAULT, 0, 0, 0), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_TRIPLE_FAULT);
    assert_int_equal(vcpu->end_value, GUEST_CODE);
    assert_int_equal(serve(EXIT_REASON_TASK_SWITCH, 0x40000010, 0, 0), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_UNHANDLED);
    assert_int_equal(vcpu->end_value, 0x40000010);
}

/* SDM, table "Conditions for Generating a Double Fault". */
static void exceptions_combine_as_the_table_says(void **state)
{
    static const struct {
        uint32_t first, second;
        enum event_outcome outcome;
    } cases[] = {
        {X86_VECTOR_DB, X86_VECTOR_GP, EVENT_STAYS},
        {X86_VECTOR_GP, X86_VECTOR_DB, EVENT_STAYS},
        {X86_VECTOR_GP, X86_VECTOR_NP, EVENT_BECOMES_DOUBLE_FAULT},
        {X86_VECTOR_DE, X86_VECTOR_SS, EVENT_BECOMES_DOUBLE_FAULT},
        {X86_VECTOR_GP, X86_VECTOR_PF, EVENT_STAYS},
        {X86_VECTOR_PF, X86_VECTOR_GP, EVENT_BECOMES_DOUBLE_FAULT},
        {X86_VECTOR_PF, X86_VECTOR_PF, EVENT_BECOMES_DOUBLE_FAULT},
        {X86_VECTOR_PF, X86_VECTOR_UD, EVENT_STAYS},
        {X86_VECTOR_DF, X86_VECTOR_GP, EVENT_BECOMES_TRIPLE_FAULT},
        {X86_VECTOR_DF, X86_VECTOR_PF, EVENT_BECOMES_TRIPLE_FAULT},
        {X86_VECTOR_DF, X86_VECTOR_DB, EVENT_STAYS},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(event_combine(HARDWARE(cases[i].first), HARDWARE(cases[i].second)),
                         cases[i].outcome);
    assert_int_equal(event_combine(0, HARDWARE(X86_VECTOR_GP)), EVENT_STAYS);
    assert_int_equal(event_combine(INTERRUPT(0x20), HARDWARE(X86_VECTOR_GP)),
                     EVENT_STAYS); /* the delivery of an external interrupt is benign */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(an_exception_is_the_guests),
        cmocka_unit_test(faults_set_the_resume_flag),
        TEST(a_fault_has_its_resume_flag_where_the_exit_saved_none),
        TEST(an_exception_within_an_exception_may_become_a_double_fault),
        TEST(nmis_come_to_the_handler_of_an_irets_fault),
        TEST(a_debug_exception_leaves_dr6_as_its_delivery_would),
        TEST(a_debug_exception_ends_the_blocking_by_instructions),
        TEST(what_is_the_hosts_goes_to_the_host_and_nothing_is_lost),
        TEST(an_event_comes_again_when_its_page_is_mapped),
        TEST(memory_that_a_guest_does_not_have_ends_it),
        TEST(windows_close_and_steps_go_on),
        TEST(ends_are_told),
        cmocka_unit_test(exceptions_combine_as_the_table_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
