/*
 * Which outcomes the manual allows where rules are broken: SDM Vol. 3, "VM Entries": controls and
 * host state are checked first, in any order (VMfailValid 7 or 8); then the guest state (exit
 * reason 33, with a qualification); then MSRs are loaded one by one (exit reason 34, with the
 * number of the entry). All lists of one or two findings are held against these sentences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "vmx/entry/vmentry_check.h"

/* Qualifications of reason 33: 2 PDPTEs, 3 NMI under blocking by STI, 4 VMCS link pointer. `may`:
 * a processor need not check it; the manual says so, or says it elsewhere than among the checks. */
static const struct {
    enum vmentry_rule rule;
    uint32_t entry;
    enum vmentry_class class;
    uint64_t qualification;
    bool may;
} causes[] = {
    {VMENTRY_PIN_MUST_BE_1, 0, VMENTRY_CONTROLS, 0, false},
    {VMENTRY_EPTP_RESERVED, 0, VMENTRY_CONTROLS, 0, false},
    {VMENTRY_HOST_SELECTOR_RPL_TI, 0, VMENTRY_HOST, 0, false},
    {VMENTRY_GUEST_DR7_HIGH, 0, VMENTRY_GUEST, 0, false},
    {VMENTRY_PDPTE_FIELDS, 0, VMENTRY_GUEST, 2, false},
    {VMENTRY_PDPTE_MEMORY, 0, VMENTRY_GUEST, 2, false},
    {VMENTRY_BLOCKING_NMI_STI, 0, VMENTRY_GUEST, 3, true},
    {VMENTRY_LINK_POINTER_ALIGNED, 0, VMENTRY_GUEST, 4, false},
    {VMENTRY_LINK_POINTER_WIDTH, 0, VMENTRY_GUEST, 4, false},
    {VMENTRY_LINK_POINTER_REVISION, 0, VMENTRY_GUEST, 4, false},
    {VMENTRY_LINK_POINTER_CURRENT, 0, VMENTRY_GUEST, 4, false},
    {VMENTRY_MSR_FS_GS_BASE, 1, VMENTRY_MSR_LOAD, 1, false},
    {VMENTRY_MSR_FS_GS_BASE, 3, VMENTRY_MSR_LOAD, 3, false},
    {VMENTRY_MSR_RESERVED, 2, VMENTRY_MSR_LOAD, 2, false},
    {VMENTRY_MSR_MICROCODE, 2, VMENTRY_MSR_LOAD, 2, true},
    {VMENTRY_GUEST_SSP_HIGH, 0, VMENTRY_GUEST, 0, true},
};
enum { CAUSES = sizeof(causes) / sizeof(*causes) };

static struct vmentry_findings findings;

static void find(unsigned first, unsigned second)
{
    findings = (struct vmentry_findings){.count = first == second ? 1 : 2};
    findings.item[0] =
        (struct vmentry_finding){.rule = causes[first].rule, .entry = causes[first].entry};
    findings.item[1] =
        (struct vmentry_finding){.rule = causes[second].rule, .entry = causes[second].entry};
}

static bool may(unsigned cause)
{
    return causes[cause].may;
}

/* Is it this one of the two that is reported, when only one of them is? */
static bool can_be_told(unsigned cause, unsigned other)
{
    bool is_first = causes[cause].class <= VMENTRY_HOST;
    bool other_is_first = causes[other].class <= VMENTRY_HOST;

    if (cause == other || may(other))
        return true;
    if (is_first || other_is_first)
        return is_first;
    if (causes[cause].class != causes[other].class)
        return causes[cause].class < causes[other].class;
    return causes[cause].class == VMENTRY_GUEST ||
           causes[cause].qualification <= causes[other].qualification;
}

static bool allowed(unsigned first, unsigned second, struct vmentry_outcome outcome)
{
    const unsigned pair[] = {first, second};

    if (outcome.class == VMENTRY_ENTERS)
        return may(first) && may(second);
    for (unsigned i = 0; i < 2; i++) {
        bool fits = causes[pair[i]].class == outcome.class &&
                    (outcome.class <= VMENTRY_HOST ||
                     causes[pair[i]].qualification == outcome.qualification);

        if (fits && can_be_told(pair[i], pair[1 - i]))
            return true;
    }
    return false;
}

