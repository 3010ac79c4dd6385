/*
 * The self-test of the VMCS fields on the model CPU: no difference where the processor has the
 * fields that its capability MSRs promise; and where it has not, that field by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "mm/memory_type.h"
#include "tests/host/model_cpu.h"
#include "vmx/quirks.h"
#include "vmx/selftest/selftest.h"
#include "vmx/vmcs_field.h"

static const struct override_list nothing_overridden = {.count = 0};
static const struct vmx_options options = {
    .check = VMX_CHECK_KVM, .stop = VMX_STAGE_GUEST, .override = &nothing_overridden};
static struct vmx_cpu cpu;
static struct selftest selftest;

static int reset(void **state)
{
    (void)state;
    model_cpu_reset();
    emulators_here = 0;
    cpu = (struct vmx_cpu){.options = &options};
    selftest = (struct selftest){0};
    vmx_cpu_check(&cpu, NULL);
    vmx_cpu_enable(&cpu);
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
    return 0;
}

static const struct selftest_row *row_named(const char *name)
{
    for (uint32_t i = 0; i < selftest.count; i++) {
        if (!strcmp(selftest.row[i].name, name))
            return &selftest.row[i];
    }
    return NULL;
}

/* A Haswell: 1 + 8 + 7 fields of 16 bits, 19 + 1 + 9 + 3 of 64, 18 + 8 + 23 + 1, 8 + 6 + 20 + 12.
 */
static void a_haswell_has_what_it_promises(void **state)
{
    static const struct {
        const char *name;
        unsigned fields;
    } groups[] = {
        {"VMREAD of 16-bit control fields", 1},   {"VMREAD of 16-bit guest fields", 8},
        {"VMREAD of 16-bit host fields", 7},      {"VMREAD of 32-bit control fields", 18},
        {"VMREAD of 32-bit read-only fields", 8}, {"VMREAD of 32-bit host fields", 1},
        {"VMREAD of natural control fields", 8},  {"VMREAD of natural read-only fields", 6},
        {"VMREAD of natural guest fields", 20},   {"VMREAD of natural host fields", 12},
        {"VMREAD of 64-bit read-only fields", 2},
    };

    (void)state;
    selftest_fields_run(&cpu, &selftest);
    for (uint32_t i = 0; i < selftest.count; i++) {
        if (!selftest.row[i].agrees)
            print_message("%s %#lx\n", selftest.row[i].name, selftest.row[i].seen_value);
    }
    assert_int_equal(selftest.differences, 0);
    assert_int_equal(selftest.count, 17);
    assert_int_equal(cpu.findings.count, 0);
    for (unsigned i = 0; i < sizeof groups / sizeof *groups; i++) {
        const struct selftest_row *row = row_named(groups[i].name);

        assert_non_null(row);
        assert_true(row->agrees);
        assert_int_equal(row->predicted_value, groups[i].fields);
        assert_int_equal(row->seen_value, groups[i].fields);
    }
}

/* One field less, or one more, than the capability MSRs say. */
static void each_field_against_the_prediction_is_named(void **state)
{
    const uint64_t timer = 1ull << (32 + 6);

    (void)state;
    /* The MSRs promise no preemption timer, yet its value can be read. */
    cpu.msrs.value[IA32_VMX_PINBASED_CTLS - VMX_MSR_FIRST] &= ~timer;
    cpu.msrs.value[IA32_VMX_TRUE_PINBASED_CTLS - VMX_MSR_FIRST] &= ~timer;
    selftest_fields_run(&cpu, &selftest);
    assert_int_equal(selftest.differences, 2); /* the field and its group */
    assert_false(row_named("VMREAD of 32-bit guest fields")->agrees);
    assert_false(row_named("VMX-preemption timer value")->agrees);
    assert_int_equal(row_named("VMX-preemption timer value")->seen_value, 0x482e);
    assert_int_equal(row_named("VMX-preemption timer value")->seen.outcome, VMX_SUCCEED);
    assert_int_equal(row_named("VMX-preemption timer value")->predicted.number, 12);
    assert_int_equal(cpu.findings.count, 2);
    assert_int_equal(cpu.findings.item[0].rule, RULE_SELFTEST_DIFFERENCE);
    assert_string_equal(cpu.findings.item[0].detail, "VMX-preemption timer value");
}

/* The first VMREAD that should succeed does not: encoding 0, the VPID. */
static void a_missing_field_is_a_difference(void **state)
{
    (void)state;
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAIL_VALID, .operation = MODEL_VMREAD, .after = 0, .number = 12});
    selftest_fields_run(&cpu, &selftest);
    assert_int_equal(selftest.differences, 2);
    assert_false(row_named("Virtual-processor identifier (VPID)")->agrees);
    assert_int_equal(row_named("VMREAD of 16-bit control fields")->seen_value, 0);
    assert_int_equal(row_named("VMREAD of 16-bit control fields")->predicted_value, 1);
}

