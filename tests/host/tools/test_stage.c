/*
 * Which stage a CPU reaches: what each stage needs, taken away piece by piece from a machine that
 * has all of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/full_msrs.h"
#include "tests/host/real_msrs.h"
#include "tools/capability/stage.h"
#include "tools/capability/vmx_feature.h"

static struct stage_report check(const struct vmx_dump *dump)
{
    struct stage_report report;

    stage_check(dump, VMX_CHECK_KVM, &report);
    return report;
}

static void every_requirement_names_a_feature_and_says_why(void **state)
{
    (void)state;
    assert_true(stage_requirement_count >= 15);
    for (uint32_t i = 0; i < stage_requirement_count; i++) {
        const struct stage_requirement *row = &stage_requirements[i];

        assert_non_null(vmx_feature_find(row->feature));
        assert_true(strlen(row->why) > 20);
        assert_int_not_equal(row->why[strlen(row->why) - 1], '.');
        assert_true(row->stage > STAGE_CAPS && row->stage < STAGE_COUNT);
        assert_true(i == 0 || row->stage >= row[-1].stage);
        assert_true(row->low <= row->high);
    }
}

static void a_machine_that_has_all_reaches_the_end(void **state)
{
    const struct vmx_dump full = {
        .msrs = full_msrs(), .has_feature_control = true, .feature_control = 5};
    const struct vmx_dump real = {.msrs = real_msrs(skylake)};
    struct stage_report report = check(&full);

    (void)state;
    assert_int_equal(report.verdict, STAGE_OK);
    assert_int_equal(report.reached, STAGE_UNRESTRICTED_GUEST);
    assert_int_equal(report.lacking, 0);
    assert_int_equal(report.config.size, 1536);
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        assert_int_equal(report.stage[stage].verdict, STAGE_OK);
        assert_int_equal(report.stage[stage].missing | report.stage[stage].unknown, 0);
    }
    assert_int_equal(check(&real).reached, STAGE_UNRESTRICTED_GUEST);
    assert_int_equal(check(&real).lacking, 1u << 0x11); /* its dump ends before 0x491 */
}

/* Taken away (or set, for what must be 0): the stage still reached, and the feature reported. */
static const struct loss {
    uint32_t msr;
    uint64_t clear, set;
    enum stage reached;
    const char *feature;
} losses[] = {
    {0x480, 0x1fffull << 32, 0, STAGE_CAPS, "basic.size"},
    {0x480, 0, 1ull << 44, STAGE_CAPS, "basic.size"},
    {0x480, 0, 1ull << 48, STAGE_CAPS, "basic.32-bit-addresses"},
    {0x480, 6ull << 50, 0, STAGE_CAPS, "basic.memory-type"},
    {0x480, 0, 1ull << 50, STAGE_CAPS, "basic.memory-type"},
    {0x483, 1ull << 41, 0, STAGE_CAPS, "exit.host-address-space-size"},
    {0x484, 0, 1ull << 10, STAGE_CAPS, "entry.entry-to-smm"},
    {0x484, 0, 1ull << 11, STAGE_CAPS, "entry.deactivate-dual-monitor"},
    {0x482, 1ull << 39, 0, STAGE_VMPTRLD, "primary.hlt-exiting"},
    {0x482, 1ull << 47 | 1ull << 15, 0, STAGE_VMPTRLD, "primary.cr3-load-exiting"},
    {0x482, 1ull << 48 | 1ull << 16, 0, STAGE_VMPTRLD, "primary.cr3-store-exiting"},
    {0x484, 1ull << 41, 0, STAGE_VMPTRLD, "entry.ia32e-mode-guest"},
    {0x482, 1ull << 63, 0, STAGE_GUEST, "primary.secondary-controls"},
    {0x48b, 1ull << 33, 0, STAGE_GUEST, "secondary.ept"},
    {0x48c, 1ull << 6, 0, STAGE_GUEST, "ept.4-level-walk"},
    {0x48c, 1ull << 14, 0, STAGE_GUEST, "ept.write-back"},
    {0x48c, 1ull << 20, 0, STAGE_GUEST, "ept.invept"},
    {0x48c, 1ull << 26, 0, STAGE_GUEST, "ept.invept-all-contexts"},
    {0x48b, 1ull << 39, 0, STAGE_GUEST_EPT, "secondary.unrestricted-guest"},
};

