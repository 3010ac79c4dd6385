/*
 * The check of guests made of probes (vm/guests/probe.h): a run that is as it should be, and that
 * run with one thing changed, which the check must see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/set_controls.h"
#include "tests/host/guest_machine.h"
#include "vm/guests/probe.h"

enum { LENGTH = 2, FIRST = GUEST_CODE + 0x10, SECOND = GUEST_CODE + 0x40 };

/* An instruction that exits and gives RAX; one that faults without an exit. */
static const struct probe probes[] = {
    {"CPUID", EXIT_REASON_CPUID, 0x12, .information_mask = 0xf0, .information = 0x30,
     .done = EXIT_EMULATED, HOLDS(VCPU_RAX, 7), .flags_0 = 1},
    {.instruction = "UD2", FAULTS_UD},
};

static struct guest probed = {PROBES_IN(probes)};
static struct vcpu *vcpu;

static struct probe_snapshot *snapshot(unsigned number)
{
    return (struct probe_snapshot *)guest_machine_memory(GUEST_ARRAY) + number;
}

/* As the guest's assembly writes snapshots: before and after each instruction. */
static int good_run(void **state)
{
    uint64_t end = GUEST_ARRAY + 4 * sizeof(struct probe_snapshot);

    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    guest_vm_of(vcpu)->guest = &probed;
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned reg = 0; reg < VCPU_REGISTERS; reg++)
            snapshot(i)->reg[reg] = 0x100 + reg;
        snapshot(i)->rflags = i == 0 ? 0x8d7 : 0x8d6;
        snapshot(i)->reg[VCPU_RAX] = i == 0 ? 0x100 : 7;
    }
    snapshot(0)->rip = FIRST;
    snapshot(1)->rip = FIRST + LENGTH + PROBE_CALL_BYTES;
    snapshot(2)->rip = SECOND;
    snapshot(3)->rip = SECOND + LENGTH + PROBE_CALL_BYTES;
    snapshot(3)->fault = PROBE_FAULTED + X86_VECTOR_UD;
    snapshot(3)->fault_rip = SECOND;
    memcpy(guest_machine_memory(PROBE_NEXT), &end, sizeof(end));
    guest_vm_of(vcpu)->record[0] = (struct exit_record){.reason = EXIT_REASON_CPUID,
                                                        .qualification = 0x12,
                                                        .instruction_information = 0xf3f,
                                                        .instruction_length = LENGTH,
                                                        .rip = FIRST,
                                                        .done = EXIT_EMULATED};
    guest_vm_of(vcpu)->record[1] =
        (struct exit_record){.reason = EXIT_REASON_VMCALL, .done = EXIT_ENDED};
    guest_vm_of(vcpu)->record_count = 2;
    return 0;
}

static void assert_wrong(const char *what)
{
    const char *reported = probe_check(vcpu);

    assert_non_null(reported);
    assert_non_null(strstr(reported, what));
    good_run(NULL);
}

static void a_good_run_is_good(void **state)
{
    (void)state;
    assert_null(probe_check(vcpu));
}

static void every_part_of_an_exit_counts(void **state)
{
    (void)state;
    guest_vm_of(vcpu)->record[0].reason = EXIT_REASON_HLT;
    assert_wrong("CPUID: exit HLT, expected CPUID");
    guest_vm_of(vcpu)->record[0].qualification = 0x13;
    assert_wrong("exit qualification 0x13");
    guest_vm_of(vcpu)->record[0].instruction_information = 0xf2f;
    assert_wrong("instruction information");
    guest_vm_of(vcpu)->record[0].rip++;
    assert_wrong("the instruction is at");
    guest_vm_of(vcpu)->record[0].instruction_length++;
    assert_wrong("3 bytes; the instruction is at");
    guest_vm_of(vcpu)->record[0].done = EXIT_IGNORED;
    assert_wrong("expected: done for the guest");
    guest_vm_of(vcpu)->record[0].instruction_information =
        0x30; /* outside of the mask nothing counts */
    assert_null(probe_check(vcpu));
}

/* Where a machine has the quirk that a probe names, and nowhere else. */
static void what_a_quirk_leaves_open_is_not_compared(void **state)
{
    static const struct probe loose[] = {
        {"CPUID", EXIT_REASON_CPUID, 0x12, .information_mask = 0xf0, .information = 0x30,
         .qualification_quirk = QUIRK_STALE_DISPLACEMENT,
         .information_quirk = QUIRK_NO_WAIT_INFORMATION, .done = EXIT_EMULATED, HOLDS(VCPU_RAX, 7),
         .flags_0 = 1},
        {.instruction = "UD2", FAULTS_UD},
    };
    const uint32_t both = 1u << QUIRK_STALE_DISPLACEMENT | 1u << QUIRK_NO_WAIT_INFORMATION;

    (void)state;
    probed.probes = loose;
    for (uint32_t left_out = 0; left_out < QUIRK_COUNT; left_out++) {
        guest_vm_of(vcpu)->record[0].qualification = 0x13;
        guest_vm_of(vcpu)->record[0].instruction_information = 0xf2f;
        quirks_here = both & ~(1u << left_out);
        if (left_out == QUIRK_STALE_DISPLACEMENT)
            assert_wrong("exit qualification 0x13");
        else if (left_out == QUIRK_NO_WAIT_INFORMATION)
            assert_wrong("instruction information");
        else
            assert_null(probe_check(vcpu));
    }
    probed.probes = probes;
}

