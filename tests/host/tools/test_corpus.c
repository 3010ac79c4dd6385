/*
 * Every row of tests/data/vmx-msrs/vmx-msrs.csv: what real machines, emulators and hypervisors
 * report, derived and held against expectations that are written here by hand or worked out again
 * from the row's raw values, in another way than the code under test does it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/capability/corpus.h"
#include "vmx/capability/vmx_controls.h"

enum {
    COLUMNS = 29,
    COLUMN_ID = 0,
    COLUMN_KIND = 3,
    COLUMN_03A = 6,
    COLUMN_480 = 7,
    ROWS_MAX = 1024,
    ROWS = 278, /* in the file as it was copied: a row lost on the way would be noticed */
};

static const char *const header =
    "id,cpu,family_model_stepping,kind,confidence,source,msr_03a,msr_480,msr_481,msr_482,msr_483,"
    "msr_484,msr_485,msr_486,msr_487,msr_488,msr_489,msr_48a,msr_48b,msr_48c,msr_48d,msr_48e,"
    "msr_48f,msr_490,msr_491,msr_492,msr_493,odd,notes";

struct row {
    char line[1024];
    char *cell[COLUMNS];
    struct vmx_msrs msrs;
};

static struct row rows[ROWS_MAX];
static int row_count;

/* Cuts a line into its cells, in place. Strict: anything unexpected ends the test. */
static void split(struct row *row)
{
    char *at = row->line;

    for (int column = 0; column < COLUMNS; column++) {
        bool quoted = *at == '"';
        char *end;

        row->cell[column] = at + quoted;
        end = quoted ? strchr(at + 1, '"') : at + strcspn(at, ",\"");
        if (!end) {
            fail_msg("a quote without its end: %s", row->line);
            return;
        }
        at = end;
        if (quoted)
            *at++ = '\0';
        if (*at != (column + 1 < COLUMNS ? ',' : '\0'))
            fail_msg("row %s, column %d: unexpected '%c'", row->cell[0], column, *at);
        *at++ = '\0';
    }
}

static void read_msrs(struct row *row)
{
    for (int i = 0; i < VMX_MSR_COUNT; i++) {
        const char *cell = row->cell[COLUMN_480 + i];
        char *end;
        uint64_t value;

        if (!*cell)
            continue;
        assert_memory_equal(cell, "0x", 2);
        value = strtoull(cell + 2, &end, 16);
        assert_true(end > cell + 2 && *end == '\0' && strlen(cell) <= 18);
        row->msrs.present |= 1u << i;
        row->msrs.value[i] = value;
    }
}

static int read_corpus(void **state)
{
    FILE *file = fopen(TEST_DATA "/vmx-msrs/vmx-msrs.csv", "r");
    char line[sizeof(rows[0].line)];

    (void)state;
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line, header);
    while (fgets(rows[row_count].line, sizeof(rows[0].line), file)) {
        char *end = strchr(rows[row_count].line, '\n');

        assert_non_null(end);
        *end = '\0';
        split(&rows[row_count]);
        read_msrs(&rows[row_count]);
        row_count++;
        assert_true(row_count < ROWS_MAX);
    }
    fclose(file);
    return 0;
}

/* Which rows check=kvm must refuse, and why. All others must be accepted. */
static const struct refused {
    const char *id;
    enum rule rules[3];
    int count; /* of refusals */
    const char *reason;
} refused[] = {
    {"vboxdb-core-duo-t2600",
     {RULE_BASIC_32_BIT_ADDRESSES, RULE_CONTROL_MISSING},
     2,
     "a processor without Intel 64"},
    {"qemu-10-2-2-coreduo-v1", {RULE_CONTROL_MISSING}, 1, "the same, as QEMU models it"},
    /* Rows that lack what nothing can be derived without: IA32_VMX_BASIC … */
    {"nested-vmware-linux-a", {RULE_MSR_MISSING}, 1, "0x480 not recorded"},
    {"nested-vmware-workstation-b", {RULE_MSR_MISSING}, 1, "0x480 not recorded"},
    {"nested-vmware-workstation16-c", {RULE_MSR_MISSING}, 1, "0x480 not recorded"},
    {"nested-vmware-fusion-macos", {RULE_MSR_MISSING}, 1, "0x480 not recorded"},
    {"nested-unnamed-d", {RULE_MSR_MISSING}, 1, "0x480 not recorded"},
    {"nested-gce-haswell", {RULE_MSR_MISSING}, 1, "0x480 not recorded"},
    {"nested-gce-a", {RULE_MSR_MISSING}, 1, "0x480 not recorded"},
    {"nested-gce-cascadelake", {RULE_MSR_MISSING}, 1, "0x480 not recorded"},
    {"cmpe283-no-ug", {RULE_MSR_MISSING}, 1, "0x480 not recorded"},
    /* … or the controls. */
    {"nested-hyperv-whp",
     {RULE_MSR_MISSING, RULE_MSR_MISSING, RULE_MSR_MISSING},
     3,
     "0x481, 0x483, 0x484 and their TRUE variants not recorded"},
};

