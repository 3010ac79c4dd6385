/*
 * The decisions on the way to VMX, and the report as JSON. What a finding must say follows from
 * what each test breaks; the document's shape is docs/report.md's.
 */
#include "tests/host/new_cpu.h"
#include "kernel/machine.h"
#include "kernel/report/report_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/selftest/selftest_room.h"
#include "kernel/guests/guest_results.h"
#include "tests/host/rule_coverage.h"

enum { CPUS = 3, OWN_ID = 4 };

static struct machine *machine;
static struct cpu *cpu_list[CPUS];

static int set_up(void **state)
{
    (void)state;
    machine = calloc(1, sizeof(*machine));
    memset(&guest_results, 0, sizeof(guest_results));
    memset(&selftest_results, 0, sizeof(selftest_results));

    for (uint32_t i = 0; i < CPUS; i++) {
        cpu_list[i] = new_cpu();
        cpu_list[i]->index = i;
        cpu_list[i]->apic_id = OWN_ID + i;
        cpu_list[i]->phase = CPU_READY;
        cpu_list[i]->execute_disable = EXECUTE_DISABLE_ON;
    }
    machine->cpus = cpu_list;
    machine->cpu_count = CPUS;
    return 0;
}

/* Whatever was found in a test was found on some CPU: the reports name the first. */
static int tear_down(void **state)
{
    (void)state;
    machine_gather_findings(machine);
    for (uint32_t i = 0; i < machine->findings.count; i++) {
        if (memchr(machine_finding_cpus(machine, i), 1, CPUS) == NULL)
            fail_msg("%s is found on no CPU", rule_table[machine->findings.item[i].rule].name);
    }
    for (uint32_t i = 0; i < CPUS; i++)
        free(cpu_list[i]);
    free(machine);
    return 0;
}

/* Exactly one finding, and this one. */
static void expect_only(enum rule rule, enum severity severity, uint32_t cpu)
{
    assert_int_equal(machine->findings.count, 1);
    assert_int_equal(machine->findings.item[0].rule, rule);
    assert_int_equal(machine->findings.item[0].severity, severity);
    assert_int_equal(machine->findings.item[0].cpu, cpu);
    assert_int_equal(machine_refused(machine), severity == SEVERITY_REFUSAL);
}

static void sound_information_is_not_a_finding(void **state)
{
    (void)state;
    check_boot_information(machine, NULL);
    check_memory(machine, true);
    assert_int_equal(machine->findings.count, 0);
    assert_false(machine_refused(machine));
}

static void broken_information_refuses_and_says_how(void **state)
{
    (void)state;
    check_boot_information(machine, "no end tag");
    expect_only(RULE_BOOT_INFORMATION, SEVERITY_REFUSAL, 0);
    assert_string_equal(machine->findings.item[0].detail, "no end tag");
}

static void words_that_were_not_understood_are_warnings(void **state)
{
    (void)state;
    check_command_line(machine);
    assert_int_equal(machine->findings.count, 0);
    assert_true(machine_followed_command_line(machine));
    command_line_parse("cpus=0", &machine->options);
    check_command_line(machine);
    expect_only(RULE_COMMAND_LINE, SEVERITY_WARNING, 0);
    assert_string_equal(machine->findings.item[0].detail,
                        "bad value in \"cpus=0\": expected cpus=N");
    assert_false(machine_followed_command_line(machine));
}

static void a_line_that_was_cut_off_is_a_warning(void **state)
{
    (void)state;
    machine->boot.command_line_lost = 1;
    check_command_line(machine);
    expect_only(RULE_COMMAND_LINE, SEVERITY_WARNING, 0);
    assert_string_equal(machine->findings.item[0].detail, "its end, for which there is no room");
    assert_false(machine_followed_command_line(machine));
}

