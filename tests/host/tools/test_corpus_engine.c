/*
 * The whole engine on every row of the corpus: features, consistency checks, the stage that
 * Rootmode would reach. What is expected of the rows that are not simply fine stands, row by row
 * with its reason, in tests/data/vmx-msrs/expectations.csv; the stage is worked out a second time
 * from the raw values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/capability/corpus.h"
#include "tools/capability/stage.h"
#include "tools/capability/vmx_feature.h"

enum { EXPECTED_MAX = 128, COLUMN_ID = 0, COLUMN_VERDICT, COLUMN_STAGE, COLUMN_RULES, COLUMNS = 5 };

static struct expected {
    char line[256];
    char *cell[COLUMNS];
    bool used;
} expected[EXPECTED_MAX];
static int expected_count;

static int read_expectations(void **state)
{
    FILE *file = fopen(TEST_DATA "/vmx-msrs/expectations.csv", "r");
    char header[256];

    (void)state;
    assert_non_null(file);
    assert_non_null(fgets(header, sizeof(header), file));
    assert_string_equal(header, "id,verdict,stage,rules,reason\n");
    while (fgets(expected[expected_count].line, sizeof(header), file)) {
        struct expected *row = &expected[expected_count++];
        char *at = row->line;

        for (int column = 0; column < COLUMNS; column++) {
            char *end = strchr(at, column + 1 < COLUMNS ? ',' : '\n');

            assert_non_null(end);
            *end = '\0';
            row->cell[column] = at;
            at = end + 1;
        }
        assert_true(expected_count < EXPECTED_MAX);
    }
    fclose(file);
    return 0;
}

static struct expected *expectation(const char *id)
{
    for (int i = 0; i < expected_count; i++) {
        if (!strcmp(expected[i].cell[COLUMN_ID], id))
            return &expected[i];
    }
    return NULL;
}

static struct stage_report check(const struct corpus_row *row)
{
    struct stage_report report;

    stage_check(&row->dump, VMX_CHECK_KVM, &report);
    return report;
}

static void each_row_has_the_verdict_and_stage_written_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < corpus_count; i++) {
        struct stage_report report = check(&corpus[i]);
        struct expected *row = expectation(corpus[i].id);
        const char *verdict = row ? row->cell[COLUMN_VERDICT] : "ok";
        const char *stage = row ? row->cell[COLUMN_STAGE] : "unrestricted-guest";

        if (strcmp(stage_verdict_name(report.verdict), verdict) != 0 ||
            strcmp(stage_name(report.reached), stage) != 0)
            fail_msg("%s: %s at %s, expected %s at %s", corpus[i].id,
                     stage_verdict_name(report.verdict), stage_name(report.reached), verdict,
                     stage);
        if (row)
            row->used = true;
    }
    for (int i = 0; i < expected_count; i++)
        assert_true(expected[i].used);
}

/* A second opinion on the stage, from the raw values alone. */
static enum stage stage_by_hand(const struct vmx_msrs *msrs)
{
#define VALUE(msr) (msrs->value[(msr)-0x480])
#define HAS(msr)   (msrs->present >> ((msr)-0x480) & 1)
    bool exact = HAS(0x48e);
    uint64_t primary = exact ? VALUE(0x48e) : VALUE(0x482);

    if (!HAS(0x480) || !(HAS(0x481) || HAS(0x48d)) || !(HAS(0x482) || exact) ||
        !(HAS(0x483) || HAS(0x48f)) || !(HAS(0x484) || HAS(0x490)))
        return STAGE_CAPS;
    if ((VALUE(0x480) >> 48 & 1) || !((VALUE(0x483) | VALUE(0x48f)) >> 41 & 1))
        return STAGE_CAPS;
    if (!(primary >> 63) || !(VALUE(0x48b) >> 33 & 1) || !(VALUE(0x48c) >> 6 & 1))
        return STAGE_GUEST;
    return VALUE(0x48b) >> 39 & 1 ? STAGE_UNRESTRICTED_GUEST : STAGE_GUEST_EPT;
#undef VALUE
#undef HAS
}

static void the_stage_follows_from_the_raw_values(void **state)
{
    int rows[STAGE_COUNT] = {0};

    (void)state;
    for (size_t i = 0; i < corpus_count; i++) {
        enum stage stage = stage_by_hand(&corpus[i].dump.msrs);

        assert_int_equal(check(&corpus[i]).reached, stage);
        rows[stage]++;
    }
    /* Each kind is there, and by far the most machines can do everything. */
    assert_true(rows[STAGE_CAPS] >= 10 && rows[STAGE_GUEST] >= 10 && rows[STAGE_GUEST_EPT] >= 3);
    assert_true(rows[STAGE_UNRESTRICTED_GUEST] > (int)corpus_count * 3 / 4);
}

static void bare_metal_with_ept_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < corpus_count; i++) {
        const struct vmx_msrs *msrs = &corpus[i].dump.msrs;

        if (!strcmp(corpus[i].kind, "bare-metal") && (msrs->present & 1) &&
            (msrs->value[0xb] >> 33 & 1))
            assert_int_equal(check(&corpus[i]).verdict, STAGE_OK);
    }
}