enum { REFUSED_COUNT = sizeof(refused) / sizeof(refused[0]) };

static const struct refused *refused_row(const char *id)
{
    for (int i = 0; i < REFUSED_COUNT; i++) {
        if (!strcmp(refused[i].id, id))
            return &refused[i];
    }
    return NULL;
}

static const struct row *row_named(const char *id)
{
    for (int i = 0; i < row_count; i++) {
        if (!strcmp(rows[i].cell[COLUMN_ID], id))
            return &rows[i];
    }
    fail_msg("no row is named %s", id);
    return NULL;
}

static struct vmcs_config derive(const struct row *row, enum vmx_check mode,
                                 struct findings *findings)
{
    struct vmcs_config config;

    *findings = (struct findings){.check = mode};
    vmcs_config_derive(&row->msrs, &config, findings);
    return config;
}

static int count(const struct findings *findings, enum rule rule)
{
    int found = 0;

    for (uint32_t i = 0; i < findings->count; i++)
        found += findings->item[i].rule == rule;
    return found;
}

static int count_refusals(const struct findings *findings)
{
    int found = 0;

    for (uint32_t i = 0; i < findings->count; i++)
        found += findings->item[i].severity == SEVERITY_REFUSAL;
    return found;
}

static void the_whole_file_was_read(void **state)
{
    (void)state;
    assert_int_equal(row_count, ROWS);
    for (int i = 0; i < row_count; i++)
        assert_int_not_equal(rows[i].msrs.present, 0);
}

/* tools/gen_corpus.py reads the same file in another way, for the host tools. */
static void the_table_in_the_tools_is_the_file(void **state)
{
    (void)state;
    assert_string_equal(corpus_csv_header, header);
    assert_int_equal(corpus_count, row_count);
    for (int i = 0; i < row_count; i++) {
        const struct corpus_row *row = &corpus[i];
        char **cell = rows[i].cell;
        const char *const texts[] = {row->id,         row->cpu,    row->cpuid, row->kind,
                                     row->confidence, row->source, row->odd,   row->notes};
        static const int columns[] = {0, 1, 2, 3, 4, 5, 27, 28};

        for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++)
            assert_string_equal(texts[t], cell[columns[t]]);
        assert_memory_equal(&row->dump.msrs, &rows[i].msrs, sizeof(rows[i].msrs));
        assert_int_equal(row->dump.has_feature_control, cell[COLUMN_03A][0] != '\0');
        assert_int_equal(row->dump.feature_control, strtoull(cell[COLUMN_03A], NULL, 16));
    }
}

static void rows_are_refused_only_for_the_reasons_listed(void **state)
{
    int seen = 0;

    (void)state;
    for (int i = 0; i < row_count; i++) {
        const char *id = rows[i].cell[COLUMN_ID];
        const struct refused *row = refused_row(id);
        struct findings findings;

        derive(&rows[i], VMX_CHECK_KVM, &findings);
        if (count_refusals(&findings) != (row ? row->count : 0))
            fail_msg("%s: %d refusals, expected %d (%s)", id, count_refusals(&findings),
                     row ? row->count : 0, row ? row->reason : "it is fine");
        for (int r = 0; row && r < row->count; r++)
            assert_true(count(&findings, row->rules[r]) > 0);
        assert_int_equal(findings.lost, 0);
        seen += row != NULL;
    }
    assert_int_equal(seen, REFUSED_COUNT);
}

