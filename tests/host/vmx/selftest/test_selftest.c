/*
 * The self-test on the model CPU: no difference where the processor keeps to the manual; and where
 * it is made to depart from it, that difference and the right state afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mm/page_alloc.h"
#include "mm/memory_type.h"
#include "tests/host/model_cpu.h"
#include "vmx/selftest/selftest.h"

static const struct override_list nothing_overridden = {.count = 0};
static const struct vmx_options options = {
    .check = VMX_CHECK_KVM, .stop = VMX_STAGE_GUEST, .override = &nothing_overridden};
static struct vmx_cpu cpu;
static struct selftest selftest;

/* A CPU that is loaded, as the self-test finds it. */
static int reset(void **state)
{
    (void)state;
    model_cpu_reset();
    cpu = (struct vmx_cpu){.options = &options};
    vmx_cpu_check(&cpu, NULL);
    vmx_cpu_enable(&cpu);
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
    return 0;
}

static void set_msr(uint32_t msr, uint64_t value)
{
    model_cpu.msrs.value[msr - VMX_MSR_FIRST] = value;
    vmx_msr_set(&cpu.msrs, msr, value);
}

static const struct selftest_row *row_named(const char *name)
{
    for (uint32_t i = 0; i < selftest.count; i++) {
        if (!strcmp(selftest.row[i].name, name))
            return &selftest.row[i];
    }
    return NULL;
}

static void run(void)
{
    selftest = (struct selftest){0};
    selftest_run(&cpu, &selftest);
}

/* As vmx_cpu_enable() leaves it, and every page given back but the two regions. */
static void assert_restored(void)
{
    uint32_t revision;

    assert_int_equal(cpu.state, VMX_CPU_LOADED);
    assert_true(model_cpu.vmx_operation);
    assert_int_equal(model_cpu.current_vmcs, cpu.vmcs_region.address);
    memcpy(&revision, phys_to_virt(cpu.vmcs_region.address), sizeof revision);
    assert_int_equal(revision, cpu.config.revision_id);
    assert_int_equal(model_pages_used(), 2);
    for (unsigned i = 0; i < MODEL_VMCSS; i++)
        assert_false(model_cpu.vmcs[i].launched);
}

static void assert_no_difference(void)
{
    for (uint32_t i = 0; i < selftest.count; i++) {
        if (!selftest.row[i].agrees)
            fail_msg("%s", selftest.row[i].name);
    }
    assert_int_equal(selftest.differences, 0);
    assert_int_equal(cpu.findings.count, 0);
}

static void a_processor_by_the_manual_shows_no_difference(void **state)
{
    (void)state;
    run();
    assert_no_difference();
    assert_int_equal(selftest.count, 41);
    assert_restored();
    run();
    assert_no_difference();
    assert_restored();
}

/* Each failure that a person would look for is in the table, with the manual's number. */
static void what_is_predicted_is_the_manual(void **state)
{
    static const struct {
        const char *name;
        enum vmx_outcome outcome;
        uint32_t number;
    } rows[] = {
        {"VMXON in VMX operation", VMX_FAIL_VALID, 15},
        {"VMPTRLD of a misaligned address", VMX_FAIL_VALID, 9},
        {"VMPTRLD beyond the physical-address width", VMX_FAIL_VALID, 9},
        {"VMPTRLD of the VMXON region", VMX_FAIL_VALID, 10},
        {"VMPTRLD with a wrong revision id", VMX_FAIL_VALID, 11},
        {"VMCLEAR of a misaligned address", VMX_FAIL_VALID, 2},
        {"VMCLEAR beyond the physical-address width", VMX_FAIL_VALID, 2},
        {"VMCLEAR of the VMXON region", VMX_FAIL_VALID, 3},
        {"VMREAD of an unknown field", VMX_FAIL_VALID, 12},
        {"VMWRITE of an unknown field", VMX_FAIL_VALID, 12},
        {"VMRESUME of a VMCS not launched", VMX_FAIL_VALID, 5},
        {"VMLAUNCH, the guest executes CPUID", VMX_SUCCEED, 0},
        {"VMLAUNCH of a VMCS not cleared", VMX_FAIL_VALID, 4},
        {"VMREAD without a current VMCS", VMX_FAIL_INVALID, 0},
        {"VMPTRLD of a misaligned address, no VMCS", VMX_FAIL_INVALID, 0},
        {"VMREAD after VMXOFF", VMX_FAULT, 6},
        {"VMXON again", VMX_SUCCEED, 0},
    };

    (void)state;
    run();
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct selftest_row *row = row_named(rows[i].name);

        if (!row) {
            fail_msg("no row: %s", rows[i].name);
            abort(); /* for the analyzer: fail_msg() does not return */
        }
        assert_int_equal(row->predicted.outcome, rows[i].outcome);
        assert_int_equal(row->predicted.number, rows[i].number);
    }
}

