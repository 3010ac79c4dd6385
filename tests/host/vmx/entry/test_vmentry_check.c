/*
 * The rules of a VM entry: for each at least one image that keeps it and one that breaks it, and
 * what breaks it breaks nothing else but what the trial says. The images that are kept are valid
 * by the SDM's text, the changes are what its sentences forbid.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/host/vmentry_ground.h"
#include "tools/entry/rule_field.h"
#include "lib/x86.h"
#include "lib/wrapped.h"
#include "vmx/entry/vmentry_state.h"
#include "vmx/capability/vmx_controls.h"

static struct vmcs_image image;
static struct vmentry_findings findings;

/* The change turns on a control that this processor has not. */
static bool is_not_offered(enum vmentry_rule rule)
{
    return rule == VMENTRY_PIN_MUST_BE_0 || rule == VMENTRY_PRIMARY_MUST_BE_0 ||
           rule == VMENTRY_SECONDARY_MUST_BE_0 || rule == VMENTRY_ENTRY_MUST_BE_0;
}

/* Tries it on the processor that ground_reset() made; false where that one cannot break the rule.
 */
static bool try_trial(const struct vmentry_trial *trial)
{
    if (!vmentry_trial_keep(&ground, trial, &image))
        return false;
    vmentry_check(&image, &ground_context, &findings);
    if (findings.count != 0)
        return false;
    vmentry_trial_break(&ground, trial, &image);
    vmentry_check(&image, &ground_context, &findings);
    for (uint32_t i = 0; i < findings.count; i++) {
        if (is_not_offered(findings.item[i].rule) &&
            !vmentry_trial_breaks(trial, findings.item[i].rule))
            return false;
    }
    return findings.count != 0;
}

static void every_rule_is_kept_and_broken(void **state)
{
    bool broken[VMENTRY_RULE_COUNT] = {false};
    struct vmentry_trial next = {0};
    const struct vmentry_trial *trial = &next;
    unsigned idle = 0;

    (void)state;
    while (vmentry_trial_next(&next)) {
        bool done = false;

        for (unsigned number = 0; number < GROUND_COUNT; number++) {
            ground_reset(number);
            if (!try_trial(trial))
                continue;
            done = true;
            for (uint32_t j = 0; j < findings.count; j++) {
                if (!vmentry_trial_breaks(trial, findings.item[j].rule))
                    fail_msg("trial %u for %s on processor %u breaks %s", trial->number,
                             vmentry_rule_text(trial->rule).name, number,
                             vmentry_rule_text(findings.item[j].rule).name);
            }
            if (!vmentry_has(&findings, trial->rule))
                fail_msg("trial %u on processor %u does not break %s", trial->number, number,
                         vmentry_rule_text(trial->rule).name);
            broken[trial->rule] = true;
        }
        if (!done) {
            idle++;
            print_error("trial %u for %s can be tried on no processor\n", trial->number,
                        vmentry_rule_text(trial->rule).name);
        }
    }
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        if (!broken[rule])
            print_error("nothing breaks %s\n", vmentry_rule_text(rule).name);
    }
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++)
        assert_true(broken[rule]);
    assert_int_equal(idle, 0);
}

static void every_base_can_be_entered(void **state)
{
    (void)state;
    for (unsigned number = 0; number < GROUND_COUNT; number++) {
        ground_reset(number);
        for (enum vmentry_base base = 0; base < VMENTRY_BASE_COUNT; base++) {
            assert_true(vmentry_base_image(&ground, base, &image));
            vmentry_check(&image, &ground_context, &findings);
            assert_int_equal(vmentry_predict(&findings).class, VMENTRY_ENTERS);
            assert_true(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_ENTERS, 0}));
        }
    }
}

static void a_base_that_is_not_offered_is_refused(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    ground_capability.secondary_allowed1 &= ~(uint64_t)SECONDARY_UNRESTRICTED_GUEST;
    assert_false(vmentry_base_image(&ground, VMENTRY_BASE_REAL, &image));
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG_EPT, &image));
}

static void break_with(enum vmcs_field field, uint64_t value)
{
    vmcs_image_set(&image, field, value);
    vmentry_check(&image, &ground_context, &findings);
}