static void what_asks_for_the_impossible_is_not_followed(void **state)
{
    static const enum rule not_followed[] = {RULE_COMMAND_LINE, RULE_GUEST_UNKNOWN,
                                             RULE_GUEST_NO_CPU, RULE_GUEST_LEFT_OUT,
                                             RULE_OVERRIDE_WITHOUT_EFFECT};

    (void)state;
    machine->findings.count = 1;
    for (unsigned rule = 0; rule < RULE_COUNT; rule++) {
        bool followed = true;

        for (unsigned i = 0; i < sizeof(not_followed) / sizeof(not_followed[0]); i++)
            followed &= rule != not_followed[i];
        machine->findings.item[0].rule = (enum rule)rule;
        assert_int_equal(machine_followed_command_line(machine), followed);
    }
    machine->findings.count = 0;
    for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
        cpu_list[cpu]->vmx->findings.count = 1;
        cpu_list[cpu]->vmx->findings.item[0].rule = RULE_OVERRIDE_WITHOUT_EFFECT;
        machine_gather_findings(machine);
        assert_false(machine_followed_command_line(machine));
        cpu_list[cpu]->vmx->findings.count = 0;
        machine->findings.count = 0;
    }
    assert_true(machine_followed_command_line(machine));
}

static void all_words_that_do_not_fit_are_one_more_warning(void **state)
{
    (void)state;
    command_line_parse("a b c d e f g h i j", &machine->options);
    check_command_line(machine);
    assert_int_equal(machine->findings.count, COMMAND_LINE_PROBLEMS_MAX + 1);
}

static void lost_memory_ranges_are_a_warning(void **state)
{
    (void)state;
    machine->boot.memory_lost = 1;
    check_boot_information(machine, NULL);
    expect_only(RULE_BOOT_RANGES, SEVERITY_WARNING, 0);
}

static void too_little_memory_refuses(void **state)
{
    (void)state;
    check_memory(machine, false);
    expect_only(RULE_BOOT_MEMORY, SEVERITY_REFUSAL, 0);
}

static void execute_disable_that_was_off_is_reported(void **state)
{
    (void)state;
    cpu_list[0]->execute_disable = EXECUTE_DISABLE_TURNED_ON;
    check_memory(machine, true);
    expect_only(RULE_BOOT_EXECUTE_DISABLE_OFF, SEVERITY_NOTE, 0);
}

static void a_machine_without_execute_disable_is_warned_of(void **state)
{
    (void)state;
    cpu_list[0]->execute_disable = EXECUTE_DISABLE_ABSENT;
    check_memory(machine, true);
    expect_only(RULE_BOOT_NO_EXECUTE_DISABLE, SEVERITY_WARNING, 0);
}

/* Four CPUs in the tables; the boot CPU's id is neither the first nor the last. */
static const struct acpi_cpus four = {.count = 4, .apic_id = {0, 2, OWN_ID, 6}};
static uint32_t chosen[ACPI_CPUS_MAX];
static const char *unsound;

static uint32_t choose(const char *wrong, const struct acpi_cpus *named, bool clock, bool page)
{
    static struct firmware firmware;

    firmware = (struct firmware){.cpus_wrong = wrong, .cpus = *named, .unsound = unsound};
    machine->firmware = &firmware;
    machine->timing.tsc.per_ms = clock ? 1000000 : 0;
    return machine_choose_cpus(machine, page, chosen);
}

static void every_cpu_but_the_boot_cpu_is_chosen(void **state)
{
    static const uint32_t others[] = {0, 2, 6};

    (void)state;
    assert_int_equal(choose(NULL, &four, true, true), 3);
    assert_memory_equal(chosen, others, sizeof(others));
    assert_int_equal(machine->findings.count, 0);
}

static void the_word_cpus_counts_the_boot_cpu(void **state)
{
    (void)state;
    for (uint32_t most = 1; most <= 6; most++) {
        machine->options.cpus = most;
        assert_int_equal(choose(NULL, &four, true, true), (most < 4 ? most : 4) - 1);
    }
    assert_int_equal(machine->findings.count, 0);
}

