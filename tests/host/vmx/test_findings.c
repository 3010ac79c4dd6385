/* The table of findings and the list that is made from it. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmx/text/capability_text.h"

static void every_rule_says_all_a_person_needs(void **state)
{
    (void)state;
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        const struct rule_row *row = &rule_table[rule];

        assert_non_null(row->name);
        assert_true(strlen(rule_text(rule).text) > 20);
        assert_true(strlen(rule_text(rule).sdm) > 3);
        assert_true(strlen(rule_text(rule).remedy) > 10);
        /* Sentences are put together by whoever prints them. */
        assert_int_not_equal(rule_text(rule).text[strlen(rule_text(rule).text) - 1], '.');
        assert_int_not_equal(rule_text(rule).remedy[strlen(rule_text(rule).remedy) - 1], '.');
    }
}

static void names_are_unique_words_with_hyphens(void **state)
{
    (void)state;
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        const char *name = rule_table[rule].name;

        assert_true(islower(name[0]));
        for (const char *c = name; *c; c++)
            assert_true(islower(*c) || isdigit(*c) || *c == '-');
        for (int other = 0; other < rule; other++)
            assert_string_not_equal(name, rule_table[other].name);
    }
}

/* strict never says less than auto under a hypervisor, and that never less than kvm. */
static void severity_never_falls_with_the_mode(void **state)
{
    (void)state;
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        const enum severity *severity = rule_table[rule].severity;

        assert_true(severity[VMX_CHECK_KVM] <= severity[VMX_CHECK_VIRTUAL]);
        assert_true(severity[VMX_CHECK_VIRTUAL] <= severity[VMX_CHECK_STRICT]);
        assert_true(severity[VMX_CHECK_STRICT] > SEVERITY_NONE);
    }
}

/*
 * What each finding means for the boot, by the sentences of docs/refusals.md: a note where nothing
 * is lost, a warning where the boot goes on with less, a refusal where VMX would fail or lie; and
 * of the values that KVM does not check itself (setup_vmcs_config()), a warning below a hypervisor.
 */
static const char *const notes[] = {
    "control-dropped",          "control-forced",   "control-unknown-forced",
    "control-without-msr",      "control-unpaired", "pretended",
    "boot-execute-disable-off", "boot-clock-doubt", "feature-control-unlocked",
};
static const char *const warnings[] = {
    "msr-not-read",
    "msr-true-allowed-1",
    "msr-true-default1",
    "msr-without-control",
    "control-needs",
    "command-line",
    "pretend-without-effect",
    "boot-ranges",
    "boot-no-execute-disable",
    "boot-clock",
    "boot-acpi-checksum",
    "cpu-tables",
    "cpu-tables-cut",
    "cpu-trampoline",
    "cpu-silent",
    "cpu-unreachable",
    "cpu-memory",
    "cpu-left-out",
    "nmi-chipset",
    "nmi-unknown",
    "guest-unknown",
    "guest-no-cpu",
    "linux-triple-fault",
    "guest-left-out",
};
static const char *const refused_but_for_kvm[] = {
    "basic-revision-bit-31",
    "basic-reserved-47-45",
};
static const char *const refused_if_strict[] = {
    "basic-bit-57",
    "basic-reserved-63-59",
    "feature-control-absent",
    "region-mtrr-virtual",
};
#define LISTED(name, list) is_listed(name, list, sizeof(list) / sizeof((list)[0]))

static bool is_listed(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, list[i]) == 0)
            return true;
    }
    return false;
}

static void each_rule_has_its_severity(void **state)
{
    size_t listed = 0;

    (void)state;
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        const char *name = rule_table[rule].name;
        enum severity kvm = SEVERITY_REFUSAL, virtual = SEVERITY_REFUSAL, strict = SEVERITY_REFUSAL;

        if (LISTED(name, notes))
            kvm = virtual = strict = SEVERITY_NOTE;
        else if (LISTED(name, warnings))
            kvm = virtual = strict = SEVERITY_WARNING;
        else if (LISTED(name, refused_if_strict))
            kvm = virtual = SEVERITY_WARNING;
        else if (LISTED(name, refused_but_for_kvm))
            kvm = SEVERITY_WARNING;
        else
            listed--;
        listed++;
        assert_int_equal(rule_table[rule].severity[VMX_CHECK_KVM], kvm);
        assert_int_equal(rule_table[rule].severity[VMX_CHECK_VIRTUAL], virtual);
        assert_int_equal(rule_table[rule].severity[VMX_CHECK_STRICT], strict);
    }
    assert_int_equal(listed, 9 + 24 + 2 + 4); /* no name of a rule that is gone */
}