/* SDM, "Checks on VMX Controls and Host-State Area": any order; then the guest's, then MSRs. */
static void the_class_follows_the_manuals_order(void **state)
{
    const struct vmentry_outcome controls = {VMENTRY_CONTROLS, 0}, host = {VMENTRY_HOST, 0},
                                 guest = {VMENTRY_GUEST, 0}, msr = {VMENTRY_MSR_LOAD, 2},
                                 enters = {VMENTRY_ENTERS, 0};

    (void)state;
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    break_with(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, ground.page[VMENTRY_PAGE_MSRS]);
    break_with(VMCS_VM_ENTRY_MSR_LOAD_COUNT, 3);
    assert_int_equal(vmentry_predict(&findings).class, VMENTRY_MSR_LOAD);
    assert_int_equal(vmentry_predict(&findings).qualification, 2);
    assert_true(vmentry_allows(&findings, msr));
    assert_false(vmentry_allows(&findings, enters));
    assert_false(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_MSR_LOAD, 3}));

    break_with(VMCS_GUEST_RFLAGS, 0);
    assert_int_equal(vmentry_predict(&findings).class, VMENTRY_GUEST);
    assert_true(vmentry_allows(&findings, guest));
    assert_false(vmentry_allows(&findings, msr));
    assert_false(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_GUEST, 2}));

    break_with(VMCS_HOST_TR_SELECTOR, 0);
    assert_int_equal(vmentry_predict(&findings).class, VMENTRY_HOST);
    assert_true(vmentry_allows(&findings, host));
    assert_false(vmentry_allows(&findings, guest));
    assert_false(vmentry_allows(&findings, controls));

    break_with(VMCS_CR3_TARGET_COUNT, 99);
    assert_int_equal(vmentry_predict(&findings).class, VMENTRY_CONTROLS);
    assert_true(vmentry_allows(&findings, controls));
    assert_true(vmentry_allows(&findings, host));
    assert_false(vmentry_allows(&findings, msr));
}

/* SDM, "VM-Entry Failures During or After Loading Guest State": 2 PDPTE, 3 NMI, 4 link pointer. */
static void the_qualification_says_what_it_was(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_PAE_EPT, &image));
    break_with(VMCS_GUEST_PDPTE0, 0x7);
    assert_int_equal(vmentry_predict(&findings).qualification, 2);
    break_with(VMCS_GUEST_PDPTE0, 0);
    break_with(VMCS_LINK_POINTER, 1);
    assert_int_equal(vmentry_predict(&findings).qualification, 4);
    assert_true(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_GUEST, 4}));
    assert_false(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_GUEST, 0}));
    break_with(VMCS_LINK_POINTER, UINT64_MAX);
    vmcs_image_set(&image, VMCS_GUEST_RFLAGS, 0x202);
    vmcs_image_set(&image, VMCS_GUEST_INTERRUPTIBILITY_STATE, 1);
    break_with(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80000202);
    assert_int_equal(vmentry_predict(&findings).qualification, 3);
    /* "A processor may also require": both are right. */
    assert_true(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_GUEST, 3}));
    assert_true(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_ENTERS, 0}));
}

static void is_unchecked(enum vmentry_rule rule)
{
    assert_false(vmentry_has(&findings, rule));
    assert_true(vmentry_is_unchecked(&findings, rule));
    assert_true(findings.unread > 0);
}

static void is_checked_whole(void)
{
    unsigned entered = 0;

    for (enum vmentry_base base = 0; base < VMENTRY_BASE_COUNT; base++) {
        if (!vmentry_base_image(&ground, base, &image))
            continue;
        entered++;
        vmentry_check(&image, &ground_context, &findings);
        for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
            if (vmentry_is_unchecked(&findings, rule))
                fail_msg("%s: %s", vmentry_base_name(base), vmentry_rule_text(rule).name);
        }
        assert_int_equal(findings.unread, 0);
    }
    assert_true(entered > 0);
}

/* A rule looks at no field that its processor may lack before it knows that the field counts. */
static void a_whole_image_is_checked_by_every_rule(void **state)
{
    (void)state;
    for (unsigned number = 0; number < GROUND_COUNT; number++) {
        ground_reset(number);
        is_checked_whole();
        ground_capability.secondary_allowed1 = ground_capability.secondary_allowed0;
        is_checked_whole();
        ground_capability.primary_allowed1 &=
            ~(uint64_t)(PRIMARY_SECONDARY_CONTROLS | PRIMARY_TERTIARY_CONTROLS);
        ground_capability.entry_allowed1 =
            ground_capability.entry_allowed0 | ENTRY_IA32E_MODE_GUEST;
        ground_capability.exit_allowed1 =
            ground_capability.exit_allowed0 | EXIT_HOST_ADDRESS_SPACE_SIZE;
        is_checked_whole();
    }
}

/* 0x4000 is not among the pages that can be read here. Each of these rules is about memory. */
static void what_cannot_be_read_is_not_checked(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    vmcs_image_set(&image, VMCS_VM_ENTRY_MSR_LOAD_COUNT, 1);
    break_with(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, 0x4000);
    assert_int_equal(findings.count, 0);
    is_unchecked(VMENTRY_MSR_RESERVED);
    break_with(VMCS_VM_ENTRY_MSR_LOAD_COUNT, 0);
    assert_int_equal(findings.unread, 0);
    break_with(VMCS_LINK_POINTER, 0x4000);
    assert_int_equal(findings.count, 0);
    assert_int_equal(findings.unread, 1);
    is_unchecked(VMENTRY_LINK_POINTER_REVISION);
    break_with(VMCS_LINK_POINTER, UINT64_MAX);
    vmcs_image_set(&image, VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
                   vmcs_image_get(&image, VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) |
                       PRIMARY_TPR_SHADOW);
    break_with(VMCS_VIRTUAL_APIC_ADDRESS, 0x4000);
    assert_int_equal(findings.count, 0);
    is_unchecked(VMENTRY_TPR_THRESHOLD_VTPR);
    ground_context.read = NULL;
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_PAE, &image));
    break_with(VMCS_GUEST_CR3, ground.page[VMENTRY_PAGE_PDPTES]);
    assert_int_equal(findings.count, 0);
    assert_int_equal(findings.unread, 1);
    is_unchecked(VMENTRY_PDPTE_MEMORY);
}