/* 600 x2APIC entries in the MADT: 512 have room, the boot CPU's among them. */
static void more_cpus_than_there_is_room_for_are_reported(void **state)
{
    static struct acpi_cpus many = {.count = ACPI_CPUS_MAX, .lost = 88};

    (void)state;
    for (uint32_t i = 0; i < ACPI_CPUS_MAX; i++)
        many.apic_id[i] = i;
    assert_int_equal(choose(NULL, &many, true, true), CPUS_MAX - 1);
    expect_only(RULE_CPU_LEFT_OUT, SEVERITY_WARNING, 0);
    machine->findings.count = 0;
    machine->options.cpus = CPUS_MAX + 1;
    assert_int_equal(choose(NULL, &many, true, true), CPUS_MAX - 1);
    expect_only(RULE_CPU_LEFT_OUT, SEVERITY_WARNING, 0);
    machine->findings.count = 0;
    machine->options.cpus = CPUS_MAX; /* no more were asked for */
    assert_int_equal(choose(NULL, &many, true, true), CPUS_MAX - 1);
    assert_int_equal(machine->findings.count, 0);
}

static void without_tables_the_boot_cpu_is_alone(void **state)
{
    static const struct acpi_cpus none;

    (void)state;
    assert_int_equal(choose("no table", &none, true, true), 0);
    expect_only(RULE_CPU_TABLES, SEVERITY_WARNING, 0);
    assert_string_equal(machine->findings.item[0].detail, "no table");
}

/* The list breaks off after four good entries: they are used, and nothing else is claimed. */
static void a_list_of_cpus_that_breaks_off_is_used_as_far_as_it_goes(void **state)
{
    (void)state;
    assert_int_equal(choose("cut", &four, true, true), 3);
    expect_only(RULE_CPU_TABLES_CUT, SEVERITY_WARNING, 0);
    assert_string_equal(machine->findings.item[0].detail, "cut");
}

static void tables_with_a_wrong_checksum_are_named_and_used(void **state)
{
    (void)state;
    unsound = "XSDT APIC";
    assert_int_equal(choose(NULL, &four, true, true), 3);
    unsound = NULL;
    expect_only(RULE_BOOT_ACPI_CHECKSUM, SEVERITY_WARNING, 0);
    assert_string_equal(machine->findings.item[0].detail, "XSDT APIC");
}

static void without_a_clock_nobody_is_started(void **state)
{
    (void)state;
    assert_int_equal(choose(NULL, &four, false, true), 0);
    expect_only(RULE_BOOT_CLOCK, SEVERITY_WARNING, 0);
}

static void a_doubtful_clock_is_reported_with_both_rates(void **state)
{
    struct clock clock = {.rate = {50000, "PIT", true}};

    (void)state;
    check_clock(machine, &clock);
    assert_int_equal(machine->timing.tsc.per_ms, 50000);
    assert_string_equal(machine->timing.tsc.source, "PIT");
    assert_int_equal(machine->findings.count, 0);
    clock.doubt = (struct tsc_rate){3500000, "CPUID 15h", true};
    check_clock(machine, &clock);
    expect_only(RULE_BOOT_CLOCK_DOUBT, SEVERITY_NOTE, 0);
    assert_int_equal(machine->findings.item[0].seen, 50000);
    assert_int_equal(machine->findings.item[0].wanted, 3500000);
    assert_string_equal(machine->findings.item[0].detail, "CPUID 15h");
}

static void without_a_low_page_nobody_is_started(void **state)
{
    (void)state;
    assert_int_equal(choose(NULL, &four, true, false), 0);
    expect_only(RULE_CPU_TRAMPOLINE, SEVERITY_WARNING, 0);
}

static void one_cpu_needs_neither_clock_nor_page(void **state)
{
    static const struct acpi_cpus alone = {.count = 1, .apic_id = {OWN_ID}};

    (void)state;
    assert_int_equal(choose(NULL, &alone, false, false), 0);
    assert_int_equal(machine->findings.count, 0);
}

static void a_cpu_that_does_not_answer_is_named(void **state)
{
    (void)state;
    cpu_list[2]->phase = CPU_SILENT;
    check_started_cpus(machine, CPUS - 1);
    expect_only(RULE_CPU_SILENT, SEVERITY_WARNING, 2);
}

/* SDM Vol. 3, "Interrupt Command Register (ICR)": xAPIC mode has eight bits of destination. */
static void a_cpu_that_nothing_was_sent_to_is_not_said_to_be_silent(void **state)
{
    (void)state;
    cpu_list[1]->phase = CPU_UNREACHABLE;
    check_started_cpus(machine, CPUS - 1);
    expect_only(RULE_CPU_UNREACHABLE, SEVERITY_WARNING, 1);
}