/* No hypervisor and no machine here has an odd bit that only a virtual register could have. */
static void a_virtual_register_is_checked_no_harder_here(void **state)
{
    (void)state;
    for (int i = 0; i < row_count; i++) {
        struct findings findings;

        derive(&rows[i], VMX_CHECK_VIRTUAL, &findings);
        assert_int_equal(findings_refuse(&findings), refused_row(rows[i].cell[COLUMN_ID]) != NULL);
    }
}

static void strict_refuses_bit_57_and_nothing_else_here(void **state)
{
    (void)state;
    for (int i = 0; i < row_count; i++) {
        bool bit_57 = rows[i].msrs.value[0] >> 57 & 1;
        struct findings findings;

        derive(&rows[i], VMX_CHECK_STRICT, &findings);
        assert_int_equal(count(&findings, RULE_BASIC_BIT_57), bit_57);
        assert_int_equal(findings_refuse(&findings),
                         bit_57 || refused_row(rows[i].cell[COLUMN_ID]) != NULL);
    }
}

/* Each value of IA32_VMX_BASIC, taken apart by hand. */
static const struct {
    uint64_t basic;
    int size;
    uint32_t revision_id, basic_cap;
    int rows;
} basics[] = {
    {0x0018100011e57ed0, 4096, 0x11e57ed0, 0x00180000, 2},
    {0x001a040000000007, 1024, 0x7, 0x001a0000, 3},
    {0x001b040000000005, 1024, 0x5, 0x001b0000, 1},
    {0x0058100011e57ed0, 4096, 0x11e57ed0, 0x00580000, 2},
    {0x005a08000000000b, 2048, 0xb, 0x005a0000, 1},
    {0x005a08000000000d, 2048, 0xd, 0x005a0000, 5},
    {0x00d8040000000007, 1024, 0x7, 0x00d80000, 6},
    {0x00d8100000000001, 4096, 0x1, 0x00d80000, 1},
    {0x00d8100000000004, 4096, 0x4, 0x00d80000, 2},
    {0x00d810000000002b, 4096, 0x2b, 0x00d80000, 18},
    {0x00d8100011e57ed0, 4096, 0x11e57ed0, 0x00d80000, 33},
    {0x00da040000000002, 1024, 0x2, 0x00da0000, 6},
    {0x00da040000000004, 1024, 0x4, 0x00da0000, 60},
    {0x00da04000000000e, 1024, 0xe, 0x00da0000, 1},
    {0x00da04000000000f, 1024, 0xf, 0x00da0000, 2},
    {0x00da040000000010, 1024, 0x10, 0x00da0000, 12},
    {0x00da040000000011, 1024, 0x11, 0x00da0000, 7},
    {0x00da040000000012, 1024, 0x12, 0x00da0000, 33},
    {0x00da050000000013, 1280, 0x13, 0x00da0000, 13},
    {0x01d8100000000001, 4096, 0x1, 0x01d80000, 1},
    {0x01d8100000000004, 4096, 0x4, 0x01d80000, 4},
    {0x01da050000000013, 1280, 0x13, 0x01da0000, 10},
    {0x03da050000000013, 1280, 0x13, 0x03da0000, 38},
    {0x03da060000000015, 1536, 0x15, 0x03da0000, 7},
    {0x07da060000000015, 1536, 0x15, 0x07da0000, 1},
};

static void each_value_of_basic_gives_its_configuration(void **state)
{
    int with_basic = 0;

    (void)state;
    for (size_t b = 0; b < sizeof(basics) / sizeof(basics[0]); b++) {
        int found = 0;

        for (int i = 0; i < row_count; i++) {
            struct findings findings;
            struct vmcs_config config;

            if (!(rows[i].msrs.present & 1) || rows[i].msrs.value[0] != basics[b].basic)
                continue;
            config = derive(&rows[i], VMX_CHECK_KVM, &findings);
            assert_int_equal(config.size, basics[b].size);
            assert_int_equal(config.order, 0);
            assert_int_equal(config.revision_id, basics[b].revision_id);
            assert_int_equal(config.basic_cap, basics[b].basic_cap);
            found++;
        }
        assert_int_equal(found, basics[b].rows);
        with_basic += found;
    }
    assert_int_equal(with_basic, ROWS - 9); /* nine rows do not have it */
}

