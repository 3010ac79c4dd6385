#include "tools/entry/verdict_text.h"

#include <stdio.h>
#include <string.h>

#include "vmx/exit_reason.h"
#include "lib/wrapped.h"

enum { INDENT = 2, COLUMNS = 78, LINE_SIZE = 2048, TOLD_ONE_BY_ONE = 24, WANTED_LINES = 8 };

static void print_lines(struct sink *sink, unsigned indent, const char *text)
{
    print_wrapped(sink, indent, COLUMNS - indent, text);
}

static unsigned shown_fields(const struct vmcs_image *image)
{
    unsigned count = 0;

    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++)
        count += image->present[row];
    return count;
}

/* "exit reason 33, qualification 0" */
static void print_outcome(struct sink *sink, struct vmentry_outcome outcome)
{
    print_to(sink, "%s", vmentry_class_name(outcome.class));
    if (outcome.class == VMENTRY_GUEST || outcome.class == VMENTRY_MSR_LOAD)
        print_to(sink, ", qualification %lu", outcome.qualification);
}

static void print_said(struct sink *sink, const struct vmcs_image *image)
{
    const uint64_t *reason = vmcs_image_find(image, VMCS_EXIT_REASON);
    const uint64_t *error = vmcs_image_find(image, VMCS_VM_INSTRUCTION_ERROR);
    const uint64_t *qualification = vmcs_image_find(image, VMCS_EXIT_QUALIFICATION);

    print_to(sink, "The processor said:  ");
    if (reason != NULL && *reason & EXIT_REASON_ENTRY_FAILURE)
        print_to(sink, "exit reason %lu (%#lx)", *reason & EXIT_REASON_BASIC, *reason);
    else if (error != NULL && *error != 0)
        print_to(sink, "VM-instruction error %lu", *error);
    else if (reason != NULL)
        print_to(sink, "exit reason %lu (%#lx), which is no failed entry",
                 *reason & EXIT_REASON_BASIC, *reason);
    else
        print_to(sink, "the dump does not tell");
    if (reason != NULL && qualification != NULL)
        print_to(sink, ", qualification %#lx", *qualification);
    print_to(sink, "\n");
}

/* How the processor said that the entry failed, if the dump tells. */
static bool said_outcome(const struct vmcs_image *image, struct vmentry_outcome *said)
{
    uint64_t reason = vmcs_image_get(image, VMCS_EXIT_REASON), basic = reason & EXIT_REASON_BASIC;
    uint64_t error = vmcs_image_get(image, VMCS_VM_INSTRUCTION_ERROR);

    said->qualification = vmcs_image_get(image, VMCS_EXIT_QUALIFICATION);
    if (reason & EXIT_REASON_ENTRY_FAILURE) {
        said->class =
            basic == EXIT_REASON_ENTRY_FAILURE_MSR_LOADING ? VMENTRY_MSR_LOAD : VMENTRY_GUEST;
        return basic == EXIT_REASON_ENTRY_FAILURE_GUEST_STATE ||
               basic == EXIT_REASON_ENTRY_FAILURE_MSR_LOADING;
    }
    said->class = error == VMENTRY_ERROR_HOST ? VMENTRY_HOST : VMENTRY_CONTROLS;
    return error == VMENTRY_ERROR_CONTROLS || error == VMENTRY_ERROR_HOST;
}

/* Where both are known and do not agree, one of them is of something else. */
static void print_misfit(struct sink *sink, const struct vmcs_image *image,
                         const struct entry_check *check)
{
    struct vmentry_outcome said;

    if (check->verdict == VERDICT_REFUSED && said_outcome(image, &said) &&
        !vmentry_allows(&check->findings, said))
        print_lines(
            sink, INDENT,
            "This does not fit what the processor said: another CPU, or the VMCS was changed "
            "before it was dumped; or a rule is broken, too, that could not be checked.");
}

static void print_rules_say(struct sink *sink, const struct entry_check *check)
{
    print_to(sink, "The rules say:       ");
    if (check->verdict == VERDICT_DEPENDS)
        print_to(sink, "no rule is broken that could be checked; it depends (see below)");
    else
        print_outcome(sink, check->outcome);
    print_to(sink, "\n");
}

