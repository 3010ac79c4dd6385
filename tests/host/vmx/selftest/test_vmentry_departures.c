/*
 * For which images an emulator departs from the manual: each condition of
 * vmx/selftest/vmentry_departures.c on either side. What each does is in
 * vmx/selftest/departures.def, seen there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/vmentry_ground.h"
#include "vmx/quirks.h"
#include "vmx/selftest/vmentry_departures.h"
#include "vmx/capability/vmx_controls.h"

static struct vmcs_image image;
static enum vmentry_departure departure;

/* An unrestricted guest in 64-bit mode, whose image keeps every rule. */
static int reset(void **state)
{
    (void)state;
    emulators_here = IN_BOCHS;
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG_FREE, &image));
    return 0;
}

static bool departs_by(enum vmentry_departure_kind kind, const struct vmentry_finding *finding)
{
    departure = vmentry_departs(kind, &image, finding);
    return departure != VMENTRY_DEPARTURE_COUNT;
}

static bool departs(struct vmentry_finding finding)
{
    return departs_by(DEPARTURE_LAXER, &finding);
}

static bool is_stricter(void)
{
    return departs_by(DEPARTURE_STRICTER, NULL);
}

static bool is_fatal(enum vmentry_rule rule)
{
    return departs_by(DEPARTURE_FATAL, &(struct vmentry_finding){.rule = rule});
}

static void set(enum vmcs_field field, uint64_t value)
{
    vmcs_image_set(&image, field, value);
}

/* SDM, "Segment Descriptors": access rights 9BH are code, execute and read, DPL 0; bit 2 makes it
 * conforming. L is bit 13. */
static void code_segment(bool conforming, unsigned dpl, unsigned rpl)
{
    set(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b | (conforming ? 4 : 0) | dpl << 5);
    set(VMCS_GUEST_CS_SELECTOR, 8 | rpl);
}

/* Non-conforming: Bochs wants the DPL of CS to be its RPL; conforming: not above it. */
static void a_code_segments_dpl_is_held_against_its_rpl(void **state)
{
    (void)state;
    for (unsigned dpl = 0; dpl < 4; dpl++) {
        for (unsigned rpl = 0; rpl < 4; rpl++) {
            code_segment(false, dpl, rpl);
            assert_int_equal(is_stricter(), dpl != rpl);
            if (dpl != rpl)
                assert_int_equal(departure, DEPARTURE_CS_RPL_FREE);
            code_segment(true, dpl, rpl);
            assert_int_equal(is_stricter(), dpl > rpl);
        }
    }
    /* Not of a data segment, not in virtual-8086 mode, not of a guest that is not free. */
    code_segment(false, 3, 0);
    assert_true(is_stricter());
    set(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc093 | 3 << 5);
    assert_false(is_stricter());
    code_segment(false, 3, 0);
    set(VMCS_GUEST_RFLAGS, 1 << 17 | 2);
    assert_false(is_stricter());
    set(VMCS_GUEST_RFLAGS, 2);
    assert_true(is_stricter());
    set(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 1 << 1);
    assert_false(is_stricter());
}

/* The secondary controls count where bit 31 of the primary ones is 1, and only then. */
static void only_a_free_guests_code_segment_is_unchecked(void **state)
{
    const struct vmentry_finding finding = {.rule = VMENTRY_SEGMENT_CS_DPL_SS};
    uint64_t primary = vmcs_image_get(&image, VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS);

    (void)state;
    assert_true(departs(finding));
    assert_int_equal(departure, DEPARTURE_CS_DPL_FREE);
    set(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, primary & ~(1ull << 31));
    assert_false(departs(finding));
    set(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, primary);
    set(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, ~(1ull << 7));
    assert_false(departs(finding));
    set(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 1ull << 7);
    assert_true(departs(finding));
}

