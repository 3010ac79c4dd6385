/*
 * Execute disable as firmware leaves it. SDM Vol. 4, "IA32_MISC_ENABLE", bit 34: where it is 1,
 * CPUID.80000001H:EDX[20] is 0, and setting IA32_EFER.NXE is #GP.
 */
#include "mm/radix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/model_cpu.h"

enum { EXTENDED_NX = 1 << 20, FAST_STRINGS = 1 };

static int reset(void **state)
{
    (void)state;
    model_cpu_reset();
    *model_msr(IA32_EFER) = EFER_LME | EFER_LMA;
    return 0;
}

static void it_is_used_where_it_is(void **state)
{
    (void)state;
    *model_msr(IA32_MISC_ENABLE) = FAST_STRINGS;
    assert_int_equal(execute_disable_enable(), EXECUTE_DISABLE_ON);
    assert_int_equal(*model_msr(IA32_EFER), EFER_LME | EFER_LMA | EFER_NXE);
    assert_int_equal(*model_msr(IA32_MISC_ENABLE), FAST_STRINGS);
    assert_int_equal(model_cpu.executed[MODEL_WRMSR], 1);
}

static void what_firmware_turned_off_is_turned_on(void **state)
{
    (void)state;
    *model_msr(IA32_MISC_ENABLE) = MISC_ENABLE_XD_DISABLE | FAST_STRINGS;
    assert_int_equal(wrmsr_safe(IA32_EFER, EFER_LME | EFER_NXE), X86_VECTOR_GP);
    assert_int_equal(execute_disable_enable(), EXECUTE_DISABLE_TURNED_ON);
    assert_int_equal(*model_msr(IA32_EFER), EFER_LME | EFER_LMA | EFER_NXE);
    assert_int_equal(*model_msr(IA32_MISC_ENABLE), FAST_STRINGS);
}

/* CPUID.80000000H reports the last leaf; what stands in one after it belongs to another. */
static void a_leaf_that_is_not_there_reports_nothing(void **state)
{
    (void)state;
    model_cpu.extended_leaves = 0x80000001;
    assert_int_equal(execute_disable_enable(), EXECUTE_DISABLE_ON);
    model_cpu.extended_leaves = 0x80000000;
    assert_int_equal(execute_disable_enable(), EXECUTE_DISABLE_ABSENT);
}

/* On a CPU without it, with or without IA32_MISC_ENABLE, nothing is written. */
static void where_there_is_none_it_stays_off(void **state)
{
    (void)state;
    model_cpu.more_features.edx &= ~(uint32_t)EXTENDED_NX;
    assert_int_equal(execute_disable_enable(), EXECUTE_DISABLE_ABSENT);
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAULT, .operation = MODEL_RDMSR, .number = X86_VECTOR_GP});
    assert_int_equal(execute_disable_enable(), EXECUTE_DISABLE_ABSENT);
    assert_int_equal(*model_msr(IA32_EFER), EFER_LME | EFER_LMA);
    assert_int_equal(model_cpu.executed[MODEL_WRMSR], 0);
}

static void a_bit_that_cannot_be_cleared_leaves_it_off(void **state)
{
    (void)state;
    *model_msr(IA32_MISC_ENABLE) = MISC_ENABLE_XD_DISABLE;
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAULT, .operation = MODEL_WRMSR, .number = X86_VECTOR_GP});
    assert_int_equal(execute_disable_enable(), EXECUTE_DISABLE_ABSENT);
    assert_int_equal(*model_msr(IA32_EFER), EFER_LME | EFER_LMA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_used_where_it_is, reset),
        cmocka_unit_test_setup(what_firmware_turned_off_is_turned_on, reset),
        cmocka_unit_test_setup(a_leaf_that_is_not_there_reports_nothing, reset),
        cmocka_unit_test_setup(where_there_is_none_it_stays_off, reset),
        cmocka_unit_test_setup(a_bit_that_cannot_be_cleared_leaves_it_off, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
