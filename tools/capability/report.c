#include "tools/capability/report.h"

#include <string.h>

#include "tools/capability/feature_text.h"
#include "vmx/text/capability_text.h"
#include "vmx/capability/vmx_capability.h"

enum { SENTENCE_MAX = 400, STATE_WIDTH = 10, FINDING_INDENT = 11, STAGE_INDENT = 32 };

static enum style verdict_style(enum stage_verdict verdict)
{
    static const enum style styles[] = {
        [STAGE_OK] = STYLE_GOOD,
        [STAGE_REFUSED] = STYLE_BAD,
        [STAGE_INCOMPLETE] = STYLE_WARNING,
    };

    return styles[verdict];
}

void report_msr_title(uint32_t msr, char text[MSR_TITLE_MAX])
{
    const char *name = msr == IA32_FEATURE_CONTROL_MSR ? "IA32_FEATURE_CONTROL" : vmx_msr_name(msr);

    format_text(text, MSR_TITLE_MAX, "%s (MSR %#x)", name, msr);
}

void report_head(const struct page *page, const struct checked *checked)
{
    const struct stage_report *report = &checked->report;

    page_print(page, STYLE_STRONG, "%s\n", checked->set->id);
    if (checked->set->about[0] != '\0') {
        print_to(page->sink, "  ");
        page_wrapped(page, 2, 2, checked->set->about);
    }
    print_to(page->sink, "  verdict: ");
    page_print(page, verdict_style(report->verdict), "%s", stage_verdict_name(report->verdict));
    print_to(page->sink, " (check=%s); reaches: %s\n", check_mode_name(checked->mode),
             stage_title(report->reached));
    for (uint32_t i = 0; i < VMX_MSR_COUNT; i++) {
        char title[MSR_TITLE_MAX];

        if (report->lacking >> i & 1) {
            report_msr_title(VMX_MSR_FIRST + i, title);
            print_to(page->sink, "  missing: %s\n", title);
        }
    }
}

/* What of the requirements in `which` a stage is asked to lack. */
static void print_lacks(const struct page *page, uint32_t which, const char *word)
{
    for (uint32_t i = 0; i < stage_requirement_count; i++) {
        char text[SENTENCE_MAX];

        if (!(which >> i & 1))
            continue;
        format_text(text, sizeof(text), "%s %s: %s", word, stage_requirements[i].feature,
                    stage_requirements[i].why);
        print_to(page->sink, "%*s", STAGE_INDENT, "");
        page_wrapped(page, STAGE_INDENT, STAGE_INDENT + 2, text);
    }
}

static void print_stages(const struct page *page, const struct stage_report *report)
{
    uint32_t reported = 0;

    page_heading(page, "What Rootmode would do here");
    for (int i = 0; i < STAGE_COUNT; i++) {
        const struct stage_result *stage = &report->stage[i];

        print_to(page->sink, "  ");
        page_print(page, verdict_style(stage->verdict), "%-10s",
                   stage_verdict_name(stage->verdict));
        print_to(page->sink, " %-18s ", stage_name((enum stage)i));
        page_wrapped(page, STAGE_INDENT, STAGE_INDENT, stage_title((enum stage)i));
        print_lacks(page, stage->missing & ~reported, "needs");
        print_lacks(page, stage->unknown & ~reported, "not known:");
        reported |= stage->missing | stage->unknown;
    }
}

/* Where in the registers a finding is, and which value stands there. */
static void print_place(const struct page *page, const struct finding *finding)
{
    struct text_buffer buffer;
    char text[SENTENCE_MAX];
    const char *name = vmx_msr_name(finding->msr);

    text_buffer_init(&buffer, text, sizeof(text));
    if (finding->detail != NULL && (name == NULL || strcmp(finding->detail, name) != 0))
        print_to(&buffer.sink, "%s: ", finding->detail);
    if (name != NULL)
        print_to(&buffer.sink, "%s ", name);
    else if (finding->msr != 0)
        print_to(&buffer.sink, "MSR %#x ", finding->msr);
    if (finding->high > finding->low)
        print_to(&buffer.sink, "bits %d:%d ", finding->high, finding->low);
    else if (finding->low >= 0)
        print_to(&buffer.sink, "bit %d ", finding->low);
    if (finding->seen != finding->wanted)
        print_to(&buffer.sink, "seen %#llx, wanted %#llx", (unsigned long long)finding->seen,
                 (unsigned long long)finding->wanted);
    if (buffer.length == 0)
        return;
    print_to(page->sink, "%*s", FINDING_INDENT, "");
    page_wrapped(page, FINDING_INDENT, FINDING_INDENT, text);
}