/* In 64-bit mode, with a null selector: any of 0 to 3. */
static void a_null_ss_is_not_looked_at_in_64_bit_mode(void **state)
{
    static const enum vmcs_field others[] = {VMCS_GUEST_DS_BASE, VMCS_GUEST_CS_ACCESS_RIGHTS,
                                             VMCS_GUEST_SS_LIMIT};
    struct vmentry_finding finding = {.rule = VMENTRY_SEGMENT_S,
                                      .field = VMCS_GUEST_SS_ACCESS_RIGHTS};

    (void)state;
    for (unsigned selector = 0; selector < 8; selector++) {
        set(VMCS_GUEST_SS_SELECTOR, selector);
        assert_int_equal(departs(finding), selector < 4);
    }
    set(VMCS_GUEST_SS_SELECTOR, 3);
    assert_true(departs(finding));
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(departs((struct vmentry_finding){VMENTRY_SEGMENT_S, others[i], 0, 0, 0}));
    assert_true(departs(
        (struct vmentry_finding){.rule = VMENTRY_SEGMENT_BASE_HIGH, .field = VMCS_GUEST_SS_BASE}));
    set(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b); /* compatibility mode */
    assert_false(departs(finding));
    set(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b);
    assert_true(departs(finding));
    set(VMCS_VM_ENTRY_CONTROLS, 0x11ff & ~(1u << 9)); /* "IA-32e mode guest" */
    assert_false(departs(finding));
}

/* Each check of it, and of no SS that is not null, whatever the bits. */
static void no_check_of_a_null_ss_is_made(void **state)
{
    static const enum vmentry_rule rules[] = {
        VMENTRY_SEGMENT_SS_TYPE,         VMENTRY_SEGMENT_S,
        VMENTRY_SEGMENT_PRESENT,         VMENTRY_SEGMENT_RESERVED,
        VMENTRY_SEGMENT_GRANULARITY_LOW, VMENTRY_SEGMENT_GRANULARITY_HIGH};

    (void)state;
    for (unsigned i = 0; i < sizeof rules / sizeof *rules; i++) {
        for (unsigned bit = 0; bit < 32; bit++) {
            const struct vmentry_finding finding = {
                .rule = rules[i], .field = VMCS_GUEST_SS_ACCESS_RIGHTS, .seen = 1ull << bit};

            set(VMCS_GUEST_SS_SELECTOR, 3);
            assert_true(departs(finding));
            set(VMCS_GUEST_SS_SELECTOR, 8);
            assert_false(departs(finding));
        }
    }
}

static void vector_18_goes_into_shutdown(void **state)
{
    const struct vmentry_finding finding = {.rule = VMENTRY_ACTIVITY_SHUTDOWN_EVENT};

    (void)state;
    for (unsigned vector = 0; vector < 256; vector++) {
        set(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80000300 | vector);
        assert_int_equal(departs(finding), vector == 18);
    }
}

static void an_event_of_type_7_ends_bochs(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 8; type++) {
        set(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80000000 | type << 8);
        assert_int_equal(is_fatal(VMENTRY_EVENT_TYPE), type == 7);
        if (type == 7)
            assert_int_equal(departure, DEPARTURE_OTHER_EVENT);
        /* Not as one that it lets pass. */
        assert_false(departs((struct vmentry_finding){.rule = VMENTRY_EVENT_TYPE}));
        assert_false(is_fatal(VMENTRY_EVENT_VECTOR));
    }
}

