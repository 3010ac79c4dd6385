/*
 * What the results of guests are to the machine: findings, a VMCS that is kept, a part of the JSON
 * report. What a finding must say follows from what each test breaks; the document's shape is
 * docs/report.md's.
 */
#include "tests/host/new_cpu.h"
#include "kernel/report/report.h"
#include "kernel/machine.h"
#include "tests/host/plain_guest.h"
#include "tests/host/rule_coverage.h"
#include "vmx/exit_reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/guests/guest_results.h"
static struct machine *machine;
static struct cpu *cpu_list[2];
static struct guest_run runs[2][1];

static int set_up(void **state)
{
    (void)state;
    machine = calloc(1, sizeof(*machine));
    memset(&guest_results, 0, sizeof(guest_results));

    for (uint32_t i = 0; i < 2; i++) {
        cpu_list[i] = new_cpu();
        cpu_list[i]->phase = CPU_READY;
        guest_results.runs[i] = runs[i];
        cpu_list[i]->vmx->state = VMX_CPU_LOADED;
        runs[i][0] = (struct guest_run){.guest = &plain, .result = GUEST_OK};
    }
    machine->cpus = cpu_list;
    machine->cpu_count = 2;
    guest_results.choice.count = 1;
    guest_results.choice.item[0] = (struct guest_chosen){.guest = &plain, .every_cpu = true};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(cpu_list[0]);
    free(cpu_list[1]);
    free(machine);
    return 0;
}

static void each_result_has_its_finding(void **state)
{
    static const struct {
        enum guest_result result;
        enum rule rule;
    } cases[] = {{GUEST_DIFFERS, RULE_GUEST_DIFFERS},
                 {GUEST_DIED, RULE_GUEST_DIED},
                 {GUEST_NO_MEMORY, RULE_GUEST_MEMORY}};

    (void)state;
    check_guest_runs(machine);
    runs[0][0].result = GUEST_SKIPPED;
    check_guest_runs(machine);
    assert_int_equal(machine->findings.count, 0);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        runs[1][0].result = cases[i].result;
        machine->findings.count = 0;
        check_guest_runs(machine);
        assert_int_equal(machine->findings.count, 1);
        assert_int_equal(machine->findings.item[0].rule, cases[i].rule);
        assert_int_equal(machine->findings.item[0].cpu, 1);
        assert_string_equal(machine->findings.item[0].detail, "plain");
        assert_true(machine_refused(machine));
    }
    strcpy(runs[1][0].detail, "triple fault, at RIP 0x8000");
    machine->findings.count = 0;
    check_guest_runs(machine);
    assert_string_equal(machine->findings.item[0].detail, "plain: triple fault, at RIP 0x8000");
    guest_results.choice.item[0] =
        (struct guest_chosen){.guest = &plain, .cpu = 0}; /* not on CPU 1 */
    machine->findings.count = 0;
    check_guest_runs(machine);
    assert_int_equal(machine->findings.count, 0);
    guest_results.choice.item[0].cpu = 1;
    check_guest_runs(machine);
    assert_int_equal(machine->findings.count, 1);
    cpu_list[1]->phase = CPU_SILENT; /* has no results */
    machine->findings.count = 0;
    check_guest_runs(machine);
    assert_int_equal(machine->findings.count, 0);
}

static void an_unknown_guest_is_a_warning(void **state)
{
    (void)state;
    check_guest_names(machine);
    assert_int_equal(machine->findings.count, 0);
    strcpy(guest_results.choice.unknown, "nobody");
    check_guest_names(machine);
    assert_int_equal(machine->findings.item[0].rule, RULE_GUEST_UNKNOWN);
    assert_false(machine_refused(machine));
}

static void guests_that_do_not_run_are_warnings(void **state)
{
    (void)state;
    strcpy(guest_results.choice.no_cpu, "cpu7:plain");
    guest_results.choice.lost = 1;
    check_guest_choice(machine);
    assert_int_equal(machine->findings.count, 2);
    assert_int_equal(machine->findings.item[0].rule, RULE_GUEST_NO_CPU);
    assert_string_equal(machine->findings.item[0].detail, "cpu7:plain");
    assert_int_equal(machine->findings.item[1].rule, RULE_GUEST_LEFT_OUT);
    assert_false(machine_refused(machine));
}

/* Keeps it, if it is wanted; gives whether it was. */
static bool keep(uint32_t cpu, bool entry_failed)
{
    bool wanted = vmcs_is_wanted(cpu, entry_failed);

    if (wanted) {
        guest_results.vmcs.guest = "plain";
        guest_results.vmcs.cpu = cpu;
        guest_results.vmcs.entry_failed = entry_failed;
    }
    return wanted;
}

static void unasked_the_first_vmcs_that_was_not_entered_is_kept(void **state)
{
    (void)state;
    assert_false(keep(0, false));
    assert_true(keep(1, true));
    assert_false(keep(0, true));
    assert_false(keep(1, true));
    assert_false(keep(0, false));
}

