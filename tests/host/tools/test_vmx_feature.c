/*
 * The table of features: that it is whole, and what it says of values made by hand from the SDM's
 * "VMX Capability Reporting Facility".
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/full_msrs.h"
#include "tests/host/real_msrs.h"
#include "vmx/text/capability_text.h"
#include "vmx/capability/vmxon_registers.h"
#include "vmx/capability/vmx_controls.h"
#include "tools/capability/vmx_feature.h"

static const struct vmx_feature *feature(const char *id)
{
    const struct vmx_feature *found = vmx_feature_find(id);

    if (!found)
        fail_msg("no feature is called %s", id);
    return found;
}

static struct vmx_feature_value evaluate(const char *id, const struct vmx_dump *dump)
{
    return vmx_feature_evaluate(feature(id), dump);
}

static void every_row_says_all_a_person_needs(void **state)
{
    (void)state;
    assert_true(vmx_feature_count > 200);
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        const struct vmx_feature *row = &vmx_feature_table[i];

        assert_true(strlen(row->name) >= 3 && strlen(vmx_feature_section(row)) > 5);
        assert_true(strlen(row->explanation) > 5);
        assert_int_not_equal(row->explanation[strlen(row->explanation) - 1], '.');
        assert_non_null(row->since);
        assert_true(row->high <= 63 && row->low <= row->high);
        assert_true(row->msr == 0x3a || (row->msr >= 0x480 && row->msr <= 0x493));
    }
}

static void ids_are_unique_words_with_one_dot(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        const char *id = vmx_feature_table[i].id;
        int dots = 0;

        for (const char *c = id; *c; c++) {
            assert_true(islower(*c) || isdigit(*c) || *c == '-' || *c == '.');
            dots += *c == '.';
        }
        assert_int_equal(dots, 1);
        assert_ptr_equal(vmx_feature_find(id), &vmx_feature_table[i]);
    }
    assert_null(vmx_feature_find("secondary.no-such-thing"));
    assert_null(vmx_feature_find(""));
}

static bool same_group(const struct vmx_feature *a, const struct vmx_feature *b)
{
    size_t length = strcspn(a->id, ".");

    return !strncmp(a->id, b->id, length + 1);
}

static bool starts_group(uint32_t index)
{
    return index == 0 || !same_group(&vmx_feature_table[index], &vmx_feature_table[index - 1]);
}

/* A group stands together, and its bits rise. */
static void rows_stand_by_group_and_bit(void **state)
{
    int starts = 0, groups = 0;

    (void)state;
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        bool first = true;

        for (uint32_t j = 0; j < i; j++)
            first = first && !same_group(&vmx_feature_table[i], &vmx_feature_table[j]);
        groups += first;
        starts += starts_group(i);
        if (!starts_group(i))
            assert_true(vmx_feature_table[i].low > vmx_feature_table[i - 1].high);
    }
    assert_int_equal(starts, groups);
}

static void no_bit_has_two_rows(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            const struct vmx_feature *a = &vmx_feature_table[i], *b = &vmx_feature_table[j];

            assert_true(a->msr != b->msr || a->low > b->high || b->low > a->high);
        }
    }
}

