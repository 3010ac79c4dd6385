/*
 * The report as a page, with what tools and people look for in it: headings, a line for each fact.
 */
#include "tests/host/gathered.h"
#include "kernel/report/report_page.h"
#include "tests/host/full_msrs.h"
#include "tests/host/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/selftest/selftest_room.h"
#include "kernel/guests/guest_results.h"
enum { CPUS = 3 };

static struct machine *machine;
static struct cpu cpu_list[CPUS];
static struct vmx_cpu vmx_list[CPUS];
static struct cpu *const cpus_of[CPUS] = {&cpu_list[0], &cpu_list[1], &cpu_list[2]};
static struct guest_run runs[CPUS][2];
static const struct guest hello = {.name = "hello", .purpose = ""},
                          bad = {.name = "bad", .purpose = ""};
static struct text_buffer buffer;

static int set_up(void **state)
{
    (void)state;
    machine = calloc(1, sizeof(*machine));
    memset(&guest_results, 0, sizeof(guest_results));
    memset(&selftest_results, 0, sizeof(selftest_results));

    memset(runs, 0, sizeof(runs));
    memset(cpu_list, 0, sizeof(cpu_list));
    memset(vmx_list, 0, sizeof(vmx_list));
    for (uint32_t i = 0; i < CPUS; i++) {
        cpu_list[i].vmx = &vmx_list[i];
        cpu_list[i].index = i;
        cpu_list[i].apic_id = 4 + i;
        cpu_list[i].phase = CPU_READY;
        guest_results.runs[i] = runs[i];
        runs[i][0].guest = &hello;
        runs[i][1].guest = &bad;
    }
    machine->cpus = cpus_of;
    machine->cpu_count = CPUS;
    machine->timing.tsc.source = "PIT";
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(machine);
    return 0;
}

/* "<n>" is written into the text where its colour changes to anything but plain. */
void console_colour(enum colour colour)
{
    if (colour != COLOUR_PLAIN)
        print_to(&buffer.sink, "<%d>", (int)colour);
}

static const char *report(void)
{
    static char text[64 * 1024];

    text_buffer_init(&buffer, text, sizeof(text));
    report_text(gathered(machine), &buffer.sink);
    assert_int_equal(buffer.lost, 0);
    return text;
}

static void assert_has(const char *piece)
{
    const char *whole = report();

    if (strstr(whole, piece) == NULL)
        fail_msg("not there: %s\nin: %s", piece, whole);
}

static void assert_has_not(const char *piece)
{
    if (strstr(report(), piece) != NULL)
        fail_msg("there: %s", piece);
}

static void the_way(void **state)
{
    (void)state;
    strcpy(machine->boot.loader, "GRUB");
    machine->load_address = 0x200000;
    machine->memory.ram_bytes = 5ull << 20;
    machine->memory.pool_bytes = 4ull << 20;
    machine->used_bytes = 3 << 10;
    paging_audited = (struct paging_audit){.leaves_4k = 1, .leaves_2m = 2, .leaves_1g = 3};
    machine->timing.tsc.per_ms = 1000;
    cpu_list[2].phase = CPU_SILENT;
    assert_has("<1>\nThe way here\n"
               "  loader        GRUB on BIOS, image at 0x200000\n"
               "  command line  (empty)\n"
               "  memory        5 MiB of RAM, 4 MiB in the page pool, 3 KiB of it used\n"
               "  page tables   6 mappings, 0 writable and executable\n"
               "  CPUs          2 of 3 started, xAPIC mode\n"
               "  clock         TSC at 1.000 MHz by PIT\n");
    strcpy(machine->boot.command_line, "stop=caps");
    machine->boot.uefi = machine->x2apic = true;
    paging_audited.aliased_pages = 7;
    assert_has("GRUB on UEFI, ");
    assert_has("  command line  stop=caps\n");
    assert_has(" 7 writable and executable\n  CPUs          2 of 3 started, x2APIC mode\n");
}