/* 0 in these fields would break each of these rules; that they are not in the image breaks none. */
static void a_field_that_is_not_there_is_not_0(void **state)
{
    static const struct {
        enum vmcs_field field;
        enum vmentry_rule rule;
    } rows[] = {
        {VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, VMENTRY_PIN_MUST_BE_1},
        {VMCS_HOST_CS_SELECTOR, VMENTRY_HOST_SELECTOR_NULL},
        {VMCS_HOST_CR4, VMENTRY_HOST_CR4_FIXED},
        {VMCS_GUEST_RFLAGS, VMENTRY_GUEST_RFLAGS_BIT_1},
        {VMCS_GUEST_TR_ACCESS_RIGHTS, VMENTRY_TR_TYPE},
    };

    (void)state;
    ground_reset(GROUND_ALL);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
        break_with(rows[i].field, 0);
        assert_true(vmentry_has(&findings, rows[i].rule));
        image.present[vmcs_field_index(rows[i].field)] = false;
        vmentry_check(&image, &ground_context, &findings);
        assert_int_equal(findings.count, 0);
        is_unchecked(rows[i].rule);
    }
}

/* At the edges of what the manual's sentences forbid. */
static void what_is_odd_but_allowed_passes(void **state)
{
    static const struct {
        enum vmentry_base base;
        enum vmcs_field field;
        uint64_t value;
    } edges[] = {
        {VMENTRY_BASE_LONG, VMCS_GUEST_RIP, 1ull << 47},         /* bit N-1 may differ from bit N */
        {VMENTRY_BASE_LONG, VMCS_GUEST_RIP, 0xffff000000000000}, /* and the other way round */
        {VMENTRY_BASE_LONG, VMCS_GUEST_FS_BASE,
         0xffff800000000000}, /* the lowest of the upper half */
        {VMENTRY_BASE_LONG, VMCS_GUEST_CR3, (1ull << GROUND_WIDTH) - 1},
        {VMENTRY_BASE_LONG, VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0x500f},
        {VMENTRY_BASE_LONG, VMCS_GUEST_ACTIVITY_STATE, 3},
        {VMENTRY_BASE_LONG, VMCS_GUEST_LDTR_SELECTOR, 4}, /* TI, of an LDTR that is unusable */
        {VMENTRY_BASE_PROTECTED, VMCS_GUEST_RIP, 0xffffffff},
        {VMENTRY_BASE_PROTECTED, VMCS_GUEST_TR_ACCESS_RIGHTS, 0x83}, /* a 16-bit TSS */
        {VMENTRY_BASE_REAL, VMCS_GUEST_CS_ACCESS_RIGHTS, 0x93},      /* CS as data */
        {VMENTRY_BASE_PAE_EPT, VMCS_GUEST_PDPTE2, 0x1e6},            /* not present */
        {VMENTRY_BASE_LONG, VMCS_GUEST_CR3, 3ull << 61},             /* linear-address masking */
        {VMENTRY_BASE_LONG, VMCS_HOST_CR3, 3ull << 61},
        {VMENTRY_BASE_LONG, VMCS_GUEST_CR0, 0xe0000031}, /* NW and CD */
        {VMENTRY_BASE_LONG, VMCS_HOST_CR0, 0xe0000031},
        {VMENTRY_BASE_LONG, VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0x1000},
        {VMENTRY_BASE_LONG_EPT, VMCS_GUEST_CR3, 1ull << GROUND_WIDTH}, /* guest-physical */
        {VMENTRY_BASE_PAE_EPT, VMCS_GUEST_PDPTE0, 1ull << GROUND_WIDTH | 1},
        {VMENTRY_BASE_LONG, VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80002306}, /* nested #UD */
    };

    (void)state;
    ground_reset(GROUND_ALL);
    ground_capability.cr0_fixed1 &= ~(uint64_t)(CR0_NW | CR0_CD);
    for (unsigned i = 0; i < sizeof edges / sizeof *edges; i++) {
        assert_true(vmentry_base_image(&ground, edges[i].base, &image));
        break_with(edges[i].field, edges[i].value);
        if (findings.count != 0)
            fail_msg("edge %u breaks %s", i, vmentry_rule_text(findings.item[0].rule).name);
    }
}

/*
 * A processor with 57-bit linear addresses. Bit 47 alone set is canonical in 57 bits and not in 48;
 * bit 56 alone in neither. RIP is checked by the host's CR4.LA57, which the VM exit loads; a base
 * by what the processor has.
 */
