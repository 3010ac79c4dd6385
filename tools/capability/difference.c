/* Two sets beside each other: only what differs, explained. */
#include "tools/capability/feature_text.h"
#include "tools/capability/report.h"
#include "vmx/capability/vmx_capability.h"

enum { STATES_MAX = 2 * FEATURE_STATE_MAX + 8, STATES_WIDTH = 19 };

static bool print_verdicts(const struct page *page, const struct checked *a,
                           const struct checked *b)
{
    bool differ = a->report.verdict != b->report.verdict || a->report.reached != b->report.reached;

    if (!differ)
        return false;
    page_heading(page, "What Rootmode would do there");
    print_to(page->sink, "  A: %s, reaches: %s\n", stage_verdict_name(a->report.verdict),
             stage_title(a->report.reached));
    print_to(page->sink, "  B: %s, reaches: %s\n", stage_verdict_name(b->report.verdict),
             stage_title(b->report.reached));
    return true;
}

static bool print_configs(const struct page *page, const struct vmcs_config *a,
                          const struct vmcs_config *b)
{
    bool differ = false;

    for (uint32_t i = 0; i < vmcs_config_field_count; i++) {
        const struct field *field = &vmcs_config_fields[i];
        uint64_t value_a = field_value(field, a), value_b = field_value(field, b);

        if (value_a == value_b)
            continue;
        if (!differ)
            page_heading(page, "vmcs_config: how a VMCS would be made");
        differ = true;
        print_to(page->sink,
                 field->kind == FIELD_HEX ? "  %-24s A: %#-12llx B: %#llx\n"
                                          : "  %-24s A: %-12llu B: %llu\n",
                 field->name, (unsigned long long)value_a, (unsigned long long)value_b);
    }
    return differ;
}

/*
 * The MSRs that report about the features of one of them: FIXED1 goes with FIXED0, the TRUE MSRs go
 * with the plain ones. 0: there is no other.
 */
static uint32_t companion_of(uint32_t msr)
{
    if (msr >= IA32_VMX_PINBASED_CTLS && msr <= IA32_VMX_ENTRY_CTLS)
        return msr - IA32_VMX_PINBASED_CTLS + IA32_VMX_TRUE_PINBASED_CTLS;
    return msr == IA32_VMX_CR0_FIXED0 || msr == IA32_VMX_CR4_FIXED0 ? msr + 1 : 0;
}

static bool same_value(const struct vmx_dump *a, const struct vmx_dump *b, uint32_t msr)
{
    return msr == 0 || (dump_msr_has(a, msr) == dump_msr_has(b, msr) &&
                        dump_msr_get(a, msr) == dump_msr_get(b, msr));
}

static void print_value(const struct page *page, const char *name, const struct vmx_dump *dump,
                        uint32_t msr)
{
    if (dump_msr_has(dump, msr))
        print_to(page->sink, "  %s: 0x%016llx\n", name,
                 (unsigned long long)dump_msr_get(dump, msr));
    else
        print_to(page->sink, "  %s: no value\n", name);
}

static void print_values(const struct page *page, const struct vmx_dump *a,
                         const struct vmx_dump *b, uint32_t msr)
{
    char title[MSR_TITLE_MAX];

    if (same_value(a, b, msr))
        return;
    report_msr_title(msr, title);
    page_heading(page, "%s", title);
    print_value(page, "A", a, msr);
    print_value(page, "B", b, msr);
}

/* Bits that differ and that no feature reports about. */
static void print_nameless(const struct page *page, const struct vmx_dump *a,
                           const struct vmx_dump *b, uint32_t msr)
{
    uint64_t bits;

    if (!dump_msr_has(a, msr) || !dump_msr_has(b, msr))
        return;
    bits = (dump_msr_get(a, msr) ^ dump_msr_get(b, msr)) & ~vmx_feature_known_bits(msr);
    for (int bit = 0; bit < 64; bit++) {
        if (bits >> bit & 1)
            print_to(page->sink, "  %5d  %-*s bit %d of the MSR, without a known meaning\n", bit,
                     STATES_WIDTH, dump_msr_get(a, msr) >> bit & 1 ? "1 | 0" : "0 | 1", bit);
    }
}

static bool is_reported(struct vmx_feature_value value)
{
    return value.state != FEATURE_ABSENT && value.state != FEATURE_UNKNOWN;
}

/* Where one side has no such MSR, or no value of it, what the other side does not offer is no
 * difference. */
static bool differs(struct vmx_feature_value a, struct vmx_feature_value b)
{
    if (a.state == FEATURE_UNKNOWN || b.state == FEATURE_UNKNOWN)
        return false;
    if (!is_reported(a) || !is_reported(b))
        return vmx_feature_offered(a) != vmx_feature_offered(b);
    return a.state != b.state || a.value != b.value;
}

static void print_features(const struct page *page, const struct vmx_dump *a,
                           const struct vmx_dump *b, uint32_t msr)
{
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        const struct vmx_feature *feature = &vmx_feature_table[i];
        struct vmx_feature_value value_a = vmx_feature_evaluate(feature, a);
        struct vmx_feature_value value_b = vmx_feature_evaluate(feature, b);
        char state_a[FEATURE_STATE_MAX], state_b[FEATURE_STATE_MAX], states[STATES_MAX];

        if (feature->msr != msr || feature->kind == FEATURE_RESERVED || !differs(value_a, value_b))
            continue;
        feature_state(feature, value_a, state_a);
        feature_state(feature, value_b, state_b);
        format_text(states, sizeof(states), "%s | %s", state_a, state_b);
        report_feature(page, feature, value_b, states, STATES_WIDTH);
    }
}

/* An MSR and its companion: their values, then what that means. */
static bool print_msr(const struct page *page, const struct vmx_dump *a, const struct vmx_dump *b,
                      uint32_t msr)
{
    uint32_t companion = companion_of(msr);

    if (same_value(a, b, msr) && same_value(a, b, companion))
        return false;
    print_values(page, a, b, msr);
    print_values(page, a, b, companion);
    print_features(page, a, b, msr);
    print_nameless(page, a, b, msr);
    return true;
}

static bool is_companion(uint32_t msr)
{
    for (uint32_t other = VMX_MSR_FIRST; other <= VMX_MSR_LAST; other++) {
        if (companion_of(other) == msr)
            return true;
    }
    return false;
}

bool report_difference(const struct page *page, const struct checked *a, const struct checked *b)
{
    bool differ;

    print_to(page->sink, "A: %s\n", a->set->id);
    if (a->set->about[0] != '\0')
        print_to(page->sink, "   %s\n", a->set->about);
    print_to(page->sink, "B: %s\n", b->set->id);
    if (b->set->about[0] != '\0')
        print_to(page->sink, "   %s\n", b->set->about);
    page_print(page, STYLE_DIM, "In each line: the bits, A | B, what it is.\n");
    differ = print_verdicts(page, a, b);
    differ = print_configs(page, &a->report.config, &b->report.config) || differ;
    differ = print_msr(page, &a->set->dump, &b->set->dump, IA32_FEATURE_CONTROL_MSR) || differ;
    for (uint32_t msr = VMX_MSR_FIRST; msr <= VMX_MSR_LAST; msr++) {
        if (!is_companion(msr))
            differ = print_msr(page, &a->set->dump, &b->set->dump, msr) || differ;
    }
    if (!differ)
        print_to(page->sink, "\nNo difference.\n");
    return differ;
}