static void the_times(void **state)
{
    (void)state;
    machine->timing = (struct timing){.entry_tsc = 100, .memory_tsc = 1600, .vmx_on_all_tsc = 2100};
    assert_has("<1>\nSince the kernel's first instruction\n"
               "  memory ready                        1500 TSC ticks\n"
               "  all CPUs in VMX operation           2000 TSC ticks\n");
    machine->timing.tsc.per_ms = 1000;
    finding_add(&machine->findings, (struct finding){.rule = RULE_BOOT_MEMORY});
    assert_has("  memory ready                        1500 TSC ticks       1.500 ms\n"
               "  the decision                        2000 TSC ticks       2.000 ms\n");
}

static void each_cpu(void **state)
{
    struct vmx_cpu *second = cpu_list[1].vmx, *third = cpu_list[2].vmx;

    (void)state;
    cpu_list[0].phase = CPU_UNREACHABLE;
    second->state = VMX_CPU_LOADED;
    second->vmxon_region = (struct vmx_region){.address = 0x1000, .order = 0, .memory_type = 6};
    second->vmcs_region = (struct vmx_region){.address = 0x2000, .order = 1, .memory_type = 0};
    second->vmptrst = 0x2000;
    third->state = VMX_CPU_ROOT;
    third->error_instruction = "VMPTRLD";
    third->error = (struct vmx_result){VMX_FAIL_VALID, 11, 0};
    assert_has("<1>\nCPUs, and their regions: address, order, memory type\n"
               "<2>  CPU  APIC id  VMX      VMXON region           VMCS                   VMPTRST\n"
               "<4>    0      0x4  no path  -                      -                    \n"
               "<3>    1      0x5  loaded   0x0000001000, 0, WB    0x0000002000, 1, UC    "
               "0x0000002000\n"
               "    2      0x6  root     -                      -                      "
               "VMPTRLD: VMfailValid 11\n");
}

static void the_selftests(void **state)
{
    (void)state;
    assert_has_not("Self-test");
    selftest_results.done = true;
    selftest_results.instructions.count = 2;
    selftest_results.instructions.differences = 1;
    selftest_results.instructions.row[0] = (struct selftest_row){.name = "A",
                                                                 .predicted = {VMX_SUCCEED, 0, 0},
                                                                 .seen = {VMX_FAULT, 6, 0},
                                                                 .has_value = true,
                                                                 .predicted_value = 1,
                                                                 .seen_value = 2};
    selftest_results.instructions.row[1] = (struct selftest_row){.name = "B", .agrees = true};
    assert_has("<1>\nSelf-test on CPU 0: 2 steps, 1 differences from the manual\n<5>  DIFF A ");
    assert_has(" fault 6 0x2, predicted VMsucceed 0x1\n<3>  ok   B ");
    assert_has_not("Self-test of VM entries");
    selftest_results.entry = (struct selftest_vmentry){.done = true,
                                                       .rules = 2,
                                                       .count = 3,
                                                       .not_possible = 4,
                                                       .agreements = 5,
                                                       .differences = 6,
                                                       .random_count = 7,
                                                       .random_agreements = 8,
                                                       .reported = 1};
    selftest_results.entry.departed[DEPARTURE_DEBUGCTL] = 9;
    selftest_results.entry.departed[0] = 4; /* the first, too */
    selftest_results.entry.difference[0] =
        (struct selftest_vmentry_row){.number = 10,
                                      .rule = VMENTRY_PIN_MUST_BE_1,
                                      .field = VMCS_GUEST_RFLAGS,
                                      .value = 2,
                                      .predicted = {VMENTRY_CONTROLS, 0},
                                      .seen = {VMENTRY_CLASS_COUNT, 11}};
    assert_has("<1>\nSelf-test of VM entries: 2 rules broken, 7 random images, 6 differences\n"
               "  3 trials, the processor agrees in 5; 4 not possible on this processor\n"
               "  7 random images, the processor agrees in 8: ");
    assert_has("\n<5>  DIFF trial 10: pin-must-be-1\n"
               "       Guest RFLAGS = 0x2: predicted VMfailValid 7 (0), seen other (11)\n"
               "  Bochs 2.7, 4 times, entry-outside-smm:\n       ");
    assert_has("  Bochs 2.7, 9 times, guest-debugctl-reserved:\n       the reserved bits of");
}