static void host_rip_is_checked_by_the_paging_mode_of_the_host(void **state)
{
    uint64_t cr4;

    (void)state;
    ground_reset(GROUND_ALL);
    ground_context.linear_address_width = 57;
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    cr4 = vmcs_image_get(&image, VMCS_HOST_CR4);
    break_with(VMCS_HOST_RIP, 1ull << 47);
    assert_int_equal(findings.count, 1);
    assert_int_equal(findings.item[0].rule, VMENTRY_HOST_64_RIP);
    assert_int_equal(findings.item[0].wanted, 0xffff800000000000);
    break_with(VMCS_HOST_CR4, cr4 | 1ull << 12);
    assert_int_equal(findings.count, 0);
    break_with(VMCS_HOST_RIP, 1ull << 56);
    assert_int_equal(findings.count, 1);
    assert_int_equal(findings.item[0].rule, VMENTRY_HOST_64_RIP);
    break_with(VMCS_HOST_RIP, 0);
    vmcs_image_set(&image, VMCS_HOST_CR4, cr4);
    break_with(VMCS_HOST_FS_BASE, 1ull << 47);
    assert_int_equal(findings.count, 0);
    break_with(VMCS_HOST_FS_BASE, 1ull << 56);
    assert_int_equal(findings.count, 1);

    /* A processor with 48 bits has no other mode. */
    ground_context.linear_address_width = 48;
    vmcs_image_set(&image, VMCS_HOST_FS_BASE, 0);
    break_with(VMCS_HOST_RIP, 1ull << 47);
    assert_int_equal(findings.count, 1);
    assert_int_equal(findings.item[0].rule, VMENTRY_HOST_64_RIP);
}

/* What is allowed by one bit elsewhere, and without it is not. */
static void what_depends_on_the_processor_is_asked_of_it(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    ground_context.lam = false;
    break_with(VMCS_GUEST_CR3, 1ull << 61);
    assert_true(vmentry_has(&findings, VMENTRY_GUEST_CR3_WIDTH));
    break_with(VMCS_GUEST_CR3, 1ull << GROUND_WIDTH); /* no EPT: not a guest-physical address */
    assert_true(vmentry_has(&findings, VMENTRY_GUEST_CR3_WIDTH));
    break_with(VMCS_GUEST_CR3, 0);
    break_with(VMCS_HOST_CR3, 1ull << 62);
    assert_true(vmentry_has(&findings, VMENTRY_HOST_CR3_WIDTH));
    vmcs_image_set(&image, VMCS_HOST_CR3, 0);

    /* SYSCALL as an other event: only for a guest with FRED. */
    vmcs_image_set(&image, VMCS_VM_ENTRY_INSTRUCTION_LENGTH, 2);
    break_with(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80000701);
    assert_true(vmentry_has(&findings, VMENTRY_EVENT_VECTOR));
    break_with(VMCS_GUEST_CR4, vmcs_image_get(&image, VMCS_GUEST_CR4) | CR4_FRED);
    assert_int_equal(findings.count, 0);
    /* A pending MTF exit: only where there is a monitor trap flag; FRED alone has no vector 0. */
    break_with(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80000700);
    assert_int_equal(findings.count, 0);
    ground_capability.primary_allowed1 &= ~(uint64_t)PRIMARY_MONITOR_TRAP_FLAG;
    break_with(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80000700);
    assert_int_equal(findings.count, 1);
    assert_true(vmentry_has(&findings, VMENTRY_EVENT_VECTOR));
    assert_int_equal(findings.item[0].wanted & 0xff, 1);
}

/*
 * "If the 'IPI virtualization' VM-execution control is 1": the table's address, and that plus 8
 * times the last index, set no bit beyond the physical-address width. Where the table begins beyond
 * it, that is what is wrong, and nothing else is reported.
 */
static void the_last_entry_of_the_pid_table_is_within_the_width(void **state)
{
    const uint64_t end = 1ull << GROUND_WIDTH;
    static const uint16_t last[] = {0, 1, 511, UINT16_MAX};

    (void)state;
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    vmcs_image_set(&image, VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
                   vmcs_image_get(&image, VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) |
                       PRIMARY_TERTIARY_CONTROLS);
    vmcs_image_set(&image, VMCS_TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
                   TERTIARY_IPI_VIRTUALIZATION);
    for (unsigned i = 0; i < sizeof last / sizeof *last; i++) {
        vmcs_image_set(&image, VMCS_LAST_PID_POINTER_INDEX, last[i]);
        break_with(VMCS_PID_POINTER_TABLE_ADDRESS, end - 8 - 8 * (uint64_t)last[i]);
        assert_false(vmentry_has(&findings, VMENTRY_PID_POINTER_TABLE_END));
        break_with(VMCS_PID_POINTER_TABLE_ADDRESS, 0x1000);
        assert_false(vmentry_has(&findings, VMENTRY_PID_POINTER_TABLE_END));
        break_with(VMCS_PID_POINTER_TABLE_ADDRESS, end - 8 * (uint64_t)last[i]);
        assert_int_equal(vmentry_has(&findings, VMENTRY_PID_POINTER_TABLE_END), last[i] != 0);
        break_with(VMCS_PID_POINTER_TABLE_ADDRESS, end);
        assert_true(vmentry_has(&findings, VMENTRY_PID_POINTER_TABLE));
        assert_false(vmentry_has(&findings, VMENTRY_PID_POINTER_TABLE_END));
    }
}

