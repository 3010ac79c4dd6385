/*
 * A finding in words: of its place as much as it has, and nothing between what is missing.
 */
#include "vmx/text/capability_text.h"
#include "kernel/report/report_page.h"
#include "lib/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char text[2000];
static struct text_buffer buffer;

void console_colour(enum colour colour)
{
    print_to(&buffer.sink, "<%d>", (int)colour);
}

static void print(const struct finding *finding)
{
    text_buffer_init(&buffer, text, sizeof(text));
    finding_print(&buffer.sink, finding, "CPU 0");
    assert_int_equal(buffer.lost, 0);
}

/* The line of the place stands between the rule's sentence and the dimmed section of the manual. */
static void place_is(const struct finding *finding, const char *wanted)
{
    const struct rule_text sentences = rule_text(finding->rule);
    const char *last = strrchr(sentences.text, ' ') + 1;
    const char *place, *end;

    print(finding);
    place = strstr(strstr(text, last), "\n") + 1;
    end = strstr(place, "<2>");
    assert_non_null(end);
    if (strlen(wanted) != (size_t)(end - place) || memcmp(place, wanted, strlen(wanted)) != 0)
        fail_msg("wanted \"%s\" in: %s", wanted, text);
}

/* MSR 480H is IA32_VMX_BASIC, 4FFH none that has a name here. */
static void as_much_as_there_is(void **state)
{
    static const struct {
        const char *detail;
        uint32_t msr;
        int8_t high, low;
        uint64_t seen, wanted;
        const char *line;
    } rows[] = {
        {NULL, 0, -1, -1, 0, 0, ""},
        {NULL, 0, -1, -1, 1, 2, ""}, /* values of nothing */
        {"a detail", 0, -1, -1, 0, 0, "           a detail\n"},
        {"a detail", 0, -1, -1, 0x10, 2, "           a detail: seen 0x10, wanted 0x2\n"},
        {"a detail", 0, 0, 0, 0, 0, "           a detail: bit 0 \n"},
        {"a detail", 0x480, -1, -1, 5, 5, "           a detail: IA32_VMX_BASIC \n"},
        {"a detail", 0x4ff, 5, 4, 2, 3,
         "           a detail: MSR 0x4ff bits 5:4 seen 0x2, wanted 0x3\n"},
        {NULL, 0x480, 7, 7, 0, 1, "           IA32_VMX_BASIC bit 7 seen 0x0, wanted 0x1\n"},
        {NULL, 0, 1, 0, 0, 1, "           bits 1:0 seen 0x0, wanted 0x1\n"},
        {NULL, 0x4ff, -1, -1, 0, 0, "           MSR 0x4ff \n"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct finding finding = {RULE_GUEST_DIED, SEVERITY_WARNING, 0,
                                        rows[i].msr,     rows[i].high,     rows[i].low,
                                        rows[i].seen,    rows[i].wanted,   rows[i].detail};

        place_is(&finding, rows[i].line);
    }
}

/* Before they were packed, which has less room than they might need. */
#define RULE_TEXT(id, text, sdm, remedy) [RULE_##id] = {(text), (sdm), (remedy)},
static const struct {
    const char *text, *sdm, *remedy;
} written[RULE_COUNT] = {
#include "vmx/text/finding_text.def"
};

/* Of each rule all the words are there, in lines of 67 characters at most after 11 blanks; no line
 * ends before the next word does not fit. */
static void every_rule_is_reported_whole(void **state)
{
    (void)state;
    for (unsigned rule = 0; rule < RULE_COUNT; rule++) {
        const struct finding finding = {.rule = (enum rule)rule, .high = -1, .low = -1};
        char wanted[2000], reported[2000];
        char *to = reported;

        print(&finding);
        (void)snprintf(wanted, sizeof(wanted), "%s <2> manual: %s <0> %s", written[rule].text,
                       written[rule].sdm, written[rule].remedy);
        for (const char *line = strchr(text, '\n') + 1, *end; *line != '\0'; line = end + 1) {
            end = strchr(line, '\n');
            if (line[0] == '<') {
                to += sprintf(to, "%.3s ", line);
                line += 3;
            }
            assert_in_range(end - line, 12, 11 + 67);
            if (end[1] == ' ')
                assert_true((size_t)(end - line) + 1 + strcspn(end + 12, " \n") > 11 + 67);
            assert_int_equal(strspn(line, " "), 11);
            to += sprintf(to, "%.*s ", (int)(end - line) - 11, line + 11);
        }
        to[-1] = '\0';
        assert_string_equal(reported, wanted);
    }
}

/*
 * Rules of one kind are of one section; the first row that a name begins with counts. Where a value
 * is wrong in itself the remedy says whose fault it may be.
 */
static void each_rule_names_where_it_stands(void **state)
{
    static const struct {
        const char *rule, *section, *remedy;
    } rows[] = {
        {"basic-size-", "Basic VMX Information", "its virtual IA32_VMX_BASIC is wrong"},
        {"basic-memory-type", "Basic VMX Information", "its virtual IA32_VMX_BASIC is wrong"},
        {"basic-", "Basic VMX Information", ""},
        {"msr-true-", "(capability reporting)", "the TRUE MSR is believed"},
        {"msr-without-control", "VPID and EPT Capabilities", ""},
        {"msr-", "VMX Capability Reporting Facility", ""},
        {"control-must-be-zero", "Checks on VM-Entry Control Fields", "no known processor reports"},
        {"control-contradiction", "(capability reporting)", "no known processor reports"},
        {"control-unmet", "(checks on VMX controls)", "no known processor reports"},
        {"control-dropped", "(checks on VMX controls)", ""},
        {"control-without-msr", "VPID and EPT Capabilities", ""},
        {"control-needs", "Checks on VMX Controls", ""},
        {"control-unpaired", "VM-Exit Controls; VM-Entry Controls", ""},
        {"control-", "(capability reporting)", ""},
        {"cr-fixed-contradiction", "VMX-Fixed Bits in CR0", "no known processor reports"},
        {"command-line", "command line", ""},
        {"pretend", "command line", ""},
        {"boot-information", "Multiboot2 Specification", ""},
        {"boot-memory", "Memory map", ""},
        {"boot-ranges", "Memory map", ""},
        {"cpu-memory", "Memory map", ""},
        {"guest-memory", "Memory map", ""},
        {"cpu-tables", "Multiple APIC Description Table", ""},
        {"cpu-left-out", "Multiple APIC Description Table", ""},
        {"feature-control-", "Enabling and Entering VMX Operation", ""},
        {"cr-vmxe-in-use", "Enabling and Entering VMX Operation", ""},
        {"region-not-write-back", "Software Access to the VMCS", ""},
        {"region-mtrr-virtual", "Memory Cache Control", ""},
        {"region-", "VMXON Region; VMCS Region", ""},
        {"vmxon-invalid", "VMXON - Enter VMX Operation", "the revision id of IA32_VMX_BASIC"},
        {"vmxon-", "VMXON - Enter VMX Operation", ""},
        {"instruction-invalid", "VMX Instruction Reference", "was checked against IA32_VMX_BASIC"},
        {"guest-unknown", "command line", ""},
        {"guest-no-cpu", "command line", ""},
        {"guest-left-out", "command line", ""},
    };

    (void)state;
    for (unsigned rule = 0; rule < RULE_COUNT; rule++) {
        for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
            if (strncmp(rule_table[rule].name, rows[i].rule, strlen(rows[i].rule)) != 0)
                continue;
            if (!strstr(rule_text(rule).sdm, rows[i].section) ||
                !strstr(rule_text(rule).remedy, rows[i].remedy))
                fail_msg("%s: %s: %s", rule_table[rule].name, rule_text(rule).sdm,
                         rule_text(rule).remedy);
            break;
        }
    }
}