/* A line for all CPUs where the same came of a guest. */
static void the_guests(void **state)
{
    (void)state;
    guest_results.choice.count = 2;
    guest_results.choice.item[0].every_cpu = guest_results.choice.item[1].every_cpu = true;
    assert_has_not("Guests");
    guest_results.done = true;
    for (uint32_t i = 0; i < CPUS; i++)
        runs[i][0].exits[10] = 2;
    runs[0][0].exits[35] = runs[2][0].exits[35] = 1;
    runs[0][1].result = GUEST_SKIPPED;
    strcpy(runs[0][1].detail, "no such control");
    runs[1][1].result = runs[2][1].result = GUEST_DIED;
    strcpy(runs[1][1].detail, "it died");
    strcpy(runs[2][1].detail, "it died");
    assert_has("<1>\nGuests, and their VM exits by reason\n"
               "<2>  CPUs guest                     result    VM exits\n"
               "<3>  0,2  hello                     ok        <2>CPUID: 2, undefined (35): 1\n"
               "<3>  1    hello                     ok        <2>CPUID: 2\n"
               "<4>  0    bad                       skipped   no such control\n"
               "<5>  1-2  bad                       died      <2>\n"
               "       it died\n"
               "  together: 3 ok, 2 died, 1 skipped\n");
    runs[1][1].end = runs[2][1].end = GUEST_END_RULES;
    runs[1][1].entry.checked = runs[2][1].entry.checked = true;
    runs[1][1].entry.class = runs[2][1].entry.class = VMENTRY_GUEST;
    runs[1][1].entry.broken = runs[2][1].entry.broken = ENTRY_FINDINGS_KEPT + 2;
    runs[1][1].entry.unchecked[0] = runs[2][1].entry.unchecked[0] = 1;
    assert_has("\n       it died\n       The processor would tell so:\n       ");
    assert_has("\n       and 2 more\n       not checked, for want of memory that can be read: ");
    guest_results.vmcs.guest = "bad";
    guest_results.vmcs.cpu = 1;
    guest_results.vmcs.entry_failed = true;
    guest_results.vmcs.entry = runs[1][1].entry;
    assert_has("<1>\nVMCS of the guest bad on CPU 1, which could not be entered\n"
               "> before a field: a broken rule is about it, see above\n");
    guest_results.vmcs.guest = "another"; /* which no rule was looked at for */
    guest_results.vmcs.entry = (struct entry_failure){0};
    assert_has_not("> before a field");
    guest_results.vmcs.guest = "bad";
    guest_results.vmcs.cpu = 0;
    guest_results.vmcs.entry_failed = false;
    assert_has("<1>\nVMCS of the guest bad on CPU 0, after its end\n");
    assert_has_not("> before a field");
}

/* Many exits are reported in lines below one another. */
static void long_lines(void **state)
{
    (void)state;
    guest_results.choice.count = 1;
    guest_results.choice.item[0].every_cpu = guest_results.done = true;
    for (uint32_t reason = 0; reason < 12; reason++)
        runs[0][0].exits[reason] = 1000;
    for (const char *line = report(); line != NULL; line = strchr(line + 1, '\n')) {
        if (strstr(line, ": 1000") != NULL)
            assert_in_range(strcspn(line + 1, "\n"), 0, 120);
    }
    assert_has(": 1000,\n                                           ");
}

/* The report without its colours. */
static char *plain_report(void)
{
    static char text[64 * 1024];
    char *to = text;

    for (const char *from = report(); *from != '\0'; from++) {
        if (*from == '<' && from[2] == '>')
            from += 2;
        else
            *to++ = *from;
    }
    *to = '\0';
    return text;
}

/*
 * From this line on, as long as lines begin with so many blanks: none is longer than `columns`, but
 * for a comma at its end; and none ends where the first piece of the next one had room.
 */
static void assert_lines_are_full(const char *line, size_t indent, size_t columns, char end)
{
    const char *next;

    for (; (next = strchr(line, '\n')) != NULL; line = next + 1) {
        size_t length = (size_t)(next - line), piece;
        size_t blanks = strspn(next + 1, " ");

        length -= length > 0 && line[length - 1] == ',';
        assert_in_range(length, 0, columns);
        if (blanks != indent)
            return;
        piece = strcspn(next + 1 + indent, (const char[]){end, '\n', '\0'}) + (end == ';');
        assert_true(length + (end == ',' ? 2 : 1) + piece > columns);
    }
    fail();
}

