/*
 * Rules that lack a field and are decided all the same. Nothing is called broken that some value of
 * the fields that are missing makes right, nor kept that some value breaks: what is taken away is
 * one such value. Which rule an image breaks comes from vmx/selftest/vmentry_trials.def.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "lib/x86_registers.h"
#include "tests/host/full_msrs.h"
#include "tests/host/random.h"
#include "tests/host/vmentry_ground.h"
#include "tools/entry/check_entry.h"

static uint64_t seed = 20241128;
static struct vmx_dump cpu_dump;
static const struct entry_cpu cpu = {"full", &cpu_dump, 0};
static struct entry_check check;
static struct vmcs_image image;

static int begin(void **state)
{
    (void)state;
    cpu_dump.msrs = full_msrs();
    image = (struct vmcs_image){.present = {false}};
    return 0;
}

static void set(enum vmcs_field field, uint64_t value)
{
    vmcs_image_set(&image, field, value);
}

static enum rule_state state_of(enum vmentry_rule rule)
{
    check_entry(&image, &cpu, 1, &check);
    check_entry_unknown(&image, &check);
    return check.rule[rule].state;
}

/*
 * "Checks on Guest Control Registers": with "unrestricted guest" PE and PG may be 0. Whether it is
 * on is not known; NE must be 1 in any case.
 */
static void fixed_bits_but_for_those_of_an_unrestricted_guest(void **state)
{
    (void)state;
    set(VMCS_GUEST_CR0, CR0_PE | CR0_PG | CR0_NE);
    assert_int_equal(state_of(VMENTRY_GUEST_CR0_FIXED), RULE_KEPT);
    set(VMCS_GUEST_CR0, CR0_NE);
    assert_int_equal(state_of(VMENTRY_GUEST_CR0_FIXED), RULE_UNKNOWN);
    set(VMCS_GUEST_CR0, 0);
    assert_int_equal(state_of(VMENTRY_GUEST_CR0_FIXED), RULE_BROKEN);
    assert_int_equal(check.findings.count, 1);
    assert_int_equal(check.findings.item[0].field, VMCS_GUEST_CR0);
    assert_int_equal(check.findings.item[0].seen, 0);
    assert_int_equal(check.findings.item[0].wanted, CR0_NE);
    assert_int_equal(check.verdict, VERDICT_REFUSED);
    assert_int_equal(check.outcome.class, VMENTRY_GUEST);
}

static bool looks_at(enum vmentry_rule rule, enum vmcs_field field)
{
    uint32_t row = vmcs_field_index(field);

    return check.rule[rule].looks[row / 32] >> row % 32 & 1;
}

/* What is told of such a rule are the fields that it looks at, not all that are there. */
static void what_is_told_of_a_decided_rule(void **state)
{
    (void)state;
    set(VMCS_GUEST_CR0, 0);
    set(VMCS_GUEST_RIP, 0);
    set(VMCS_HOST_CR3, 0);
    assert_int_equal(state_of(VMENTRY_GUEST_CR0_FIXED), RULE_BROKEN);
    check_entry_needs(&image, &check);
    assert_true(looks_at(VMENTRY_GUEST_CR0_FIXED, VMCS_GUEST_CR0));
    assert_false(looks_at(VMENTRY_GUEST_CR0_FIXED, VMCS_GUEST_RIP));
    assert_false(looks_at(VMENTRY_GUEST_CR0_FIXED, VMCS_HOST_CR3));
}

/*
 * On every CPU that it could be; the corpus has some that let CR4.SMAP be 1, and some that do not,
 * but none on which NE may be 0.
 */
static void on_several_cpus(void **state)
{
    static struct vmx_dump without_smap;
    struct entry_cpu cpus[2] = {cpu, {"without SMAP", &without_smap, 0}};

    (void)state;
    without_smap.msrs = full_msrs();
    vmx_msr_set(&without_smap.msrs, IA32_VMX_CR4_FIXED1,
                vmx_msr_value(&without_smap.msrs, IA32_VMX_CR4_FIXED1) & ~(1ull << 21));
    set(VMCS_GUEST_CR0, 0);
    set(VMCS_GUEST_CR4, CR4_VMXE | 1ull << 21);
    check_entry(&image, cpus, 2, &check);
    check_entry_unknown(&image, &check);
    assert_int_equal(check.rule[VMENTRY_GUEST_CR0_FIXED].state, RULE_BROKEN);
    assert_int_equal(check.rule[VMENTRY_GUEST_CR0_FIXED].breaks, 2);
    assert_int_equal(check.rule[VMENTRY_GUEST_CR4_FIXED].state, RULE_DEPENDS);
}