static void asked_the_last_of_the_first_cpu_is_kept_but_for_a_failed_entry(void **state)
{
    (void)state;
    guest_options.dump_vmcs = true;
    assert_true(keep(1, false));
    assert_true(keep(1, false));
    assert_true(keep(0, false));
    assert_false(keep(1, false));
    assert_true(keep(0, false));
    assert_true(keep(1, true));
    assert_false(keep(0, false));
    assert_int_equal(guest_results.vmcs.cpu, 1);
}

static void without_room_for_results_it_is_refused(void **state)
{
    (void)state;
    machine_add(machine, RULE_GUEST_MEMORY, 0, NULL);
    assert_int_equal(machine->findings.item[0].rule, RULE_GUEST_MEMORY);
    assert_true(machine_refused(machine));
}

static void guests_need_every_cpu_loaded(void **state)
{
    (void)state;
    assert_true(machine_all_loaded(machine));
    cpu_list[1]->vmx->state = VMX_CPU_ROOT;
    assert_false(machine_all_loaded(machine));
    cpu_list[1]->phase = CPU_SILENT; /* takes no part */
    assert_true(machine_all_loaded(machine));
}

static void the_json_reports_each_run_and_what_was_measured(void **state)
{
    static const struct bench_row rows[BENCH_ROWS] = {
        {"cpuid", true, 1, 2, 3},
        {"vmcall", false, 0, 0, 0},
    };
    char text[4096];
    struct text_buffer buffer;
    struct json json;

    (void)state;
    text_buffer_init(&buffer, text, sizeof(text));
    json_init(&json, &buffer.sink);
    runs[0][0].exits[EXIT_REASON_CPUID] = 2;
    runs[1][0].result = GUEST_DIED;
    strcpy(runs[1][0].detail, "of age");
    runs[1][0].entry = (struct entry_failure){
        .checked = true,
        .class = VMENTRY_GUEST,
        .broken = 6,
        .unread = 1,
        .unchecked = {1u << VMENTRY_PIN_MUST_BE_1},
        .item = {{.rule = VMENTRY_GUEST_RFLAGS_BIT_1, .field = VMCS_GUEST_RFLAGS, .wanted = 2},
                 {.rule = VMENTRY_GUEST_RFLAGS_VM, .field = VMCS_GUEST_RFLAGS},
                 {.rule = VMENTRY_GUEST_RFLAGS_IF, .field = VMCS_GUEST_RFLAGS},
                 {.rule = VMENTRY_MSR_SMM, .field = VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, .entry = 7}}};
    memcpy(guest_results.bench.row, rows, sizeof(rows));
    for (unsigned i = 2; i < BENCH_ROWS; i++)
        guest_results.bench.row[i] = (struct bench_row){.name = "x"};
    guest_results.done = guest_results.bench_done = true;
    json_object_begin(&json, NULL);
    guests_json(machine, &json);
    json_object_end(&json);
    for (char *from = text, *to = text;; from++) { /* the layout is the writer's business */
        if (*from != '\n' && *from != ' ')
            *to++ = *from;
        if (*from == '\0')
            break;
    }
    assert_non_null(strstr(text, "{\"guests\":[{\"name\":\"plain\",\"cpu\":0,\"result\":\"ok\","
                                 "\"exits\":{\"CPUID\":2},\"detail\":\"\",\"entry\":null},"
                                 "{\"name\":\"plain\",\"cpu\":1,\"result\":\"died\","
                                 "\"exits\":{},\"detail\":\"ofage\",\"entry\":"
                                 "{\"class\":\"exitreason33\",\"broken\":6,\"unread\":1,"
                                 "\"unread_rules\":[\"pin-must-be-1\"],\"rules\":["
                                 "{\"rule\":\"guest-rflags-bit-1\","
                                 "\"text\":\"bit1ofguestRFLAGSis1\","
                                 "\"sdm\":\"ChecksonGuestRIP,RFLAGS,andSSP\","
                                 "\"field\":\"GuestRFLAGS\",\"seen\":\"0x0\",\"wanted\":\"0x2\","
                                 "\"entry\":0},"));
    /* Of six that are broken four are kept. */
    assert_non_null(strstr(text,
                           "\"entry\":7}]}}],"
                           "\"bench\":{\"exits\":{\"cpuid\":{\"min\":1,\"median\":2,\"max\":3},"
                           "\"vmcall\":null,"));
}

#define WITH_MACHINE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MACHINE(each_result_has_its_finding),
        WITH_MACHINE(an_unknown_guest_is_a_warning),
        WITH_MACHINE(guests_that_do_not_run_are_warnings),
        WITH_MACHINE(unasked_the_first_vmcs_that_was_not_entered_is_kept),
        WITH_MACHINE(asked_the_last_of_the_first_cpu_is_kept_but_for_a_failed_entry),
        WITH_MACHINE(without_room_for_results_it_is_refused),
        WITH_MACHINE(guests_need_every_cpu_loaded),
        WITH_MACHINE(the_json_reports_each_run_and_what_was_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
