/*
 * From a VM exit to its handler and after the instruction: vm/exit.c, on the model CPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/guest_machine.h"
#include "vm/exit.h"

/* A number among the reasons that the manual leaves out. */
enum { NO_REASON = 35 };

static struct vcpu *vcpu;
static unsigned traced;
static enum exit_done own_answer;

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    traced = 0;
    return 0;
}

/* Any instruction that is skipped. */
static enum exit_done pause_at(uint64_t rip, uint32_t length)
{
    FIELD(GUEST_RIP) = rip;
    return guest_machine_serve(EXIT_REASON_PAUSE, 0, length);
}

/* SDM Vol. 1, "Instruction Pointer in 64-Bit Mode": 64 bits there, else 32. */
static void the_instruction_pointer_wraps_at_its_width(void **state)
{
    (void)state;
    assert_int_equal(pause_at(0xfffffffe, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_RIP), 0x100000000);
    assert_int_equal(pause_at(0xfffffffffffffffe, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_RIP), 0);
    assert_int_equal(pause_at(0xfffffff1, 15), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_RIP), 0x100000000);
    vcpu = guest_machine_in(GUEST_PROTECTED);
    assert_int_equal(pause_at(0xfffffffe, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_RIP), 0);
    assert_int_equal(pause_at(0xfffffff8, 15), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_RIP), 7);
    assert_int_equal(pause_at(0xfffffffd, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_RIP), 0xffffffff);
}

/* Compatibility mode is IA-32e mode without CS.L. */
static void in_compatibility_mode_it_has_32_bits_too(void **state)
{
    (void)state;
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xc09b;
    assert_int_equal(pause_at(0xfffffffe, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_RIP), 0);
}

/* The end of the lower half: the next fetch is #GP, which is the guest's own affair. */
static void the_end_of_the_canonical_half_can_be_passed(void **state)
{
    (void)state;
    assert_int_equal(pause_at(0x7ffffffffffe, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_RIP), 0x800000000000);
}

static void blocking_by_sti_and_mov_ss_ends_with_the_instruction(void **state)
{
    (void)state;
    for (uint32_t blocking = 1; blocking <= 2; blocking++) {
        FIELD(GUEST_RFLAGS) = RFLAGS_IF | RFLAGS_RESERVED;
        FIELD(GUEST_INTERRUPTIBILITY_STATE) = blocking | BLOCKING_BY_NMI;
        assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_IGNORED);
        assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), BLOCKING_BY_NMI);
        assert_int_equal(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS), 0);
    }
}

/* SDM Vol. 3, "Single-Step Exception Condition": after the instruction comes a #DB. */
static void a_guest_that_steps_singly_gets_its_trap(void **state)
{
    (void)state;
    FIELD(GUEST_RFLAGS) |= RFLAGS_TF;
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS), PENDING_DEBUG_BS);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE + 2);
}

/* "Single-Stepping on Branches": with IA32_DEBUGCTL.BTF a trap comes after a branch alone, and no
 * instruction that a handler does for the guest is one. */
static void a_guest_that_steps_over_branches_does_not(void **state)
{
    (void)state;
    FIELD(GUEST_RFLAGS) |= RFLAGS_TF;
    FIELD(GUEST_IA32_DEBUGCTL) = 1 << 1;
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS), 0);
    FIELD(GUEST_IA32_DEBUGCTL) = 1; /* LBR */
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS), PENDING_DEBUG_BS);
}

/*
 * MOV SS that hits a breakpoint: SDM Vol. 3, "Guest Non-Register State": B0 and "enabled
 * breakpoint", bit 12, wait until the instruction after it is done, and must not be lost then.
 */
static void a_breakpoint_that_waits_is_not_lost(void **state)
{
    (void)state;
    FIELD(GUEST_RFLAGS) |= RFLAGS_TF;
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = BLOCKING_BY_MOV_SS;
    FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS) = PENDING_DEBUG_BS | 1 << 12 | 1;
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS), PENDING_DEBUG_BS | 1 << 12 | 1);
    FIELD(GUEST_RFLAGS) &= ~RFLAGS_TF;
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = BLOCKING_BY_MOV_SS;
    FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS) = 1 << 12 | 1;
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS), 1 << 12 | 1);
}

/* The budget of exits */

static void the_budget_of_exits_ends_a_guest(void **state)
{
    (void)state;
    vcpu->exits_left = 2;
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_IGNORED);
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_IGNORED);
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_EXITS);
    assert_int_equal(vcpu->exit_count[EXIT_REASON_PAUSE], 2);
}

/* Reasons */

static void an_exit_that_nothing_serves_ends_the_guest(void **state)
{
    (void)state;
    assert_int_equal(guest_machine_serve(NO_REASON, 0x1234, 2), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_UNHANDLED);
    assert_int_equal(vcpu->end_number, NO_REASON);
    assert_int_equal(vcpu->end_value, 0x1234);
}

static void a_reason_that_is_not_defined_ends_the_guest(void **state)
{
    static const uint32_t reasons[] = {EXIT_REASON_COUNT, VM_EXIT_REASONS, 0xffff, 0x7fffffff};

    (void)state;
    for (unsigned i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        assert_int_equal(guest_machine_serve(reasons[i], 7, 2), EXIT_ENDED);
        assert_int_equal(vcpu->end, GUEST_END_UNHANDLED);
        assert_int_equal(vcpu->end_number, reasons[i] & 0xffff);
    }
}

