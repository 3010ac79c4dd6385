/* The report as JSON, piece by piece, against docs/report.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/host/gathered.h"
#include "tests/host/new_cpu.h"
#include "kernel/selftest/selftest_room.h"
#include "kernel/guests/guest_results.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmx/text/capability_text.h"
#include "kernel/machine.h"
#include "kernel/report/report.h"
#include "tests/host/compact_json.h"

enum { CPUS = 3 };

static struct machine *machine;
static struct cpu *cpu_list[CPUS];
static struct guest_run runs[CPUS][3];
static const struct guest hello = {.name = "hello"}, spin = {.name = "spin"}, bad = {.name = "bad"};

static int set_up(void **state)
{
    (void)state;
    machine = calloc(1, sizeof(*machine));
    memset(&guest_results, 0, sizeof(guest_results));
    memset(&selftest_results, 0, sizeof(selftest_results));

    for (uint32_t i = 0; i < CPUS; i++) {
        cpu_list[i] = new_cpu();
        cpu_list[i]->index = i;
        cpu_list[i]->apic_id = 4 + i;
        cpu_list[i]->phase = CPU_READY;
        guest_results.runs[i] = runs[i];
    }
    memset(runs, 0, sizeof(runs));
    machine->cpus = cpu_list;
    machine->cpu_count = CPUS;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CPUS; i++)
        free(cpu_list[i]);
    free(machine);
    return 0;
}

static const char *report(void)
{
    static char text[128 * 1024];
    struct text_buffer buffer;

    text_buffer_init(&buffer, text, sizeof(text));
    report_json(gathered(machine), &buffer.sink);
    assert_int_equal(buffer.lost, 0);
    assert_int_equal(text[buffer.length - 1], '\n');
    return compact_json(text);
}

static void assert_has(const char *piece)
{
    const char *whole = report();

    if (strstr(whole, piece) == NULL)
        fail_msg("not there: %s\nin: %s", piece, whole);
}

static void the_machine(void **state)
{
    (void)state;
    strcpy(machine->boot.loader, "GRUB");
    machine->load_address = 0x200000;
    machine->memory.ram_bytes = 1;
    machine->memory.pool_bytes = 2;
    machine->used_bytes = 3;
    assert_has("{\"rootmode\":\"" ROOTMODE_VERSION "\",\"boot\":{\"loader\":\"GRUB\","
               "\"firmware\":\"bios\",\"cmdline\":\"\",\"load_address\":\"0x200000\"},"
               "\"memory\":{\"ram_bytes\":1,\"pool_bytes\":2,\"used_bytes\":3},"
               "\"verdict\":\"ok\",\"findings\":[],\"findings_lost\":0,\"check\":\"kvm\","
               "\"registers\":\"physical\",\"msrs\":");
    machine->boot.uefi = true;
    machine->check = VMX_CHECK_STRICT;
    machine->virtual_registers = true;
    assert_has("\"firmware\":\"uefi\"");
    assert_has("\"check\":\"strict\",\"registers\":\"virtual\"");
    assert_has(",\"vmcs_config\":{\"");
    assert_has("},\"vmx_capability\":{\"");
    machine->check = VMX_CHECK_VIRTUAL;
    assert_has("\"check\":\"kvm\"");
}

/* Each key of a finding; bits of one, of several, of none. */
static void each_finding(void **state)
{
    struct finding finding = {.rule = RULE_BASIC_MEMORY_TYPE,
                              .cpu = 2,
                              .msr = 0x480,
                              .high = 53,
                              .low = 50,
                              .seen = 1,
                              .wanted = 6,
                              .detail = "it"};
    char text[512];

    (void)state;
    cpu_list[2]->vmx->findings.cpu = 2;
    finding_add(&cpu_list[2]->vmx->findings, finding);
    assert_has("\"cpu\":2,\"cpus\":\"2\",\"apic_id\":6,\"msr\":\"0x480\",\"bits\":\"53:50\","
               "\"seen\":\"0x1\",\"wanted\":\"0x6\",\"detail\":\"it\",\"text\":\"");
    snprintf(text, sizeof text,
             "\"findings\":[{\"rule\":\"basic-memory-type\",\"severity\":\"%s\",",
             severity_name(cpu_list[2]->vmx->findings.item[0].severity));
    assert_has(text);
    snprintf(text, sizeof text, "\"sdm\":\"%s\",\"remedy\":\"",
             rule_text(RULE_BASIC_MEMORY_TYPE).sdm);
    assert_has(text);
    cpu_list[2]->vmx->findings.item[0].high = 50;
    assert_has("\"bits\":\"50\",");
    cpu_list[2]->vmx->findings.item[0].high = cpu_list[2]->vmx->findings.item[0].low = -1;
    cpu_list[2]->vmx->findings.item[0].msr = 0;
    cpu_list[2]->vmx->findings.item[0].detail = NULL;
    assert_has("\"msr\":null,\"bits\":null,\"seen\":\"0x1\",\"wanted\":\"0x6\",\"detail\":null,");
}

