/* Which capability MSRs exist: the conditions are those of the SDM's appendix, section by section.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/host/real_msrs.h"
#include "vmx/capability/vmx_msr.h"

static void names_are_the_manuals(void **state)
{
    (void)state;
    assert_string_equal(vmx_msr_name(0x480), "IA32_VMX_BASIC");
    assert_string_equal(vmx_msr_name(0x48c), "IA32_VMX_EPT_VPID_CAP");
    assert_string_equal(vmx_msr_name(0x490), "IA32_VMX_TRUE_ENTRY_CTLS");
    assert_string_equal(vmx_msr_name(0x493), "IA32_VMX_EXIT_CTLS2");
    assert_null(vmx_msr_name(0x47f));
    assert_null(vmx_msr_name(0x494));
    assert_null(vmx_msr_name(0));
}

static void a_value_is_there_once_it_is_set(void **state)
{
    struct vmx_msrs msrs = {0};

    (void)state;
    assert_false(vmx_msr_is_present(&msrs, 0x485));
    assert_int_equal(vmx_msr_value(&msrs, 0x485), 0);
    vmx_msr_set(&msrs, 0x485, 0x7004c1e7);
    assert_true(vmx_msr_is_present(&msrs, 0x485));
    assert_int_equal(vmx_msr_value(&msrs, 0x485), 0x7004c1e7);
    assert_int_equal(msrs.present, 1u << 5);
}

static void addresses_outside_the_table_are_ignored(void **state)
{
    struct vmx_msrs msrs = {0};

    (void)state;
    vmx_msr_set(&msrs, 0x47f, 1);
    vmx_msr_set(&msrs, 0x494, 1);
    assert_int_equal(msrs.present, 0);
    assert_false(vmx_msr_is_present(&msrs, 0x494));
    assert_false(vmx_msr_exists(&msrs, 0x494));
    assert_false(vmx_msr_exists(&msrs, 0x47f));
}

static void eleven_exist_wherever_vmx_does(void **state)
{
    const struct vmx_msrs msrs = {0};

    (void)state;
    for (uint32_t msr = 0x480; msr <= 0x48a; msr++)
        assert_true(vmx_msr_exists(&msrs, msr));
    for (uint32_t msr = 0x48b; msr <= 0x493; msr++)
        assert_false(vmx_msr_exists(&msrs, msr));
}

/* One bit of one MSR makes another exist (for 0x48c either of two); every other bit does not. */
static void each_condition_is_one_bit(void **state)
{
    static const struct {
        uint32_t msr, printer;
        uint64_t any_of;
    } conditions[] = {
        {0x48b, 0x482, 1ull << 63}, {0x48c, 0x48b, 1ull << 33 | 1ull << 37},
        {0x48d, 0x480, 1ull << 55}, {0x48e, 0x480, 1ull << 55},
        {0x48f, 0x480, 1ull << 55}, {0x490, 0x480, 1ull << 55},
        {0x491, 0x48b, 1ull << 45}, {0x492, 0x482, 1ull << 49},
        {0x493, 0x483, 1ull << 63},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        for (int bit = 0; bit < 64; bit++) {
            struct vmx_msrs msrs = {0};

            vmx_msr_set(&msrs, 0x482, 1ull << 63); /* 0x48b must exist to report anything */
            vmx_msr_set(&msrs, conditions[i].printer, 1ull << bit);
            assert_int_equal(vmx_msr_exists(&msrs, conditions[i].msr),
                             conditions[i].any_of >> bit & 1);
        }
    }
}

static void an_absent_msr_makes_no_other_exist(void **state)
{
    struct vmx_msrs msrs = {0};

    (void)state;
    /* 0x48b holds EPT and VM functions, but 0x482 says that there is no 0x48b. */
    vmx_msr_set(&msrs, 0x48b, 1ull << 33 | 1ull << 45);
    vmx_msr_set(&msrs, 0x48c, 0x141);
    assert_false(vmx_msr_exists(&msrs, 0x48c));
    assert_false(vmx_msr_exists(&msrs, 0x491));
    assert_int_equal(vmx_msr_value(&msrs, 0x48c), 0x141);
    assert_int_equal(vmx_msr_capability(&msrs, 0x48c), 0);
    vmx_msr_set(&msrs, 0x482, 1ull << 63);
    assert_true(vmx_msr_exists(&msrs, 0x48c));
    assert_int_equal(vmx_msr_capability(&msrs, 0x48c), 0x141);
}

