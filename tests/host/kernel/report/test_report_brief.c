/*
 * What is left standing on a screen of 80 by 25 characters, which cannot be scrolled back: all
 * CPUs, the refusals, the verdict below them.
 */
#include "tests/host/gathered.h"
#include "tests/host/new_cpu.h"
#include "vmx/text/capability_text.h"
#include "kernel/report/report_page.h"
#include "kernel/screen/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/guests/guest_results.h"
enum { COLUMNS = 80, ROWS = 25, BELOW = 3 };

static struct machine *machine;
static struct cpu *cpu_list[CPUS_MAX];
static struct screen screen;
static enum colour current;

static int set_up(void **state)
{
    (void)state;
    machine = calloc(1, sizeof(*machine));
    memset(&guest_results, 0, sizeof(guest_results));

    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        cpu_list[i] = new_cpu();
        cpu_list[i]->index = i;
        cpu_list[i]->apic_id = 2 * i;
        cpu_list[i]->phase = CPU_READY;
        cpu_list[i]->vmx->state = VMX_CPU_LOADED;
    }
    machine->cpus = cpu_list;
    machine->cpu_count = 8;
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

static void to_screen(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    screen_write(&screen, current, text, length);
}

static char whole_text[20000];
static struct text_buffer whole;
static bool marks; /* colours are written into `whole` */

void console_colour(enum colour colour)
{
    current = colour;
    if (marks)
        print_to(&whole.sink, "<%d>", (int)colour);
}

/* As a boot ends: a screen full of other text, the brief report, the verdict. */
static void show(void)
{
    struct sink sink = {to_screen};

    marks = false;
    screen_init(&screen, COLUMNS, ROWS);
    for (unsigned i = 0; i < ROWS; i++)
        print_to(&sink, "before\n");
    report_brief(gathered(machine), &sink, ROWS - BELOW);
    print_to(&sink, "\nverdict\n");
}

static const char *row(uint32_t at)
{
    static char text[COLUMNS + 1];
    size_t length = COLUMNS;

    for (uint32_t i = 0; i < COLUMNS; i++)
        text[i] = (char)screen.cells[at][i].character;
    while (length > 0 && text[length - 1] == ' ')
        length--;
    text[length] = '\0';
    return text;
}

/* Is this on the screen, wherever its lines are broken? */
static bool shows(const char *wanted)
{
    static char all[ROWS * (COLUMNS + 1) + 1];
    size_t length = 0;

    for (uint32_t at = 0; at < ROWS; at++) {
        const char *text = row(at);

        while (*text == ' ')
            text++;
        length += (size_t)snprintf(all + length, sizeof(all) - length, "%s ", text);
    }
    return strstr(all, wanted) != NULL;
}

static void verdict_is_last(void)
{
    assert_string_equal(row(ROWS - 1), "");
    assert_string_equal(row(ROWS - 2), "verdict");
    assert_string_equal(row(ROWS - 3), "");
    assert_true(shows("report=full"));
}

static void eight_cpus_have_a_line_each(void)
{
    char wanted[64];

    for (uint32_t i = 0; i < 8; i++) {
        format_text(wanted, sizeof(wanted), "CPU %u  APIC id %#x  ", i, 2 * i);
        assert_true(shows(wanted));
    }
}

static void find_on(uint32_t cpu, enum rule rule, enum severity severity, uint64_t seen)
{
    struct findings *findings = &cpu_list[cpu]->vmx->findings;

    findings->item[findings->count++] = (struct finding){.rule = rule,
                                                         .severity = severity,
                                                         .cpu = cpu,
                                                         .msr = IA32_VMX_BASIC,
                                                         .high = 3,
                                                         .low = 1,
                                                         .seen = seen,
                                                         .detail = "a detail"};
}

static void a_sound_machine(void **state)
{
    static struct guest_run runs[8][2];

    (void)state;
    for (uint32_t i = 0; i < 8; i++) {
        guest_results.runs[i] = runs[i];
        runs[i][1].result = i == 3 ? GUEST_SKIPPED : GUEST_OK;
    }
    guest_results.done = true;
    guest_results.choice.count = 2;
    guest_results.choice.item[0] = (struct guest_chosen){.every_cpu = true};
    guest_results.choice.item[1] = (struct guest_chosen){.every_cpu = true};
    show();
    verdict_is_last();
    eight_cpus_have_a_line_each();
    assert_true(shows("APIC id 0xe  loaded Guests: 15 ok, 1 skipped Findings: refusals 0, "
                      "warnings 0, notes 0 All of it"));
}

