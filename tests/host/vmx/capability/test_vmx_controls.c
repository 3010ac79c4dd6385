/*
 * The controls: SDM, "Algorithms for Determining VMX Capabilities", worked out by hand for real
 * machines and for made-up ones that break a rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/real_msrs.h"
#include "vmx/capability/vmx_controls.h"

static struct findings findings;

static int forget_findings(void **state)
{
    (void)state;
    findings = (struct findings){.cpu = 1};
    return 0;
}

static uint32_t settle(enum vmx_control_word word, uint64_t plain, uint64_t true_value)
{
    return adjust_vmx_control(word, plain, true_value, 0x48d, &findings);
}

static void derive(const struct vmx_msrs *msrs, uint32_t controls[VMX_CONTROL_WORD_COUNT])
{
    vmx_controls_derive(msrs, controls, &findings);
}

static int count(enum rule rule)
{
    int found = 0;

    for (uint32_t i = 0; i < findings.count; i++)
        found += findings.item[i].rule == rule;
    return found;
}

static const struct finding *find(enum rule rule, const char *detail)
{
    for (uint32_t i = 0; i < findings.count; i++) {
        const char *named = findings.item[i].detail;

        if (findings.item[i].rule == rule && named && !strcmp(named, detail))
            return &findings.item[i];
    }
    return NULL;
}

static void each_bit_of_a_word_is_named_at_most_once(void **state)
{
    (void)state;
    assert_true(vmx_control_count > 90);
    for (uint32_t i = 0; i < vmx_control_count; i++) {
        assert_non_null(vmx_control_table[i].name);
        assert_int_equal(__builtin_popcount(vmx_control_table[i].mask), 1);
        for (uint32_t j = 0; j < i; j++)
            assert_false(vmx_control_table[i].word == vmx_control_table[j].word &&
                         vmx_control_table[i].mask == vmx_control_table[j].mask);
    }
}

/* Bit numbers of the SDM's tables that are easy to get wrong by one. */
static void masks_are_the_manuals_bits(void **state)
{
    (void)state;
    assert_int_equal(PIN_POSTED_INTERRUPTS, 0x80);
    assert_int_equal(PRIMARY_CR3_LOAD_EXITING, 0x8000);
    assert_int_equal(PRIMARY_MSR_BITMAPS, 0x10000000);
    assert_int_equal(PRIMARY_SECONDARY_CONTROLS, 0x80000000);
    assert_int_equal(SECONDARY_ENABLE_EPT, 0x2);
    assert_int_equal(SECONDARY_UNRESTRICTED_GUEST, 0x80);
    assert_int_equal(SECONDARY_ENABLE_XSAVES, 0x100000);
    assert_int_equal(EXIT_HOST_ADDRESS_SPACE_SIZE, 0x200);
    assert_int_equal(EXIT_LOAD_EFER, 0x200000);
    assert_int_equal(ENTRY_IA32E_MODE_GUEST, 0x200);
    assert_int_equal(ENTRY_LOAD_EFER, 0x8000);
}

static void wanted_controls_are_set_where_they_are_allowed(void **state)
{
    (void)state;
    /* must be 1: 0x16; may be 1: all to bit 6. The timer (bit 6) is not wanted. */
    assert_int_equal(settle(VMX_CONTROL_PIN, 0x7f00000016, 0x7f00000016), 0x3f);
    /* Virtual NMIs (bit 5) are not offered: Conroe. */
    assert_int_equal(settle(VMX_CONTROL_PIN, 0x1f00000016, 0x1f00000016), 0x1f);
    assert_int_equal(findings.count, 0);
}

static void a_missing_required_control_is_refused_by_name(void **state)
{
    const struct finding *finding;

    (void)state;
    settle(VMX_CONTROL_EXIT, 0x3fedff00036dff, 0x3fedff00036dff);
    finding = find(RULE_CONTROL_MISSING, "host address-space size");
    assert_non_null(finding);
    assert_int_equal(findings.count, 1);
    assert_int_equal(finding->severity, SEVERITY_REFUSAL);
    assert_int_equal(finding->cpu, 1);
    assert_int_equal(finding->msr, 0x48d);
    assert_int_equal(finding->high, 41); /* allowed 1-setting of bit 9 */
    assert_int_equal(finding->low, 41);
    assert_int_equal(finding->seen, 0);
    assert_int_equal(finding->wanted, 1);
}