/* The CPU that is named is the first that has it, not the one that it was met on first. */
static void a_finding_names_its_first_cpu(void **state)
{
    struct finding finding = {.rule = RULE_BASIC_MEMORY_TYPE, .cpu = 2};

    (void)state;
    machine->findings.cpu = finding.cpu;
    finding_add(&machine->findings, finding);
    machine->findings_of[1] = machine->findings_of[2] = 1;
    assert_has("\"cpu\":1,\"cpus\":\"1-2\",\"apic_id\":5,");
}

#define NOTHING "\"vmxon_region\":null,\"vmcs_region\":null,\"vmptrst\":null,\"error\":null"

static void each_cpu(void **state)
{
    struct vmx_cpu *second = cpu_list[1]->vmx, *third = cpu_list[2]->vmx;

    (void)state;
    cpu_list[0]->phase = CPU_SILENT;
    cpu_list[1]->nmis = 7;
    second->state = VMX_CPU_LOADED;
    second->vmxon_region = (struct vmx_region){.address = 0x1000, .order = 0, .memory_type = 6};
    second->vmcs_region = (struct vmx_region){.address = 0x2000, .order = 1, .memory_type = 0};
    second->vmptrst = 0x2000;
    third->state = VMX_CPU_ROOT;
    third->vmptrst = 0x3000; /* of no meaning before VMPTRLD */
    third->error_instruction = "VMPTRLD";
    third->error = (struct vmx_result){VMX_FAIL_VALID, 11, 0};
    assert_has(
        "\"cpus\":[{\"cpu\":0,\"apic_id\":4,\"started\":false,\"nmis\":0,\"state\":\"off\"," NOTHING
        "},{\"cpu\":1,\"apic_id\":5,\"started\":true,\"nmis\":7,\"state\":\"loaded\","
        "\"vmxon_region\":{\"address\":\"0x1000\",\"order\":0,\"memory_type\":\"WB\"},"
        "\"vmcs_region\":{\"address\":\"0x2000\",\"order\":1,\"memory_type\":\"UC\"},"
        "\"vmptrst\":\"0x2000\",\"error\":null},"
        "{\"cpu\":2,\"apic_id\":6,\"started\":true,\"nmis\":0,\"state\":\"root\","
        "\"vmxon_region\":null,\"vmcs_region\":null,\"vmptrst\":null,"
        "\"error\":{\"instruction\":\"VMPTRLD\",\"outcome\":\"VMfailValid\",\"number\":11,"
        "\"text\":\"VMPTRLD with incorrect VMCS revision identifier\"}}]");
    third->error = (struct vmx_result){VMX_FAULT, 6, 0};
    assert_has("\"outcome\":\"fault\",\"number\":6,\"text\":null}");
    third->error = (struct vmx_result){VMX_FAIL_INVALID, 0, 0};
    assert_has("\"outcome\":\"VMfailInvalid\",\"number\":0,\"text\":null}");
}

static void the_selftest(void **state)
{
    (void)state;
    assert_has("\"selftest\":null,\"selftest_entry\":null,");
    selftest_results.done = true;
    assert_has("\"selftest\":[],");
    selftest_results.instructions.count = 2;
    selftest_results.instructions.row[0] = (struct selftest_row){.name = "A",
                                                                 .predicted = {VMX_SUCCEED, 0, 0},
                                                                 .seen = {VMX_FAIL_VALID, 12, 0},
                                                                 .predicted_value = 1,
                                                                 .seen_value = 2};
    selftest_results.instructions.row[1] = selftest_results.instructions.row[0];
    selftest_results.instructions.row[1].has_value = true;
    selftest_results.instructions.row[1].agrees = true;
    assert_has(
        "\"selftest\":[{\"name\":\"A\",\"predicted\":{\"outcome\":\"VMsucceed\",\"number\":0,"
        "\"text\":null},\"seen\":{\"outcome\":\"VMfailValid\",\"number\":12,"
        "\"text\":\"VMREAD/VMWRITE from/to unsupported VMCS component\"},\"agrees\":false},"
        "{\"name\":\"A\",");
    assert_has(
        "component\"},\"predicted_value\":\"0x1\",\"seen_value\":\"0x2\",\"agrees\":true}],");
}

static void choose(uint32_t i, const struct guest *guest, bool every_cpu, uint32_t cpu)
{
    guest_results.choice.item[i] = (struct guest_chosen){guest, every_cpu, cpu};
    guest_results.choice.count = i + 1;
    for (uint32_t n = 0; n < CPUS; n++)
        runs[n][i].guest = guest;
}

#define RUN(name, cpu)                                                       \
    "{\"name\":\"" name "\",\"cpu\":" cpu ",\"result\":\"ok\",\"exits\":{}," \
    "\"detail\":\"\",\"entry\":null}"

/* A guest on each CPU that is ready and that it was chosen for; none where none has run. */
static void the_guests(void **state)
{
    (void)state;
    choose(0, &hello, true, 0);
    choose(1, &spin, false, 2);
    choose(2, &bad, false, 1);
    assert_has("\"guests\":[],");
    guest_results.done = true;
    assert_has("\"guests\":[" RUN("hello", "0") "," RUN("hello", "1") "," RUN("bad", "1") "," RUN(
        "hello", "2") "," RUN("spin", "2") "],");
    cpu_list[1]->phase = CPU_SILENT;
    assert_has("\"guests\":[" RUN("hello", "0") "," RUN("hello", "2") "," RUN("spin", "2") "],");
}

