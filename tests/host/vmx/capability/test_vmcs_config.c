/*
 * vmcs_config. The expectations come from the SDM's "Basic VMX Information", from KVM's
 * setup_vmcs_config(), and from the modes of check= as the documentation states them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/real_msrs.h"
#include "vmx/capability/vmx_msr.h"
#include "vmx/capability/vmx_controls.h"

#define GOOD_BASIC 0x00da040000000004ull
enum { NO_RULE = -1 };

struct outcome {
    struct vmcs_config config;
    struct findings findings;
};

static struct outcome derive(const struct vmx_msrs *msrs, enum vmx_check mode)
{
    struct outcome outcome = {.findings.check = mode};

    vmcs_config_derive(msrs, &outcome.config, &outcome.findings);
    return outcome;
}

static struct outcome derive_basic(uint64_t basic, enum vmx_check mode)
{
    struct vmx_msrs msrs = real_msrs(skylake);

    vmx_msr_set(&msrs, 0x480, basic);
    return derive(&msrs, mode);
}

static const struct finding *find(const struct findings *findings, enum rule rule)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (findings->item[i].rule == rule)
            return &findings->item[i];
    }
    return NULL;
}

static int count_about_basic(const struct findings *findings)
{
    int count = 0;

    for (uint32_t i = 0; i < findings->count; i++)
        count += findings->item[i].msr == 0x480;
    return count;
}

/* What flipping one bit of GOOD_BASIC does, by hand. */
static const struct flip {
    int first, last;                         /* bits flipped, one at a time */
    int rule;                                /* which finding about IA32_VMX_BASIC comes of it */
    enum severity severity[VMX_CHECK_COUNT]; /* kvm, virtual, strict */
    int high, low;                           /* bits that the finding names */
} flips[] = {
    {0, 30, NO_RULE, {0}, 0, 0},
    {31,
     31,
     RULE_BASIC_REVISION_BIT_31,
     {SEVERITY_WARNING, SEVERITY_REFUSAL, SEVERITY_REFUSAL},
     31,
     31},
    {32, 41, NO_RULE, {0}, 0, 0}, /* 1024 + 2^n, below 2048 */
    {42, 42, RULE_BASIC_SIZE_ZERO, {SEVERITY_REFUSAL, SEVERITY_REFUSAL, SEVERITY_REFUSAL}, 44, 32},
    {43, 43, NO_RULE, {0}, 0, 0}, /* 1024 + 2048 */
    {44,
     44,
     RULE_BASIC_SIZE_OVER_PAGE,
     {SEVERITY_REFUSAL, SEVERITY_REFUSAL, SEVERITY_REFUSAL},
     44,
     32}, /* 1024 + 4096 */
    {45,
     47,
     RULE_BASIC_RESERVED_47_45,
     {SEVERITY_WARNING, SEVERITY_REFUSAL, SEVERITY_REFUSAL},
     47,
     45},
    {48,
     48,
     RULE_BASIC_32_BIT_ADDRESSES,
     {SEVERITY_REFUSAL, SEVERITY_REFUSAL, SEVERITY_REFUSAL},
     48,
     48},
    {49, 49, NO_RULE, {0}, 0, 0}, /* dual-monitor treatment: a feature */
    {50,
     53,
     RULE_BASIC_MEMORY_TYPE,
     {SEVERITY_REFUSAL, SEVERITY_REFUSAL, SEVERITY_REFUSAL},
     53,
     50},
    {54, 56, NO_RULE, {0}, 0, 0}, /* features */
    {57, 57, RULE_BASIC_BIT_57, {SEVERITY_WARNING, SEVERITY_WARNING, SEVERITY_REFUSAL}, 57, 57},
    {58, 58, NO_RULE, {0}, 0, 0}, /* nested exception: a feature */
    {59,
     63,
     RULE_BASIC_RESERVED_63_59,
     {SEVERITY_WARNING, SEVERITY_WARNING, SEVERITY_REFUSAL},
     63,
     59},
};

