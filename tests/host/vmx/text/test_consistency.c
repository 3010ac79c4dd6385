/*
 * What the capability MSRs say about each other. The expectations are the SDM's: "Checks on
 * VM-Execution Control Fields", "Checks on VM-Exit Control Fields", the sections of the capability
 * MSRs; and KVM's pairs of entry and exit controls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/full_msrs.h"
#include "tests/host/random.h"
#include "tests/host/real_msrs.h"
#include "vmx/text/consistency.h"
#include "vmx/capability/vmx_controls.h"

static struct findings check(const struct vmx_msrs *msrs)
{
    struct findings findings = {.cpu = 2};

    consistency_check(msrs, &findings);
    return findings;
}

static void processors_that_are_fine_show_nothing(void **state)
{
    const struct vmx_msrs machines[] = {full_msrs(), real_msrs(skylake), real_msrs(dunnington),
                                        real_msrs(conroe)};

    (void)state;
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
        assert_int_equal(check(&machines[i]).count, 0);
}

enum { FOUND_MAX = 13 };

/* Without these bits of an MSR, a processor that has all else has these contradictions. */
static const struct missing {
    uint32_t msr;
    uint64_t bits;
    int8_t high, low; /* as the findings report the bits */
    struct {
        enum rule rule;
        const char *detail;
    } found[FOUND_MAX];
} missing[] = {
#define BIT(n)      (1ull << (n)), (n), (n)
#define ALLOWED1(n) BIT(32 + (n))
    {0x481, ALLOWED1(0), {{RULE_CONTROL_NEEDS, "virtual-interrupt delivery"}}},
    {0x481, ALLOWED1(3), {{RULE_CONTROL_NEEDS, "virtual NMIs"}}},
    {0x481, ALLOWED1(5), {{RULE_CONTROL_NEEDS, "NMI-window exiting"}}},
    {0x481, ALLOWED1(6), {{RULE_CONTROL_NEEDS, "save VMX-preemption timer value"}}},
    {0x482, ALLOWED1(3), {{RULE_CONTROL_NEEDS, "use TSC scaling"}}},
    {0x482,
     ALLOWED1(21),
     {{RULE_CONTROL_NEEDS, "virtualize x2APIC mode"},
      {RULE_CONTROL_NEEDS, "APIC-register virtualization"},
      {RULE_CONTROL_NEEDS, "virtual-interrupt delivery"},
      {RULE_CONTROL_NEEDS, "IPI virtualization"}}},
    {0x483, ALLOWED1(15), {{RULE_CONTROL_NEEDS, "process posted interrupts"}}},
    {0x48b,
     ALLOWED1(1),
     {{RULE_MSR_WITHOUT_CONTROL, "EPT"},
      {RULE_CONTROL_NEEDS, "unrestricted guest"},
      {RULE_CONTROL_NEEDS, "enable PML"},
      {RULE_CONTROL_NEEDS, "EPT-violation #VE"},
      {RULE_CONTROL_NEEDS, "mode-based execute control for EPT"},
      {RULE_CONTROL_NEEDS, "sub-page write permissions for EPT"},
      {RULE_CONTROL_NEEDS, "Intel PT uses guest physical addresses"},
      {RULE_CONTROL_NEEDS, "EPTP switching"},
      {RULE_CONTROL_NEEDS, "enable HLAT"},
      {RULE_CONTROL_NEEDS, "EPT paging-write control"},
      {RULE_CONTROL_NEEDS, "guest-paging verification"},
      {RULE_CONTROL_NEEDS, "PEBS uses guest physical addresses"}}},
    {0x48b, ALLOWED1(5), {{RULE_MSR_WITHOUT_CONTROL, "INVVPID"}}},
    {0x48b,
     ALLOWED1(9),
     {{RULE_CONTROL_NEEDS, "process posted interrupts"},
      {RULE_CONTROL_NEEDS, "APIC-timer virtualization"}}},
    {0x48b, ALLOWED1(13), {{RULE_MSR_WITHOUT_CONTROL, "EPTP switching"}}},
    {0x48c, 3ull << 6, 7, 6, {{RULE_CONTROL_WITHOUT_MSR, "enable EPT"}}},
    {0x48c, BIT(21), {{RULE_CONTROL_WITHOUT_MSR, "enable PML"}}},
    {0x48c, BIT(32), {{RULE_CONTROL_WITHOUT_MSR, "enable VPID"}}},
    {0x48c, 0x3full << 48, 53, 48, {{RULE_CONTROL_WITHOUT_MSR, "enable HLAT"}}},
    {0x485, BIT(5), {{RULE_CONTROL_WITHOUT_MSR, "unrestricted guest"}}},
    {0x485, BIT(14), {{RULE_CONTROL_WITHOUT_MSR, "Intel PT uses guest physical addresses"}}},
    {0x491, ~0ull, 63, 0, {{RULE_CONTROL_WITHOUT_MSR, "enable VM functions"}}},
    {0x492, ~0ull, 63, 0, {{RULE_CONTROL_WITHOUT_MSR, "activate tertiary controls"}}},
    /* Each register that is switched on the way in and on the way out, without the one … */
    {0x484, ALLOWED1(2), {{RULE_CONTROL_UNPAIRED, "exit: save debug controls"}}},
    {0x484, ALLOWED1(13), {{RULE_CONTROL_UNPAIRED, "exit: load IA32_PERF_GLOBAL_CTRL"}}},
    {0x484, ALLOWED1(14), {{RULE_CONTROL_UNPAIRED, "exit: load IA32_PAT"}}},
    {0x484, ALLOWED1(15), {{RULE_CONTROL_UNPAIRED, "exit: load IA32_EFER"}}},
    {0x484, ALLOWED1(16), {{RULE_CONTROL_UNPAIRED, "exit: clear IA32_BNDCFGS"}}},
    {0x484, ALLOWED1(17), {{RULE_CONTROL_UNPAIRED, "exit: conceal VMX from PT"}}},
    {0x484,
     ALLOWED1(18),
     {{RULE_CONTROL_NEEDS, "Intel PT uses guest physical addresses"},
      {RULE_CONTROL_UNPAIRED, "exit: clear IA32_RTIT_CTL"}}},
    {0x484, ALLOWED1(19), {{RULE_CONTROL_UNPAIRED, "exit: clear UINV"}}},
    {0x484, ALLOWED1(20), {{RULE_CONTROL_UNPAIRED, "exit: load CET state"}}},
    {0x484, ALLOWED1(21), {{RULE_CONTROL_UNPAIRED, "exit: clear IA32_LBR_CTL"}}},
    {0x484, ALLOWED1(22), {{RULE_CONTROL_UNPAIRED, "exit: load PKRS"}}},
    {0x484, ALLOWED1(23), {{RULE_CONTROL_UNPAIRED, "exit: load FRED"}}},
    {0x484, ALLOWED1(24), {{RULE_CONTROL_UNPAIRED, "exit: load IA32_SPEC_CTRL"}}},
    /* … and without the other. */
    {0x483, ALLOWED1(2), {{RULE_CONTROL_UNPAIRED, "entry: load debug controls"}}},
    {0x483, ALLOWED1(12), {{RULE_CONTROL_UNPAIRED, "entry: load IA32_PERF_GLOBAL_CTRL"}}},
    {0x483, ALLOWED1(19), {{RULE_CONTROL_UNPAIRED, "entry: load IA32_PAT"}}},
    {0x483, ALLOWED1(21), {{RULE_CONTROL_UNPAIRED, "entry: load IA32_EFER"}}},
    {0x483, ALLOWED1(23), {{RULE_CONTROL_UNPAIRED, "entry: load IA32_BNDCFGS"}}},
    {0x483, ALLOWED1(24), {{RULE_CONTROL_UNPAIRED, "entry: conceal VMX from PT"}}},
    {0x483,
     ALLOWED1(25),
     {{RULE_CONTROL_NEEDS, "Intel PT uses guest physical addresses"},
      {RULE_CONTROL_UNPAIRED, "entry: load IA32_RTIT_CTL"}}},
    {0x483, ALLOWED1(26), {{RULE_CONTROL_UNPAIRED, "entry: load guest IA32_LBR_CTL"}}},
    {0x483, ALLOWED1(27), {{RULE_CONTROL_UNPAIRED, "entry: load UINV"}}},
    {0x483, ALLOWED1(28), {{RULE_CONTROL_UNPAIRED, "entry: load CET state"}}},
    {0x483, ALLOWED1(29), {{RULE_CONTROL_UNPAIRED, "entry: load PKRS"}}},
    {0x493, BIT(1), {{RULE_CONTROL_UNPAIRED, "entry: load FRED"}}},
    {0x493, BIT(2), {{RULE_CONTROL_UNPAIRED, "entry: load IA32_SPEC_CTRL"}}},
};