/* What a finding alone decides. */
static void a_finding_says_which_bits_are_meant(void **state)
{
    (void)state;
    /* "Entry to SMM" is bit 10 of the VM-entry controls, "deactivate dual-monitor treatment" 11. */
    assert_true(
        departs((struct vmentry_finding){.rule = VMENTRY_ENTRY_OUTSIDE_SMM, .seen = 1 << 10}));
    assert_false(
        departs((struct vmentry_finding){.rule = VMENTRY_ENTRY_OUTSIDE_SMM, .seen = 1 << 11}));
    assert_false(
        departs((struct vmentry_finding){.rule = VMENTRY_ENTRY_OUTSIDE_SMM, .seen = 3 << 10}));
    assert_true(departs((struct vmentry_finding){
        .rule = VMENTRY_PENDING_RESERVED, .seen = 1ull << 40 | 1, .wanted = 1}));
    assert_false(departs((struct vmentry_finding){
        .rule = VMENTRY_PENDING_RESERVED, .seen = 1ull << 40 | 1 << 5, .wanted = 0}));
    for (unsigned type = 0; type < 16; type++)
        assert_int_equal(departs((struct vmentry_finding){.rule = VMENTRY_SEGMENT_DPL_RPL,
                                                          .seen = 0xa0b0 | type}),
                         type == 11);
    /* "Load CET state" is bit 28 of the VM-exit controls. */
    set(VMCS_PRIMARY_VM_EXIT_CONTROLS, 0x36dff);
    assert_true(departs((struct vmentry_finding){.rule = VMENTRY_HOST_CET_WRITE_PROTECT}));
    set(VMCS_PRIMARY_VM_EXIT_CONTROLS, 0x36dff | 1 << 28);
    assert_false(departs((struct vmentry_finding){.rule = VMENTRY_HOST_CET_WRITE_PROTECT}));
}

/* What stands in no row Bochs checks as the manual says. */
static void all_other_rules_are_checked(void **state)
{
    static const enum vmentry_rule always[] = {VMENTRY_GUEST_RIP_IDENTICAL,
                                               VMENTRY_GUEST_IA32E_PAGING,
                                               VMENTRY_GUEST_DEBUGCTL_RESERVED,
                                               VMENTRY_GUEST_PERF_GLOBAL_CTRL,
                                               VMENTRY_HOST_PERF_GLOBAL_CTRL,
                                               VMENTRY_ACTIVITY_HLT_EVENT,
                                               VMENTRY_BLOCKING_VIRTUAL_NMI,
                                               VMENTRY_BLOCKING_NMI_STI,
                                               VMENTRY_PENDING_BS_MISSING,
                                               VMENTRY_PENDING_BS_FORBIDDEN,
                                               VMENTRY_EVENT_ERROR_CODE_FORBIDDEN,
                                               VMENTRY_MSR_X2APIC,
                                               VMENTRY_MSR_SMM};
    static const enum vmentry_rule never[] = {
        VMENTRY_PIN_MUST_BE_1,  VMENTRY_HOST_SELECTOR_NULL, VMENTRY_GUEST_RFLAGS_BIT_1,
        VMENTRY_MSR_FS_GS_BASE, VMENTRY_EVENT_TYPE,         VMENTRY_LINK_POINTER_REVISION};

    (void)state;
    for (unsigned i = 0; i < sizeof always / sizeof *always; i++) {
        assert_true(departs((struct vmentry_finding){.rule = always[i]}));
        assert_true(departs((struct vmentry_finding){.rule = always[i], .seen = 0x3ff}));
    }
    for (unsigned i = 0; i < sizeof never / sizeof *never; i++)
        assert_false(departs((struct vmentry_finding){.rule = never[i]}));
    code_segment(false, 0, 0);
    assert_false(is_stricter());
}

/*
 * A hypervisor checks controls, host state and MSRs itself, and leaves guest state to what runs its
 * guest: above Bochs are the departures of that class, and no others. KVM's are in no Bochs.
 */
static void above_bochs_are_its_departures_of_guest_state(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VMENTRY_DEPARTURE_COUNT; i++) {
        const struct vmentry_departure_text *row = &vmentry_departure_table[i];

        if (i >= DEPARTURE_RIGHTS_DROPPED)
            assert_int_equal(row->emulators, IN_KVM);
        else
            assert_int_equal(row->emulators, vmentry_rule_text(row->rule).class == VMENTRY_GUEST
                                                 ? IN_BOCHS | ABOVE_BOCHS
                                                 : IN_BOCHS);
    }
}