/* The conditions of the data's README, on the raw cells. */
static uint32_t existing_but_not_recorded(const struct row *row)
{
    const uint64_t *value = row->msrs.value;
    uint32_t present = row->msrs.present, exist = 0x7ff; /* 0x480 to 0x48a */
    bool has_true = (present & 1) && value[0] >> 55 & 1;
    /* A row with the TRUE MSRs alone reports the same by them. */
    uint64_t primary = present >> 2 & 1 ? value[2] : has_true ? value[0xe] : 0;
    uint64_t exit = present >> 3 & 1 ? value[3] : has_true ? value[0xf] : 0;
    bool secondary = primary >> 63;

    if (secondary)
        exist |= 1u << 0xb;
    if (secondary && (present >> 0xb & 1) && (value[0xb] & (1ull << 33 | 1ull << 37)))
        exist |= 1u << 0xc;
    if (has_true)
        exist |= 0xfu << 0xd;
    if (secondary && (present >> 0xb & 1) && value[0xb] >> 45 & 1)
        exist |= 1u << 0x11;
    if (primary >> 49 & 1)
        exist |= 1u << 0x12;
    if (exit >> 63)
        exist |= 1u << 0x13;
    return exist & ~present;
}

static void what_a_row_lacks_is_reported_msr_by_msr(void **state)
{
    int complete = 0;

    (void)state;
    for (int i = 0; i < row_count; i++) {
        uint32_t lacking = existing_but_not_recorded(&rows[i]), reported = 0;
        struct findings findings;

        derive(&rows[i], VMX_CHECK_KVM, &findings);
        for (uint32_t f = 0; f < findings.count; f++) {
            enum rule rule = findings.item[f].rule;

            if (rule == RULE_MSR_MISSING || rule == RULE_MSR_NOT_READ)
                reported |= 1u << (findings.item[f].msr - 0x480);
        }
        if (reported != lacking)
            fail_msg("%s: lacks 0x%x, told 0x%x", rows[i].cell[COLUMN_ID], lacking, reported);
        complete += lacking == 0;
    }
    /* Enough whole sets to make the other tests mean something, and some torn ones. */
    assert_true(complete >= 50);
    assert_true(complete < row_count);
}

/* The five words of a derived configuration, each with its MSRs in the corpus. */
static const struct {
    uint32_t plain, true_msr;
    uint32_t required;
} words[] = {
    {0x481, 0x48d, 0},       {0x482, 0x48e, 0}, {0x48b, 0x48b, 0},
    {0x483, 0x48f, 1u << 9}, {0x484, 0x490, 0},
};

static void controls_keep_to_what_the_row_allows(void **state)
{
    (void)state;
    for (int i = 0; i < row_count; i++) {
        const struct vmx_msrs *msrs = &rows[i].msrs;
        struct findings findings;
        struct vmcs_config config = derive(&rows[i], VMX_CHECK_KVM, &findings);
        const uint32_t *controls = config.controls;

        for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
            bool has_true = msrs->present >> (words[w].true_msr - 0x480) & 1;
            uint32_t msr = has_true ? words[w].true_msr : words[w].plain;
            uint64_t value = msrs->value[msr - 0x480];

            assert_int_equal(controls[w] & (uint32_t)value, (uint32_t)value);
            assert_int_equal(controls[w] & ~(uint32_t)(value >> 32), 0);
            if (!findings_refuse(&findings))
                assert_int_equal(controls[w] & words[w].required, words[w].required);
        }
    }
}

static void nothing_on_bare_metal_breaks_a_rule_about_its_controls(void **state)
{
    (void)state;
    for (int i = 0; i < row_count; i++) {
        struct findings findings;

        if (strcmp(rows[i].cell[COLUMN_KIND], "bare-metal") != 0)
            continue;
        derive(&rows[i], VMX_CHECK_KVM, &findings);
        assert_int_equal(count(&findings, RULE_CONTROL_UNKNOWN_FORCED), 0);
        assert_int_equal(count(&findings, RULE_CONTROL_CONTRADICTION), 0);
        assert_int_equal(count(&findings, RULE_CONTROL_UNMET), 0);
        assert_int_equal(count(&findings, RULE_CR_FIXED_CONTRADICTION), 0);
    }
}