static bool has(const struct findings *findings, enum rule rule, const char *detail)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (findings->item[i].rule == rule && !strcmp(findings->item[i].detail, detail))
            return true;
    }
    return false;
}

static void each_thing_missing_is_reported_by_all_that_need_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
        struct vmx_msrs msrs = full_msrs();
        struct findings findings;
        uint32_t expected = 0;

        clear_bits(&msrs, missing[i].msr, missing[i].bits);
        findings = check(&msrs);
        for (; expected < FOUND_MAX && missing[i].found[expected].detail; expected++) {
            if (!has(&findings, missing[i].found[expected].rule, missing[i].found[expected].detail))
                fail_msg("0x%x bit %d: %s is not told", missing[i].msr, missing[i].low,
                         missing[i].found[expected].detail);
        }
        if (findings.count != expected)
            fail_msg("0x%x bit %d: %u findings, expected %u", missing[i].msr, missing[i].low,
                     findings.count, expected);
        for (uint32_t f = 0; f < findings.count; f++) {
            const struct finding *finding = &findings.item[f];
            bool has_true = missing[i].msr >= 0x481 && missing[i].msr <= 0x484;

            assert_int_equal(finding->msr, missing[i].msr + (has_true ? 12 : 0));
            assert_int_equal(finding->high, missing[i].high);
            assert_int_equal(finding->low, missing[i].low);
            assert_int_equal(finding->seen, 0);
            assert_int_equal(finding->wanted, 1);
            assert_int_equal(finding->cpu, 2);
            assert_int_not_equal(finding->severity, SEVERITY_REFUSAL);
        }
    }
}