/* Each rule, were it the one that refuses, on a machine with eight CPUs. */
static void every_refusal_fits_whole(void **state)
{
    (void)state;
    for (enum rule rule = 0; rule < RULE_COUNT; rule++) {
        char remedy_end[20];
        const struct rule_text text = rule_text(rule);

        for (uint32_t i = 0; i < 8; i++) {
            cpu_list[i]->vmx->state = VMX_CPU_OFF;
            cpu_list[i]->vmx->findings.count = 0;
            find_on(i, rule, SEVERITY_REFUSAL, 5);
        }
        show();
        verdict_is_last();
        eight_cpus_have_a_line_each();
        format_text(remedy_end, sizeof(remedy_end), "%s", strrchr(text.remedy, ' '));
        assert_true(shows(rule_table[rule].name));
        assert_true(shows("(CPUs 0-7)"));
        assert_true(shows(remedy_end));
    }
}

/* As many as have room have a line each, the last line is for the others. */
static void many_refusals_are_named_or_counted(void **state)
{
    (void)state;
    for (enum rule rule = 0; rule < 30; rule++)
        find_on(1, rule, SEVERITY_REFUSAL, 5);
    find_on(2, RULE_OVERRIDDEN, SEVERITY_WARNING, 5);
    show();
    verdict_is_last();
    eight_cpus_have_a_line_each();
    assert_true(shows("Findings: refusals 30, warnings 1, notes 0"));
    for (enum rule rule = 0; rule < 10; rule++)
        assert_true(shows(rule_table[rule].name));
    assert_false(shows(rule_table[10].name));
    assert_true(shows("and 20 more of them"));

    /* Eleven lines for eleven: none is left over to be counted. */
    cpu_list[1]->vmx->findings.count = 11;
    show();
    assert_true(shows(rule_table[10].name));
    assert_false(shows("more of them"));
}

static void refusals_come_before_warnings(void **state)
{
    (void)state;
    machine->cpu_count = 2;
    find_on(0, RULE_BASIC_BIT_57, SEVERITY_WARNING, 1);
    find_on(0, RULE_BASIC_SIZE_ZERO, SEVERITY_NOTE, 1);
    find_on(1, RULE_CR_VMXE_IN_USE, SEVERITY_REFUSAL, 1);
    find_on(1, RULE_REGION_NOT_WRITE_BACK, SEVERITY_REFUSAL, 1);
    show();
    verdict_is_last();
    assert_true(
        shows("Findings: refusals 2, warnings 1, notes 1 refusal  cr-vmxe-in-use (CPU 1) "));
    assert_true(shows("refusal  region-not-write-back (CPU 1)"));
    assert_false(shows("basic-size-zero"));
}

static void many_cpus_are_summed_up_by_state(void **state)
{
    (void)state;
    machine->cpu_count = CPUS_MAX;
    for (uint32_t i = 4; i < 52; i++)
        cpu_list[i]->phase = CPU_SILENT;
    cpu_list[200]->vmx->state = VMX_CPU_ROOT;
    cpu_list[511]->vmx->state = VMX_CPU_OFF;
    cpu_list[400]->phase = CPU_UNREACHABLE;
    machine->findings.lost = 2;
    show();
    verdict_is_last();
    assert_true(shows("loaded  461: CPUs 0-3,52-199,201-399,401-510 silent  48: CPUs 4-51 "
                      "root    1: CPU 200 no path 1: CPU 400 off     1: CPU 511 Findings"));
    assert_true(shows("notes 0, and 2 that did not fit"));
}

/* The colour of the first cell of this word on the screen. */
static enum colour colour_of(const char *word)
{
    for (uint32_t at = 0; at < ROWS; at++) {
        const char *found = strstr(row(at), word);

        if (found != NULL)
            return (enum colour)screen.cells[at][found - row(at)].colour;
    }
    fail_msg("%s is not there", word);
    return COLOUR_PLAIN;
}

/* Summed up or not: well, not heard of, or neither; and what stands after it is plain. */
static void states_have_their_colours(void **state)
{
    (void)state;
    for (unsigned many = 0; many < 2; many++) {
        machine->cpu_count = many ? 20 : 8;
        cpu_list[2]->phase = CPU_SILENT;
        cpu_list[3]->vmx->state = VMX_CPU_ROOT;
        show();
        assert_int_equal(colour_of("loaded"), COLOUR_OK);
        assert_int_equal(colour_of("silent"), COLOUR_WARNING);
        assert_int_equal(colour_of("root"), COLOUR_PLAIN);
        assert_int_equal(colour_of(many ? "18: " : "CPU 7"), COLOUR_PLAIN);
    }
}

static void nine_cpus_take_one_line(void **state)
{
    (void)state;
    machine->cpu_count = 9;
    show();
    assert_true(shows("loaded  9: CPUs 0-8 Findings"));
    machine->cpu_count = 8;
    show();
    eight_cpus_have_a_line_each();
}