static void real_machines_have_what_their_dumps_show(void **state)
{
    const struct vmx_msrs new = real_msrs(skylake), old = real_msrs(dunnington),
                          first = real_msrs(conroe);

    (void)state;
    for (uint32_t msr = 0x480; msr <= 0x490; msr++)
        assert_true(vmx_msr_exists(&new, msr));
    assert_true(vmx_msr_exists(&new, 0x491));
    assert_false(vmx_msr_exists(&new, 0x492));
    assert_false(vmx_msr_exists(&new, 0x493));
    for (uint32_t msr = 0x480; msr <= 0x493; msr++) {
        assert_int_equal(vmx_msr_exists(&old, msr), msr <= 0x48b);
        assert_int_equal(vmx_msr_exists(&first, msr), msr <= 0x48a);
    }
}

static void the_true_msr_stands_in_where_there_is_one(void **state)
{
    struct vmx_msrs new = real_msrs(skylake), old = real_msrs(dunnington);

    (void)state;
    assert_int_equal(vmx_msr_true(&new, 0x481), 0x48d);
    assert_int_equal(vmx_msr_true(&new, 0x484), 0x490);
    assert_int_equal(vmx_msr_true(&new, 0x480), 0x480);
    assert_int_equal(vmx_msr_true(&new, 0x485), 0x485);
    assert_int_equal(vmx_msr_true(&new, 0x48b), 0x48b);
    assert_int_equal(vmx_msr_true(&old, 0x482), 0x482);
    /* It exists, but there is no value for it. */
    new.present &= ~(1u << 0xe);
    assert_int_equal(vmx_msr_true(&new, 0x482), 0x482);
}

/* A dump with the TRUE MSRs alone reports the same 1-settings, and so what else there is. */
static void a_true_msr_alone_reports_what_else_exists(void **state)
{
    struct vmx_msrs msrs = real_msrs(skylake);

    (void)state;
    msrs.present &= ~(1u << 0x2);
    assert_true(vmx_msr_exists(&msrs, 0x48b));
    assert_true(vmx_msr_exists(&msrs, 0x48c));
    assert_false(vmx_msr_exists(&msrs, 0x492));
    msrs.present &= ~(1u << 0xe);
    assert_false(vmx_msr_exists(&msrs, 0x48b));
}

/* What may exist: what exists, and what nobody can report because the teller has no value. */
static void what_cannot_be_reported_may_exist(void **state)
{
    struct vmx_msrs msrs = {0};

    (void)state;
    for (uint32_t msr = 0x480; msr <= 0x493; msr++)
        assert_true(vmx_msr_may_exist(&msrs, msr));
    vmx_msr_set(&msrs, 0x482, 0);
    for (uint32_t msr = 0x480; msr <= 0x493; msr++) {
        bool reported = msr == 0x48b || msr == 0x48c || msr == 0x491 || msr == 0x492;

        assert_int_equal(vmx_msr_may_exist(&msrs, msr), !reported);
    }
    assert_false(vmx_msr_may_exist(&msrs, 0x494));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_the_manuals),
        cmocka_unit_test(a_value_is_there_once_it_is_set),
        cmocka_unit_test(addresses_outside_the_table_are_ignored),
        cmocka_unit_test(eleven_exist_wherever_vmx_does),
        cmocka_unit_test(each_condition_is_one_bit),
        cmocka_unit_test(an_absent_msr_makes_no_other_exist),
        cmocka_unit_test(real_machines_have_what_their_dumps_show),
        cmocka_unit_test(the_true_msr_stands_in_where_there_is_one),
        cmocka_unit_test(a_true_msr_alone_reports_what_else_exists),
        cmocka_unit_test(what_cannot_be_reported_may_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