/* IA32_VMX_MISC[29]: "software can use VMWRITE to write to any supported field in the VMCS". */
static void read_only_fields_depend_on_the_processor(void **state)
{
    const struct selftest_row *row;

    (void)state;
    set_msr(IA32_VMX_MISC, 0x100481e5);
    run();
    assert_no_difference();
    row = row_named("VMWRITE of a read-only field");
    assert_non_null(row);
    assert_int_equal(row->seen.number, 13);
    assert_null(row_named("VMWRITE of a read-only field (MISC[29] is 1)"));

    reset(state);
    run();
    assert_null(row_named("VMWRITE of a read-only field"));
    row = row_named("VMWRITE of a read-only field (MISC[29] is 1)");
    assert_non_null(row);
    assert_int_equal(row->seen.outcome, VMX_SUCCEED);
}

/* Neither secondary controls nor TRUE MSRs: Conroe's controls. */
static void the_guest_runs_without_secondary_controls(void **state)
{
    (void)state;
    set_msr(IA32_VMX_BASIC, 0x001a040000000012);
    set_msr(IA32_VMX_PROCBASED_CTLS, 0x77b9fffe0401e172);
    cpu.msrs.present = (1u << (IA32_VMX_VMCS_ENUM - VMX_MSR_FIRST + 1)) - 1;
    run();
    assert_no_difference();
    assert_restored();
}

/* One departure each, and the row that must show it. */
static void each_departure_is_seen(void **state)
{
    static const struct {
        struct model_injection injection;
        const char *name;
        struct vmx_result seen;
    } departures[] = {
        {{MODEL_FAIL_VALID, MODEL_VMXON, 0, false, 14},
         "VMXON in VMX operation",
         {VMX_FAIL_VALID, 14, 0}},
        {{MODEL_FAIL_INVALID, MODEL_VMXON, 0, false, 0},
         "VMXON in VMX operation",
         {VMX_FAIL_INVALID, 0, 0}},
        {{MODEL_OVERRIDES, MODEL_VMPTRLD, 0, false, 0},
         "VMPTRLD of a misaligned address",
         {VMX_SUCCEED, 0, 0}},
        {{MODEL_FAULT, MODEL_VMPTRLD, 1, false, X86_VECTOR_GP},
         "VMPTRLD beyond the physical-address width",
         {VMX_FAULT, X86_VECTOR_GP, 0}},
        {{MODEL_FAIL_VALID, MODEL_VMPTRLD, 3, false, 9},
         "VMPTRLD with a wrong revision id",
         {VMX_FAIL_VALID, 9, 0}},
        {{MODEL_FAIL_VALID, MODEL_VMCLEAR, 2, false, 2},
         "VMCLEAR of the VMXON region",
         {VMX_FAIL_VALID, 2, 0}},
        {{MODEL_FAIL_VALID, MODEL_VMWRITE, 0, false, 13},
         "VMWRITE of an unknown field",
         {VMX_FAIL_VALID, 13, 0}},
        {{MODEL_OVERRIDES, MODEL_VM_ENTRY, 0, false, 0},
         "VMRESUME of a VMCS not launched",
         {VMX_SUCCEED, 0, 0}},
        {{MODEL_FAIL_VALID, MODEL_VM_ENTRY, 1, false, 7},
         "VMLAUNCH, the guest executes CPUID",
         {VMX_FAIL_VALID, 7, 0}},
        {{MODEL_FAULT, MODEL_VMXOFF, 1, false, X86_VECTOR_GP},
         "VMXOFF after VMXOFF",
         {VMX_FAULT, X86_VECTOR_GP, 0}},
    };

    for (unsigned i = 0; i < sizeof departures / sizeof *departures; i++) {
        const struct selftest_row *row;

        reset(state);
        model_cpu_inject(departures[i].injection);
        run();
        row = row_named(departures[i].name);
        assert_non_null(row);
        assert_false(row->agrees);
        assert_int_equal(row->seen.outcome, departures[i].seen.outcome);
        assert_int_equal(row->seen.number, departures[i].seen.number);
        assert_true(selftest.differences >= 1);
        assert_int_equal(cpu.findings.count, selftest.differences);
        assert_int_equal(cpu.findings.item[0].rule, RULE_SELFTEST_DIFFERENCE);
        assert_int_equal(cpu.findings.item[0].severity, SEVERITY_REFUSAL);
        assert_string_equal(cpu.findings.item[0].detail, departures[i].name);
        assert_int_equal(cpu.findings.item[0].seen, departures[i].seen.number);
        assert_restored();
    }
}