static void a_long_detail_is_cut(void **state)
{
    struct findings *findings = &cpu_list[0]->vmx->findings;
    static const char detail[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789";

    (void)state;
    for (enum rule rule = 0; rule < 20; rule++) {
        find_on(0, rule, SEVERITY_REFUSAL, 1);
        findings->item[rule].detail = detail;
    }
    show();
    verdict_is_last();
    eight_cpus_have_a_line_each();
    assert_true(shows(rule_table[0].name));
    assert_true(shows(rule_table[8].name));
}

static const char *report(uint32_t rows)
{
    marks = true;
    text_buffer_init(&whole, whole_text, sizeof(whole_text));
    report_brief(gathered(machine), &whole.sink, rows);
    assert_int_equal(whole.lost, 0);
    return whole_text;
}

/* Rows of 80 columns that it takes, without the marks of colours. */
static uint32_t rows_taken(const char *text)
{
    uint32_t rows = 0, column = 0;

    for (; *text != '\0'; text++) {
        if (*text == '<') {
            text += 2;
        } else if (*text == '\n') {
            rows++;
            column = 0;
        } else {
            rows += column == COLUMNS;
            column = column == COLUMNS ? 1 : column + 1;
        }
    }
    return rows;
}

/* COLOUR_HEADING is 1, DIM 2, OK 3, WARNING 4. */
static void it_reads_so(void **state)
{
    (void)state;
    machine->cpu_count = 2;
    cpu_list[1]->phase = CPU_SILENT;
    machine->findings.lost = 1;
    assert_string_equal(report(20),
                        "\n  CPU 0  APIC id 0x0  <3>loaded\n<0>"
                        "  CPU 1  APIC id 0x2  <4>silent\n<0>"
                        "<1>Findings: refusals 0, warnings 0, notes 0, and 1 that did not fit<0>\n"
                        "<2>All of it: on the serial line, or here with report=full.\n<0>");
    machine->findings.lost = 0;
    assert_null(strstr(report(20), "did not fit"));
}

/* With as many rows as the whole takes all is reported whole; with fewer it is cut, and never
 * longer.
 */
static void no_row_is_wasted_and_none_is_missing(void **state)
{
    static struct guest_run runs[8];

    (void)state;
    for (unsigned variant = 0; variant < 4; variant++) {
        char all[sizeof(whole_text)];
        uint32_t rows;

        /* Sets of CPUs so long that a line of a finding becomes two on the screen. */
        machine->cpu_count = variant & 1 ? 60 : 8;
        for (uint32_t i = 0; i < 60; i++) {
            cpu_list[i]->vmx->state = i % 3 ? VMX_CPU_OFF : VMX_CPU_LOADED;
            cpu_list[i]->vmx->findings.count = 0;
        }
        for (uint32_t i = 0; i < machine->cpu_count; i += 2) {
            find_on(i, RULE_CONTROL_UNKNOWN_FORCED, SEVERITY_REFUSAL, 1);
            find_on(i, RULE_REGION_NOT_WRITE_BACK, SEVERITY_REFUSAL, 1);
        }
        find_on(1, RULE_BASIC_BIT_57, SEVERITY_REFUSAL, 1);
        find_on(1, RULE_BASIC_SIZE_ZERO, SEVERITY_WARNING, 1);
        guest_results.done = variant == 2;
        guest_results.choice.count = guest_results.done;
        guest_results.choice.item[0] = (struct guest_chosen){.every_cpu = true};
        for (uint32_t i = 0; i < 8; i++)
            guest_results.runs[i] = &runs[i];
        strcpy(all, report(1000));
        rows = rows_taken(all);
        assert_string_equal(report(rows), all);
        assert_string_not_equal(report(rows - 1), all);
        for (uint32_t room = 16; room < rows; room++)
            assert_in_range(rows_taken(report(room)), 1, room);
    }
}

/* Lines that fill a row of the screen to its last column, and those a character shorter or longer.
 */
static void a_line_as_wide_as_the_screen_is_one_row(void **state)
{
    static const char dots[] = "................................................................"
                               "................................................................";
    struct findings *findings = &cpu_list[0]->vmx->findings;

    (void)state;
    machine->cpu_count = 1;
    find_on(0, RULE_BASIC_BIT_57, SEVERITY_REFUSAL, 1);
    for (const char *detail = dots; *detail != '\0'; detail++) {
        char all[sizeof(whole_text)];

        findings->item[0].detail = detail;
        strcpy(all, report(1000));
        assert_string_equal(report(rows_taken(all)), all);
        assert_string_not_equal(report(rows_taken(all) - 1), all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sound_machine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_refusal_fits_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_refusals_are_named_or_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_come_before_warnings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_cpus_are_summed_up_by_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(states_have_their_colours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_reads_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_row_is_wasted_and_none_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_as_wide_as_the_screen_is_one_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nine_cpus_take_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_detail_is_cut, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