static void check_flip(const struct flip *flip, int bit, enum vmx_check mode)
{
    const uint64_t basic = GOOD_BASIC ^ 1ull << bit;
    const uint32_t low = (uint32_t)basic, high = (uint32_t)(basic >> 32);
    const struct outcome outcome = derive_basic(basic, mode);
    bool refused = flip->rule != NO_RULE && flip->severity[mode] == SEVERITY_REFUSAL;

    assert_int_equal(count_about_basic(&outcome.findings), flip->rule == NO_RULE ? 0 : 1);
    assert_int_equal(findings_refuse(&outcome.findings), refused);
    /* The formulas of setup_vmcs_config(), with bit 31 kept out. */
    assert_int_equal(outcome.config.size, high & 0x1fff);
    assert_int_equal(outcome.config.basic_cap, high & ~0x1fffu);
    assert_int_equal(outcome.config.revision_id, low & 0x7fffffff);
    if (flip->rule != NO_RULE) {
        const struct finding *finding = find(&outcome.findings, (enum rule)flip->rule);

        assert_non_null(finding);
        assert_int_equal(finding->severity, flip->severity[mode]);
        assert_int_equal(finding->high, flip->high);
        assert_int_equal(finding->low, flip->low);
        assert_int_equal(finding->seen,
                         basic >> flip->low & ((1ull << (flip->high - flip->low + 1)) - 1));
    }
}

static void all_64_single_bit_flips_in_each_mode(void **state)
{
    int next = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(flips) / sizeof(flips[0]); i++) {
        assert_int_equal(flips[i].first, next);
        for (int bit = flips[i].first; bit <= flips[i].last; bit++) {
            for (int mode = 0; mode < VMX_CHECK_COUNT; mode++)
                check_flip(&flips[i], bit, (enum vmx_check)mode);
        }
        next = flips[i].last + 1;
    }
    assert_int_equal(next, 64);
}

static void a_good_machine_gives_the_configuration_worked_out_by_hand(void **state)
{
    const struct outcome outcome = derive_basic(GOOD_BASIC, VMX_CHECK_STRICT);

    (void)state;
    assert_false(findings_refuse(&outcome.findings));
    assert_int_equal(outcome.config.size, 1024);
    assert_int_equal(outcome.config.order, 0);
    assert_int_equal(outcome.config.basic_cap, 0x00da0000);
    assert_int_equal(outcome.config.revision_id, 4);
    /* must be 1: 0x16; external interrupts, NMIs, virtual NMIs */
    assert_int_equal(outcome.config.controls[VMX_CONTROL_PIN], 0x16 | 0x1 | 0x8 | 0x20);
    /* must be 1: 0x04006172; HLT, unconditional I/O, MSR bitmaps, secondary controls */
    assert_int_equal(outcome.config.controls[VMX_CONTROL_PRIMARY],
                     0x04006172u | 1u << 7 | 1u << 24 | 1u << 28 | 1u << 31);
    /* EPT, RDTSCP, VPID, unrestricted guest, INVPCID, XSAVES */
    assert_int_equal(outcome.config.controls[VMX_CONTROL_SECONDARY],
                     1u << 1 | 1u << 3 | 1u << 5 | 1u << 7 | 1u << 12 | 1u << 20);
    /* must be 1: 0x36dfb; debug controls, 64-bit host, acknowledge, PAT and EFER both ways */
    assert_int_equal(outcome.config.controls[VMX_CONTROL_EXIT],
                     0x36dfbu | 1u << 2 | 1u << 9 | 1u << 15 | 0xfu << 18);
    /* must be 1: 0x11fb; debug controls, IA-32e mode, PAT, EFER */
    assert_int_equal(outcome.config.controls[VMX_CONTROL_ENTRY],
                     0x11fbu | 1u << 2 | 1u << 9 | 3u << 14);
}