/* SDM, "Loading MSRs": the exit qualification is the entry that failed. Some need not fail. */
static void an_entry_that_may_be_loaded_need_not_be_the_one(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    vmcs_image_set(&image, VMCS_VM_ENTRY_MSR_LOAD_COUNT, 1);
    break_with(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, ground.page[VMENTRY_PAGE_MSRS] + 0x80);
    assert_true(vmentry_has(&findings, VMENTRY_MSR_MICROCODE));
    assert_true(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_ENTERS, 0}));
    assert_true(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_MSR_LOAD, 1}));
    assert_false(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_MSR_LOAD, 2}));
    /* After it IA32_FS_BASE, which no processor loads. */
    memcpy(ground_memory[VMENTRY_PAGE_MSRS] + 0x90, ground_memory[VMENTRY_PAGE_MSRS] + 0x20, 16);
    break_with(VMCS_VM_ENTRY_MSR_LOAD_COUNT, 2);
    assert_true(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_MSR_LOAD, 1}));
    assert_true(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_MSR_LOAD, 2}));
    assert_false(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_ENTERS, 0}));
    /* And before it: then the processor never comes to the one that it may load. */
    memcpy(ground_memory[VMENTRY_PAGE_MSRS] + 0x70, ground_memory[VMENTRY_PAGE_MSRS] + 0x20, 16);
    break_with(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, ground.page[VMENTRY_PAGE_MSRS] + 0x70);
    assert_true(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_MSR_LOAD, 1}));
    assert_false(vmentry_allows(&findings, (struct vmentry_outcome){VMENTRY_MSR_LOAD, 2}));
}

static bool names(enum vmcs_field field)
{
    for (uint32_t i = 0; i < findings.count; i++) {
        if (findings.item[i].field == field)
            return true;
    }
    return false;
}

/*
 * A processor that does not check some rule comes back to the host that the image describes: so the
 * host of a random image is our own, but for what the findings name.
 */
static void a_random_image_leads_back_to_the_host(void **state)
{
    static struct vmcs_image base;
    unsigned changed = 0;

    (void)state;
    for (uint32_t round = 0; round < 4000; round++) {
        ground_reset(round % GROUND_COUNT);
        if (!vmentry_base_image(&ground, (enum vmentry_base)(round % VMENTRY_BASE_COUNT), &base) ||
            !vmentry_random_image(&ground, &base, round, &image, &findings))
            continue;
        for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
            enum vmcs_field field = vmcs_field_table[i].field;

            if (vmcs_encoding_type(vmcs_field_table[i].field) != VMCS_TYPE_HOST ||
                !((base.value[i] ^ image.value[i]) & ~vmentry_harmless_bits(&base, field)))
                continue;
            changed++;
            if (!names(field))
                fail_msg("round %u leads back through another %s", round, vmcs_field_table[i].name);
        }
    }
    assert_true(changed > 100);
}

/* Any one value that is wanted is a value that would do. */
static void the_wanted_value_keeps_the_rule(void **state)
{
    struct vmentry_trial trial = {0};

    (void)state;
    while (vmentry_trial_next(&trial)) {
        struct vmentry_finding first;

        ground_reset(GROUND_ALL);
        if (!try_trial(&trial) || findings.item[0].entry != 0)
            continue;
        first = findings.item[0];
        /* A word that must first be activated. */
        if (first.field == VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS &&
            !(vmcs_image_get(&image, VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) &
              PRIMARY_SECONDARY_CONTROLS))
            continue;
        /* Seen in memory, not in the field; or a part of the field's value. */
        if (first.rule == VMENTRY_PDPTE_MEMORY || first.rule == VMENTRY_LINK_POINTER_REVISION ||
            first.rule == VMENTRY_CR3_TARGET_COUNT)
            continue;
        break_with(first.field, first.wanted);
        for (uint32_t j = 0; j < findings.count; j++) {
            if (findings.item[j].rule == first.rule && findings.item[j].field == first.field)
                fail_msg("the value wanted by %s breaks it", vmentry_rule_text(first.rule).name);
        }
    }
}

struct capture {
    struct sink sink;
    char text[32768];
    size_t length;
};

static void capture_write(struct sink *sink, const char *text, size_t length)
{
    struct capture *capture = (struct capture *)sink;

    assert_true(capture->length + length < sizeof(capture->text));
    memcpy(capture->text + capture->length, text, length);
    capture->length += length;
}