/* Rules that have tests of their own on the whole corpus (test_corpus.c), or follow from a bit. */
static bool is_reported_elsewhere(enum rule rule)
{
    return rule == RULE_MSR_MISSING || rule == RULE_MSR_NOT_READ || rule == RULE_BASIC_BIT_57 ||
           rule == RULE_CONTROL_FORCED;
}

/* Is the word one of those in the list, which has spaces between them? */
static bool lists(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (; *list; list += strcspn(list, " ") + (list[strcspn(list, " ")] == ' ')) {
        if (strcspn(list, " ") == length && !strncmp(list, word, length))
            return true;
    }
    return false;
}

static void each_row_breaks_the_rules_written_down_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < corpus_count; i++) {
        struct stage_report report = check(&corpus[i]);
        const struct expected *row = expectation(corpus[i].id);
        const char *rules = row ? row->cell[COLUMN_RULES] : "";
        char reported[256] = "";

        /* What cannot be checked for want of values is dropped from the configuration. */
        bool torn = report.verdict == STAGE_INCOMPLETE;

        for (uint32_t f = 0; f < report.findings.count; f++) {
            enum rule rule = report.findings.item[f].rule;

            if (is_reported_elsewhere(rule) || (torn && rule == RULE_CONTROL_DROPPED))
                continue;
            if (!lists(rules, rule_table[rule].name))
                fail_msg("%s: %s (%s) is not expected", corpus[i].id, rule_table[rule].name,
                         report.findings.item[f].detail);
            if (!lists(reported, rule_table[rule].name))
                snprintf(reported + strlen(reported), sizeof(reported) - strlen(reported), "%s%s",
                         *reported ? " " : "", rule_table[rule].name);
        }
        if (strlen(reported) != strlen(rules))
            fail_msg("%s: told \"%s\", expected \"%s\"", corpus[i].id, reported, rules);
    }
}

/* Bits that are 1 somewhere and have no row in the table of features, each looked at by hand. */
static const struct {
    uint32_t msr;
    uint64_t bits;
    const char *reason;
} unknown_bits[] = {
    {0x480, 1ull << 57, "undocumented; 1 on all since Alder Lake and Sapphire Rapids"},
    {0x485, 1ull << 9, "undocumented; 1 on Core Duo, Core 2 and VIA Isaiah"},
    {0x487, 0x1ffaffc0, "reserved bits of CR0: FIXED1 is 0xffffffff on every processor"},
    {0x48b, 1ull << 61, "undocumented; 1 on client Ice Lake"},
    {0x493, 1ull << 24, "undocumented; Bochs 3.0-devel sets it on its newest models"},
};

static uint64_t allowed_unknown(uint32_t msr)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < sizeof(unknown_bits) / sizeof(unknown_bits[0]); i++)
        bits |= unknown_bits[i].msr == msr ? unknown_bits[i].bits : 0;
    return bits;
}

static void every_bit_that_is_set_is_known_or_was_looked_at(void **state)
{
    uint64_t unknown[VMX_MSR_COUNT] = {0};

    (void)state;
    for (size_t i = 0; i < corpus_count; i++) {
        const struct vmx_dump *dump = &corpus[i].dump;

        assert_int_equal(dump->feature_control & ~vmx_feature_known_bits(0x3a), 0);
        for (uint32_t m = 0; m < VMX_MSR_COUNT; m++) {
            unknown[m] |= dump->msrs.value[m] & ~vmx_feature_known_bits(0x480 + m);
            if (unknown[m] & ~allowed_unknown(0x480 + m))
                fail_msg("%s: 0x%x has unknown bits 0x%llx", corpus[i].id, 0x480 + m,
                         (unsigned long long)unknown[m]);
        }
    }
    /* And the list has nothing that is not seen. */
    for (uint32_t m = 0; m < VMX_MSR_COUNT; m++)
        assert_int_equal(unknown[m], allowed_unknown(0x480 + m));
}

/* What IA32_FEATURE_CONTROL says is the firmware's doing, not a processor's. */
static void since_is_the_first_generation_that_has_it(void **state)
{
    (void)state;
    for (uint32_t f = 0; f < vmx_feature_count; f++) {
        const struct vmx_feature *feature = &vmx_feature_table[f];
        const struct corpus_generation *first = NULL;

        for (size_t i = 0; i < corpus_count && feature->msr != 0x3a; i++) {
            const struct corpus_generation *its = corpus[i].generation;

            if (strcmp(corpus[i].kind, "bare-metal") != 0 || !its ||
                strcmp(its->vendor, "Intel") != 0 ||
                !vmx_feature_offered(vmx_feature_evaluate(feature, &corpus[i].dump)))
                continue;
            if (!first || its->order < first->order)
                first = its;
        }
        if (strcmp(feature->since, first ? first->name : "") != 0)
            fail_msg("%s: since \"%s\", the corpus says \"%s\"", feature->id, feature->since,
                     first ? first->name : "");
    }
}

