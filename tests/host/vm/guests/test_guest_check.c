/*
 * Whether a guest did what it should, as vm/guests/guest.h's contract has it, and how an exit that
 * it caused is reported.
 */
#include "tests/host/plain_guest.h"
#include "vm/guests/guest_run.h"
#include "vmx/exit_reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct guest_vm own;
static struct guest_run run;

static void add_exit(uint32_t reason, uint64_t qualification, uint64_t rip, enum exit_done done)
{
    own.record[own.record_count++] = (struct exit_record){
        .reason = reason, .qualification = qualification, .rip = rip, .done = done};
}

static void begin(const struct guest *guest, enum guest_end end)
{
    own = (struct guest_vm){0};
    own.guest = guest;
    own.vcpu.end = end;
}

static enum guest_result check_guest(void)
{
    memset(&run, 0xee, sizeof(run));
    run.guest = own.guest;
    guest_check(&own.vcpu, &run);
    return run.result;
}

static void end_by_call(void)
{
    add_exit(EXIT_REASON_VMCALL, 0, GUEST_CODE + 9, EXIT_ENDED);
}

/* vm/guests/guest.h, sees_machine: whose memory it was is reported; and then what the guest has to
 * say. */
static void say_more(const struct vcpu *of, struct sink *sink)
{
    assert_ptr_equal(of, &own.vcpu);
    print_to(sink, "; more");
}

static void a_guest_that_reaches_for_the_hypervisor_is_reported_so(void **state)
{
    static const struct guest_kind talkative = {.print = say_more};
    static struct guest guest;

    (void)state;
    guest = plain;
    guest.end = GUEST_END_MEMORY;
    guest.kind = &talkative;
    begin(&guest, GUEST_END_MEMORY);
    own.vcpu.end_value = 0x200000;
    assert_int_equal(check_guest(), GUEST_OK);
    assert_string_equal(run.detail, "reached for memory that it does not have, at guest-physical "
                                    "address 0x200000; more");
    own.last.owner = "its image";
    assert_int_equal(check_guest(), GUEST_OK);
    assert_string_equal(run.detail, "reached for the hypervisor's own memory, its image, at "
                                    "guest-physical address 0x200000; more");
    guest.end = GUEST_END_CALL; /* then it died, and has nothing more to say */
    assert_int_equal(check_guest(), GUEST_DIED);
    assert_string_equal(run.detail, "reached for the hypervisor's own memory, its image, at "
                                    "guest-physical address 0x200000");
}

/* The rules that its VMCS breaks stand last. */
static void a_guest_that_was_not_entered_has_the_broken_rules(void **state)
{
    static struct guest guest;

    (void)state;
    guest = plain;
    guest.end = GUEST_END_ENTRY_ERROR;
    begin(&guest, GUEST_END_ENTRY_ERROR);
    own.vcpu.end_number = 7;
    strcpy(own.vcpu.broken, "pin-must-be-1");
    assert_int_equal(check_guest(), GUEST_OK);
    assert_string_equal(run.detail, "VM entry did not succeed: VM-instruction error 7, VM entry "
                                    "with invalid control field(s); broken: pin-must-be-1");
}

static const struct exit_expected twice_cpuid_then_io[] = {
    {.reason = EXIT_REASON_CPUID, .at = code + 2, .times = 2, .done = EXIT_EMULATED},
    {.reason = EXIT_REASON_IO_INSTRUCTION,
     .qualification_mask = -0x10000,
     .qualification = 0x80 << 16},
};

static struct guest expecting(void)
{
    struct guest guest = plain;

    guest.expected = twice_cpuid_then_io;
    guest.expected_count = 2;
    return guest;
}