static void exits_fill_their_lines(void **state)
{
    uint64_t seed = 0x110;

    (void)state;
    guest_results.choice.count = 1;
    guest_results.choice.item[0].every_cpu = guest_results.done = true;
    machine->cpu_count = 1;
    for (unsigned run = 0; run < 100; run++) {
        for (uint32_t reason = 0; reason < 70; reason++)
            runs[0][0].exits[reason] =
                random_below(&seed, 3) ? 0
                                       : (uint32_t)random_next(&seed) >> random_below(&seed, 32);
        assert_lines_are_full(strstr(plain_report(), "  0    hello"), 43, 110, ',');
    }
}

/* All bits of each word, and any of them. */
static void controls_fill_their_lines(void **state)
{
    uint64_t seed = 0x78;
    struct vmcs_config *config = &cpu_list[0].vmx->checked_config;

    (void)state;
    cpu_list[0].vmx->checked = full_msrs();
    for (unsigned run = 0; run < 100; run++) {
        uint32_t value = run == 0 ? UINT32_MAX : (uint32_t)random_next(&seed);

        config->controls[VMX_CONTROL_PRIMARY] = config->controls[VMX_CONTROL_SECONDARY] = value;
        config->controls[VMX_CONTROL_EXIT] = config->controls[VMX_CONTROL_ENTRY] =
            config->controls[VMX_CONTROL_PIN] = value | 4;
        assert_non_null(strstr(plain_report(), "\n  pin-based VM-execution controls  "));
        assert_non_null(strstr(plain_report(), "\n  VM-entry controls  "));
        assert_lines_are_full(
            strchr(strstr(plain_report(), "  primary processor-based VM-ex"), '\n') + 1, 6, 78,
            ';');
        assert_lines_are_full(
            strchr(strstr(plain_report(), "  secondary processor-based VM-ex"), '\n') + 1, 6, 78,
            ';');
        assert_lines_are_full(strchr(strstr(plain_report(), "  VM-exit controls  "), '\n') + 1, 6,
                              78, ';');
    }
}

/* What the rules of VM entry say of a guest that could not be entered. */
static void why_a_guest_could_not_be_entered(void **state)
{
    unsigned unchecked = 0;

    (void)state;
    guest_results.choice.count = 1;
    guest_results.choice.item[0].every_cpu = guest_results.done = true;
    machine->cpu_count = 1;
    runs[0][0].result = GUEST_DIED;
    runs[0][0].end = GUEST_END_ENTRY_FAILED;
    runs[0][0].entry.class = VMENTRY_CONTROLS;
    assert_has_not("VM-instruction error 7: a control field");
    runs[0][0].entry.checked = true;
    assert_has("VM-instruction error 7: a control field");
    assert_has_not("The processor would tell so");
    assert_has("       No rule of the manual's is broken by what the VMCS holds now.\n");
    runs[0][0].entry.unread = 1;
    assert_has("       No rule that could be checked is broken.\n");
    runs[0][0].entry.broken = 1;
    assert_has_not("No rule");
    runs[0][0].entry.broken = ENTRY_FINDINGS_KEPT;
    assert_has_not(" more\n");
    runs[0][0].entry.broken = ENTRY_FINDINGS_KEPT + 1;
    assert_has("       and 1 more\n");
    runs[0][0].entry.broken = 0;
    memset(runs[0][0].entry.unchecked, 0xff, sizeof(runs[0][0].entry.unchecked));
    for (const char *at = report(); (at = strstr(at, "       not checked, for want")) != NULL; at++)
        unchecked++;
    assert_int_equal(unchecked, VMENTRY_RULE_COUNT); /* and nothing behind the last */
}

static void what_exits_cost(void **state)
{
    (void)state;
    guest_results.bench_run = (struct guest_run){.guest = &bad, .result = GUEST_DIED};
    strcpy(guest_results.bench_run.detail, "of age");
    assert_has("\nbench=exits died: of age\n");
    guest_results.bench_run.result = GUEST_OK;
    guest_results.bench_done = true;
    guest_results.bench.empty = 7;
    for (unsigned i = 0; i < BENCH_ROWS; i++)
        guest_results.bench.row[i] = (struct bench_row){.name = "x"};
    guest_results.bench.row[0] = (struct bench_row){"cpuid", true, 1, 2, 3};
    assert_has_not("bench=exits");
    assert_has("<1>\nA VM exit and back, in TSC ticks, less 7 for the empty pair of RDTSC\n"
               "<2>  exit                       min    median       max\n"
               "  cpuid                        1         2         3\n"
               "  x                   not on this CPU\n");
}