static void a_finding_takes_its_severity_from_the_table(void **state)
{
    struct findings findings = {0};
    const struct finding finding = {.rule = RULE_BASIC_RESERVED_47_45,
                                    .msr = 0x480,
                                    .high = 47,
                                    .low = 45,
                                    .seen = 5,
                                    .detail = "a name"};

    (void)state;
    finding_add(&findings, finding);
    assert_int_equal(findings.count, 1);
    assert_int_equal(findings.item[0].severity, SEVERITY_WARNING);
    assert_false(findings_refuse(&findings));
    findings.check = VMX_CHECK_STRICT;
    findings.cpu = 3;
    finding_add(&findings, finding);
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.item[1].severity, SEVERITY_REFUSAL);
    assert_int_equal(findings.item[1].cpu, 3);
    assert_int_equal(findings.item[1].seen, 5);
    assert_string_equal(findings.item[1].detail, "a name");
    assert_true(findings_refuse(&findings));
}

static void a_lost_finding_refuses(void **state)
{
    struct findings findings = {0};

    (void)state;
    for (int i = 0; i < FINDINGS_MAX; i++)
        finding_add(&findings, (struct finding){.rule = RULE_OVERRIDDEN});
    assert_int_equal(findings.count, FINDINGS_MAX);
    assert_int_equal(findings.lost, 0);
    assert_false(findings_refuse(&findings));
    finding_add(&findings, (struct finding){.rule = RULE_OVERRIDDEN});
    assert_int_equal(findings.count, FINDINGS_MAX);
    assert_int_equal(findings.lost, 1);
    assert_true(findings_refuse(&findings));
}

static void nothing_found_refuses_nothing(void **state)
{
    const struct findings findings = {0};

    (void)state;
    assert_false(findings_refuse(&findings));
}

static void severities_have_names(void **state)
{
    (void)state;
    assert_string_equal(severity_name(SEVERITY_NONE), "none");
    assert_string_equal(severity_name(SEVERITY_NOTE), "note");
    assert_string_equal(severity_name(SEVERITY_WARNING), "warning");
    assert_string_equal(severity_name(SEVERITY_REFUSAL), "refusal");
}

static const char *as_json(const struct finding *finding, const char *cpus, const uint32_t *apic_id)
{
    static char text[1000];
    struct text_buffer buffer;
    struct json json;

    text_buffer_init(&buffer, text, sizeof(text));
    json_init(&json, &buffer.sink);
    vmx_json_finding(&json, finding, cpus, apic_id, NULL);
    return text;
}

/* docs/report.schema.json: without a place, bits and msr are null; CPUs are its own where none are
 * given. */
static void what_a_finding_lacks_is_null_in_json(void **state)
{
    static const struct {
        int8_t high, low;
        const char *bits;
    } rows[] = {{63, 32, "\"63:32\""},
                {1, 0, "\"1:0\""},
                {1, 1, "\"1\""},
                {0, 0, "\"0\""},
                {-1, -1, "null"}};
    const uint32_t apic_id = 300;
    struct finding finding = {.rule = RULE_BASIC_SIZE_ZERO, .msr = 0x480, .cpu = 12};

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char wanted[40];

        finding.high = rows[i].high;
        finding.low = rows[i].low;
        format_text(wanted, sizeof(wanted), "\"bits\": %s,", rows[i].bits);
        assert_non_null(strstr(as_json(&finding, NULL, NULL), wanted));
    }
    assert_non_null(strstr(as_json(&finding, NULL, NULL), "\"cpus\": \"12\","));
    assert_non_null(strstr(as_json(&finding, NULL, NULL), "\"apic_id\": null,"));
    assert_non_null(strstr(as_json(&finding, "3,12", &apic_id), "\"cpus\": \"3,12\","));
    assert_non_null(strstr(as_json(&finding, "3,12", &apic_id), "\"apic_id\": 300,"));
    assert_non_null(strstr(as_json(&finding, NULL, NULL), "\"msr\": \"0x480\","));
    finding.msr = 0;
    assert_non_null(strstr(as_json(&finding, NULL, NULL), "\"msr\": null,"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_says_all_a_person_needs),
        cmocka_unit_test(names_are_unique_words_with_hyphens),
        cmocka_unit_test(severity_never_falls_with_the_mode),
        cmocka_unit_test(each_rule_has_its_severity),
        cmocka_unit_test(a_finding_takes_its_severity_from_the_table),
        cmocka_unit_test(a_lost_finding_refuses),
        cmocka_unit_test(nothing_found_refuses_nothing),
        cmocka_unit_test(severities_have_names),
        cmocka_unit_test(what_a_finding_lacks_is_null_in_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