static unsigned rules_in(const struct entry_check *check, enum rule_state state)
{
    unsigned count = 0;

    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++)
        count += check->rule[rule].state == state;
    return count;
}

static void print_broken(struct sink *sink, const struct entry_check *check)
{
    unsigned count = rules_in(check, RULE_BROKEN);

    if (count == 0)
        return;
    print_to(sink, "\nBroken: %u rule%s\n", count, count == 1 ? "" : "s");
    for (uint32_t i = 0; i < check->findings.count; i++)
        vmentry_explain(sink, &check->findings.item[i]);
}

static void print_depends(struct sink *sink, const struct entry_check *check)
{
    bool first = true;

    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        const struct checked_rule *checked = &check->rule[rule];
        char line[LINE_SIZE];

        if (checked->state != RULE_DEPENDS)
            continue;
        if (first)
            print_to(sink,
                     "\nBroken on some of the %u CPUs that could be this one; --cpu or --msrs "
                     "names it\n",
                     check->cpus);
        first = false;
        snprintf(line, sizeof(line), "%s, on %u (%s): %s", vmentry_rule_text(rule).name,
                 checked->breaks, checked->example, vmentry_rule_text(rule).text);
        print_lines(sink, INDENT, line);
    }
}

/* "IA32_VMX_VMFUNC, IA32_VMX_EXIT_CTLS2" */
static void name_msrs(uint32_t lacking, char *line, size_t size)
{
    const char *comma = "";

    line[0] = '\0';
    for (uint32_t i = 0; i < VMX_MSR_COUNT; i++) {
        size_t length = strlen(line);

        if (!(lacking >> i & 1))
            continue;
        snprintf(line + length, size - length, "%s%s", comma, vmx_msr_name(VMX_MSR_FIRST + i));
        comma = ", ";
    }
}

static void print_lacking(struct sink *sink, const struct entry_check *check, uint32_t what)
{
    char line[LINE_SIZE];
    const char *comma = ": ";
    bool any = false;

    if (what == LACKS_MSRS)
        name_msrs(check->first->lacking, line, sizeof(line));
    else
        snprintf(line, sizeof(line), "%s",
                 what == LACKS_MEMORY ? "what stands in memory" : vmcs_field_table[what].name);
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        size_t length = strlen(line);

        if (!checked_rule_lacks(&check->rule[rule], what))
            continue;
        snprintf(line + length, sizeof(line) - length, "%s%s", comma, vmentry_rule_text(rule).name);
        comma = ", ";
        any = true;
    }
    if (any)
        print_lines(sink, INDENT, line);
}

/* How many rules that lack this are told for want of nothing that was told before. */
static unsigned lacking_count(const struct entry_check *check, uint32_t what, const bool *told)
{
    unsigned count = 0;

    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++)
        count += checked_rule_lacks(&check->rule[rule], what) && !told[rule];
    return count;
}

/* Of a dump of which most is missing: what would help most, first. */
static void print_most_wanted(struct sink *sink, const struct entry_check *check)
{
    bool told[VMENTRY_RULE_COUNT] = {false};

    for (unsigned line = 0; line < WANTED_LINES; line++) {
        uint32_t best = 0;

        for (uint32_t what = 1; what < LACKS_MEMORY; what++) {
            if (lacking_count(check, what, told) > lacking_count(check, best, told))
                best = what;
        }
        if (lacking_count(check, best, told) == 0)
            return;
        print_to(sink, "  %s (%u)\n", vmcs_field_table[best].name,
                 lacking_count(check, best, told));
        for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++)
            told[rule] |= checked_rule_lacks(&check->rule[rule], best);
    }
    print_to(sink, "  and others; --json has them all\n");
}

static void print_unknown(struct sink *sink, const struct entry_check *check)
{
    unsigned count = rules_in(check, RULE_UNKNOWN);

    if (count == 0)
        return;
    print_to(sink, "\nCould not be checked: %u rule%s, for want of\n", count,
             count == 1 ? "" : "s");
    if (count > TOLD_ONE_BY_ONE) {
        print_most_wanted(sink, check);
        return;
    }
    for (uint32_t what = 0; what < LACKS_COUNT; what++)
        print_lacking(sink, check, what);
}