/* Its rule in the colour of its severity, the manual's section dimmed, the rest plain. */
static void colours_are_by_severity(void **state)
{
    static const struct {
        enum severity severity;
        const char *first;
    } rows[] = {{SEVERITY_NOTE, "<2>  note     guest-died<0> (CPU 0)\n"},
                {SEVERITY_WARNING, "<4>  warning  guest-died<0> (CPU 0)\n"},
                {SEVERITY_REFUSAL, "<5>  refusal  guest-died<0> (CPU 0)\n"}};

    (void)state;
    assert_int_equal(COLOUR_WARNING, 4);
    assert_int_equal(COLOUR_REFUSAL, 5);
    for (unsigned i = 0; i < 3; i++) {
        const struct finding finding = {
            .rule = RULE_GUEST_DIED, .severity = rows[i].severity, .high = -1, .low = -1};

        print(&finding);
        assert_memory_equal(text, rows[i].first, strlen(rows[i].first));
    }
}

/* One line is no longer than 79 characters, whatever has to be cut. */
static void a_line_is_cut_at_79(void **state)
{
    static const char detail[] = "0123456789012345678901234567890123456789012345678901234567890123";
    struct finding finding = {.rule = RULE_GUEST_DIED, .severity = SEVERITY_WARNING};
    char wanted[200];

    (void)state;
    for (unsigned length = 0; length < sizeof(detail); length++) {
        char part[sizeof(detail)];
        const char *head = "<4>  warning  guest-died<0> (CPUs 0-3) ";
        size_t marks = strlen("<4><0>");

        memcpy(part, detail, length);
        part[length] = '\0';
        finding.detail = part;
        (void)snprintf(wanted, sizeof(wanted), "%s%s", head, part);
        wanted[79 + marks] = '\0';
        strcat(wanted, "\n");
        text_buffer_init(&buffer, text, sizeof(text));
        finding_print_line(&buffer.sink, &finding, "CPUs 0-3");
        assert_string_equal(text, wanted);
    }
    finding.detail = NULL;
    text_buffer_init(&buffer, text, sizeof(text));
    finding_print_line(&buffer.sink, &finding, "CPU 7");
    assert_string_equal(text, "<4>  warning  guest-died<0> (CPU 7)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_much_as_there_is),
        cmocka_unit_test(every_rule_is_reported_whole),
        cmocka_unit_test(each_rule_names_where_it_stands),
        cmocka_unit_test(colours_are_by_severity),
        cmocka_unit_test(a_line_is_cut_at_79),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