static void print_finding(const struct page *page, const struct finding *finding)
{
    const struct rule_text text = rule_text(finding->rule);
    char manual[SENTENCE_MAX];

    print_to(page->sink, "  ");
    page_print(page, page_severity(finding->severity), "%-8s %s", severity_name(finding->severity),
               rule_table[finding->rule].name);
    if (finding->cpu > 0)
        print_to(page->sink, " (CPU %u)", finding->cpu);
    print_to(page->sink, "\n%*s", FINDING_INDENT, "");
    page_wrapped(page, FINDING_INDENT, FINDING_INDENT, text.text);
    print_place(page, finding);
    format_text(manual, sizeof(manual), "manual: %s", text.sdm);
    print_to(page->sink, "%*s", FINDING_INDENT, "");
    page_wrapped(page, FINDING_INDENT, FINDING_INDENT, manual);
    print_to(page->sink, "%*s", FINDING_INDENT, "");
    page_wrapped(page, FINDING_INDENT, FINDING_INDENT, text.remedy);
}

void report_findings(const struct page *page, const struct findings *findings, uint32_t msr)
{
    uint32_t reported = 0;

    for (uint32_t i = 0; i < findings->count; i++)
        reported += msr == 0 || findings->item[i].msr == msr;
    page_heading(page, "Findings%s", reported == 0 ? ": none" : "");
    for (uint32_t i = 0; i < findings->count; i++) {
        if (msr == 0 || findings->item[i].msr == msr)
            print_finding(page, &findings->item[i]);
    }
    if (findings->lost > 0)
        print_to(page->sink, "  %u more did not fit\n", findings->lost);
}

static void print_config(const struct page *page, const struct vmcs_config *config)
{
    page_heading(page, "vmcs_config: how a VMCS would be made");
    for (uint32_t i = 0; i < vmcs_config_field_count; i++) {
        const struct field *field = &vmcs_config_fields[i];

        print_to(page->sink, field->kind == FIELD_HEX ? "  %-24s %#llx\n" : "  %-24s %llu\n",
                 field->name, (unsigned long long)field_value(field, config));
    }
}

void report_feature(const struct page *page, const struct vmx_feature *feature,
                    struct vmx_feature_value value, const char *state, unsigned state_width)
{
    char bits[FEATURE_BITS_MAX], text[SENTENCE_MAX];
    unsigned column = 2 + 5 + 2 + state_width + 1;

    feature_bits(feature, bits);
    feature_sentence(feature, value, text, sizeof(text));
    print_to(page->sink, "  %5s  ", bits);
    page_print(page, feature_style(value), "%-*s", (int)state_width, state);
    print_to(page->sink, " ");
    page_wrapped(page, column, column, text);
}

static void paint(struct sink *sink, enum severity severity)
{
    const struct page page = {.sink = sink, .colour = true};

    page_style(&page, page_severity(severity));
}

/* The MSR's own value, and for control words that of its TRUE twin. */
static void print_value(const struct page *page, const struct vmx_dump *dump, uint32_t msr)
{
    char title[MSR_TITLE_MAX];
    uint32_t twin = vmx_msr_true(&dump->msrs, msr);

    report_msr_title(msr, title);
    if (dump_msr_has(dump, msr))
        page_heading(page, "%s = 0x%016llx", title, (unsigned long long)dump_msr_get(dump, msr));
    else
        page_heading(page, "%s: no value", title);
    if (twin == msr)
        return;
    report_msr_title(twin, title);
    print_to(page->sink, "%s = 0x%016llx\n", title, (unsigned long long)dump_msr_get(dump, twin));
}

/*
 * FIXED1 is reported with FIXED0, the TRUE MSRs with the plain ones: they have no features of their
 * own.
 */