static void outcomes_are_those_of_the_manual(void **state)
{
    (void)state;
    assert_true(VMENTRY_CONTROLS < VMENTRY_HOST && VMENTRY_HOST < VMENTRY_GUEST &&
                VMENTRY_GUEST < VMENTRY_MSR_LOAD && VMENTRY_MSR_LOAD < VMENTRY_ENTERS);
    for (unsigned first = 0; first < CAUSES; first++) {
        assert_int_equal(vmentry_rule_text(causes[first].rule).class, causes[first].class);
        assert_int_equal(vmentry_rule_text(causes[first].rule).may, causes[first].may);
        for (unsigned second = 0; second < CAUSES; second++) {
            find(first, second);
            for (enum vmentry_class class = VMENTRY_CONTROLS; class <= VMENTRY_ENTERS; class ++) {
                for (uint64_t qualification = 0; qualification < 6; qualification++) {
                    struct vmentry_outcome outcome = {class, qualification};

                    if (vmentry_allows(&findings, outcome) != allowed(first, second, outcome))
                        fail_msg("causes %u and %u, class %d, qualification %u", first, second,
                                 (int)class, (unsigned)qualification);
                }
            }
        }
    }
}

/* What is predicted is allowed, and of the first class that is broken; of MSRs the first entry. */
static void the_prediction_is_the_first_of_what_is_allowed(void **state)
{
    (void)state;
    for (unsigned first = 0; first < CAUSES; first++) {
        for (unsigned second = 0; second < CAUSES; second++) {
            unsigned wanted = causes[second].class < causes[first].class ||
                                      (causes[first].class == VMENTRY_MSR_LOAD &&
                                       causes[second].class == VMENTRY_MSR_LOAD &&
                                       causes[second].qualification < causes[first].qualification)
                                  ? second
                                  : first;
            struct vmentry_outcome outcome;

            find(first, second);
            outcome = vmentry_predict(&findings);
            assert_int_equal(outcome.class, causes[wanted].class);
            assert_int_equal(outcome.qualification, causes[wanted].qualification);
        }
    }
}

/* What stands behind the last finding is none. */
static void without_findings_it_enters(void **state)
{
    struct vmentry_findings nothing;

    (void)state;
    find(CAUSES - 1, CAUSES - 1);
    nothing = findings;
    nothing.count = 0;
    assert_false(vmentry_has(&nothing, causes[CAUSES - 1].rule));
    for (unsigned first = 0; first < CAUSES; first++) {
        for (unsigned behind = 0; behind < CAUSES; behind++) {
            find(first, behind);
            findings.count = 1;
            assert_int_equal(vmentry_predict(&findings).class, causes[first].class);
            assert_int_equal(vmentry_predict(&findings).qualification, causes[first].qualification);
        }
    }
    for (unsigned cause = 0; cause < CAUSES; cause++) {
        find(cause, cause);
        findings.count = 0;
        for (enum vmentry_class class = VMENTRY_CONTROLS; class <= VMENTRY_ENTERS; class ++) {
            struct vmentry_outcome outcome = {class, causes[cause].qualification};

            assert_int_equal(vmentry_allows(&findings, outcome), class == VMENTRY_ENTERS);
        }
    }
    assert_int_equal(vmentry_predict(&nothing).class, VMENTRY_ENTERS);
    for (enum vmentry_class class = VMENTRY_CONTROLS; class <= VMENTRY_ENTERS; class ++) {
        assert_int_equal(vmentry_allows(&nothing, (struct vmentry_outcome){class, 0}),
                         class == VMENTRY_ENTERS);
    }
}

/* A rule that could not be checked may be broken, where guest state is wrong in any case. */
static void the_qualification_may_be_of_what_could_not_be_checked(void **state)
{
    static const struct {
        enum vmentry_rule rule;
        uint64_t qualification;
    } unread[] = {{VMENTRY_PDPTE_MEMORY, 2}, {VMENTRY_LINK_POINTER_REVISION, 4}};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct vmentry_outcome outcome = {VMENTRY_GUEST, unread[i].qualification};

        for (unsigned cause = 0; cause < CAUSES; cause++) {
            find(cause, cause);
            findings.unread = 1;
            findings.unchecked[unread[i].rule / 32] |= 1u << unread[i].rule % 32;
            assert_int_equal(vmentry_allows(&findings, outcome),
                             causes[cause].class == VMENTRY_GUEST);
            assert_int_equal(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_GUEST, 1}),
                             false);
        }
        findings.count = 0;
        assert_false(vmentry_allows(&findings, outcome));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_are_those_of_the_manual),
        cmocka_unit_test(the_prediction_is_the_first_of_what_is_allowed),
        cmocka_unit_test(without_findings_it_enters),
        cmocka_unit_test(the_qualification_may_be_of_what_could_not_be_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