static void exits_in_their_order_are_well(void **state)
{
    static struct guest guest;

    (void)state;
    guest = expecting();
    begin(&guest, GUEST_END_CALL);
    add_exit(EXIT_REASON_CPUID, 0, GUEST_CODE + 2, EXIT_EMULATED);
    add_exit(EXIT_REASON_CPUID, 0, GUEST_CODE + 2, EXIT_EMULATED);
    add_exit(EXIT_REASON_IO_INSTRUCTION, 0x80 << 16 | 3, GUEST_CODE + 4, EXIT_IGNORED);
    end_by_call();
    assert_int_equal(check_guest(), GUEST_OK);
    assert_string_equal(run.detail, "");
}

/* Each of these differs from the run above in one thing. */
static void any_other_exit_differs(void **state)
{
    static struct guest guest;

    (void)state;
    guest = expecting();
    for (unsigned change = 0; change < 6; change++) {
        begin(&guest, GUEST_END_CALL);
        add_exit(change == 0 ? EXIT_REASON_HLT : EXIT_REASON_CPUID, 0, GUEST_CODE + 2,
                 EXIT_EMULATED);
        if (change != 1)
            add_exit(EXIT_REASON_CPUID, 0, change == 2 ? GUEST_CODE : GUEST_CODE + 2,
                     change == 3 ? EXIT_INJECTED : EXIT_EMULATED);
        add_exit(EXIT_REASON_IO_INSTRUCTION, (change == 4 ? 0x81 : 0x80) << 16, GUEST_CODE + 4,
                 EXIT_IGNORED);
        if (change == 5)
            add_exit(EXIT_REASON_HLT, 0, GUEST_CODE + 6, EXIT_IGNORED);
        end_by_call();
        assert_int_equal(check_guest(), GUEST_DIFFERS);
        assert_int_not_equal(run.detail[0], '\0');
    }
}

static void an_exit_that_is_missing_at_the_end_differs(void **state)
{
    static struct guest guest;

    (void)state;
    guest = expecting();
    begin(&guest, GUEST_END_CALL);
    add_exit(EXIT_REASON_CPUID, 0, GUEST_CODE + 2, EXIT_EMULATED);
    add_exit(EXIT_REASON_CPUID, 0, GUEST_CODE + 2, EXIT_EMULATED);
    end_by_call();
    assert_int_equal(check_guest(), GUEST_DIFFERS);
    own.record_count--; /* nor was the call written down */
    assert_int_equal(check_guest(), GUEST_DIFFERS);
    assert_string_equal(run.detail, "exit 3: expected I/O instruction, seen the end");
}

static void an_end_that_is_not_its_own_is_death_and_says_of_what(void **state)
{
    static char details[GUEST_END_COUNT][GUEST_DETAIL_SIZE];

    (void)state;
    for (unsigned end = 0; end < GUEST_END_COUNT; end++) {
        begin(&plain, (enum guest_end)end);
        own.vcpu.end_value = 0xdead000;
        assert_int_equal(check_guest(), end == GUEST_END_CALL ? GUEST_OK : GUEST_DIED);
        assert_int_equal(strlen(run.detail) > 0, end != GUEST_END_CALL);
        for (unsigned other = 0; other < end; other++)
            assert_string_not_equal(run.detail, details[other]);
        memcpy(details[end], run.detail, sizeof(run.detail));
        if (end == GUEST_END_MEMORY || end == GUEST_END_TRIPLE_FAULT)
            assert_non_null(strstr(run.detail, "0xdead000"));
    }
}

static void a_misconfigured_ept_entry_is_reported_with_its_rule(void **state)
{
    (void)state;
    begin(&plain, GUEST_END_MISCONFIGURED);
    own.vcpu.end_value = 0xdead000;
    own.misconfiguration = EPT_WRITE_WITHOUT_READ;
    assert_int_equal(check_guest(), GUEST_DIED);
    assert_non_null(strstr(run.detail, "0xdead000: it allows writes but not reads"));
}

static void a_death_that_is_expected_is_well(void **state)
{
    static struct guest guest;

    (void)state;
    guest = plain;
    guest.end = GUEST_END_TRIPLE_FAULT;
    begin(&guest, GUEST_END_TRIPLE_FAULT);
    assert_int_equal(check_guest(), GUEST_OK);
    begin(&guest, GUEST_END_CALL);
    assert_int_equal(check_guest(), GUEST_DIED);
    guest.any_end = true;
    assert_int_equal(check_guest(), GUEST_OK);
}

