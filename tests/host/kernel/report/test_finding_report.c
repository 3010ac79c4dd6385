/*
 * Findings on many CPUs: what is said of several alike stands once, with all of them, and no number
 * of CPUs makes one get lost.
 */
#include "tests/host/new_cpu.h"
#include "kernel/report/report.h"
#include "tests/host/rule_coverage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/guests/guest_results.h"
static struct machine *machine;
static struct cpu *cpu_list[CPUS_MAX];

/* What was visited: "rule CPUs" for each finding, in a line. */
static char visited[4096];

static int set_up(void **state)
{
    (void)state;
    machine = calloc(1, sizeof(*machine));
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        cpu_list[i] = new_cpu();
        cpu_list[i]->index = i;
        cpu_list[i]->apic_id = 2 * i;
        cpu_list[i]->phase = CPU_READY;
        cpu_list[i]->execute_disable = EXECUTE_DISABLE_ON;
    }
    machine->cpus = cpu_list;
    machine->cpu_count = CPUS_MAX;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CPUS_MAX; i++)
        free(cpu_list[i]);
    free(machine);
    return 0;
}

static const char *visit_all(void)
{
    char on_cpus[CPUS_TEXT_SIZE];
    struct text_buffer text;

    machine_gather_findings(machine);
    text_buffer_init(&text, visited, sizeof(visited));
    for (uint32_t i = 0; i < machine->findings.count; i++)
        print_to(&text.sink, "%s %s\n", rule_table[machine->findings.item[i].rule].name,
                 cpus_name(machine_finding_cpus(machine, i), machine->cpu_count, on_cpus));
    assert_int_equal(text.lost, 0);
    return visited;
}

static void find_on(uint32_t cpu, enum rule rule, uint64_t seen)
{
    cpu_list[cpu]->vmx->findings.cpu = cpu;
    finding_add(&cpu_list[cpu]->vmx->findings,
                (struct finding){.rule = rule, .cpu = cpu, .high = -1, .low = -1, .seen = seen});
}

static void five_hundred_silent_cpus_are_one_warning(void **state)
{
    (void)state;
    for (uint32_t i = 4; i < CPUS_MAX; i++)
        cpu_list[i]->phase = CPU_SILENT;
    check_started_cpus(machine, CPUS_MAX - 1);
    assert_int_equal(machine->findings.count, 1);
    assert_int_equal(machine->findings.lost, 0);
    assert_false(machine_refused(machine));
    assert_string_equal(visit_all(), "cpu-silent CPUs 4-511\n");
}

static void what_cpus_have_alike_stands_once(void **state)
{
    (void)state;
    machine->cpu_count = 8;
    cpu_list[6]->phase = CPU_SILENT;
    check_started_cpus(machine, 7);
    for (uint32_t i = 0; i < 8; i++) {
        if (i != 3)
            find_on(i, RULE_FEATURE_CONTROL_UNLOCKED, 0);
    }
    find_on(0, RULE_BASIC_BIT_57, 1);
    find_on(3, RULE_COMPARE_MISMATCH, 1);
    find_on(5, RULE_COMPARE_MISMATCH, 2); /* another value */
    find_on(7, RULE_COMPARE_MISMATCH, 1);
    assert_string_equal(visit_all(), "cpu-silent CPU 6\n"
                                     "feature-control-unlocked CPUs 0-2,4-7\n"
                                     "basic-bit-57 CPU 0\n"
                                     "compare-mismatch CPUs 3,7\n"
                                     "compare-mismatch CPU 5\n");
}

/* CPU 0 is one of them; and what stands after the last finding of a list is none. */
static void the_first_cpu_and_no_old_finding_count(void **state)
{
    (void)state;
    machine->cpu_count = 4;
    find_on(0, RULE_COMPARE_MISMATCH, 1);
    find_on(2, RULE_COMPARE_MISMATCH, 1);
    cpu_list[2]->vmx->findings.count = 0;
    check_guest_run(
        machine, 0,
        &(struct guest_run){.guest = &(struct guest){.name = "one"}, .result = GUEST_DIED});
    assert_string_equal(visit_all(), "guest-died CPU 0\n"
                                     "compare-mismatch CPU 0\n");
    cpu_list[0]->vmx->findings.lost = 3;
    visit_all();
    assert_int_equal(machine->findings.lost, 3);
    visit_all(); /* and no more often than that */
    assert_int_equal(machine->findings.lost, 3);
}

/* Of the machine's findings and of its CPUs': a word more or another place is another finding. */
static void any_difference_is_another_finding(void **state)
{
    static const struct finding one = {RULE_GUEST_DIED, SEVERITY_WARNING, 1, 2, 4, 3, 5, 6, "x"};
    const char same_text[] = "x";
    struct finding other[9];

    (void)state;
    for (unsigned i = 0; i < 9; i++)
        other[i] = one;
    other[0].rule = RULE_GUEST_DIFFERS;
    other[1].severity = SEVERITY_NOTE;
    other[2].msr = 3;
    other[3].high = 5;
    other[4].low = 2;
    other[5].seen = 4;
    other[6].wanted = 4;
    other[7].detail = "y";
    other[8].detail = NULL;
    for (unsigned i = 0; i < 9; i++) {
        assert_false(finding_is_alike(&one, &other[i]));
        assert_false(finding_is_alike(&other[i], &one));
    }
    other[0] = one;
    other[0].cpu = 0;
    other[0].detail = same_text;
    assert_true(finding_is_alike(&one, &other[0]));
    assert_true(finding_is_alike(&other[8], &other[8]));
}