/* An exit that depends on the processor: where it is, it is compared; where not, none is missed. */
static void an_exit_that_may_be_is_compared_where_it_is(void **state)
{
    static const struct probe may[] = {
        {"CPUID", EXIT_REASON_CPUID, 0x12, .information_mask = 0xf0, .information = 0x30,
         .may = true, .done = EXIT_EMULATED, HOLDS(VCPU_RAX, 7), .flags_0 = 1},
        {.instruction = "UD2", FAULTS_UD},
    };

    (void)state;
    probed.probes = may;
    assert_null(probe_check(vcpu));
    guest_vm_of(vcpu)->record[0].qualification = 0x13;
    assert_wrong("exit qualification 0x13");
    guest_vm_of(vcpu)->record[0].rip++; /* another instruction's: nothing here takes it */
    assert_wrong("an exit too many: CPUID");
    guest_vm_of(vcpu)->record[0] = guest_vm_of(vcpu)->record[1];
    guest_vm_of(vcpu)->record_count = 1;
    assert_null(probe_check(vcpu));
    probed.probes = probes;
}

static void exits_are_counted(void **state)
{
    (void)state;
    guest_vm_of(vcpu)->record[2] = guest_vm_of(vcpu)->record[1];
    guest_vm_of(vcpu)->record[1] = guest_vm_of(vcpu)->record[0];
    guest_vm_of(vcpu)->record_count = 3;
    assert_wrong("an exit too many: CPUID");
    guest_vm_of(vcpu)->record_count = 0;
    assert_wrong("exit 1 of 1 is missing");
    guest_vm_of(vcpu)->record_count = 1;
    assert_wrong("an exit too many: none");
}

/* Single steps, and the guest's calls to the check. */
static void exits_that_are_no_probes_are_passed_over(void **state)
{
    (void)state;
    guest_vm_of(vcpu)->record[3] = guest_vm_of(vcpu)->record[1];
    guest_vm_of(vcpu)->record[1] = guest_vm_of(vcpu)->record[0];
    guest_vm_of(vcpu)->record[0] =
        (struct exit_record){.reason = EXIT_REASON_MONITOR_TRAP_FLAG, .done = EXIT_STEPPED};
    guest_vm_of(vcpu)->record[2] =
        (struct exit_record){.reason = EXIT_REASON_VMCALL,
                             .rax = 0xffffffff00000000 | PROBE_CALL_QUIET,
                             .done = EXIT_EMULATED};
    guest_vm_of(vcpu)->record_count = 4;
    assert_null(probe_check(vcpu));
}

/* More exits than are kept: those that are not, are missing. */
static void exits_that_were_not_recorded_are_missing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VCPU_EXITS_RECORDED; i++)
        guest_vm_of(vcpu)->record[i] = (struct exit_record){
            .reason = EXIT_REASON_VMCALL, .rax = PROBE_CALL_QUIET, .done = EXIT_EMULATED};
    guest_vm_of(vcpu)->record_count = VCPU_EXITS_RECORDED + 2;
    assert_wrong("exit 1 of 1 is missing");
}

static void every_register_and_flag_counts(void **state)
{
    (void)state;
    for (unsigned reg = 0; reg < VCPU_REGISTERS; reg++) {
        snapshot(1)->reg[reg] ^= 1ull << 63;
        assert_wrong("CPUID: register");
        snapshot(3)->reg[reg] ^= 1;
        assert_wrong("UD2: register");
    }
    for (unsigned bit = 0; bit < 22; bit++) {
        snapshot(1)->rflags ^= 1ull << bit;
        assert_wrong("CPUID: RFLAGS became");
    }
}

static void faults_count_with_their_place_and_code(void **state)
{
    (void)state;
    snapshot(1)->fault = PROBE_FAULTED + X86_VECTOR_GP;
    assert_wrong("CPUID: exception");
    snapshot(3)->fault = 0;
    assert_wrong("UD2: exception 0x0 in the guest");
    snapshot(3)->fault_rip++;
    assert_wrong("UD2: the exception came at");
    snapshot(3)->error = 1;
    assert_wrong("UD2: the exception came at");
}

static void a_guest_that_did_not_come_to_its_end_is_reported(void **state)
{
    uint64_t end = GUEST_ARRAY;

    (void)state;
    memcpy(guest_machine_memory(PROBE_NEXT), &end, sizeof(end));
    assert_wrong("snapshots up to 0x20000");
}

/* The call after which nothing exits any more that the guest turned on. */
static void the_quiet_call_turns_the_guests_controls_off(void **state)
{
    struct exit_record exit = {.reason = EXIT_REASON_VMCALL, .rax = PROBE_CALL_QUIET};

    (void)state;
    SET_CONTROLS(probed, ON(PRIMARY, HLT_EXITING));
    FIELD(VM_EXIT_INSTRUCTION_LENGTH) = 3;
    assert_int_equal(probe_on_exit(vcpu, &exit), EXIT_EMULATED);
    assert_int_equal(FIELD(PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) & PRIMARY_HLT_EXITING, 0);
    exit.rax = 0;
    assert_int_equal(probe_on_exit(vcpu, &exit), EXIT_DEFAULT);
    probed.control_count = 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, good_run)
    const struct CMUnitTest tests[] = {
        TEST(a_good_run_is_good),
        TEST(every_part_of_an_exit_counts),
        TEST(what_a_quirk_leaves_open_is_not_compared),
        TEST(exits_are_counted),
        TEST(an_exit_that_may_be_is_compared_where_it_is),
        TEST(exits_that_are_no_probes_are_passed_over),
        TEST(exits_that_were_not_recorded_are_missing),
        TEST(every_register_and_flag_counts),
        TEST(faults_count_with_their_place_and_code),
        TEST(a_guest_that_did_not_come_to_its_end_is_reported),
        TEST(the_quiet_call_turns_the_guests_controls_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