/* IA32_VMX_EPT_VPID_CAP: 26:0 are about EPT, 32 and 43:40 about INVVPID. */
static void each_capability_bit_wants_its_control(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        struct vmx_msrs msrs = full_msrs();
        struct findings findings;

        clear_bits(&msrs, 0x48b, (1ull << 1 | 1ull << 5) << 32);
        vmx_msr_set(&msrs, 0x48c, 1ull << bit);
        findings = check(&msrs);
        assert_int_equal(has(&findings, RULE_MSR_WITHOUT_CONTROL, "EPT"), bit <= 26);
        assert_int_equal(has(&findings, RULE_MSR_WITHOUT_CONTROL, "INVVPID"),
                         bit == 32 || (bit >= 40 && bit <= 43));
    }
}

/* All of 0x493 gone: what stands in it, and the entry controls that have their other half there. */
static void secondary_exit_controls_that_are_empty(void **state)
{
    struct vmx_msrs msrs = full_msrs();
    struct findings findings;

    (void)state;
    clear_bits(&msrs, 0x493, ~0ull);
    findings = check(&msrs);
    assert_int_equal(findings.count, 3);
    assert_true(has(&findings, RULE_CONTROL_WITHOUT_MSR, "activate secondary controls"));
    assert_true(has(&findings, RULE_CONTROL_UNPAIRED, "entry: load FRED"));
    assert_true(has(&findings, RULE_CONTROL_UNPAIRED, "entry: load IA32_SPEC_CTRL"));
}