/* Milestones that Intel and the press reported when these came out. */
static void generations_brought_what_they_are_known_for(void **state)
{
    static const struct {
        const char *id, *since;
    } known[] = {
        {"primary.tpr-shadow", "Core (65 nm)"},
        {"secondary.ept", "Nehalem"},
        {"secondary.vpid", "Nehalem"},
        {"secondary.unrestricted-guest", "Westmere"},
        {"secondary.vm-functions", "Haswell"},
        {"secondary.vmcs-shadowing", "Haswell"},
        {"ept.accessed-dirty", "Haswell"},
        {"secondary.pml", "Broadwell"},
        {"secondary.mode-based-execute", "Kaby Lake"},
        {"tertiary.hlat", "Raptor Lake"},
        {"entry.load-fred", "Wildcat Lake"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        assert_string_equal(vmx_feature_find(known[i].id)->since, known[i].since);
}

static void generations_are_reported_from_cpuid_or_name(void **state)
{
    static const struct {
        const char *id, *name, *vendor;
    } known[] = {
        {"vboxdb-core-duo-t2600", "Yonah", "Intel"},
        {"ilx-006f6-conroe-cpuid", "Core (65 nm)", "Intel"},
        {"vboxlog-index-e6550", "Core (65 nm)", "Intel"},
        {"vboxlog-barkinet-core2-duo-p8600", "Penryn", "Intel"},
        {"vmxcaps-370m", "Westmere", "Intel"},
        {"ilx-50654-skylakex-cpuid", "Skylake server", "Intel"},
        {"vmxcaps-6500", "Skylake", "Intel"},
        {"ilx-50657-cascadelakew-cpuid", "Cascade Lake", "Intel"},
        {"qemu-10-2-2-cooperlake-v1", "Cooper Lake", "Intel"},
        {"ilx-806e9-kabylake-cpuid", "Kaby Lake", "Intel"},
        {"vboxlog-giapkiet2012-hash-core-i7-8650u", "Coffee Lake", "Intel"},
        {"ilx-806eb-whiskeylake-cpuid", "Whiskey Lake", "Intel"},
        {"ilx-806ec-cometlake-cpuid2", "Comet Lake", "Intel"},
        {"ilx-906ed-coffeelake-cpuid", "Coffee Lake", "Intel"},
        {"ilx-606a6-icx-cpuid3", "Ice Lake server", "Intel"},
        {"qemu-10-2-2-icelake-server-v1-v3", "Ice Lake server", "Intel"},
        {"bochsdump-wildcat-lake", "Wildcat Lake", "Intel"},
        {"vboxdb-via-l4700", "Isaiah", "VIA"},
        {"ilx-centaur-006fe-cnr-isaiah-cpuid3", "ZX-C", "Zhaoxin"},
        {"ilx-centaur-40672-cns-04-cpuid", "CNS", "Centaur"},
        {"ilx-centaur-607b1-kx7000-05-cpuid", "KX-7000", "Zhaoxin"},
        {"qemu-10-2-2-yongfeng-v1", "YongFeng", "Zhaoxin"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct corpus_row *row = corpus_find(known[i].id);

        assert_non_null(row);
        assert_non_null(row->generation);
        assert_string_equal(row->generation->name, known[i].name);
        assert_string_equal(row->generation->vendor, known[i].vendor);
    }
    assert_null(corpus_find("nested-hyperv-whp")->generation);
    assert_null(corpus_find("no such row"));
    assert_string_equal(corpus_find("corei7_haswell_4770")->id, "bochs-2-7-corei7-haswell-4770");
    assert_string_equal(corpus_find("arrow_lake")->id, "bochs-3-0-devel-arrow-lake");
    assert_null(corpus_find("corei7_haswell"));
    assert_null(corpus_find(""));
    for (size_t i = 0; i < corpus_count; i++) {
        if (!strcmp(corpus[i].kind, "bare-metal") && strcmp(corpus[i].id, "cmpe283-no-ug") != 0)
            assert_non_null(corpus[i].generation);
    }
}

static void generations_are_in_the_order_of_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < corpus_generation_count; i++) {
        assert_int_equal(corpus_generations[i].order, i);
        if (i > 0)
            assert_true(corpus_generations[i].year >= corpus_generations[i - 1].year);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_has_the_verdict_and_stage_written_down),
        cmocka_unit_test(the_stage_follows_from_the_raw_values),
        cmocka_unit_test(bare_metal_with_ept_is_accepted),
        cmocka_unit_test(each_row_breaks_the_rules_written_down_and_no_other),
        cmocka_unit_test(every_bit_that_is_set_is_known_or_was_looked_at),
        cmocka_unit_test(since_is_the_first_generation_that_has_it),
        cmocka_unit_test(generations_brought_what_they_are_known_for),
        cmocka_unit_test(generations_are_reported_from_cpuid_or_name),
        cmocka_unit_test(generations_are_in_the_order_of_time),
    };

    return cmocka_run_group_tests(tests, read_expectations, NULL);
}