static void forced_controls_stay_and_are_noted(void **state)
{
    const struct finding *finding;

    (void)state;
    /* The VMX preemption timer (bit 6) must be 1, and unknown bit 9. */
    assert_int_equal(settle(VMX_CONTROL_PIN, 0x27f00000256, 0x27f00000256), 0x27f);
    finding = find(RULE_CONTROL_FORCED, "activate VMX-preemption timer");
    assert_int_equal(finding->severity, SEVERITY_NOTE);
    assert_int_equal(finding->high, 6);
    assert_int_equal(finding->seen, 1);
    assert_int_equal(finding->wanted, 0);
    finding = find(RULE_CONTROL_UNKNOWN_FORCED, "pin-based VM-execution controls");
    assert_int_equal(finding->severity, SEVERITY_NOTE);
    assert_int_equal(finding->seen, 0x200);
    assert_int_equal(finding->wanted, 0);
    assert_int_equal(findings.count, 2);
    assert_int_equal(find(RULE_CONTROL_UNKNOWN_FORCED, "pin-based VM-execution controls")->cpu, 1);
    (void)settle(VMX_CONTROL_PRIMARY, 0xfff9fffe0401e173, 0xfff9fffe0401e173);
    assert_int_equal(
        find(RULE_CONTROL_UNKNOWN_FORCED, "primary processor-based VM-execution controls")->seen,
        1);
    assert_int_equal(finding->high, 31);
    assert_int_equal(finding->low, 0);
    /* And after a control of which 1 is wanted: bit 9 of the exits' must be 1 and may not. */
    (void)settle(VMX_CONTROL_EXIT, 0x00036dff00036fff, 0x00036dff00036fff);
    assert_int_equal(find(RULE_CONTROL_MISSING, "host address-space size")->wanted, 1);
    finding = find(RULE_CONTROL_CONTRADICTION, "VM-exit controls");
    assert_int_equal(finding->high, 31);
    assert_int_equal(finding->low, 0);
    assert_int_equal(finding->seen, 0x200);
    assert_int_equal(finding->wanted, 0);
}

static void controls_for_smm_must_not_be_forced(void **state)
{
    (void)state;
    settle(VMX_CONTROL_ENTRY, 0xffff00001dff, 0xffff00001dff);
    assert_non_null(find(RULE_CONTROL_MUST_BE_ZERO, "entry to SMM"));
    assert_non_null(find(RULE_CONTROL_MUST_BE_ZERO, "deactivate dual-monitor treatment"));
    assert_int_equal(count(RULE_CONTROL_MUST_BE_ZERO), 2);
    assert_true(findings_refuse(&findings));
}

static void neither_0_nor_1_is_a_contradiction(void **state)
{
    (void)state;
    settle(VMX_CONTROL_PIN, 0x1600000016, 0x1600000016);
    assert_int_equal(findings.count, 0);
    settle(VMX_CONTROL_PIN, 0x3d00000016, 0x3d00000016);
    assert_int_equal(find(RULE_CONTROL_CONTRADICTION, "pin-based VM-execution controls")->seen, 2);
    assert_true(findings_refuse(&findings));
}

/* SDM: what is default1 and unknown keeps its default, though the TRUE MSR would let it be 0. */
static void unknown_default1_controls_keep_their_default(void **state)
{
    (void)state;
    assert_int_equal(settle(VMX_CONTROL_PIN, 0x7f00000016, 0x7f00000000), 0x3f);
    /* CR3-load exiting (bit 15) is default1 and known: off. Bit 14 is unknown: stays on. */
    assert_int_equal(
        settle(VMX_CONTROL_PRIMARY, 0xfff9fffe0401e172, 0xfff9fffe04002172) & 0x0001e000, 0x6000);
    assert_int_equal(findings.count, 0);
}

/* Core 2 Duo: no TRUE MSRs, so that CR3-load and CR3-store exiting cannot be turned off. */
static void without_true_msrs_default1_controls_stay(void **state)
{
    const struct vmx_msrs msrs = real_msrs(conroe);
    uint32_t controls[VMX_CONTROL_WORD_COUNT];

    (void)state;
    derive(&msrs, controls);
    assert_int_equal(controls[VMX_CONTROL_PIN], 0x1f);
    /* HLT exiting (7), unconditional I/O exiting (24), MSR bitmaps (28) are offered; 31 is not. */
    assert_int_equal(controls[VMX_CONTROL_PRIMARY], 0x0401e172u | 1u << 7 | 1u << 24 | 1u << 28);
    assert_int_equal(controls[VMX_CONTROL_SECONDARY], 0);
    assert_int_equal(controls[VMX_CONTROL_EXIT], 0x36dffu | 1u << 9 | 1u << 15);
    assert_int_equal(controls[VMX_CONTROL_ENTRY], 0x11ffu | 1u << 9);
    assert_non_null(find(RULE_CONTROL_FORCED, "CR3-load exiting"));
    assert_non_null(find(RULE_CONTROL_FORCED, "CR3-store exiting"));
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.item[0].msr, 0x482);
}