SET_MEMBER(guests, 1, const struct guest, hello);
SET_MEMBER(guests, 2, const struct guest, bad);

static void which_guests_there_are(void **state)
{
    (void)state;
    assert_has_not("hello");
    guest_choose("list", CPUS, &guest_results.choice);
    assert_has("<1>\nGuests, each in the order of guest=all, and the VM exits it is there for\n"
               "  hello\n       VM exits: CPUID, VMCALL\n  bad\n");
}

static void the_findings(void **state)
{
    (void)state;
    assert_has("<1>\nFindings: none\n");
    machine->findings.lost = 1;
    assert_has("<1>\nFindings\n  1 more findings did not fit\n");
    machine->findings.lost = 2;
    assert_has("<1>\nFindings\n  2 more findings did not fit\n");
    cpu_list[1].vmx->findings.cpu = 1;
    finding_add(&cpu_list[1].vmx->findings,
                (struct finding){.rule = RULE_BASIC_MEMORY_TYPE, .high = -1, .low = -1});
    assert_has("<1>\nFindings\n<5>  refusal  basic-memory-type (CPU 1)\n");
}

static void what_the_boot_cpu_says(void **state)
{
    struct vmx_cpu *cpu = cpu_list[0].vmx;

    (void)state;
    assert_has_not("What the boot CPU says");
    cpu->checked = full_msrs();
    cpu->findings.check = VMX_CHECK_STRICT;
    finding_add(&cpu->findings,
                (struct finding){
                    .rule = RULE_BASIC_MEMORY_TYPE, .msr = IA32_VMX_BASIC, .high = 53, .low = 50});
    cpu->checked_config.size = 4096;
    cpu->checked_config.controls[VMX_CONTROL_PIN] = 0x16;
    assert_has("<1>\nWhat the boot CPU says of its VMX\n");
    assert_has("<5>X 53:50");
    assert_has("<1>\nvmcs_config, as KVM derives it\n");
    assert_has("\n  size                      4096\n");
    assert_has("\n  pin_based_exec_ctrl       0x16\n");
    assert_has("<1>\nControls that are on\n");
    assert_has("  pin-based VM-execution controls                 0x00000016<2>\n");
    assert_has_not("secondary");
    cpu->checked_config.controls[VMX_CONTROL_SECONDARY] = 2;
    assert_has("0x00000002<2>\n      enable EPT;\n");
}

static const char *clock_reported(uint64_t per_ms, const char *source)
{
    static char text[64];
    struct text_buffer written;

    text_buffer_init(&written, text, sizeof(text));
    tsc_rate_print((struct tsc_rate){.per_ms = per_ms, .source = source}, &written.sink);
    return text;
}

static void a_clock_is_reported_with_who_says_so_or_not_at_all(void **state)
{
    (void)state;
    assert_string_equal(clock_reported(49983, "CPUID 15h"), "TSC at 49.983 MHz by CPUID 15h");
    assert_string_equal(clock_reported(2600007, "PIT"), "TSC at 2600.007 MHz by PIT");
    assert_string_equal(clock_reported(1, "PIT"), "TSC at 0.001 MHz by PIT");
    assert_string_equal(clock_reported(0, "none"), "none: times are told in TSC ticks");
    assert_string_equal(clock_reported(0, NULL), "none: times are told in TSC ticks");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_way),
        TEST(the_times),
        TEST(each_cpu),
        TEST(the_selftests),
        TEST(the_guests),
        TEST(long_lines),
        TEST(exits_fill_their_lines),
        TEST(controls_fill_their_lines),
        TEST(why_a_guest_could_not_be_entered),
        TEST(what_exits_cost),
        TEST(which_guests_there_are),
        TEST(the_findings),
        TEST(what_the_boot_cpu_says),
        cmocka_unit_test(a_clock_is_reported_with_who_says_so_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