static void a_cpu_without_memory_is_reported(void **state)
{
    (void)state;
    check_started_cpus(machine, CPUS);
    expect_only(RULE_CPU_MEMORY, SEVERITY_WARNING, CPUS - 1);
}

static void a_value_for_a_cpu_that_is_not_there_is_reported(void **state)
{
    const struct override_list list = {
        .count = 3,
        .item = {{.every_cpu = true, .cpu = 99, .msr = IA32_VMX_BASIC},
                 {.cpu = CPUS - 1, .msr = IA32_VMX_BASIC},
                 {.cpu = CPUS, .msr = IA32_VMX_MISC}},
    };

    (void)state;
    machine->options.override = list;
    check_overrides(machine);
    expect_only(RULE_OVERRIDE_WITHOUT_EFFECT, SEVERITY_WARNING, 0);
    assert_int_equal(machine->findings.item[0].msr, IA32_VMX_MISC);
}

static void a_cpu_that_does_not_come_back_refuses(void **state)
{
    (void)state;
    cpu_list[1]->phase = CPU_LOST;
    cpu_list[2]->phase = CPU_SILENT;
    check_round(machine);
    expect_only(RULE_CPU_LOST, SEVERITY_REFUSAL, 1);
}

static void one_cpus_refusal_is_the_machines(void **state)
{
    (void)state;
    cpu_list[2]->vmx->findings.cpu = 2;
    finding_add(&cpu_list[2]->vmx->findings,
                (struct finding){.rule = RULE_BASIC_BIT_57, .cpu = 2, .high = 57, .low = 57});
    assert_false(machine_refused(machine));
    cpu_list[2]->vmx->findings.check = VMX_CHECK_STRICT;
    cpu_list[2]->vmx->findings.cpu = 2;
    finding_add(&cpu_list[2]->vmx->findings,
                (struct finding){.rule = RULE_BASIC_BIT_57, .cpu = 2, .high = 57, .low = 57});
    assert_true(machine_refused(machine));
}