static void print_suspicions(struct sink *sink, const struct vmcs_image *image)
{
    enum vmcs_field field;
    const char *words;

    for (unsigned i = 0; (words = suspicion_of(image, i, &field)) != NULL; i++) {
        if (i == 0)
            print_to(sink, "\nAllowed, but often a mistake\n");
        print_lines(sink, INDENT, words);
    }
}

static void print_other_causes(struct sink *sink)
{
    print_to(sink, "\nIf the entry fails all the same, it can be\n");
    print_lines(
        sink, INDENT,
        "the launch state: VMLAUNCH takes a VMCS that is clear, VMRESUME one that was launched "
        "(errors 4 and 5)");
    print_lines(sink, INDENT, "blocking by MOV SS at VMLAUNCH or VMRESUME (error 26)");
    print_lines(sink, INDENT,
                "no current VMCS, or another one than was dumped (VMfailInvalid; error 3 or 11 at "
                "VMPTRLD)");
    print_lines(
        sink, INDENT,
        "the address of a structure: the processor may have less than the 52 bits that were "
        "taken, and what stands there, EPT, bitmaps or MSRs, was not looked at");
    print_lines(
        sink, INDENT,
        "a hypervisor below that allows less than the processor: name it by --msrs, with what "
        "RDMSR gives there");
    print_lines(sink, INDENT, "another CPU than the one named by --cpu");
}

void verdict_text(struct sink *sink, const struct vmcs_dump *dump, const struct entry_check *check,
                  const char *cpu)
{
    unsigned shown = shown_fields(&dump->image);

    print_to(sink, "line %u: %s, %u field%s; ", dump->line, vmcs_format_name(dump->format), shown,
             shown == 1 ? "" : "s");
    if (cpu != NULL)
        print_to(sink, "on %s\n", cpu);
    else
        print_to(sink, "on any of %u CPUs of the corpus\n", check->cpus);
    print_said(sink, &dump->image);
    print_rules_say(sink, check);
    print_misfit(sink, &dump->image, check);
    print_broken(sink, check);
    print_depends(sink, check);
    print_unknown(sink, check);
    print_suspicions(sink, &dump->image);
    if (check->verdict != VERDICT_REFUSED)
        print_other_causes(sink);
}

static void print_rule(struct sink *sink, enum vmentry_rule rule)
{
    struct vmentry_rule_text text = vmentry_rule_text(rule);
    char line[LINE_SIZE];

    print_to(sink, "  %s\n", text.name);
    snprintf(line, sizeof(line), "must hold: %s", text.text);
    print_lines(sink, 2 * INDENT, line);
    print_to(sink, "    manual: \"%s\"\n", text.section);
}

void said_text(struct sink *sink, const struct vmcs_text *text)
{
    for (unsigned i = 0; i < text->said_count; i++) {
        const struct emulator_said *said = &text->said[i];

        print_to(sink, "%sline %u: Bochs refused a VM entry\n",
                 text->count > 0 || i > 0 ? "\n" : "", said->line);
        print_lines(sink, INDENT, said->text);
        print_to(sink, said->rules[1] == VMENTRY_RULE_COUNT ? "\nBroken: 1 rule\n"
                                                            : "\nBroken: one of these rules\n");
        for (unsigned j = 0; said->rules[j] != VMENTRY_RULE_COUNT; j++)
            print_rule(sink, said->rules[j]);
    }
}

void passed_text(struct sink *sink, const struct vmcs_text *text)
{
    if (text->not_understood == 0)
        return;
    print_to(sink, "%sNot understood: %u line%s\n",
             text->count > 0 || text->said_count > 0 ? "\n" : "", text->not_understood,
             text->not_understood == 1 ? "" : "s");
    for (unsigned i = 0; i < text->not_understood && i < DUMP_PASSED_MAX; i++)
        print_to(sink, "  line %u: `%s`, expected %s\n", text->passed[i].line, text->passed[i].text,
                 text->passed[i].expected);
}