static const char *complain(const struct vcpu *seen)
{
    return seen->reg[VCPU_RAX] == 1 ? NULL : "RAX is not 1";
}

static void the_guests_own_check_has_the_last_word(void **state)
{
    static struct guest guest;

    (void)state;
    guest = plain;
    guest.check = complain;
    begin(&guest, GUEST_END_CALL);
    assert_int_equal(check_guest(), GUEST_DIFFERS);
    assert_string_equal(run.detail, "RAX is not 1");
    own.vcpu.reg[VCPU_RAX] = 1;
    assert_int_equal(check_guest(), GUEST_OK);
}

static void an_exit_is_reported_with_its_operands(void **state)
{
    static const struct {
        struct exit_record exit;
        const char *parts[3];
    } cases[] = {
        {{.reason = EXIT_REASON_CPUID,
          .rax = 0x40000000,
          .rcx = 3,
          .rip = 0x8002,
          .done = EXIT_EMULATED},
         {"leaf 0x40000000, subleaf 0x3", "RIP 0x8002", "done for the guest"}},
        {{.reason = EXIT_REASON_WRMSR,
          .rcx = 0x277,
          .rax = 0xffffffff00000006,
          .rdx = 7,
          .done = EXIT_INJECTED},
         {"MSR 0x277", "value 0x700000006", "injected"}},
        {{.reason = EXIT_REASON_RDMSR, .rcx = 0xffffffffc0000080, .done = EXIT_EMULATED},
         {"RDMSR, MSR 0xc0000080, RIP", "RIP 0x0: ", "done for the guest"}},
        {{.reason = EXIT_REASON_VMCALL, .rax = 0x123456789, .done = EXIT_EMULATED},
         {"VMCALL, number 0x123456789, RIP", "", ""}},
        /* SDM, table "Format of the VM-Exit Interruption-Information Field": 13 is #GP */
        {{.reason = EXIT_REASON_EXCEPTION_OR_NMI,
          .interruption = 0x80000b0d,
          .interruption_error = 0x18,
          .done = EXIT_INJECTED},
         {"#GP", "0x18", "injected"}},
        {{.reason = EXIT_REASON_EPT_VIOLATION,
          .qualification = 1,
          .guest_physical = 0x200000,
          .done = EXIT_MAPPED},
         {"EPT violation", "0x200000", "page mapped"}},
        {{.reason = EXIT_REASON_EPT_VIOLATION,
          .qualification = 1,
          .guest_physical = 0x200000,
          .owner = "its image",
          .done = EXIT_REFUSED},
         {"0x200000", "the hypervisor's own: its image", "refused"}},
    };
    char text[512];
    struct text_buffer buffer;

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text_buffer_init(&buffer, text, sizeof(text));
        exit_record_print(&buffer.sink, &cases[i].exit);
        for (unsigned part = 0; part < 3; part++)
            if (strstr(text, cases[i].parts[part]) == NULL)
                fail_msg("wanted \"%s\" in: %s", cases[i].parts[part], text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guest_that_reaches_for_the_hypervisor_is_reported_so),
        cmocka_unit_test(exits_in_their_order_are_well),
        cmocka_unit_test(any_other_exit_differs),
        cmocka_unit_test(an_exit_that_is_missing_at_the_end_differs),
        cmocka_unit_test(an_end_that_is_not_its_own_is_death_and_says_of_what),
        cmocka_unit_test(a_guest_that_was_not_entered_has_the_broken_rules),
        cmocka_unit_test(a_misconfigured_ept_entry_is_reported_with_its_rule),
        cmocka_unit_test(a_death_that_is_expected_is_well),
        cmocka_unit_test(the_guests_own_check_has_the_last_word),
        cmocka_unit_test(an_exit_is_reported_with_its_operands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