/* The document is read back by Python's parser, an implementation that is not ours. */
static void the_report_is_json(void **state)
{
    static char text[64 * 1024];
    struct text_buffer buffer;
    FILE *python;

    (void)state;
    strcpy(machine->boot.loader, "GRUB \"2.06\"\\");
    strcpy(machine->boot.command_line, "check=strict\t");
    machine->timing.entry_tsc = UINT64_MAX;
    cpu_list[1]->vmx->state = VMX_CPU_LOADED;
    cpu_list[1]->vmx->vmptrst = 0x5000;
    cpu_list[1]->vmx->vmcs_region = (struct vmx_region){.address = 0x5000, .memory_type = 6};
    cpu_list[2]->vmx->error_instruction = "VMPTRLD";
    cpu_list[2]->vmx->error = (struct vmx_result){VMX_FAIL_VALID, 11, 0};
    cpu_list[2]->vmx->findings.cpu = 2;
    finding_add(&cpu_list[2]->vmx->findings, (struct finding){.rule = RULE_BASIC_MEMORY_TYPE,
                                                              .cpu = 2,
                                                              .msr = IA32_VMX_BASIC,
                                                              .high = 53,
                                                              .low = 50,
                                                              .wanted = 6});
    vmx_msr_set(&cpu_list[0]->vmx->checked, IA32_VMX_BASIC, 0x00da040000000004);
    cpu_list[0]->vmx->feature_control_present = true;
    cpu_list[0]->vmx->feature_control = 5;
    guest_results.vmcs.guest = "hello";
    vmcs_image_set(&guest_results.vmcs.image, VMCS_GUEST_RIP, 0x8000);
    guest_results.choice.count = 1; /* chosen, but a refused machine runs none */
    selftest_results.done = true;
    selftest_results.instructions.count = 1;
    selftest_results.instructions.row[0] =
        (struct selftest_row){.name = "VMREAD",
                              .predicted = {VMX_FAIL_VALID, 12, 0},
                              .seen = {VMX_FAULT, 6, 0},
                              .has_value = true,
                              .seen_value = 7};
    machine_gather_findings(machine);
    text_buffer_init(&buffer, text, sizeof(text));
    report_json(machine, &buffer.sink);
    assert_int_equal(buffer.lost, 0);

    python =
        popen("python3 -c '"
              "import json, sys\n"
              "d = json.load(sys.stdin)\n"
              "assert d[\"verdict\"] == \"refused\"\n"
              "assert d[\"boot\"][\"loader\"] == \"GRUB \\\"2.06\\\"\\\\\"\n"
              "assert d[\"boot\"][\"cmdline\"] == \"check=strict\\t\"\n"
              "assert d[\"timing\"][\"entry_tsc\"] == \"0xffffffffffffffff\"\n"
              "f, = d[\"findings\"]\n"
              "assert f[\"rule\"] == \"basic-memory-type\" and f[\"cpu\"] == 2\n"
              "assert f[\"apic_id\"] == 6 and f[\"msr\"] == \"0x480\"\n"
              "assert f[\"bits\"] == \"53:50\" and f[\"wanted\"] == \"0x6\"\n"
              "rip, = d[\"vmcs\"][\"fields\"]\n"
              "assert (rip[\"encoding\"], rip[\"value\"]) == (\"0x681e\", \"0x8000\")\n"
              "a, b, c = d[\"cpus\"]\n"
              "assert a[\"state\"] == \"off\" and a[\"vmxon_region\"] is None\n"
              "assert b[\"state\"] == \"loaded\" and b[\"vmptrst\"] == \"0x5000\"\n"
              "assert b[\"vmcs_region\"] == dict(address=\"0x5000\", order=0, memory_type=\"WB\")\n"
              "assert c[\"error\"][\"number\"] == 11 and \"revision\" in c[\"error\"][\"text\"]\n"
              "'",
              "w");
    assert_non_null(python);
    assert_int_equal(fwrite(text, 1, buffer.length, python), buffer.length);
    assert_int_equal(pclose(python), 0);
}

/* Where they came from a room says, and then the core does not. */
static void nmis_of_nobody_are_reported(void **state)
{
    (void)state;
    check_nmis(machine);
    assert_int_equal(machine->findings.count, 0);
    cpu_list[1]->nmis = 2;
    cpu_list[2]->nmis = 1;
    machine->knows_nmis = true;
    check_nmis(machine);
    assert_int_equal(machine->findings.count, 0);
    machine->knows_nmis = false;
    check_nmis(machine);
    expect_only(RULE_NMI_UNKNOWN, SEVERITY_WARNING, 1);
    assert_false(machine_finding_cpus(machine, 0)[0]);
    assert_true(machine_finding_cpus(machine, 0)[1] && machine_finding_cpus(machine, 0)[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sound_information_is_not_a_finding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_information_refuses_and_says_how, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_that_were_not_understood_are_warnings, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_was_cut_off_is_a_warning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_asks_for_the_impossible_is_not_followed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(all_words_that_do_not_fit_are_one_more_warning, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lost_memory_ranges_are_a_warning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_little_memory_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_cpu_but_the_boot_cpu_is_chosen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_word_cpus_counts_the_boot_cpu, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_cpus_than_there_is_room_for_are_reported, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(execute_disable_that_was_off_is_reported, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_machine_without_execute_disable_is_warned_of, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_tables_the_boot_cpu_is_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables_with_a_wrong_checksum_are_named_and_used, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_list_of_cpus_that_breaks_off_is_used_as_far_as_it_goes,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_clock_nobody_is_started, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_doubtful_clock_is_reported_with_both_rates, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_a_low_page_nobody_is_started, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_cpu_needs_neither_clock_nor_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cpu_that_does_not_answer_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cpu_that_nothing_was_sent_to_is_not_said_to_be_silent,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cpu_without_memory_is_reported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_value_for_a_cpu_that_is_not_there_is_reported, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_cpu_that_does_not_come_back_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_cpus_refusal_is_the_machines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nmis_of_nobody_are_reported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_report_is_json, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