/* From the data's observations: who has no secondary controls, no EPT, no unrestricted guest. */
static void generations_have_the_controls_they_are_known_for(void **state)
{
    enum { NONE, VPID_OR_LESS, EPT, UNRESTRICTED };
    static const struct {
        const char *id;
        int has;
    } known[] = {
        {"ilx-006f6-conroe-cpuid", NONE},
        {"vboxdb-via-l4700", NONE},
        {"qemu-10-2-2-kvm64-v1", NONE},
        {"ilx-106d1-dunnington-cpuid", VPID_OR_LESS},
        {"vboxlog-index-e6550", VPID_OR_LESS},
        {"vboxlog-lydiatgit-core2-duo-t9600", VPID_OR_LESS},
        {"qemu-10-2-2-conroe-v1", VPID_OR_LESS},
        {"vboxlog-austifonte-core-i7-870", EPT},
        {"bochs-2-7-corei5-lynnfield-750", EPT},
        {"qemu-10-2-2-nehalem-v1-v2", EPT},
        {"ilx-406e3-skylake-cpuid", UNRESTRICTED},
        {"bochsdump-wildcat-lake", UNRESTRICTED},
        {"ilx-centaur-307b1-zxe-cpuid", UNRESTRICTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct findings findings;
        uint32_t secondary = derive(row_named(known[i].id), VMX_CHECK_KVM, &findings)
                                 .controls[VMX_CONTROL_SECONDARY];

        if (known[i].has == NONE)
            assert_int_equal(secondary, 0);
        assert_int_equal(!!(secondary & SECONDARY_ENABLE_EPT), known[i].has >= EPT);
        assert_int_equal(!!(secondary & SECONDARY_UNRESTRICTED_GUEST),
                         known[i].has == UNRESTRICTED);
    }
}

/* VMware Fusion and Hyper-V force controls that nobody asked for; they are kept and reported. */
static void controls_that_hypervisors_force_are_reported(void **state)
{
    struct findings findings;
    struct vmcs_config config =
        derive(row_named("nested-vmware-fusion-macos"), VMX_CHECK_KVM, &findings);

    (void)state;
    /* Bits 3, 11, 15, 16; bits 24, 28 and 31 are wanted anyway. Pin: 0, 3 and 5 likewise. */
    assert_int_equal(count(&findings, RULE_CONTROL_FORCED), 4);
    assert_int_equal(config.controls[VMX_CONTROL_PRIMARY] & 0x91000808, 0x91000808);
    config = derive(row_named("nested-hyperv-whp"), VMX_CHECK_KVM, &findings);
    /* Bits 10, 15, 16 and 29; bit 7, HLT exiting, is wanted. */
    assert_int_equal(count(&findings, RULE_CONTROL_FORCED), 4);
    assert_int_equal(config.controls[VMX_CONTROL_PRIMARY] & 0x20000480, 0x20000480);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_file_was_read),
        cmocka_unit_test(the_table_in_the_tools_is_the_file),
        cmocka_unit_test(rows_are_refused_only_for_the_reasons_listed),
        cmocka_unit_test(a_virtual_register_is_checked_no_harder_here),
        cmocka_unit_test(strict_refuses_bit_57_and_nothing_else_here),
        cmocka_unit_test(each_value_of_basic_gives_its_configuration),
        cmocka_unit_test(what_a_row_lacks_is_reported_msr_by_msr),
        cmocka_unit_test(controls_keep_to_what_the_row_allows),
        cmocka_unit_test(nothing_on_bare_metal_breaks_a_rule_about_its_controls),
        cmocka_unit_test(generations_have_the_controls_they_are_known_for),
        cmocka_unit_test(controls_that_hypervisors_force_are_reported),
    };

    return cmocka_run_group_tests(tests, read_corpus, NULL);
}