/* On a processor every rule is checked; and what Bochs does not let a hypervisor run, it checks. */
static void each_departure_is_of_its_emulator(void **state)
{
    const struct vmentry_finding guest = {.rule = VMENTRY_GUEST_RIP_IDENTICAL},
                                 host = {.rule = VMENTRY_HOST_PERF_GLOBAL_CTRL};

    (void)state;
    set(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80000700);
    code_segment(false, 3, 0);
    assert_true(departs(guest) && departs(host));
    assert_true(is_fatal(VMENTRY_EVENT_TYPE));
    emulators_here = ABOVE_BOCHS | IN_KVM;
    assert_true(departs(guest) && !departs(host));
    assert_true(is_stricter());
    assert_false(is_fatal(VMENTRY_EVENT_TYPE));
    for (unsigned emulators = 0; emulators <= IN_KVM; emulators += IN_KVM) {
        emulators_here = emulators;
        assert_false(departs(guest) || departs(host));
        assert_false(is_stricter());
        assert_false(is_fatal(VMENTRY_EVENT_TYPE));
    }
    emulators_here = 0;
    for (unsigned rule = 0; rule < VMENTRY_RULE_COUNT; rule++)
        assert_false(departs((struct vmentry_finding){.rule = (enum vmentry_rule)rule}));
}

/*
 * Linux 6.1, arch/x86/kvm/vmx/nested.c: handle_vmwrite() keeps bits 1F0FFH of access rights;
 * nested_vmx_run() does not run a guest that waits, so of guest state only KVM's own checks are
 * made; nested_vmx_check_vmcs_link_ptr() does not look at the current VMCS's address.
 */
static void what_kvm_leaves_unchecked_is_known(void **state)
{
    const struct vmentry_finding rflags = {.rule = VMENTRY_GUEST_RFLAGS_BIT_1};

    (void)state;
    emulators_here = IN_KVM;
    assert_true(departs((struct vmentry_finding){.rule = VMENTRY_SEGMENT_RESERVED}));
    assert_true(departs((struct vmentry_finding){.rule = VMENTRY_SYSTEM_SEGMENT_RESERVED}));
    for (unsigned bit = 8; bit < 12; bit++) {
        assert_true(
            departs((struct vmentry_finding){.rule = VMENTRY_SEGMENT_RESERVED, .seen = 1u << bit}));
        assert_true(departs(
            (struct vmentry_finding){.rule = VMENTRY_SYSTEM_SEGMENT_RESERVED, .seen = 1u << bit}));
    }
    assert_true(departs((struct vmentry_finding){.rule = VMENTRY_LINK_POINTER_CURRENT}));
    assert_false(departs((struct vmentry_finding){.rule = VMENTRY_LINK_POINTER_REVISION}));
    for (unsigned bit = 0; bit < 32; bit++)
        assert_int_equal(departs((struct vmentry_finding){.rule = VMENTRY_SEGMENT_V8086_RIGHTS,
                                                          .seen = 0xf3 ^ 1u << bit,
                                                          .wanted = 0xf3}),
                         (0x1f0ffu >> bit & 1) == 0);
    /* Active, HLT, shutdown, wait-for-SIPI. */
    for (unsigned activity = 0; activity < 5; activity++) {
        set(VMCS_GUEST_ACTIVITY_STATE, activity);
        assert_int_equal(departs(rflags), activity == 1 || activity == 3);
        assert_false(departs((struct vmentry_finding){.rule = VMENTRY_PIN_MUST_BE_1}));
        assert_false(departs((struct vmentry_finding){.rule = VMENTRY_HOST_SELECTOR_NULL}));
        assert_false(departs((struct vmentry_finding){.rule = VMENTRY_MSR_FS_GS_BASE}));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {
        TEST(a_code_segments_dpl_is_held_against_its_rpl),
        TEST(only_a_free_guests_code_segment_is_unchecked),
        TEST(a_null_ss_is_not_looked_at_in_64_bit_mode),
        TEST(no_check_of_a_null_ss_is_made),
        TEST(vector_18_goes_into_shutdown),
        TEST(an_event_of_type_7_ends_bochs),
        TEST(a_finding_says_which_bits_are_meant),
        TEST(all_other_rules_are_checked),
        TEST(above_bochs_are_its_departures_of_guest_state),
        TEST(each_departure_is_of_its_emulator),
        TEST(what_kvm_leaves_unchecked_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