/* The other way round: the control is known, and of CR0 nothing. */
static void an_unknown_field_that_can_be_right(void **state)
{
    (void)state;
    set(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0x0401e172);
    assert_int_equal(state_of(VMENTRY_GUEST_CR0_FIXED), RULE_UNKNOWN);
    assert_int_equal(check.findings.count, 0);
}

/*
 * "Checks on Guest Segment Registers": in virtual-8086 mode a base is the selector, shifted; where
 * the selector is not known every base that is one is right, and bit 0 is none of it.
 */
static void a_base_whose_selector_is_not_known(void **state)
{
    (void)state;
    set(VMCS_GUEST_RFLAGS, RFLAGS_VM | 2);
    for (unsigned segment = SEGMENT_ES; segment <= SEGMENT_GS; segment++)
        set(vmcs_of_segment(VMCS_GUEST_ES_BASE, segment), 0x12340);
    assert_int_equal(state_of(VMENTRY_SEGMENT_V8086_BASE), RULE_UNKNOWN);
    set(VMCS_GUEST_DS_BASE, 0x12341);
    assert_int_equal(state_of(VMENTRY_SEGMENT_V8086_BASE), RULE_BROKEN);
    assert_int_equal(check.findings.item[0].field, VMCS_GUEST_DS_BASE);
}

/* "VM-Entry Control Fields": an event field without its valid bit injects nothing. */
static void an_event_that_is_none(void **state)
{
    (void)state;
    set(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0xb0d);
    assert_int_equal(state_of(VMENTRY_EVENT_VECTOR), RULE_KEPT);
    assert_int_equal(state_of(VMENTRY_EVENT_INSTRUCTION_LENGTH), RULE_KEPT);
    set(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80000203); /* NMI with vector 3 */
    assert_int_equal(state_of(VMENTRY_EVENT_VECTOR), RULE_BROKEN);
}

/* Not of memory: the link pointer's revision id may be right or wrong. */
static void what_stands_in_memory_is_not_guessed(void **state)
{
    (void)state;
    set(VMCS_LINK_POINTER, 0x1000);
    assert_int_equal(state_of(VMENTRY_LINK_POINTER_REVISION), RULE_UNKNOWN);
}

static void take_some_away(unsigned percent)
{
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++)
        image.present[row] &= random_below(&seed, 100) >= percent;
}

/*
 * Of images that break a rule, and of what they were before, some fields are taken away: each rule
 * is decided as the engine decides it on the whole image, or not at all. A third of them, for time.
 */
static unsigned compare(unsigned percent)
{
    static struct vmentry_findings whole, part;
    unsigned decided = 0;

    check_entry_on(&image, &cpu, MSR_GUESS, &whole);
    take_some_away(percent);
    check_entry_on(&image, &cpu, MSR_GUESS, &part);
    check_entry(&image, &cpu, 1, &check);
    check_entry_unknown(&image, &check);
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        enum rule_state state = check.rule[rule].state;

        if (state == RULE_UNKNOWN || !vmentry_is_unchecked(&part, rule) ||
            vmentry_has(&part, rule) || vmentry_is_unchecked(&whole, rule))
            continue;
        if ((state == RULE_BROKEN) != vmentry_has(&whole, rule))
            fail_msg("%s: %s, on the whole image it is not", vmentry_rule_text(rule).name,
                     state == RULE_BROKEN ? "broken" : "kept");
        decided++;
    }
    return decided;
}

static void decided_as_on_the_whole_image(void **state)
{
    struct vmentry_trial trial = {0};
    unsigned decided = 0;

    (void)state;
    while (vmentry_trial_next(&trial)) {
        ground_reset(GROUND_ALL);
        if (random_below(&seed, 3) != 0 || !vmentry_trial_keep(&ground, &trial, &image))
            continue;
        decided += compare(5 + (unsigned)random_below(&seed, 90));
        (void)vmentry_trial_keep(&ground, &trial, &image);
        vmentry_trial_break(&ground, &trial, &image);
        decided += compare(5 + (unsigned)random_below(&seed, 90));
    }
    assert_true(decided > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fixed_bits_but_for_those_of_an_unrestricted_guest, begin),
        cmocka_unit_test_setup(what_is_told_of_a_decided_rule, begin),
        cmocka_unit_test_setup(on_several_cpus, begin),
        cmocka_unit_test_setup(an_unknown_field_that_can_be_right, begin),
        cmocka_unit_test_setup(a_base_whose_selector_is_not_known, begin),
        cmocka_unit_test_setup(an_event_that_is_none, begin),
        cmocka_unit_test_setup(what_stands_in_memory_is_not_guessed, begin),
        cmocka_unit_test_setup(decided_as_on_the_whole_image, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