/* As the first finding is reported. */
static const char *reported(void)
{
    static struct capture capture = {.sink = {capture_write}};

    memset(capture.text, 0, sizeof(capture.text));
    capture.length = 0;
    assert_true(findings.count > 0);
    vmentry_explain(&capture.sink, &findings.item[0]);
    return capture.text;
}

static void a_person_is_reported_rule_values_and_section(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    break_with(VMCS_GUEST_RFLAGS, 0);
    assert_string_equal(reported(),
                        "       guest-rflags-bit-1\n"
                        "         must hold: bit 1 of guest RFLAGS is 1\n"
                        "         Guest RFLAGS: seen 0x0, wanted for example 0x2; set bit 1\n"
                        "         manual: \"Checks on Guest RIP, RFLAGS, and SSP\"\n");
    vmcs_image_set(&image, VMCS_GUEST_RFLAGS, 2);
    vmcs_image_set(&image, VMCS_VM_ENTRY_MSR_LOAD_COUNT, 1);
    break_with(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, ground.page[VMENTRY_PAGE_MSRS] + 0x20);
    assert_non_null(strstr(reported(), "entry 1 of the VM-entry MSR-load area: MSR 0xc0000100\n"));
    break_with(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, ground.page[VMENTRY_PAGE_MSRS] + 0x80);
    assert_non_null(strstr(reported(), "msr-microcode, which a processor need not check\n"));
}

/* Bits by their numbers where some must change, controls by their names where none may be. */
static void a_person_is_reported_which_bits_to_change(void **state)
{
    (void)state;
    ground_reset(GROUND_LITTLE);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG_EPT, &image));
    break_with(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0);
    assert_non_null(
        strstr(reported(), "seen 0x0, wanted for example 0x16;\n         set bits 4, 2:1\n"));
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG_EPT, &image));
    break_with(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 1u << 29 | 1 << 1 | 1 << 17);
    assert_non_null(strstr(reported(), "clear bit 17 (enable PML)"));
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    break_with(VMCS_GUEST_CR3, 1ull << 60 | 1ull << 50 | 3ull << 47);
    assert_non_null(strstr(reported(), " bits 60, 50, 48:47\n"));
    break_with(VMCS_GUEST_CR3, 0x5550ull << 46);
    assert_null(strstr(reported(), "bits 60")); /* too many to be of use */
    break_with(VMCS_GUEST_CR3, 0x5540ull << 46);
    assert_null(strstr(reported(), "bits 60"));
    break_with(VMCS_GUEST_CR3, 0x5500ull << 46);
    assert_non_null(strstr(reported(), " bits 60, 58, 56, 54\n"));
    break_with(VMCS_GUEST_CR3, 0);
    break_with(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 1ull << 63);
    assert_non_null(strstr(reported(), " bit 63\n"));
    break_with(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0);
    /* A number, not bits: 512 of 4. */
    break_with(VMCS_CR3_TARGET_COUNT, 512);
    assert_non_null(strstr(reported(), "wanted for example 0x4\n"));
    /* What stands in memory is not the field's value. */
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    break_with(VMCS_LINK_POINTER, 3);
    assert_non_null(strstr(reported(), "; clear bits 1:0\n"));
    break_with(VMCS_LINK_POINTER, 1);
    assert_non_null(strstr(reported(), "; clear bit 0\n"));
    break_with(VMCS_LINK_POINTER, ground.page[VMENTRY_PAGE_SCRATCH]);
    assert_non_null(strstr(reported(), "the first four bytes in memory at the VMCS link pointer:"));
}

static void no_line_is_too_long_and_each_class_has_its_words(void **state)
{
    struct vmentry_trial trial = {0};

    (void)state;
    while (vmentry_trial_next(&trial)) {
        char rule[512], wrapped[1024];
        struct text_buffer buffer;
        const char *line;

        ground_reset(GROUND_ALL);
        if (!try_trial(&trial))
            continue;
        line = reported();
        format_text(rule, sizeof(rule), "must hold: %s",
                    vmentry_rule_text(findings.item[0].rule).text);
        text_buffer_init(&buffer, wrapped, sizeof(wrapped));
        print_wrapped(&buffer.sink, 9, 78 - 9, rule);
        assert_non_null(strstr(line, wrapped));
        for (const char *end = strchr(line, '\n'); end; end = strchr(line, '\n')) {
            if (end - line > 80)
                fail_msg("%.*s", (int)(end - line), line);
            line = end + 1;
        }
        assert_int_equal(*line, 0);
    }
    assert_non_null(strstr(vmentry_class_text(VMENTRY_CONTROLS), "error 7"));
    assert_non_null(strstr(vmentry_class_text(VMENTRY_HOST), "error 8"));
    assert_non_null(strstr(vmentry_class_text(VMENTRY_GUEST), "reason 33"));
    assert_non_null(strstr(vmentry_class_text(VMENTRY_MSR_LOAD), "reason 34"));
}