static void an_msr_without_a_value_is_not_checked(void **state)
{
    (void)state;
    for (uint32_t msr = 0x480; msr <= 0x493; msr++) {
        struct vmx_msrs msrs = full_msrs();

        forget(&msrs, msr);
        if (msr >= 0x481 && msr <= 0x484)
            forget(&msrs, msr + 12);
        assert_int_equal(check(&msrs).count, 0);
    }
    for (uint32_t plain = 0x481; plain <= 0x484; plain++) {
        struct vmx_msrs msrs = full_msrs();

        forget(&msrs, plain);
        assert_int_equal(check(&msrs).count, 0);
    }
}

/* Then each word has one MSR, which cannot differ from itself. */
static void without_true_msrs_there_is_nothing_to_compare(void **state)
{
    struct vmx_msrs msrs = full_msrs();

    (void)state;
    clear_bits(&msrs, 0x480, 1ull << 55);
    assert_int_equal(check(&msrs).count, 0);
    clear_bits(&msrs, 0x481, 2); /* of the default1 class */
    assert_int_equal(check(&msrs).count, 0);
}

/* Without the control that activates them there are no secondary controls, whatever stands there.
 */
static void controls_that_cannot_be_activated_count_as_not_there(void **state)
{
    struct vmx_msrs msrs = full_msrs();
    struct findings findings;

    (void)state;
    clear_bits(&msrs, 0x482, 1ull << 63);
    findings = check(&msrs);
    assert_true(has(&findings, RULE_MSR_WITHOUT_CONTROL, "EPT"));
    assert_true(has(&findings, RULE_MSR_WITHOUT_CONTROL, "INVVPID"));
    assert_true(has(&findings, RULE_CONTROL_NEEDS, "process posted interrupts"));
}

static void true_and_plain_must_allow_the_same(void **state)
{
    static const char *const names[] = {"pin-based VM-execution controls",
                                        "primary processor-based VM-execution controls",
                                        "VM-exit controls", "VM-entry controls"};

    (void)state;
    for (uint32_t word = 0; word < 4; word++) {
        for (int exact = 0; exact < 2; exact++) {
            struct vmx_msrs msrs = full_msrs();
            uint32_t msr = 0x481 + word + (exact ? 12 : 0);
            struct findings findings;

            /* Bit 1 of every word is of the default1 class; nothing else depends on it. */
            vmx_msr_set(&msrs, msr, vmx_msr_value(&msrs, msr) & ~(1ull << 33));
            findings = check(&msrs);
            assert_int_equal(findings.count, 1);
            assert_int_equal(findings.item[0].rule, RULE_MSR_TRUE_ALLOWED_1);
            assert_int_equal(findings.item[0].high, 63);
            assert_int_equal(findings.item[0].low, 32);
            assert_int_equal(findings.item[0].msr, 0x48d + word);
            assert_int_equal(findings.item[0].seen & 2, exact ? 0 : 2);
            assert_int_equal(findings.item[0].seen ^ findings.item[0].wanted, 2);
            assert_string_equal(findings.item[0].detail, names[word]);
        }
    }
}

static void plain_must_force_what_true_forces_and_default1(void **state)
{
    (void)state;
    for (uint32_t word = 0; word < 4; word++) {
        for (int both = 0; both < 2; both++) {
            struct vmx_msrs msrs = full_msrs();
            uint32_t msr = 0x481 + word;
            struct findings findings;

            /* Bit 1 no longer forced by the plain MSR; or bit 9 (pin: 7) forced by TRUE alone. */
            if (both)
                vmx_msr_set(&msrs, msr + 12, vmx_msr_value(&msrs, msr + 12) | (word ? 512 : 128));
            else
                vmx_msr_set(&msrs, msr, vmx_msr_value(&msrs, msr) & ~2ull);
            findings = check(&msrs);
            assert_int_equal(findings.count, 1);
            assert_int_equal(findings.item[0].rule, RULE_MSR_TRUE_DEFAULT1);
            assert_int_equal(findings.item[0].high, 31);
            assert_int_equal(findings.item[0].low, 0);
            assert_int_equal(findings.item[0].msr, msr);
            assert_int_equal(findings.item[0].seen ^ findings.item[0].wanted,
                             both ? (word ? 512 : 128) : 2);
        }
    }
}