/* Each register bit with its number: SDM Vol. 3, "Control Registers". */
static void fields_are_where_the_manual_has_them(void **state)
{
    static const struct {
        const char *id;
        uint32_t msr;
        int high, low;
        enum vmx_feature_kind kind;
    } known[] = {
        {"feature-control.lock", 0x3a, 0, 0, FEATURE_FLAG},
        {"feature-control.senter-local", 0x3a, 14, 8, FEATURE_NUMBER},
        {"feature-control.lmce", 0x3a, 20, 20, FEATURE_FLAG},
        {"basic.revision-id", 0x480, 30, 0, FEATURE_NUMBER},
        {"basic.size", 0x480, 44, 32, FEATURE_NUMBER},
        {"basic.memory-type", 0x480, 53, 50, FEATURE_ENUMERATION},
        {"basic.nested-exception", 0x480, 58, 58, FEATURE_FLAG},
        {"pin.nmi-exiting", 0x481, 35, 35, FEATURE_CONTROL},
        {"primary.hlt-exiting", 0x482, 39, 39, FEATURE_CONTROL},
        {"exit.host-address-space-size", 0x483, 41, 41, FEATURE_CONTROL},
        {"entry.load-fred", 0x484, 55, 55, FEATURE_CONTROL},
        {"misc.preemption-timer-rate", 0x485, 4, 0, FEATURE_NUMBER},
        {"misc.cr3-targets", 0x485, 24, 16, FEATURE_NUMBER},
        {"misc.mseg-revision-id", 0x485, 63, 32, FEATURE_NUMBER},
        {"cr0.pg", 0x486, 31, 31, FEATURE_FIXED},
        {"cr4.fred", 0x488, 32, 32, FEATURE_FIXED},
        {"vmcs-enum.highest-index", 0x48a, 9, 1, FEATURE_NUMBER},
        {"secondary.ept", 0x48b, 33, 33, FEATURE_CONTROL},
        {"secondary.unrestricted-guest", 0x48b, 39, 39, FEATURE_CONTROL},
        {"ept.4-level-walk", 0x48c, 6, 6, FEATURE_FLAG},
        {"ept.hlat-prefix-size", 0x48c, 53, 48, FEATURE_NUMBER},
        {"vpid.invvpid-all-contexts", 0x48c, 42, 42, FEATURE_FLAG},
        {"vmfunc.eptp-switching", 0x491, 0, 0, FEATURE_CONTROL},
        {"tertiary.ipi-virtualization", 0x492, 4, 4, FEATURE_CONTROL},
        {"exit2.prematurely-busy-shadow-stack", 0x493, 3, 3, FEATURE_CONTROL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct vmx_feature *row = feature(known[i].id);

        assert_int_equal(row->msr, known[i].msr);
        assert_int_equal(row->high, known[i].high);
        assert_int_equal(row->low, known[i].low);
        assert_int_equal(row->kind, known[i].kind);
    }
    assert_string_equal(vmx_feature_section(feature("secondary.ept")),
                        "Secondary Processor-Based VM-Execution Controls");
    assert_string_equal(vmx_feature_section(feature("cr4.la57")), "VMX-Fixed Bits in CR4");
}

/* What draws IA32_VMX_BASIC and what lists its features speak of the same fields. */
static void fields_of_basic_have_the_names_of_the_drawing(void **state)
{
    (void)state;
    for (int i = 0; i < BASIC_FIELD_COUNT; i++) {
        char id[64] = "basic.";

        strcat(id, basic_fields[i].name);
        assert_int_equal(feature(id)->high, basic_fields[i].high);
        assert_int_equal(feature(id)->low, basic_fields[i].low);
    }
}

static void every_control_of_the_derivation_is_a_feature(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < vmx_control_count; i++) {
        const struct vmx_control *control = &vmx_control_table[i];
        int found = 0;

        if (control->word >= VMX_CONTROL_WORD_COUNT) /* they are not derived from */
            continue;
        for (uint32_t f = 0; f < vmx_feature_count; f++) {
            const struct vmx_feature *row = &vmx_feature_table[f];

            found += row->msr == vmx_control_words[control->word].msr &&
                     1ull << row->low == (uint64_t)control->mask << 32 &&
                     !strcmp(row->name, control->name);
        }
        assert_int_equal(found, 1);
    }
}

static void every_named_bit_of_a_control_register_is_a_feature(void **state)
{
    unsigned bit = 0;

    (void)state;
    for (uint32_t f = 0; f < vmx_feature_count; f++) {
        if (vmx_feature_table[f].kind != FEATURE_FIXED)
            continue;
        assert_true(bit < CR_BIT_COUNT);
        assert_string_equal(vmx_feature_table[f].name, cr_bits[bit].name);
        assert_int_equal(1ull << vmx_feature_table[f].low, cr_bits[bit].mask);
        bit++;
    }
    assert_int_equal(bit, CR_BIT_COUNT);
}

