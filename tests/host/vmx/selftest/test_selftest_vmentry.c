/*
 * The self-test of VM entries on the model CPU, whose VM entry here is decided by the rules
 * themselves: no difference where it obeys them; and where it is made to disobey one, that
 * difference, with rule, field and value. On a machine that is Bochs, what Bochs is known
 * to do is a departure, by rule, and everything else still a difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mm/memory_use.h"
#include "mm/page_alloc.h"
#include "mm/memory_type.h"
#include "tests/host/model_cpu.h"
#include "vmx/selftest/selftest.h"
#include "vmx/selftest/selftest_vmentry.h"
#include "vmx/entry/vmentry_rule.h"
#include "vmx/quirks.h"
#include "vmx/selftest/vmentry_trial.h"
#include "vmx/capability/vmx_controls.h"
#include "vmx/entry/vmentry_check.h"

#define MISC_VMWRITE_ANY_FIELD (1ull << 29)

static const struct override_list nothing_overridden = {.count = 0};
static const struct vmx_options options = {
    .check = VMX_CHECK_KVM, .stop = VMX_STAGE_GUEST, .override = &nothing_overridden};
static struct vmx_cpu cpu;
static struct selftest_vmentry selftest;
static struct vmx_capability capability;

/* How the processor disobeys: a rule that it does not check, or what it gives instead. */
static enum vmentry_rule ignored;
static bool gives_other_error, gives_other_reason, faults, is_stricter;

static bool read_page(const struct vmentry_context *context, uint64_t address, void *to,
                      size_t bytes)
{
    (void)context;
    return memory_read(address, to, bytes);
}

static bool write_faults(const struct vmentry_context *context, uint32_t msr, uint64_t value)
{
    (void)context;
    return msr == IA32_PAT && (value & 0xff) == 2;
}

static void forget(struct vmentry_findings *findings, enum vmentry_rule rule)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < findings->count; i++) {
        if (findings->item[i].rule != rule)
            findings->item[kept++] = findings->item[i];
    }
    findings->count = kept;
}

/* Whatever this machine is taken for. */
static bool bochs_refuses(const struct vmcs_image *image)
{
    uint32_t emulators = emulators_here;
    bool refuses;

    emulators_here = IN_BOCHS;
    refuses = vmentry_departs(DEPARTURE_STRICTER, image, NULL) != VMENTRY_DEPARTURE_COUNT;
    emulators_here = emulators;
    return refuses;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): as lib/x86_vmx.h declares it */
struct vmx_flags x86_vm_enter(bool resume, uint64_t host_rip, uint64_t registers[16])
{
    struct vmentry_context context = {.read = read_page, .msr_write_faults = write_faults};
    static struct vmcs_image image;
    static struct vmentry_findings findings;
    struct vmentry_outcome outcome;

    (void)registers;
    assert_false(resume);
    if (faults)
        return (struct vmx_flags){.vector = X86_VECTOR_UD};
    vmcs_image_read(&image, &capability);
    if (host_rip)
        vmcs_image_set(&image, VMCS_HOST_RIP, host_rip);
    vmentry_context_read(&capability, cpu.config.revision_id, &context);
    vmentry_check(&image, &context, &findings);
    forget(&findings, ignored);
    outcome = vmentry_predict(&findings);
    if (is_stricter && outcome.class == VMENTRY_ENTERS && bochs_refuses(&image))
        outcome.class = VMENTRY_GUEST;
    if (outcome.class <= VMENTRY_HOST) {
        (void)x86_vmwrite(VMCS_VM_INSTRUCTION_ERROR, gives_other_error                   ? 4
                                                     : outcome.class == VMENTRY_CONTROLS ? 7
                                                                                         : 8);
        return (struct vmx_flags){.zero = true};
    }
    (void)x86_vmwrite(VMCS_EXIT_QUALIFICATION, outcome.qualification);
    (void)x86_vmwrite(VMCS_EXIT_REASON, outcome.class == VMENTRY_ENTERS  ? 52
                                        : gives_other_reason             ? 1u << 31 | 41
                                        : outcome.class == VMENTRY_GUEST ? 1u << 31 | 33
                                                                         : 1u << 31 | 34);
    return (struct vmx_flags){0};
}