/* No values make it stumble: random ones, near a whole machine's and far from any. */
static void no_values_are_too_odd(void **state)
{
    uint64_t seed = 0x1234567;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct vmx_msrs msrs = full_msrs();
        struct findings findings;

        msrs.present = (uint32_t)random_next(&seed) & 0xfffff;
        for (int i = 0; i < VMX_MSR_COUNT; i++)
            msrs.value[i] =
                round & 1 ? random_next(&seed) : msrs.value[i] ^ 1ull << random_below(&seed, 64);
        findings = check(&msrs);
        assert_true(findings.count <= FINDINGS_MAX);
        for (uint32_t f = 0; f < findings.count; f++) {
            assert_true(findings.item[f].rule >= RULE_MSR_TRUE_ALLOWED_1);
            assert_true(findings.item[f].rule <= RULE_CONTROL_UNPAIRED);
            assert_true(vmx_msr_name(findings.item[f].msr) != NULL);
        }
    }
}

static const struct {
    uint8_t word, needs_word;
    uint32_t mask, needs;
} all_needs[] = {
#define CONTROL_NEEDS(id, word, control, needs_word, needs) \
    {VMX_CONTROL_##word, VMX_CONTROL_##needs_word, word##_##control, needs_word##_##needs},
#define CONTROL_USES CONTROL_NEEDS
#define CONTROL_PAIR(entry, exit_word, exit) \
    CONTROL_NEEDS(, ENTRY, entry, exit_word, exit) CONTROL_NEEDS(, exit_word, exit, ENTRY, entry)
#include "vmx/entry/control_needs.def"
};

/* Each need of a control that is wanted is in the core's part of the table: it is turned off. */
static void a_wanted_control_goes_without_what_it_needs(void **state)
{
    static const struct vmx_control_word_text *const words = vmx_control_words;
    unsigned tried = 0;

    (void)state;
    for (uint32_t i = 0; i < sizeof all_needs / sizeof *all_needs; i++) {
        bool in_high_half = all_needs[i].needs_word < VMX_CONTROL_WORD_COUNT;
        uint64_t needs = (uint64_t)all_needs[i].needs << (in_high_half ? 32 : 0);

        for (uint32_t j = 0; j < vmx_control_count; j++) {
            const struct vmx_control *control = &vmx_control_table[j];
            struct vmx_msrs msrs = real_msrs(skylake);
            uint32_t true_msr = vmx_msr_true(&msrs, words[all_needs[i].needs_word].msr);
            uint32_t controls[VMX_CONTROL_WORD_COUNT];
            struct findings findings = {0};

            if (control->word >= VMX_CONTROL_WORD_COUNT || control->want != CONTROL_WANTED ||
                control->word != all_needs[i].word || control->mask != all_needs[i].mask ||
                (control->mask & words[control->word].default1) != 0)
                continue;
            vmx_msr_set(&msrs, true_msr, vmx_msr_value(&msrs, true_msr) & ~needs);
            vmx_controls_derive(&msrs, controls, &findings);
            assert_int_equal(controls[control->word] & control->mask, 0);
            tried++;
        }
    }
    assert_int_equal(tried, 2 + 2 * 2); /* virtual NMIs, unrestricted guest; PAT, EFER both ways */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wanted_control_goes_without_what_it_needs),
        cmocka_unit_test(processors_that_are_fine_show_nothing),
        cmocka_unit_test(each_thing_missing_is_reported_by_all_that_need_it),
        cmocka_unit_test(each_capability_bit_wants_its_control),
        cmocka_unit_test(secondary_exit_controls_that_are_empty),
        cmocka_unit_test(an_msr_without_a_value_is_not_checked),
        cmocka_unit_test(controls_that_cannot_be_activated_count_as_not_there),
        cmocka_unit_test(without_true_msrs_there_is_nothing_to_compare),
        cmocka_unit_test(true_and_plain_must_allow_the_same),
        cmocka_unit_test(plain_must_force_what_true_forces_and_default1),
        cmocka_unit_test(no_values_are_too_odd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