static void sizes_at_the_edges(void **state)
{
    static const struct {
        unsigned size;
        int rule;
    } sizes[] = {
        {0, RULE_BASIC_SIZE_ZERO},
        {1, NO_RULE},
        {1023, NO_RULE},
        {1024, NO_RULE},
        {1280, NO_RULE},
        {1536, NO_RULE},
        {2048, NO_RULE},
        {4095, NO_RULE},
        {4096, NO_RULE},
        {4097, RULE_BASIC_SIZE_OVER_PAGE},
        {8191, RULE_BASIC_SIZE_OVER_PAGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t basic = 0x00da000000000004ull | (uint64_t)sizes[i].size << 32;
        const struct outcome outcome = derive_basic(basic, VMX_CHECK_KVM);

        assert_int_equal(outcome.config.size, sizes[i].size);
        assert_int_equal(count_about_basic(&outcome.findings), sizes[i].rule != NO_RULE);
        if (sizes[i].rule == NO_RULE)
            assert_int_equal(outcome.config.order, 0);
        else
            assert_non_null(find(&outcome.findings, (enum rule)sizes[i].rule));
    }
    assert_int_equal(derive_basic(0x00da100100000004, VMX_CHECK_KVM).config.order, 1);
}

static void every_memory_type_but_write_back_is_refused(void **state)
{
    (void)state;
    for (uint64_t type = 0; type < 16; type++) {
        const struct outcome outcome =
            derive_basic((GOOD_BASIC & ~(0xfull << 50)) | type << 50, VMX_CHECK_KVM);
        const struct finding *finding = find(&outcome.findings, RULE_BASIC_MEMORY_TYPE);

        assert_int_equal(findings_refuse(&outcome.findings), type != 6);
        if (type != 6) {
            assert_int_equal(finding->seen, type);
            assert_int_equal(finding->wanted, 6);
        }
    }
}

static void all_that_is_wrong_is_reported_and_not_only_the_first(void **state)
{
    const struct outcome outcome = derive_basic(~0ull, VMX_CHECK_KVM);

    (void)state;
    assert_int_equal(count_about_basic(&outcome.findings), 7);
    assert_int_equal(outcome.config.revision_id, 0x7fffffff);
}

static void findings_name_the_cpu(void **state)
{
    struct vmx_msrs msrs = real_msrs(skylake);
    struct vmcs_config config;
    struct findings findings = {.cpu = 5};

    (void)state;
    vmx_msr_set(&msrs, 0x480, GOOD_BASIC | 1ull << 48);
    vmcs_config_derive(&msrs, &config, &findings);
    assert_int_equal(find(&findings, RULE_BASIC_32_BIT_ADDRESSES)->cpu, 5);
}

static void an_essential_msr_without_a_value_is_refused(void **state)
{
    static const uint32_t essential[] = {0x480, 0x481, 0x482, 0x483, 0x484};

    (void)state;
    for (size_t i = 0; i < sizeof(essential) / sizeof(essential[0]); i++) {
        struct vmx_msrs msrs = real_msrs(dunnington);
        struct outcome outcome;

        msrs.present &= ~(1u << (essential[i] - 0x480));
        outcome = derive(&msrs, VMX_CHECK_KVM);
        assert_true(findings_refuse(&outcome.findings));
        assert_int_equal(find(&outcome.findings, RULE_MSR_MISSING)->msr, essential[i]);
        /* Nothing is checked from a value that nobody has seen. */
        assert_null(find(&outcome.findings, RULE_BASIC_SIZE_ZERO));
        assert_null(find(&outcome.findings, RULE_CONTROL_MISSING));
    }
}

/* What was said of another MSR, or by another rule does not stand for it. */
static void a_fault_is_said_of_its_msr_alone(void **state)
{
    static const struct finding said[] = {
        {.rule = RULE_MSR_READ_FAULT, .msr = 0x485},
        {.rule = RULE_MSR_READ_FAULT, .msr = 0x48c},
        {.rule = RULE_OVERRIDDEN, .msr = 0x485},
    };
    struct vmx_msrs msrs = real_msrs(skylake);

    (void)state;
    vmx_msr_set(&msrs, 0x491, 0);
    msrs.present &= ~(1u << (0x485 - 0x480));
    for (unsigned i = 0; i < 3; i++) {
        struct outcome outcome = {0};

        finding_add(&outcome.findings, said[i]);
        vmcs_config_derive(&msrs, &outcome.config, &outcome.findings);
        assert_int_equal(find(&outcome.findings, RULE_MSR_NOT_READ) == NULL, i == 0);
    }
}

static void other_msrs_without_a_value_are_a_warning(void **state)
{
    struct vmx_msrs msrs = real_msrs(skylake);
    struct outcome outcome;

    (void)state;
    outcome = derive(&msrs, VMX_CHECK_KVM);
    assert_int_equal(outcome.findings.count, 1); /* the dump ends before 0x491 */
    assert_int_equal(find(&outcome.findings, RULE_MSR_NOT_READ)->msr, 0x491);

    /* Each of a plain and a TRUE MSR can stand in for the other. */
    for (uint32_t msr = 0x481; msr <= 0x490; msr += msr == 0x484 ? 9 : 1) {
        msrs = real_msrs(skylake);
        vmx_msr_set(&msrs, 0x491, 0);
        msrs.present &= ~(1u << (msr - 0x480));
        outcome = derive(&msrs, VMX_CHECK_KVM);
        assert_false(findings_refuse(&outcome.findings));
        if (msr != 0x482) /* without it the existence of 0x48b is unknown */
            assert_int_equal(find(&outcome.findings, RULE_MSR_NOT_READ)->msr, msr);
        assert_int_not_equal(outcome.config.controls[VMX_CONTROL_EXIT] & 1u << 9, 0);
    }
}

static void fixed_bits_that_contradict_each_other_are_refused(void **state)
{
    struct vmx_msrs msrs = real_msrs(skylake);
    struct outcome outcome;
    const struct finding *finding;

    (void)state;
    vmx_msr_set(&msrs, 0x487, 0xffffffdf); /* NE must be 1 and must be 0 */
    outcome = derive(&msrs, VMX_CHECK_KVM);
    finding = find(&outcome.findings, RULE_CR_FIXED_CONTRADICTION);
    assert_true(findings_refuse(&outcome.findings));
    assert_string_equal(finding->detail, "CR0");
    assert_int_equal(finding->seen, 0x80000021);
    assert_int_equal(finding->wanted, 0x80000001);

    msrs = real_msrs(skylake);
    vmx_msr_set(&msrs, 0x488, 0x100002000); /* a bit above 31 that FIXED1 has not */
    outcome = derive(&msrs, VMX_CHECK_KVM);
    finding = find(&outcome.findings, RULE_CR_FIXED_CONTRADICTION);
    assert_string_equal(finding->detail, "CR4");
    assert_int_equal(finding->seen, 0x100002000);

    msrs.present &= ~(1u << 9); /* FIXED1 not read: nothing to compare with */
    outcome = derive(&msrs, VMX_CHECK_KVM);
    assert_false(findings_refuse(&outcome.findings));
}

static void equal_configurations_compare_without_a_finding(void **state)
{
    const struct outcome outcome = derive_basic(GOOD_BASIC, VMX_CHECK_KVM);
    struct findings findings = {0};

    (void)state;
    vmcs_config_compare(&outcome.config, &outcome.config, &findings);
    assert_int_equal(findings.count, 0);
}

static void each_field_that_differs_is_reported_by_name(void **state)
{
    static const char *const names[] = {
        "size",
        "order",
        "basic_cap",
        "revision_id",
        "pin_based_exec_ctrl",
        "cpu_based_exec_ctrl",
        "cpu_based_2nd_exec_ctrl",
        "vmexit_ctrl",
        "vmentry_ctrl",
    };
    const struct vmcs_config boot = {1, 2, 3, 4, {5, 6, 7, 8, 9}};
    const struct vmcs_config other = {11, 12, 13, 14, {15, 16, 17, 18, 19}};
    struct findings findings = {.cpu = 3};

    (void)state;
    assert_int_equal(vmcs_config_field_count, 9);
    vmcs_config_compare(&boot, &other, &findings);
    assert_int_equal(findings.count, 9);
    assert_true(findings_refuse(&findings));
    for (uint32_t i = 0; i < 9; i++) {
        assert_int_equal(findings.item[i].rule, RULE_COMPARE_MISMATCH);
        assert_int_equal(findings.item[i].cpu, 3);
        assert_string_equal(findings.item[i].detail, names[i]);
        assert_int_equal(findings.item[i].wanted, i + 1);
        assert_int_equal(findings.item[i].seen, i + 11);
    }
}

/* Lakefield's two kinds of core differ in a control that nobody here asks for. */
static void cores_that_differ_in_what_is_not_used_are_one_configuration(void **state)
{
    struct vmx_msrs big = real_msrs(skylake), small = real_msrs(skylake);
    struct outcome boot, other;
    struct findings findings = {0};

    (void)state;
    vmx_msr_set(&big, 0x48b, 0x035d6fff00000000);
    vmx_msr_set(&small, 0x48b, 0x435d6fff00000000);
    boot = derive(&big, VMX_CHECK_KVM);
    other = derive(&small, VMX_CHECK_KVM);
    vmcs_config_compare(&boot.config, &other.config, &findings);
    assert_int_equal(findings.count, 0);
}

static void an_overridden_value_is_checked_and_reported(void **state)
{
    const struct override_list list = {
        3,
        {{.every_cpu = true, .msr = 0x480, .value = 0x1},
         {.cpu = 1, .msr = 0x480, .value = GOOD_BASIC | 1ull << 48},
         {.cpu = 2, .msr = 0x485, .value = 7}},
    };
    const struct vmx_msrs in = real_msrs(skylake);
    struct vmx_msrs out;
    struct findings findings = {.cpu = 1};

    (void)state;
    override_apply(&list, &in, &out, &findings);
    assert_int_equal(vmx_msr_value(&out, 0x480), GOOD_BASIC | 1ull << 48); /* the later one */
    assert_int_equal(vmx_msr_value(&out, 0x485), 0x7004c1e7);              /* for CPU 2 only */
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.item[1].rule, RULE_OVERRIDDEN);
    assert_int_equal(findings.item[1].severity, SEVERITY_NOTE);
    assert_int_equal(findings.item[1].cpu, 1);
    assert_int_equal(findings.item[1].msr, 0x480);
    assert_int_equal(findings.item[1].seen, GOOD_BASIC | 1ull << 48);
    assert_int_equal(findings.item[1].wanted, GOOD_BASIC); /* what the processor says */
    assert_false(findings_refuse(&findings));
}