static void set_msr(uint32_t msr, uint64_t value)
{
    model_cpu.msrs.value[msr - VMX_MSR_FIRST] = value;
}

static void reset(uint32_t emulators)
{
    emulators_here = emulators;
    model_cpu_reset();
    set_msr(IA32_VMX_MISC, vmx_msr_value(&model_cpu.msrs, IA32_VMX_MISC) | MISC_VMWRITE_ANY_FIELD);
    cpu = (struct vmx_cpu){.options = &options};
    ignored = VMENTRY_RULE_COUNT;
    gives_other_error = false;
    gives_other_reason = false;
    faults = false;
    is_stricter = false;
    vmx_cpu_check(&cpu, NULL);
    vmx_cpu_enable(&cpu);
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
    vmx_capability_derive(&cpu.msrs, &capability);
}

static bool has_finding(enum rule rule)
{
    for (uint32_t i = 0; i < cpu.findings.count; i++) {
        if (cpu.findings.item[i].rule == rule)
            return true;
    }
    return false;
}

static uint32_t trial_count(void)
{
    struct vmentry_trial trial = {0};
    uint32_t count = 0;

    while (vmentry_trial_next(&trial))
        count++;
    return count;
}

static void a_processor_that_obeys_agrees_in_everything(void **state)
{
    unsigned pages;

    (void)state;
    reset(0);
    pages = model_pages_used();
    selftest_vmentry_run(&cpu, &selftest);
    assert_int_equal(model_pages_used(), pages);
    assert_true(selftest.done);
    assert_int_equal(selftest.differences, 0);
    assert_int_equal(selftest.agreements, selftest.count);
    assert_int_equal(selftest.count + selftest.not_possible, trial_count());
    for (uint32_t i = 0; i < selftest.count;
         i++) { /* each breaks a rule, and comes to what it must */
        assert_int_not_equal(selftest.row[i].predicted.class, VMENTRY_ENTERS);
        assert_int_equal(selftest.row[i].predicted.class, selftest.row[i].seen.class);
        assert_int_equal(selftest.row[i].predicted.qualification,
                         selftest.row[i].seen.qualification);
    }
    assert_true(selftest.rules > 100);
    assert_int_equal(selftest.random_count, SELFTEST_VMENTRY_ROUNDS);
    assert_int_equal(selftest.random_agreements, SELFTEST_VMENTRY_ROUNDS);
    /* The random images are of all kinds. */
    assert_true(selftest.random_by_class[VMENTRY_CONTROLS] > 100);
    assert_true(selftest.random_by_class[VMENTRY_HOST] > 100);
    assert_true(selftest.random_by_class[VMENTRY_GUEST] > 100);
    assert_true(selftest.random_by_class[VMENTRY_ENTERS] > 100);
    assert_false(has_finding(RULE_SELFTEST_ENTRY_DIFFERENCE));
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
}

static void a_rule_that_is_not_checked_is_a_difference(void **state)
{
    (void)state;
    reset(0);
    ignored = VMENTRY_GUEST_RFLAGS_BIT_1;
    selftest_vmentry_run(&cpu, &selftest);
    assert_true(selftest.differences > 0);
    assert_true(selftest.reported > 0);
    assert_false(selftest.difference[0].random);
    assert_int_equal(selftest.difference[0].rule, VMENTRY_GUEST_RFLAGS_BIT_1);
    assert_int_equal(selftest.difference[0].field, VMCS_GUEST_RFLAGS);
    assert_int_equal(selftest.difference[0].value, 0);
    assert_int_equal(selftest.difference[0].predicted.class, VMENTRY_GUEST);
    assert_int_equal(selftest.difference[0].seen.class, VMENTRY_ENTERS);
    assert_true(selftest.difference[selftest.reported - 1].random);
    assert_true(has_finding(RULE_SELFTEST_ENTRY_DIFFERENCE));
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
}