static bool tells(uint32_t requirements, const char *feature)
{
    for (uint32_t i = 0; i < stage_requirement_count; i++) {
        if (requirements >> i & 1 && !strcmp(stage_requirements[i].feature, feature))
            return true;
    }
    return false;
}

static struct vmx_dump without(const struct loss *loss)
{
    struct vmx_dump dump = {.msrs = full_msrs()};

    clear_bits(&dump.msrs, loss->msr, loss->clear);
    vmx_msr_set(&dump.msrs, loss->msr, vmx_msr_value(&dump.msrs, loss->msr) | loss->set);
    if (loss->msr == 0x484) /* its TRUE MSR counts */
        vmx_msr_set(&dump.msrs, 0x490, vmx_msr_value(&dump.msrs, 0x490) | loss->set);
    return dump;
}

static void each_thing_lost_ends_the_way_at_its_stage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        const struct vmx_dump dump = without(&losses[i]);
        struct stage_report report = check(&dump);

        if (report.reached != losses[i].reached)
            fail_msg("without %s: %s", losses[i].feature, stage_name(report.reached));
        assert_int_equal(report.verdict,
                         losses[i].reached == STAGE_CAPS ? STAGE_REFUSED : STAGE_OK);
        for (int stage = 0; stage < STAGE_COUNT; stage++) {
            bool after = stage > (int)losses[i].reached;

            assert_int_equal(report.stage[stage].verdict, after ? STAGE_REFUSED : STAGE_OK);
            if (tells(report.stage[stage].missing, losses[i].feature) != after)
                fail_msg("%s at %s", losses[i].feature, stage_name((enum stage)stage));
            assert_int_equal(report.stage[stage].unknown, 0);
        }
    }
}

/* All of the table is taken away above; what the firmware says, below. */
static void no_requirement_is_forgotten_here(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < stage_requirement_count; i++) {
        bool tried = !strncmp(stage_requirements[i].feature, "feature-control.", 16);

        for (size_t l = 0; l < sizeof(losses) / sizeof(losses[0]); l++)
            tried = tried || !strcmp(losses[l].feature, stage_requirements[i].feature);
        assert_true(tried);
    }
}