/* VMware Fusion (row nested-vmware-fusion-macos) forces bits 3, 11, 24, 28 and 31 beyond default1.
 */
static void what_a_hypervisor_forces_is_kept(void **state)
{
    uint32_t value = settle(VMX_CONTROL_PRIMARY, 0xf5f9fffe9501e97a, 0xf5f9fffe9501e97a);

    (void)state;
    assert_int_equal(value, 0x9501e97au | 1u << 7);
    assert_non_null(find(RULE_CONTROL_FORCED, "use TSC offsetting"));
    assert_non_null(find(RULE_CONTROL_FORCED, "RDPMC exiting"));
    assert_int_equal(count(RULE_CONTROL_FORCED), 4); /* and CR3-load and CR3-store exiting */
    assert_false(findings_refuse(&findings));
}

static void ept_without_what_it_needs_is_dropped(void **state)
{
    static const int needed[] = {6, 14, 20, 26};
    uint32_t controls[VMX_CONTROL_WORD_COUNT];

    (void)state;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        struct vmx_msrs msrs = real_msrs(skylake);
        const struct finding *finding;

        forget_findings(NULL);
        vmx_msr_set(&msrs, 0x48c, 0x00000f0106334141 & ~(1ull << needed[i]));
        derive(&msrs, controls);
        finding = find(RULE_CONTROL_DROPPED, "enable EPT");
        assert_int_equal(finding->msr, 0x48c);
        assert_int_equal(finding->wanted, 1u << 6 | 1u << 14 | 1u << 20 | 1u << 26);
        assert_int_equal(finding->wanted & ~finding->seen, 1u << needed[i]);
        /* And with it what needs EPT; VPIDs stay. */
        assert_non_null(find(RULE_CONTROL_DROPPED, "unrestricted guest"));
        assert_int_equal(controls[VMX_CONTROL_SECONDARY] & 0xa2, 0x20);
        assert_false(findings_refuse(&findings));
    }
}

static void vpids_without_invvpid_are_dropped(void **state)
{
    struct vmx_msrs msrs = real_msrs(skylake);
    uint32_t controls[VMX_CONTROL_WORD_COUNT];

    (void)state;
    vmx_msr_set(&msrs, 0x48c, 0x06334141);
    derive(&msrs, controls);
    assert_non_null(find(RULE_CONTROL_DROPPED, "enable VPID"));
    assert_int_equal(findings.count, 1);
    assert_int_equal(controls[VMX_CONTROL_SECONDARY] & 0xa2, 0x82);
}

/* SDM Vol. 3, "Checks on VMX Controls": VM entry fails without what EPT needs, not for VPIDs. */
static void forced_ept_is_refused_and_forced_vpids_are_not(void **state)
{
    struct vmx_msrs msrs = real_msrs(skylake);
    uint32_t controls[VMX_CONTROL_WORD_COUNT];

    (void)state;
    vmx_msr_set(&msrs, 0x48b, 0x001fbcff00000020);
    vmx_msr_set(&msrs, 0x48c, 0x06334141); /* no INVVPID */
    derive(&msrs, controls);
    assert_int_equal(findings.count, 0);
    assert_int_equal(controls[VMX_CONTROL_SECONDARY] & 0x20, 0x20);
    vmx_msr_set(&msrs, 0x48b, 0x001fbcff00000002);
    vmx_msr_set(&msrs, 0x48c, 0x0f0106334101); /* no page walk of 4 levels */
    derive(&msrs, controls);
    assert_non_null(find(RULE_CONTROL_UNMET, "enable EPT"));
    assert_int_equal(controls[VMX_CONTROL_SECONDARY] & 2, 2);
    assert_true(findings_refuse(&findings));
}

/* By any of a word's bits; bit 1 of the pin-based controls has no name. */
static void a_control_has_the_manuals_name(void **state)
{
    (void)state;
    assert_string_equal(vmx_control_name(VMX_CONTROL_PIN, 1), "external-interrupt exiting");
    assert_string_equal(vmx_control_name(VMX_CONTROL_PIN, 2), "an unnamed control");
}

/* Whatever stood there before. */
static void a_word_without_its_msr_is_0(void **state)
{
    struct vmx_msrs msrs = real_msrs(conroe);
    uint32_t controls[VMX_CONTROL_WORD_COUNT];

    (void)state;
    memset(controls, 0xff, sizeof(controls));
    msrs.present = 0;
    derive(&msrs, controls);
    for (unsigned word = 0; word < VMX_CONTROL_WORD_COUNT; word++)
        assert_int_equal(controls[word], 0);
    assert_int_equal(findings.count, 0);
}