static void what_bochs_is_known_for_is_a_departure_there_alone(void **state)
{
    (void)state;
    reset(IN_BOCHS);
    ignored = VMENTRY_GUEST_RIP_IDENTICAL;
    selftest_vmentry_run(&cpu, &selftest);
    assert_int_equal(selftest.differences, 0);
    assert_true(selftest.departed[DEPARTURE_RIP_IDENTICAL] > 0);
    assert_true(selftest.agreements < selftest.count);

    reset(IN_BOCHS);
    ignored = VMENTRY_GUEST_RFLAGS_BIT_1;
    selftest_vmentry_run(&cpu, &selftest);
    assert_true(selftest.differences > 0);

    reset(0);
    ignored = VMENTRY_GUEST_RIP_IDENTICAL;
    selftest_vmentry_run(&cpu, &selftest);
    assert_true(selftest.differences > 0);
}

/* Bochs also refuses what the manual allows: each such image is counted, and is no difference. */
static void what_bochs_refuses_beyond_the_manual_is_a_departure(void **state)
{
    uint32_t departed = 0;

    (void)state;
    reset(IN_BOCHS);
    is_stricter = true;
    selftest_vmentry_run(&cpu, &selftest);
    assert_int_equal(selftest.differences, 0);
    for (unsigned i = 0; i < VMENTRY_DEPARTURE_COUNT; i++) {
        if (vmentry_departure_table[i].kind == DEPARTURE_STRICTER)
            departed += selftest.departed[i];
    }
    assert_true(departed > 0);

    reset(0);
    is_stricter = true;
    selftest_vmentry_run(&cpu, &selftest);
    assert_true(selftest.differences > 0);
}

static void an_outcome_of_another_kind_is_a_difference(void **state)
{
    (void)state;
    reset(0);
    gives_other_error = true;
    selftest_vmentry_run(&cpu, &selftest);
    assert_int_equal(selftest.difference[0].seen.class, VMENTRY_CLASS_COUNT);
    assert_int_equal(selftest.difference[0].seen.qualification, 4);

    reset(0);
    gives_other_reason = true;
    selftest_vmentry_run(&cpu, &selftest);
    assert_int_equal(selftest.difference[0].seen.class, VMENTRY_CLASS_COUNT);
    for (unsigned i = 0; i < VMENTRY_DEPARTURE_COUNT; i++) /* what has no class counts nowhere */
        assert_int_equal(selftest.departed[i], 0);

    reset(IN_BOCHS);
    faults = true;
    selftest_vmentry_run(&cpu, &selftest);
    assert_int_equal(selftest.differences, selftest.count + selftest.random_count);
    assert_int_equal(selftest.reported, SELFTEST_VMENTRY_DIFFERENCES_MAX);
}

static void without_pages_nothing_is_done(void **state)
{
    (void)state;
    reset(0);
    model_pages_limit(2);
    selftest_vmentry_run(&cpu, &selftest);
    assert_false(selftest.done);
    assert_int_equal(selftest.count, 0);
    assert_true(has_finding(RULE_REGION_NO_MEMORY));
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_processor_that_obeys_agrees_in_everything),
        cmocka_unit_test(a_rule_that_is_not_checked_is_a_difference),
        cmocka_unit_test(what_bochs_is_known_for_is_a_departure_there_alone),
        cmocka_unit_test(what_bochs_refuses_beyond_the_manual_is_a_departure),
        cmocka_unit_test(an_outcome_of_another_kind_is_a_difference),
        cmocka_unit_test(without_pages_nothing_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