static void pretending_what_this_cpu_has_not_is_a_warning(void **state)
{
    const struct override_list list = {
        3,
        {{.every_cpu = true, .msr = 0x3a, .value = 1},   /* no capability MSR at all */
         {.every_cpu = true, .msr = 0x492, .value = 1},  /* no tertiary controls here */
         {.every_cpu = true, .msr = 0x48d, .value = 1}}, /* exists */
    };
    const struct vmx_msrs in = real_msrs(skylake);
    struct vmx_msrs out;
    struct findings findings = {0};

    (void)state;
    override_apply(&list, &in, &out, &findings);
    assert_int_equal(findings.count, 3);
    assert_int_equal(findings.item[0].rule, RULE_OVERRIDE_WITHOUT_EFFECT);
    assert_int_equal(findings.item[0].severity, SEVERITY_WARNING);
    assert_int_equal(findings.item[0].msr, 0x3a);
    assert_int_equal(findings.item[1].rule, RULE_OVERRIDE_WITHOUT_EFFECT);
    assert_int_equal(findings.item[1].msr, 0x492);
    assert_int_equal(findings.item[2].rule, RULE_OVERRIDDEN);
}

/* TRUE controls overridden onto a CPU that has none: the plain MSRs go on being used. */
static void overridden_true_controls_without_values_fall_back(void **state)
{
    const struct override_list list = {
        1, {{.every_cpu = true, .msr = 0x480, .value = 0x005a08000000000d | 1ull << 55}}};
    const struct vmx_msrs in = real_msrs(dunnington);
    struct vmx_msrs out;
    struct findings findings = {0};
    struct vmcs_config with, without = derive(&in, VMX_CHECK_KVM).config;
    int not_read = 0;

    (void)state;
    override_apply(&list, &in, &out, &findings);
    vmcs_config_derive(&out, &with, &findings);
    for (uint32_t i = 0; i < findings.count; i++)
        not_read += findings.item[i].rule == RULE_MSR_NOT_READ;
    assert_int_equal(not_read, 4);
    assert_false(findings_refuse(&findings));
    assert_int_equal(with.basic_cap, without.basic_cap | 1u << 23);
    assert_int_equal(with.controls[VMX_CONTROL_PRIMARY], without.controls[VMX_CONTROL_PRIMARY]);
    assert_int_equal(with.controls[VMX_CONTROL_EXIT], without.controls[VMX_CONTROL_EXIT]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_64_single_bit_flips_in_each_mode),
        cmocka_unit_test(a_good_machine_gives_the_configuration_worked_out_by_hand),
        cmocka_unit_test(sizes_at_the_edges),
        cmocka_unit_test(every_memory_type_but_write_back_is_refused),
        cmocka_unit_test(all_that_is_wrong_is_reported_and_not_only_the_first),
        cmocka_unit_test(findings_name_the_cpu),
        cmocka_unit_test(an_essential_msr_without_a_value_is_refused),
        cmocka_unit_test(a_fault_is_said_of_its_msr_alone),
        cmocka_unit_test(other_msrs_without_a_value_are_a_warning),
        cmocka_unit_test(fixed_bits_that_contradict_each_other_are_refused),
        cmocka_unit_test(equal_configurations_compare_without_a_finding),
        cmocka_unit_test(each_field_that_differs_is_reported_by_name),
        cmocka_unit_test(cores_that_differ_in_what_is_not_used_are_one_configuration),
        cmocka_unit_test(an_overridden_value_is_checked_and_reported),
        cmocka_unit_test(pretending_what_this_cpu_has_not_is_a_warning),
        cmocka_unit_test(overridden_true_controls_without_values_fall_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