static void too_many_findings_are_counted(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    for (uint32_t i = 0; i < VMCS_FIELD_COUNT; i++)
        vmcs_image_set(&image, vmcs_field_table[i].field, 0xaaaaaaaaaaaaaaaa);
    vmentry_check(&image, &ground_context, &findings);
    assert_int_equal(findings.count, VMENTRY_FINDINGS_MAX);
    assert_true(findings.lost > 0);
    assert_int_equal(vmentry_predict(&findings).class, VMENTRY_CONTROLS);
}

static void names_are_distinct_and_sections_known(void **state)
{
    enum vmcs_field field;

    (void)state;
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        assert_true(vmentry_rule_text(rule).text[strlen(vmentry_rule_text(rule).text) - 1] != '.');
        for (enum vmentry_rule other = 0; other < rule; other++)
            assert_string_not_equal(vmentry_rule_text(rule).name, vmentry_rule_text(other).name);
        for (unsigned n = 0; rule_field(rule, n, &field); n++)
            assert_true(vmcs_field_index(field) < VMCS_FIELD_COUNT);
    }
    assert_true(rule_field(VMENTRY_NMI_WINDOW_VIRTUAL_NMIS, 1, &field));
    assert_int_equal(field, VMCS_PIN_BASED_VM_EXECUTION_CONTROLS);
    assert_false(rule_field(VMENTRY_X2APIC_APIC_ACCESSES, 1, &field));
    assert_true(rule_field(VMENTRY_MSR_SMM, 0, &field));
}

static unsigned field_count(enum vmentry_rule rule)
{
    unsigned n = 0;
    enum vmcs_field field;

    while (rule_field(rule, n, &field))
        n++;
    return n;
}

/* What is left as it was when there is no more field. */
static void fields_end_after_the_last(void **state)
{
    (void)state;
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        for (unsigned behind = 0; behind < 3; behind++) {
            enum vmcs_field field = VMCS_HOST_RIP;
            bool code = vmentry_forms[rule].kind == FORM_CODE;

            assert_false(rule_field(rule, field_count(rule) + behind, &field));
            if (code)
                assert_int_equal(field, VMCS_HOST_RIP);
        }
    }
    /* Allowed settings are about one word; a control and what it needs about one or two. */
    assert_int_equal(field_count(VMENTRY_PIN_MUST_BE_1), 1);
    assert_int_equal(field_count(VMENTRY_PIN_MUST_BE_0), 1);
    assert_int_equal(field_count(VMENTRY_NMI_WINDOW_VIRTUAL_NMIS), 2);
    assert_int_equal(field_count(VMENTRY_X2APIC_APIC_ACCESSES), 1);
    assert_int_equal(field_count(VMENTRY_MSR_SMM), 1);
}

/*
 * SDM Vol. 3, chapter "VM Entries": each section's rules stand together; here its title, how a
 * processor reports that one is broken, and the last of them.
 */
static const struct {
    const char *section;
    enum vmentry_class class;
    enum vmentry_rule last;
} sections[] = {
    {"VM-Execution Control Fields", VMENTRY_CONTROLS, VMENTRY_APIC_TIMER_VECTOR},
    {"VM-Exit Control Fields", VMENTRY_CONTROLS, VMENTRY_EXIT_MSR_LOAD_END},
    {"VM-Entry Control Fields", VMENTRY_CONTROLS, VMENTRY_ENTRY_MSR_LOAD_END},
    {"Checks on Host Control Registers, MSRs, and SSP", VMENTRY_HOST, VMENTRY_HOST_SPEC_CTRL},
    {"Checks on Host Segment and Descriptor-Table Registers", VMENTRY_HOST,
     VMENTRY_HOST_BASE_CANONICAL},
    {"Checks Related to Address-Space Size", VMENTRY_HOST, VMENTRY_HOST_SSP_SIZE},
    {"Checks on Guest Control Registers, Debug Registers, and MSRs", VMENTRY_GUEST,
     VMENTRY_GUEST_SPEC_CTRL},
    {"Checks on Guest Descriptor-Table Registers", VMENTRY_GUEST, VMENTRY_GUEST_TABLE_LIMIT},
    {"Checks on Guest RIP, RFLAGS, and SSP", VMENTRY_GUEST, VMENTRY_GUEST_SSP_IDENTICAL},
    {"Loading Guest RIP, RSP, RFLAGS, and SSP", VMENTRY_GUEST, VMENTRY_GUEST_SSP_HIGH},
    {"Checks on Guest Segment Registers", VMENTRY_GUEST, VMENTRY_TR_UNUSABLE},
    {"Checks on Guest Non-Register State", VMENTRY_GUEST, VMENTRY_LINK_POINTER_CURRENT},
    {"Checks on Guest Page-Directory-Pointer-Table Entries", VMENTRY_GUEST, VMENTRY_PDPTE_MEMORY},
    {"Loading MSRs", VMENTRY_MSR_LOAD, VMENTRY_MSR_WRITE_FAULT},
};