/* Allowed 0-settings in the low half, allowed 1-settings in the high one. */
static void a_control_may_be_0_or_1_as_both_halves_say(void **state)
{
    static const struct {
        uint64_t bits;
        enum vmx_feature_state state;
        uint64_t value;
    } cases[] = {
        {0, FEATURE_ZERO, 0},
        {1ull << 35, FEATURE_EITHER, 1},
        {1ull << 35 | 1ull << 3, FEATURE_ONE, 1},
        {1ull << 3, FEATURE_NEITHER, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vmx_dump dump = {0};
        struct vmx_feature_value value;

        vmx_msr_set(&dump.msrs, 0x481, cases[i].bits);
        value = evaluate("pin.nmi-exiting", &dump);
        assert_int_equal(value.state, cases[i].state);
        assert_int_equal(value.value, cases[i].value);
        assert_int_equal(value.msr, 0x481);
        assert_int_equal(vmx_feature_offered(value), cases[i].value);
    }
}

static void the_true_msr_is_asked_where_there_is_one(void **state)
{
    struct vmx_dump dump = {.msrs = real_msrs(skylake)};

    (void)state;
    assert_int_equal(evaluate("primary.cr3-load-exiting", &dump).state, FEATURE_EITHER);
    assert_int_equal(evaluate("primary.cr3-load-exiting", &dump).msr, 0x48e);
    clear_bits(&dump.msrs, 0x480, 1ull << 55);
    assert_int_equal(evaluate("primary.cr3-load-exiting", &dump).state, FEATURE_ONE);
    assert_int_equal(evaluate("primary.cr3-load-exiting", &dump).msr, 0x482);
    assert_true(vmx_feature_is_default1(feature("primary.cr3-load-exiting")));
    assert_true(vmx_feature_is_default1(feature("entry.load-debug-controls")));
    assert_false(vmx_feature_is_default1(feature("primary.hlt-exiting")));
    assert_false(vmx_feature_is_default1(feature("tertiary.hlat")));
    assert_false(vmx_feature_is_default1(feature("basic.size")));
}

/* No allowed 0-settings: the low bits of these MSRs are the controls themselves. */
static void controls_of_64_bits_may_all_be_0(void **state)
{
    struct vmx_dump dump = {.msrs = full_msrs()};

    (void)state;
    /* Bit 33 is a control of its own, not a 0-setting of control 1. */
    vmx_msr_set(&dump.msrs, 0x492, 1ull << 1 | 1ull << 33);
    assert_int_equal(evaluate("tertiary.hlat", &dump).state, FEATURE_EITHER);
    assert_int_equal(evaluate("tertiary.ipi-virtualization", &dump).state, FEATURE_ZERO);
    assert_int_equal(evaluate("vmfunc.eptp-switching", &dump).state, FEATURE_EITHER);
}

static void numbers_flags_and_enumerations_are_cut_out(void **state)
{
    struct vmx_dump dump = {.msrs = full_msrs()};

    (void)state;
    assert_int_equal(evaluate("basic.size", &dump).state, FEATURE_VALUE);
    assert_int_equal(evaluate("basic.size", &dump).value, 0x600);
    assert_int_equal(evaluate("basic.revision-id", &dump).value, 0x15);
    assert_int_equal(evaluate("basic.memory-type", &dump).value, 6);
    assert_int_equal(evaluate("basic.true-controls", &dump).state, FEATURE_ONE);
    assert_int_equal(evaluate("basic.32-bit-addresses", &dump).state, FEATURE_ZERO);
    assert_int_equal(evaluate("basic.32-bit-addresses", &dump).value, 0);
    assert_int_equal(evaluate("basic.bit-57", &dump).state, FEATURE_ONE);
    assert_int_equal(evaluate("basic.reserved-63-59", &dump).state, FEATURE_VALUE);
    assert_false(vmx_feature_offered(evaluate("basic.reserved-63-59", &dump)));
    assert_int_equal(evaluate("misc.preemption-timer-rate", &dump).value, 7);
    assert_int_equal(evaluate("misc.cr3-targets", &dump).value, 4);
    assert_true(vmx_feature_offered(evaluate("misc.cr3-targets", &dump)));
    assert_int_equal(evaluate("vmcs-enum.highest-index", &dump).value, 0x1a);
    assert_int_equal(evaluate("ept.hlat-prefix-size", &dump).value, 1);
}

/* FIXED0 1: must be 1. FIXED1 0: must be 0. One of them can be enough to know. */
static void bits_of_control_registers_need_both_msrs_or_one(void **state)
{
    struct vmx_dump dump = {0};

    (void)state;
    assert_int_equal(evaluate("cr4.vmxe", &dump).state, FEATURE_UNKNOWN);
    vmx_msr_set(&dump.msrs, 0x488, 0x2000);
    assert_int_equal(evaluate("cr4.vmxe", &dump).state, FEATURE_ONE);
    assert_int_equal(evaluate("cr4.fred", &dump).state, FEATURE_UNKNOWN);
    vmx_msr_set(&dump.msrs, 0x489, 0x100002000);
    assert_int_equal(evaluate("cr4.vmxe", &dump).state, FEATURE_ONE);
    assert_int_equal(evaluate("cr4.fred", &dump).state, FEATURE_EITHER);
    assert_int_equal(evaluate("cr4.fred", &dump).value, 1);
    assert_int_equal(evaluate("cr4.fred", &dump).msr, 0x489);
    assert_int_equal(evaluate("cr4.la57", &dump).state, FEATURE_ZERO);
    vmx_msr_set(&dump.msrs, 0x488, 0x3000);
    assert_int_equal(evaluate("cr4.la57", &dump).state, FEATURE_NEITHER);
    forget(&dump.msrs, 0x488);
    assert_int_equal(evaluate("cr4.la57", &dump).state, FEATURE_ZERO);
    assert_int_equal(evaluate("cr4.fred", &dump).state, FEATURE_UNKNOWN);
    assert_int_equal(evaluate("cr4.fred", &dump).value, 0);
}

static void absent_is_not_unknown(void **state)
{
    struct vmx_dump old = {.msrs = real_msrs(conroe)}, torn = {0};

    (void)state;
    /* Conroe cannot activate secondary controls: there are none, nor what they would bring. */
    assert_int_equal(evaluate("secondary.ept", &old).state, FEATURE_ABSENT);
    assert_int_equal(evaluate("ept.invept", &old).state, FEATURE_ABSENT);
    assert_int_equal(evaluate("tertiary.hlat", &old).state, FEATURE_ABSENT);
    assert_false(vmx_feature_offered(evaluate("secondary.ept", &old)));
    /* Where nothing is known, nothing is denied. */
    assert_int_equal(evaluate("secondary.ept", &torn).state, FEATURE_UNKNOWN);
    assert_int_equal(evaluate("basic.size", &torn).state, FEATURE_UNKNOWN);
    assert_int_equal(evaluate("feature-control.lock", &torn).state, FEATURE_UNKNOWN);
    /* A value that is there is reported even if what says that it exists is not. */
    vmx_msr_set(&torn.msrs, 0x48b, 1ull << 33);
    assert_int_equal(evaluate("secondary.ept", &torn).state, FEATURE_EITHER);
    assert_int_equal(evaluate("ept.invept", &torn).state, FEATURE_UNKNOWN);
    vmx_msr_set(&torn.msrs, 0x482, 0);
    assert_int_equal(evaluate("secondary.ept", &torn).state, FEATURE_ABSENT);
    assert_int_equal(evaluate("ept.invept", &torn).state, FEATURE_ABSENT);
    assert_false(vmx_msr_may_exist(&torn.msrs, 0x47f));
}

static void feature_control_is_reported_where_it_was_read(void **state)
{
    const struct vmx_dump dump = {.has_feature_control = true, .feature_control = 0xff07};

    (void)state;
    assert_int_equal(evaluate("feature-control.lock", &dump).state, FEATURE_ONE);
    assert_int_equal(evaluate("feature-control.lock", &dump).msr, 0x3a);
    assert_int_equal(evaluate("feature-control.senter-local", &dump).value, 0x7f);
    assert_int_equal(evaluate("feature-control.sgx-global", &dump).state, FEATURE_ZERO);
}

static void states_and_values_have_names(void **state)
{
    (void)state;
    assert_string_equal(vmx_feature_state_name(FEATURE_ABSENT), "absent");
    assert_string_equal(vmx_feature_state_name(FEATURE_UNKNOWN), "unknown");
    assert_string_equal(vmx_feature_state_name(FEATURE_ZERO), "0");
    assert_string_equal(vmx_feature_state_name(FEATURE_ONE), "1");
    assert_string_equal(vmx_feature_state_name(FEATURE_EITHER), "0 or 1");
    assert_string_equal(vmx_feature_state_name(FEATURE_NEITHER), "neither 0 nor 1");
    assert_string_equal(vmx_feature_state_name(FEATURE_VALUE), "value");
    assert_string_equal(vmx_feature_meaning(feature("basic.memory-type"), 6), "write-back (WB)");
    assert_string_equal(vmx_feature_meaning(feature("basic.memory-type"), 9),
                        "none of the known ones");
    assert_null(vmx_feature_meaning(feature("basic.size"), 6));
}

/* By hand: what is left over of an MSR's bits when all that is named is taken away. */
static void known_bits_are_those_that_the_manual_names(void **state)
{
    (void)state;
    assert_int_equal(vmx_feature_known_bits(0x3a), 0x16ff07);
    /* All but bits 31, 47:45, 57 and 63:59. */
    assert_int_equal(vmx_feature_known_bits(0x480), 0x05ff1fff7fffffff);
    /* Pin-based controls 0, 3, 5, 6, 7 and the default1 class: 1, 2, 4; both halves. */
    assert_int_equal(vmx_feature_known_bits(0x481), 0x000000ff000000ff);
    assert_int_equal(vmx_feature_known_bits(0x48d), 0x000000ff000000ff);
    assert_int_equal(vmx_feature_known_bits(0x48b), 0xdfffffffdfffffff);
    assert_int_equal(vmx_feature_known_bits(0x486), 0xe005003f);
    assert_int_equal(vmx_feature_known_bits(0x487), 0xe005003f);
    assert_int_equal(vmx_feature_known_bits(0x489), 0x11bff7fff);
    assert_int_equal(vmx_feature_known_bits(0x48a), 0x3fe);
    assert_int_equal(vmx_feature_known_bits(0x492), 0x13ff);
    assert_int_equal(vmx_feature_known_bits(0x47f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_says_all_a_person_needs),
        cmocka_unit_test(ids_are_unique_words_with_one_dot),
        cmocka_unit_test(rows_stand_by_group_and_bit),
        cmocka_unit_test(no_bit_has_two_rows),
        cmocka_unit_test(fields_are_where_the_manual_has_them),
        cmocka_unit_test(fields_of_basic_have_the_names_of_the_drawing),
        cmocka_unit_test(every_control_of_the_derivation_is_a_feature),
        cmocka_unit_test(every_named_bit_of_a_control_register_is_a_feature),
        cmocka_unit_test(a_control_may_be_0_or_1_as_both_halves_say),
        cmocka_unit_test(the_true_msr_is_asked_where_there_is_one),
        cmocka_unit_test(controls_of_64_bits_may_all_be_0),
        cmocka_unit_test(numbers_flags_and_enumerations_are_cut_out),
        cmocka_unit_test(bits_of_control_registers_need_both_msrs_or_one),
        cmocka_unit_test(absent_is_not_unknown),
        cmocka_unit_test(feature_control_is_reported_where_it_was_read),
        cmocka_unit_test(states_and_values_have_names),
        cmocka_unit_test(known_bits_are_those_that_the_manual_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