static void virtual_nmis_need_nmi_exiting(void **state)
{
    struct vmx_msrs msrs = real_msrs(conroe);
    uint32_t controls[VMX_CONTROL_WORD_COUNT];

    (void)state;
    vmx_msr_set(&msrs, 0x481, 0x3700000016); /* bit 5, but not bit 3 */
    derive(&msrs, controls);
    assert_int_equal(controls[VMX_CONTROL_PIN], 0x17);
    assert_non_null(find(RULE_CONTROL_DROPPED, "virtual NMIs"));
}

static void registers_are_switched_both_ways_or_not_at_all(void **state)
{
    struct vmx_msrs msrs = real_msrs(skylake);
    uint32_t controls[VMX_CONTROL_WORD_COUNT];

    (void)state;
    vmx_msr_set(&msrs, 0x48f, 0x01f7ffff00036dfb); /* exit: no load IA32_PAT (19) */
    vmx_msr_set(&msrs, 0x490, 0x00037fff000011fb); /* entry: no load IA32_EFER (15) */
    derive(&msrs, controls);
    assert_int_equal(controls[VMX_CONTROL_ENTRY] >> 14 & 3, 0);
    assert_int_equal(controls[VMX_CONTROL_EXIT] >> 18 & 0xf, 5); /* saving costs nothing */
    assert_int_equal(findings.count, 2);
    assert_int_equal(find(RULE_CONTROL_DROPPED, "load IA32_PAT")->msr, 0x48f);
    assert_int_equal(find(RULE_CONTROL_DROPPED, "load IA32_EFER")->msr, 0x490);
}

static void a_forced_control_without_what_it_needs_is_refused(void **state)
{
    struct vmx_msrs msrs = real_msrs(skylake);
    uint32_t controls[VMX_CONTROL_WORD_COUNT];

    (void)state;
    vmx_msr_set(&msrs, 0x48b, 0x001fbcfd00000080); /* unrestricted guest forced, no EPT */
    derive(&msrs, controls);
    assert_non_null(find(RULE_CONTROL_UNMET, "unrestricted guest"));
    assert_int_equal(controls[VMX_CONTROL_SECONDARY] & 0x80, 0x80);
    assert_true(findings_refuse(&findings));
}

/* Loading EFER on exit only is odd, but VM entry does not fail for it: it stays, unsaid. */
static void a_forced_half_of_a_pair_is_harmless(void **state)
{
    struct vmx_msrs msrs = real_msrs(skylake);
    uint32_t controls[VMX_CONTROL_WORD_COUNT];

    (void)state;
    vmx_msr_set(&msrs, 0x48f, 0x01ffffff00236dfb);
    vmx_msr_set(&msrs, 0x490, 0x00037fff000011fb);
    derive(&msrs, controls);
    assert_int_equal(controls[VMX_CONTROL_EXIT] & EXIT_LOAD_EFER, EXIT_LOAD_EFER);
    assert_int_equal(findings.count, 0);
}

static void secondary_controls_that_are_not_activated_are_zero(void **state)
{
    struct vmx_msrs msrs = real_msrs(skylake);
    uint32_t controls[VMX_CONTROL_WORD_COUNT];

    (void)state;
    vmx_msr_set(&msrs, 0x48e, 0x7ff9fffe04006172); /* TRUE: bit 31 not offered; plain: offered */
    derive(&msrs, controls);
    assert_int_equal(controls[VMX_CONTROL_SECONDARY], 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, forget_findings)
    const struct CMUnitTest tests[] = {
        TEST(each_bit_of_a_word_is_named_at_most_once),
        TEST(masks_are_the_manuals_bits),
        TEST(wanted_controls_are_set_where_they_are_allowed),
        TEST(a_missing_required_control_is_refused_by_name),
        TEST(forced_controls_stay_and_are_noted),
        TEST(controls_for_smm_must_not_be_forced),
        TEST(neither_0_nor_1_is_a_contradiction),
        TEST(unknown_default1_controls_keep_their_default),
        TEST(without_true_msrs_default1_controls_stay),
        TEST(what_a_hypervisor_forces_is_kept),
        TEST(ept_without_what_it_needs_is_dropped),
        TEST(vpids_without_invvpid_are_dropped),
        TEST(forced_ept_is_refused_and_forced_vpids_are_not),
        TEST(a_control_has_the_manuals_name),
        TEST(a_word_without_its_msr_is_0),
        TEST(virtual_nmis_need_nmi_exiting),
        TEST(registers_are_switched_both_ways_or_not_at_all),
        TEST(a_forced_control_without_what_it_needs_is_refused),
        TEST(a_forced_half_of_a_pair_is_harmless),
        TEST(secondary_controls_that_are_not_activated_are_zero),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