/* Another failure than "unsupported component" is a difference too: encoding 1, of 16 bits. */
static void another_error_number_is_a_difference(void **state)
{
    (void)state;
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAIL_VALID, .operation = MODEL_VMREAD, .after = 1, .number = 13});
    selftest_fields_run(&cpu, &selftest);
    assert_int_equal(selftest.differences, 2);
    assert_int_equal(row_named("Virtual-processor identifier (VPID)")->seen.number, 13);
    assert_int_equal(row_named("Virtual-processor identifier (VPID)")->seen_value, 1);
}

static void an_enumeration_that_ends_too_early_is_a_difference(void **state)
{
    (void)state;
    /* The timer's index is 23. This Haswell says 21, which is an erratum and no difference. */
    cpu.msrs.value[IA32_VMX_VMCS_ENUM - VMX_MSR_FIRST] = 22 << 1;
    selftest_fields_run(&cpu, &selftest);
    assert_int_equal(selftest.differences, 1);
    assert_false(row_named("IA32_VMX_VMCS_ENUM reaches the highest index")->agrees);
}

/* A field that KVM has anyway is reported, and no difference. */
static void what_is_known_of_kvm_is_no_difference(void **state)
{
    (void)state;
    emulators_here = IN_KVM;
    cpu.msrs.value[IA32_VMX_PROCBASED_CTLS2 - VMX_MSR_FIRST] &= ~(1ull << (32 + 14));
    selftest_fields_run(&cpu, &selftest);
    assert_int_equal(selftest.differences, 0);
    assert_int_equal(selftest.count, 19);
    assert_true(row_named("KVM has it anyway: VMREAD-bitmap address")->agrees);
    assert_true(row_named("VMREAD of 64-bit control fields")->agrees);
    /* On another machine the same are four encodings and their group. */
    reset(state);
    cpu.msrs.value[IA32_VMX_PROCBASED_CTLS2 - VMX_MSR_FIRST] &= ~(1ull << (32 + 14));
    selftest_fields_run(&cpu, &selftest);
    assert_int_equal(selftest.differences, 5);
}

static const struct {
    uint32_t emulators;
    bool exists;
    const char *text;
    uint32_t count;
    uint32_t fields[64];
} rows[] = {
#define FIELD_DEPARTURES(emulators, exists, text, ...) \
    {(emulators), (exists), (text), sizeof((int[]){__VA_ARGS__}) / sizeof(int), {__VA_ARGS__}},
#include "vmx/selftest/departures.def"
#undef FIELD_DEPARTURES
};

/*
 * The rows of vmx/selftest/departures.def: an encoding is a field's (SDM Vol. 3, "Field Encoding in
 * VMCS"), each once, and the text says what the machine does with it.
 */
static void every_known_departure_is_of_a_field(void **state)
{
    unsigned seen[VMCS_FIELD_COUNT] = {0}, count = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(rows[i].text, rows[i].emulators == IN_BOCHS ? "Bochs 3.0 has it anyway"
                                          : rows[i].exists              ? "KVM has it anyway"
                                                                        : "KVM has it not");
        for (unsigned n = 0; n < rows[i].count; n++, count++) {
            uint32_t index = vmcs_field_index((enum vmcs_field)rows[i].fields[n]);

            assert_in_range(index, 0, VMCS_FIELD_COUNT - 1);
            assert_int_equal(seen[index % VMCS_FIELD_COUNT]++, 0);
        }
    }
    assert_int_equal(count, 47);
}

/*
 * Linux 6.1's struct vmcs12 beside the SDM's fields: the executive VMCS, SMBASE, CR3-target values
 * and the I/O registers are what it has not; all other rows are what it has whatever it offers.
 */
static void what_kvm_has_not_is_known(void **state)
{
    static const uint32_t absent[] = {0x200c, 0x4828, 0x6008, 0x600a, 0x600c,
                                      0x600e, 0x6402, 0x6404, 0x6406, 0x6408};

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].exists)
            continue;
        assert_int_equal(rows[i].count, sizeof absent / sizeof *absent);
        assert_memory_equal(rows[i].fields, absent, sizeof absent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_haswell_has_what_it_promises, reset),
        cmocka_unit_test_setup(each_field_against_the_prediction_is_named, reset),
        cmocka_unit_test_setup(a_missing_field_is_a_difference, reset),
        cmocka_unit_test_setup(another_error_number_is_a_difference, reset),
        cmocka_unit_test_setup(what_is_known_of_kvm_is_no_difference, reset),
        cmocka_unit_test_setup(an_enumeration_that_ends_too_early_is_a_difference, reset),
        cmocka_unit_test(every_known_departure_is_of_a_field),
        cmocka_unit_test(what_kvm_has_not_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