static void what_a_guest_did(void **state)
{
    (void)state;
    choose(0, &hello, false, 0);
    guest_results.done = true;
    runs[0][0].result = GUEST_DIFFERS;
    runs[0][0].exits[10] = 2;
    runs[0][0].exits[35] = 1; /* which the manual does not define */
    runs[0][0].exits[VM_EXIT_REASONS - 1] = 3;
    strcpy(runs[0][0].detail, "it did");
    assert_has(
        "\"result\":\"differs\",\"exits\":{\"CPUID\":2,\"undefined (35)\":1,\"undefined (95)\":3},"
        "\"detail\":\"it did\",\"entry\":null}");
}

#define FINDING_JSON(seen)                                                                       \
    "{\"rule\":\"pin-must-be-1\",\"text\":\"pin-based VM-execution controls that must be 1 are " \
    "1\",\"sdm\":\"VM-Execution Control Fields\",\"field\":\"Pin-based VM-execution controls\"," \
    "\"seen\":\"" seen "\",\"wanted\":\"0x16\",\"entry\":0}"

static void why_a_guest_was_not_entered(void **state)
{
    struct entry_failure *entry = &runs[0][0].entry;

    (void)state;
    choose(0, &hello, false, 0);
    guest_results.done = true;
    *entry = (struct entry_failure){.checked = true, .class = VMENTRY_CONTROLS, .unread = 7};
    assert_has("\"entry\":{\"class\":\"VMfailValid 7\",\"broken\":0,\"unread\":7,"
               "\"unread_rules\":[],\"rules\":[]}}");
    for (unsigned i = 0; i < ENTRY_FINDINGS_KEPT; i++)
        entry->item[i] = (struct vmentry_finding){.rule = VMENTRY_PIN_MUST_BE_1,
                                                  .field = VMCS_PIN_BASED_VM_EXECUTION_CONTROLS,
                                                  .seen = i,
                                                  .wanted = 0x16};
    entry->broken = 1;
    assert_has("\"rules\":[" FINDING_JSON("0x0") "]}}");
    entry->broken = ENTRY_FINDINGS_KEPT + 1; /* counted, but not kept */
    assert_has("\"broken\":5,");
    assert_has("\"rules\":[" FINDING_JSON("0x0") "," FINDING_JSON("0x1") "," FINDING_JSON(
        "0x2") "," FINDING_JSON("0x3") "]}}");
}

/* A bit for each rule that could not be checked, by its number. */
static void which_rules_could_not_be_checked(void **state)
{
    struct entry_failure *entry = &runs[0][0].entry;

    (void)state;
    choose(0, &hello, false, 0);
    guest_results.done = true;
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        char wanted[128] = "\"unread_rules\":[\"";

        *entry = (struct entry_failure){.checked = true};
        entry->unchecked[rule / 32] = 1u << rule % 32;
        strcat(strcat(wanted, vmentry_rule_text(rule).name), "\"],");
        assert_non_null(strstr(report(), wanted));
    }
}

static void the_bench(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BENCH_ROWS; i++)
        guest_results.bench.row[i].name = i == 0 ? "first" : i == BENCH_ROWS - 1 ? "last" : "other";
    assert_has("\"bench\":null,");
    guest_results.bench_done = true;
    guest_results.bench.row[0] = (struct bench_row){"first", true, 1, 2, 3};
    assert_has(
        "\"bench\":{\"exits\":{\"first\":{\"min\":1,\"median\":2,\"max\":3},\"other\":null,");
    assert_has(",\"last\":null}},");
}

static void a_vmcs(void **state)
{
    (void)state;
    assert_has("\"vmcs\":null,");
    guest_results.vmcs.guest = "hello";
    guest_results.vmcs.cpu = 2;
    assert_has("\"vmcs\":{\"guest\":\"hello\",\"cpu\":2,\"entry_failed\":false,\"fields\":[]},");
    guest_results.vmcs.entry_failed = true;
    assert_has("\"entry_failed\":true,");
}

static void the_time(void **state)
{
    (void)state;
    machine->timing = (struct timing){1, 2, 3, 4, {5, "ACPI PM timer", true}};
    assert_has(",\"timing\":{\"entry_tsc\":\"0x1\",\"memory_tsc\":\"0x2\","
               "\"cpus_started_tsc\":\"0x3\",\"vmx_on_all_tsc\":\"0x4\",\"tsc_per_ms\":5,"
               "\"tsc_source\":\"ACPI PM timer\"}}");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_machine),
        TEST(each_finding),
        TEST(a_finding_names_its_first_cpu),
        TEST(each_cpu),
        TEST(the_selftest),
        TEST(the_guests),
        TEST(what_a_guest_did),
        TEST(why_a_guest_was_not_entered),
        TEST(which_rules_could_not_be_checked),
        TEST(the_bench),
        TEST(a_vmcs),
        TEST(the_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