static void a_failed_entry_ends_the_guest_and_is_reported(void **state)
{
    (void)state;
    vcpu_watch(vcpu);
    assert_int_equal(guest_machine_serve(0x80000021, 2, 0), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_ENTRY_FAILED);
    assert_int_equal(vcpu->end_number, EXIT_REASON_ENTRY_FAILURE_GUEST_STATE);
    assert_int_equal(vcpu->end_value, 2);
    assert_int_equal(guest_vm_of(vcpu)->record_count, 1);
    assert_int_equal(guest_vm_of(vcpu)->record[0].reason, 0x80000021);
    assert_int_equal(vcpu->exit_count[EXIT_REASON_ENTRY_FAILURE_GUEST_STATE], 1);
}

/* The core's only guest does none of these: whoever lets one do so brings the handler. */
static void what_rooms_serve_ends_a_guest_of_the_core(void **state)
{
    static const uint32_t reasons[] = {EXIT_REASON_CONTROL_REGISTER_ACCESS, EXIT_REASON_XSETBV,
                                       EXIT_REASON_IO_INSTRUCTION};

    (void)state;
    for (uint32_t reason = 0; reason < EXIT_HANDLERS; reason++)
        vcpu->handlers[reason] = exit_handler_of(reason);
    for (unsigned i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        assert_int_equal(guest_machine_serve(reasons[i], 0x304, 3), EXIT_ENDED);
        assert_int_equal(vcpu->end, GUEST_END_UNHANDLED);
        assert_int_equal(vcpu->end_number, reasons[i]);
        assert_int_equal(vcpu->end_value, 0x304);
    }
}

/* SDM Vol. 3, table "Format of Exit Reason": bit 26 beside the reason says that a bus lock was
 * asserted, too. */
static void a_reason_with_bits_beside_it_is_served_all_the_same(void **state)
{
    (void)state;
    FIELD(GUEST_RIP) = GUEST_CODE;
    assert_int_equal(guest_machine_serve(1u << 26 | EXIT_REASON_PAUSE, 0, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE + 2);
    assert_int_equal(vcpu->exit_count[EXIT_REASON_PAUSE], 1);
}

/* What is written down */

static void trace(const struct vcpu *traced_vcpu, const struct exit_record *exit)
{
    assert_ptr_equal(traced_vcpu, vcpu);
    assert_int_equal(exit->rip, GUEST_CODE);
    traced++;
}

static enum exit_done own_handler(struct vcpu *own, const struct exit_record *exit)
{
    (void)exit;
    own->reg[VCPU_RBX]++;
    return own_answer;
}

static void a_watched_exit_is_written_down_and_traced(void **state)
{
    (void)state;
    guest_machine.options.trace = trace;
    vcpu_watch(vcpu);
    vcpu->reg[VCPU_RAX] = 1;
    for (uint32_t i = 0; i < VCPU_EXITS_RECORDED + 3; i++) {
        FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = i;
        assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_IGNORED);
    }
    assert_int_equal(guest_vm_of(vcpu)->record_count, VCPU_EXITS_RECORDED + 3);
    assert_int_equal(traced, VCPU_EXITS_RECORDED + 3);
    for (uint32_t i = 0; i < VCPU_EXITS_RECORDED; i++) {
        assert_int_equal(guest_vm_of(vcpu)->record[i].instruction_information, i);
        assert_int_equal(guest_vm_of(vcpu)->record[i].instruction_length, 2);
        assert_int_equal(guest_vm_of(vcpu)->record[i].done, EXIT_IGNORED);
        assert_int_equal(guest_vm_of(vcpu)->record[i].rax, 1);
    }
}

static void the_guests_own_handler_is_asked_first(void **state)
{
    (void)state;
    guest_machine.guest.on_exit = own_handler;
    vcpu_watch(vcpu);
    own_answer = EXIT_STEPPED;
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_STEPPED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE);
    own_answer = EXIT_DEFAULT;
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE + 2);
    assert_int_equal(vcpu->reg[VCPU_RBX], 2);
}

/* check-entry=always */
static void a_guest_that_could_not_be_entered_is_not(void **state)
{
    (void)state;
    guest_machine.options.check_entries = true;
    vcpu_watch(vcpu);
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_IGNORED);
    FIELD(GUEST_ACTIVITY_STATE) = 7;
    assert_int_equal(pause_at(GUEST_CODE, 2), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_RULES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(the_instruction_pointer_wraps_at_its_width),
        TEST(in_compatibility_mode_it_has_32_bits_too),
        TEST(the_end_of_the_canonical_half_can_be_passed),
        TEST(blocking_by_sti_and_mov_ss_ends_with_the_instruction),
        TEST(a_guest_that_steps_singly_gets_its_trap),
        TEST(a_guest_that_steps_over_branches_does_not),
        TEST(a_breakpoint_that_waits_is_not_lost),
        TEST(the_budget_of_exits_ends_a_guest),
        TEST(an_exit_that_nothing_serves_ends_the_guest),
        TEST(a_reason_that_is_not_defined_ends_the_guest),
        TEST(what_rooms_serve_ends_a_guest_of_the_core),
        TEST(a_failed_entry_ends_the_guest_and_is_reported),
        TEST(a_reason_with_bits_beside_it_is_served_all_the_same),
        TEST(a_watched_exit_is_written_down_and_traced),
        TEST(the_guests_own_handler_is_asked_first),
        TEST(a_guest_that_could_not_be_entered_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