/* The entry succeeds, but the guest does not get to its CPUID: the exit reason shows it. */
static void a_wrong_exit_reason_is_a_difference(void **state)
{
    const struct selftest_row *row;

    (void)state;
    model_cpu_inject((struct model_injection){
        .effect = MODEL_OVERRIDES, .operation = MODEL_VM_ENTRY, .after = 1});
    run();
    row = row_named("VMLAUNCH, the guest executes CPUID");
    assert_true(row->has_value);
    assert_int_equal(row->predicted_value, 10);
    assert_int_equal(row->seen_value, 0);
    assert_false(row->agrees);
    assert_int_equal(cpu.findings.item[0].wanted, 10);
    assert_restored();
}

/* It says that it left VMX operation and did not: nothing after that can be as predicted. */
static void a_processor_that_does_not_leave_is_seen(void **state)
{
    (void)state;
    model_cpu_inject(
        (struct model_injection){.effect = MODEL_OVERRIDES, .operation = MODEL_VMXOFF});
    run();
    assert_false(row_named("VMREAD after VMXOFF")->agrees);
    assert_true(selftest.differences > 5);
}

/* It cannot be turned on again: reported, and the state is the truth. */
static void a_processor_that_does_not_come_back_is_off(void **state)
{
    (void)state;
    /* the sixth VMXON is the one that shall succeed */
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAIL_INVALID, .operation = MODEL_VMXON, .after = 5, .always = true});
    run();
    assert_false(row_named("VMXON again")->agrees);
    assert_int_equal(cpu.state, VMX_CPU_OFF);
    assert_false(model_cpu.vmx_operation);
    vmx_cpu_disable(&cpu);
    assert_int_equal(model_pages_used(), 0);
    assert_false(model_cpu.cr4 & CR4_VMXE);
}

/* Its VMCS cannot be made anew: it stays in root operation, and nothing says that it is loaded. */
static void a_vmcs_that_cannot_be_made_anew_is_not_loaded(void **state)
{
    static const struct {
        enum model_operation operation;
        unsigned left; /* how many from the end fail */
        enum model_effect effect;
    } rows[] = {{MODEL_VMCLEAR, 1, MODEL_FAIL_VALID},   {MODEL_VMCLEAR, 2, MODEL_FAIL_VALID},
                {MODEL_VMPTRLD, 1, MODEL_FAIL_INVALID}, {MODEL_VMPTRLD, 1, MODEL_OVERRIDES},
                {MODEL_VMPTRST, 1, MODEL_FAULT},        {MODEL_VMPTRST, 1, MODEL_OVERRIDES}};

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned done;

        reset(state);
        done = model_cpu.executed[rows[i].operation];
        run();
        done = model_cpu.executed[rows[i].operation] - done;
        reset(state);
        model_cpu_inject((struct model_injection){.effect = rows[i].effect,
                                                  .operation = rows[i].operation,
                                                  .after = done - rows[i].left,
                                                  .always = true,
                                                  .number = 2});
        run();
        assert_int_equal(cpu.state, VMX_CPU_ROOT);
        assert_true(model_cpu.vmx_operation);
    }
}

static void without_a_page_there_is_no_row(void **state)
{
    (void)state;
    model_pages_limit(2);
    run();
    assert_int_equal(selftest.count, 0);
    assert_int_equal(cpu.findings.count, 1);
    assert_int_equal(cpu.findings.item[0].rule, RULE_REGION_NO_MEMORY);
    assert_restored();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_processor_by_the_manual_shows_no_difference, reset),
        cmocka_unit_test_setup(what_is_predicted_is_the_manual, reset),
        cmocka_unit_test_setup(read_only_fields_depend_on_the_processor, reset),
        cmocka_unit_test_setup(the_guest_runs_without_secondary_controls, reset),
        cmocka_unit_test(each_departure_is_seen),
        cmocka_unit_test_setup(a_wrong_exit_reason_is_a_difference, reset),
        cmocka_unit_test_setup(a_processor_that_does_not_leave_is_seen, reset),
        cmocka_unit_test_setup(a_processor_that_does_not_come_back_is_off, reset),
        cmocka_unit_test(a_vmcs_that_cannot_be_made_anew_is_not_loaded),
        cmocka_unit_test_setup(without_a_page_there_is_no_row, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