/* A guest that dies with other words on each of 512 CPUs. */
static void words_that_differ_on_every_cpu_lose_nothing(void **state)
{
    static struct guest guest = {.name = "one"};
    static struct guest_run runs[CPUS_MAX];

    (void)state;
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        runs[i] = (struct guest_run){.guest = &guest, .result = GUEST_DIED};
        format_text(runs[i].detail, sizeof(runs[i].detail), "at RIP %#x", i);
        check_guest_run(machine, i, &runs[i]);
    }
    assert_int_equal(machine->findings.count, FINDINGS_MAX);
    assert_int_equal(machine->findings.lost, 0);
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        bool reported = false;

        for (uint32_t j = 0; j < FINDINGS_MAX; j++)
            reported |= machine_finding_cpus(machine, j)[i];
        assert_true(reported);
    }
}

/* Each result has its rule; the guest's name, and after it what is known of its end. */
static void a_guest_is_reported_by_name(void **state)
{
    static struct guest guest = {.name = "one"};
    static const struct {
        enum guest_result result;
        const char *detail;
        const char *reported; /* NULL: nothing */
        enum rule rule;
    } rows[] = {{GUEST_OK, "x", NULL, 0},
                {GUEST_SKIPPED, "x", NULL, 0},
                {GUEST_DIFFERS, "", "one", RULE_GUEST_DIFFERS},
                {GUEST_DIED, "x", "one: x", RULE_GUEST_DIED},
                {GUEST_NO_MEMORY, "two words", "one: two words", RULE_GUEST_MEMORY}};

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct guest_run run = {.guest = &guest, .result = rows[i].result};

        format_text(run.detail, sizeof(run.detail), "%s", rows[i].detail);
        machine->findings.count = 0;
        check_guest_run(machine, 3, &run);
        assert_int_equal(machine->findings.count, rows[i].reported != NULL);
        if (rows[i].reported == NULL)
            continue;
        assert_int_equal(machine->findings.item[0].rule, rows[i].rule);
        assert_int_equal(machine->findings.item[0].cpu, 3);
        assert_string_equal(machine->findings.item[0].detail, rows[i].reported);
        machine->findings.count = 0; /* its words end with the run */
    }
}

/* Nothing of the same rule stands there to join: it is lost, and refuses. */
static void a_finding_without_room_or_kin_is_lost(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < FINDINGS_MAX; i++)
        machine->findings.item[i] = (struct finding){.rule = RULE_OVERRIDDEN, .seen = i};
    machine->findings.count = FINDINGS_MAX;
    find_on(9, RULE_OVERRIDDEN, 1);
    cpu_list[9]->vmx->findings.lost = 2;
    check_memory(machine, false);
    assert_int_equal(machine->findings.lost, 1);
    assert_true(machine_refused(machine));
    machine_gather_findings(machine);
    assert_int_equal(machine->findings.lost, 3);
    assert_true(machine_refused(machine));
}

static void a_long_set_is_cut_and_counted(void **state)
{
    static bool odd[CPUS_MAX], few[CPUS_MAX];
    char text[CPUS_TEXT_SIZE];

    (void)state;
    for (uint32_t i = 1; i < CPUS_MAX; i += 2)
        odd[i] = true;
    assert_string_equal(cpus_name(odd, CPUS_MAX, text),
                        "CPUs 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,... (256)");
    /* 41 characters of ranges, and 39. */
    for (uint32_t i = 100; i < 120; i += 2)
        few[i] = true;
    few[0] = true;
    assert_string_equal(cpus_name(few, 119, text),
                        "CPUs 0,100,102,104,106,108,110,112,114,116,... (11)");
    few[0] = false;
    assert_string_equal(cpus_name(few, 119, text), "CPUs 100,102,104,106,108,110,112,114,116,118");
}

/* Read back by an implementation of JSON that is not ours. */
static void the_document_has_the_set(void **state)
{
    static char text[1024 * 1024];
    struct text_buffer buffer;
    FILE *python;

    (void)state;
    for (uint32_t i = 4; i < 52; i++)
        cpu_list[i]->phase = CPU_SILENT;
    check_started_cpus(machine, CPUS_MAX - 1);
    find_on(7, RULE_BASIC_BIT_57, 1);
    find_on(400, RULE_BASIC_BIT_57, 1);
    machine_gather_findings(machine);
    text_buffer_init(&buffer, text, sizeof(text));
    report_json(machine, &buffer.sink);
    assert_int_equal(buffer.lost, 0);
    python =
        popen("python3 -c '"
              "import json, sys\n"
              "a, b = json.load(sys.stdin)[\"findings\"]\n"
              "assert (a[\"rule\"], a[\"cpu\"], a[\"cpus\"]) == (\"cpu-silent\", 4, \"4-51\")\n"
              "assert a[\"apic_id\"] == 8\n"
              "assert (b[\"cpu\"], b[\"cpus\"], b[\"apic_id\"]) == (7, \"7,400\", 14)\n"
              "'",
              "w");
    assert_non_null(python);
    assert_int_equal(fwrite(text, 1, buffer.length, python), buffer.length);
    assert_int_equal(pclose(python), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(five_hundred_silent_cpus_are_one_warning, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_cpus_have_alike_stands_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_cpu_and_no_old_finding_count, set_up, tear_down),
        cmocka_unit_test(any_difference_is_another_finding),
        cmocka_unit_test_setup_teardown(words_that_differ_on_every_cpu_lose_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_guest_is_reported_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_finding_without_room_or_kin_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_set_is_cut_and_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_document_has_the_set, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