static void feature_control_ends_the_way_only_when_locked_off(void **state)
{
    static const struct {
        bool has;
        uint64_t value;
        enum stage_verdict verdict;
    } cases[] = {
        {false, 0, STAGE_OK}, {true, 0, STAGE_OK},      {true, 5, STAGE_OK},
        {true, 4, STAGE_OK},  {true, 1, STAGE_REFUSED}, {true, 3, STAGE_REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct vmx_dump dump = {.msrs = full_msrs(),
                                      .has_feature_control = cases[i].has,
                                      .feature_control = cases[i].value};
        struct stage_report report = check(&dump);
        bool refused = cases[i].verdict == STAGE_REFUSED;

        assert_int_equal(report.verdict, cases[i].verdict);
        assert_int_equal(report.reached, refused ? STAGE_CAPS : STAGE_UNRESTRICTED_GUEST);
        assert_int_equal(
            tells(report.stage[STAGE_VMXON].missing, "feature-control.vmx-outside-smx"), refused);
    }
}

static void what_is_not_known_is_incomplete_and_not_refused(void **state)
{
    struct vmx_dump dump = {.msrs = full_msrs()};
    struct stage_report report;

    (void)state;
    forget(&dump.msrs, 0x480);
    report = check(&dump);
    assert_int_equal(report.verdict, STAGE_INCOMPLETE);
    assert_int_equal(report.reached, STAGE_CAPS);
    assert_int_equal(report.lacking, 1);
    assert_true(tells(report.stage[STAGE_VMXON].unknown, "basic.size"));
    assert_int_equal(report.stage[STAGE_VMXON].missing, 0);

    /* Not known whether there is EPT: the way is known as far as a guest without it. */
    dump.msrs = full_msrs();
    forget(&dump.msrs, 0x48b);
    report = check(&dump);
    assert_int_equal(report.verdict, STAGE_OK);
    assert_int_equal(report.reached, STAGE_GUEST);
    assert_int_equal(report.stage[STAGE_GUEST_EPT].verdict, STAGE_INCOMPLETE);
    assert_int_equal(report.lacking, 1u << 0xb);

    /* Nothing at all. */
    dump = (struct vmx_dump){0};
    report = check(&dump);
    assert_int_equal(report.verdict, STAGE_INCOMPLETE);
    assert_int_equal(report.lacking, 0x7ff);
}

/* Some dumps have the TRUE MSRs alone: they report all that is needed. */
static void true_msrs_alone_are_enough(void **state)
{
    struct vmx_dump dump = {.msrs = full_msrs()};

    (void)state;
    for (uint32_t msr = 0x481; msr <= 0x484; msr++)
        forget(&dump.msrs, msr);
    assert_int_equal(check(&dump).verdict, STAGE_OK);
    assert_int_equal(check(&dump).reached, STAGE_UNRESTRICTED_GUEST);
}

/* A value that does not allow it decides, whatever else is missing. */
/* Each MSR that should be there and is not has its bit, from 480H to 493H. */
static void every_msr_can_be_lacking(void **state)
{
    (void)state;
    for (uint32_t msr = 0x481; msr <= 0x493; msr++) {
        struct vmx_dump dump = {.msrs = full_msrs()};

        forget(&dump.msrs, msr);
        if (vmx_msr_exists(&dump.msrs, msr))
            assert_int_equal(check(&dump).lacking, 1u << (msr - 0x480));
    }
    {
        struct vmx_dump dump = {.msrs = full_msrs()};

        forget(&dump.msrs, 0x493);
        assert_int_equal(check(&dump).lacking, 1u << 19);
    }
}

static void refused_outweighs_incomplete(void **state)
{
    struct vmx_dump dump = {.msrs = full_msrs()};

    (void)state;
    forget(&dump.msrs, 0x483);
    forget(&dump.msrs, 0x48f);
    assert_int_equal(check(&dump).verdict, STAGE_INCOMPLETE);
    vmx_msr_set(&dump.msrs, 0x480, 0x07db060000000015);
    assert_int_equal(check(&dump).verdict, STAGE_REFUSED);
    assert_int_equal(check(&dump).stage[STAGE_GUEST].verdict, STAGE_REFUSED);
}

/* More findings than there is room for: what was lost may have been a refusal. */
static void a_lost_finding_refuses(void **state)
{
    struct vmx_dump dump = {.msrs = full_msrs()};
    struct stage_report report;

    (void)state;
    for (uint32_t msr = 0x48d; msr <= 0x490; msr++)
        vmx_msr_set(&dump.msrs, msr, 0xfffffffffffff1ff);
    vmx_msr_set(&dump.msrs, 0x48b, ~0ull);
    report = check(&dump);
    assert_true(report.findings.lost > 0);
    for (uint32_t i = 0; i < report.findings.count; i++)
        assert_int_not_equal(report.findings.item[i].severity, SEVERITY_REFUSAL);
    assert_int_equal(report.verdict, STAGE_REFUSED);
}

static void stages_and_verdicts_have_names(void **state)
{
    static const char *const names[STAGE_COUNT] = {"caps",  "vmxon",     "vmptrld",
                                                   "guest", "guest-ept", "unrestricted-guest"};

    (void)state;
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        assert_string_equal(stage_name((enum stage)stage), names[stage]);
        assert_true(strlen(stage_title((enum stage)stage)) > 5);
    }
    assert_string_equal(stage_verdict_name(STAGE_OK), "ok");
    assert_string_equal(stage_verdict_name(STAGE_REFUSED), "refused");
    assert_string_equal(stage_verdict_name(STAGE_INCOMPLETE), "incomplete");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_requirement_names_a_feature_and_says_why),
        cmocka_unit_test(a_machine_that_has_all_reaches_the_end),
        cmocka_unit_test(each_thing_lost_ends_the_way_at_its_stage),
        cmocka_unit_test(no_requirement_is_forgotten_here),
        cmocka_unit_test(feature_control_ends_the_way_only_when_locked_off),
        cmocka_unit_test(what_is_not_known_is_incomplete_and_not_refused),
        cmocka_unit_test(true_msrs_alone_are_enough),
        cmocka_unit_test(every_msr_can_be_lacking),
        cmocka_unit_test(refused_outweighs_incomplete),
        cmocka_unit_test(a_lost_finding_refuses),
        cmocka_unit_test(stages_and_verdicts_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