static bool has_features(uint32_t msr)
{
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        if (vmx_feature_table[i].msr == msr)
            return true;
    }
    return false;
}

static void print_features(const struct page *page, const struct vmx_dump *dump, uint32_t msr)
{
    const char *section = NULL;

    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        const struct vmx_feature *feature = &vmx_feature_table[i];
        struct vmx_feature_value value;
        char state[FEATURE_STATE_MAX];

        if (feature->msr != msr)
            continue;
        value = vmx_feature_evaluate(feature, dump);
        if (section == NULL) {
            section = vmx_feature_section(feature);
            page_print(page, STYLE_DIM, "  manual: \"%s\"\n", section);
        }
        if (value.state == FEATURE_ABSENT) {
            print_to(page->sink, "  this CPU does not have the MSR\n");
            return;
        }
        if (value.state == FEATURE_UNKNOWN) {
            page_print(page, STYLE_WARNING, "  not known: what it says was not recorded\n");
            return;
        }
        feature_state(feature, value, state);
        report_feature(page, feature, value, state, STATE_WIDTH);
    }
}

static void print_msr(const struct page *page, const struct checked *checked, uint32_t msr)
{
    const struct vmx_dump *dump = &checked->set->dump;

    if (msr == IA32_VMX_BASIC && dump_msr_has(dump, msr)) {
        print_to(page->sink, "\n");
        basic_render(page->sink, dump_msr_get(dump, msr), &checked->report.findings,
                     page->colour ? paint : NULL);
        return;
    }
    print_value(page, dump, msr);
    if ((msr == IA32_VMX_CR0_FIXED0 || msr == IA32_VMX_CR4_FIXED0) && dump_msr_has(dump, msr + 1)) {
        char title[MSR_TITLE_MAX];

        report_msr_title(msr + 1, title);
        print_to(page->sink, "%s = 0x%016llx\n", title,
                 (unsigned long long)dump_msr_get(dump, msr + 1));
    }
    print_features(page, dump, msr);
}

void report_set(const struct page *page, const struct checked *checked)
{
    report_head(page, checked);
    print_stages(page, &checked->report);
    report_findings(page, &checked->report.findings, 0);
    print_config(page, &checked->report.config);
    print_msr(page, checked, IA32_FEATURE_CONTROL_MSR);
    for (uint32_t msr = VMX_MSR_FIRST; msr <= VMX_MSR_LAST; msr++) {
        if (has_features(msr))
            print_msr(page, checked, msr);
    }
}

bool report_basic(const struct page *page, uint64_t basic, enum vmx_check mode)
{
    static struct vmcs_config config;
    static struct findings findings;
    struct vmx_msrs msrs = {0};
    bool refused = false;

    findings = (struct findings){.check = mode};
    vmx_msr_set(&msrs, IA32_VMX_BASIC, basic);
    vmcs_config_derive(&msrs, &config, &findings);
    basic_render(page->sink, basic, &findings, page->colour ? paint : NULL);
    report_findings(page, &findings, IA32_VMX_BASIC);
    for (uint32_t i = 0; i < findings.count; i++)
        refused = refused || (findings.item[i].msr == IA32_VMX_BASIC &&
                              findings.item[i].severity == SEVERITY_REFUSAL);
    return refused;
}

static bool one_has(const struct dump_list *list, uint32_t msr)
{
    for (size_t i = 0; i < list->count; i++) {
        if (dump_msr_has(&list->set[i].dump, msr))
            return true;
    }
    return false;
}

void report_lacking(const struct page *page, const struct dump_list *list)
{
    for (size_t i = 0; list->one_machine && i < list->count; i++) {
        const char *before = "";

        for (uint32_t msr = IA32_FEATURE_CONTROL_MSR; msr <= VMX_MSR_LAST; msr++) {
            if (!dump_msr_is_known(msr) || dump_msr_has(&list->set[i].dump, msr) ||
                !one_has(list, msr))
                continue;
            if (*before == '\0')
                page_print(page, STYLE_WARNING, "  %s: no value of ", list->set[i].id);
            page_print(page, STYLE_WARNING, "%s%#x", before, msr);
            before = ", ";
        }
        if (*before != '\0')
            page_print(page, STYLE_WARNING, ", which other CPUs have: judged without\n");
    }
}