static void each_rule_stands_in_its_section(void **state)
{
    unsigned in = 0;

    (void)state;
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        assert_string_equal(vmentry_rule_text(rule).section, sections[in].section);
        assert_int_equal(vmentry_rule_text(rule).class, sections[in].class);
        /* "May": the high half of SSP, an NMI behind STI, microcode. */
        assert_int_equal(vmentry_rule_text(rule).may, rule == VMENTRY_GUEST_SSP_HIGH ||
                                                          rule == VMENTRY_BLOCKING_NMI_STI ||
                                                          rule == VMENTRY_MSR_MICROCODE);
        in += rule == sections[in].last;
    }
    assert_int_equal(in, sizeof sections / sizeof *sections);
}

/* SDM, "VM-Entry Control Fields": of an event that is not valid nothing is asked. */
static void an_event_that_is_not_valid_may_be_anything(void **state)
{
    static const uint8_t vectors[] = {0, 2, 3, 4, 8, 13, 14, 18, 21, 31};
    static const enum vmentry_base bases[] = {VMENTRY_BASE_LONG, VMENTRY_BASE_REAL};

    (void)state;
    ground_reset(GROUND_ALL);
    for (unsigned i = 0; i < 2 * 2 * 8 * sizeof vectors; i++) {
        uint64_t event = vectors[i / 32] | (i & 7) << 8 | (i & 8) << 8;

        ground_capability.any_event_error_code = i & 16;
        for (unsigned base = 0; base < 2; base++) {
            assert_true(vmentry_base_image(&ground, bases[base], &image));
            break_with(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, event);
            assert_int_equal(findings.count, 0);
            break_with(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, event | 0x7ffff000);
            assert_int_equal(findings.count, 0);
        }
    }
}

/*
 * SDM, "Checks on Host Control Registers, MSRs, and SSP": LMA (bit 10) and LME (bit 8) are each the
 * same as "host address-space size" (bit 9 of the VM-exit controls; 21 loads IA32_EFER).
 */
static void the_hosts_efer_is_that_of_its_address_space(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    for (unsigned i = 0; i < 32; i++) {
        uint64_t efer = (i & 1) | (i & 2 ? 1 << 8 : 0) | (i & 4 ? 1 << 10 : 0) | (i & 8) << 8;
        uint64_t both = 1 << 8 | 1 << 10, wanted = i & 16 ? efer | both : efer & ~both;
        uint64_t controls;

        assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
        controls = vmcs_image_get(&image, VMCS_PRIMARY_VM_EXIT_CONTROLS) | 1 << 21;
        vmcs_image_set(&image, VMCS_HOST_IA32_EFER, efer);
        break_with(VMCS_PRIMARY_VM_EXIT_CONTROLS,
                   i & 16 ? controls | 1 << 9 : controls & ~(uint64_t)(1 << 9));
        assert_int_equal(vmentry_has(&findings, VMENTRY_HOST_EFER_LONG_MODE), wanted != efer);
        for (uint32_t j = 0; j < findings.count; j++) {
            if (findings.item[j].rule == VMENTRY_HOST_EFER_LONG_MODE)
                assert_int_equal(findings.item[j].wanted, wanted);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_kept_and_broken),
        cmocka_unit_test(fields_end_after_the_last),
        cmocka_unit_test(the_hosts_efer_is_that_of_its_address_space),
        cmocka_unit_test(each_rule_stands_in_its_section),
        cmocka_unit_test(an_event_that_is_not_valid_may_be_anything),
        cmocka_unit_test(every_base_can_be_entered),
        cmocka_unit_test(a_base_that_is_not_offered_is_refused),
        cmocka_unit_test(the_class_follows_the_manuals_order),
        cmocka_unit_test(the_qualification_says_what_it_was),
        cmocka_unit_test(a_whole_image_is_checked_by_every_rule),
        cmocka_unit_test(what_cannot_be_read_is_not_checked),
        cmocka_unit_test(a_field_that_is_not_there_is_not_0),
        cmocka_unit_test(what_is_odd_but_allowed_passes),
        cmocka_unit_test(host_rip_is_checked_by_the_paging_mode_of_the_host),
        cmocka_unit_test(what_depends_on_the_processor_is_asked_of_it),
        cmocka_unit_test(the_last_entry_of_the_pid_table_is_within_the_width),
        cmocka_unit_test(an_entry_that_may_be_loaded_need_not_be_the_one),
        cmocka_unit_test(a_random_image_leads_back_to_the_host),
        cmocka_unit_test(the_wanted_value_keeps_the_rule),
        cmocka_unit_test(a_person_is_reported_rule_values_and_section),
        cmocka_unit_test(a_person_is_reported_which_bits_to_change),
        cmocka_unit_test(no_line_is_too_long_and_each_class_has_its_words),
        cmocka_unit_test(too_many_findings_are_counted),
        cmocka_unit_test(names_are_distinct_and_sections_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
