/* The expectations are the SDM's table "VM-Instruction Error Numbers". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmx/text/failure_text.h"

static void undefined_numbers_have_no_text(void **state)
{
    static const uint32_t undefined[] = {0, 14, 21, 27, 29, 30, 1000, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(undefined) / sizeof(undefined[0]); i++)
        assert_null(vmx_error_text(undefined[i]));
}

static void all_other_numbers_up_to_28_have_one_of_their_own(void **state)
{
    int defined = 0;

    (void)state;
    for (uint32_t number = 1; number <= 28; number++) {
        const char *text = vmx_error_text(number);

        if (number == 14 || number == 21 || number == 27)
            continue;
        assert_non_null(text);
        assert_true(strlen(text) > 10);
        for (uint32_t other = 1; other < number; other++) {
            if (vmx_error_text(other))
                assert_string_not_equal(text, vmx_error_text(other));
        }
        defined++;
    }
    assert_int_equal(defined, 25);
}

/* Numbers that an off-by-one around the gaps would give to a neighbour. */
static void numbers_around_the_gaps_have_the_manuals_words(void **state)
{
    (void)state;
    assert_string_equal(vmx_error_text(1), "VMCALL executed in VMX root operation");
    assert_string_equal(vmx_error_text(3), "VMCLEAR with VMXON pointer");
    assert_string_equal(vmx_error_text(7), "VM entry with invalid control field(s)");
    assert_string_equal(vmx_error_text(11), "VMPTRLD with incorrect VMCS revision identifier");
    assert_string_equal(vmx_error_text(13), "VMWRITE to read-only VMCS component");
    assert_string_equal(vmx_error_text(15), "VMXON executed in VMX root operation");
    assert_string_equal(vmx_error_text(20), "VMCALL with invalid VM-exit control fields");
    assert_non_null(strstr(vmx_error_text(22), "MSEG revision identifier"));
    assert_string_equal(vmx_error_text(26), "VM entry with events blocked by MOV SS");
    assert_string_equal(vmx_error_text(28), "Invalid operand to INVEPT/INVVPID");
}

static void outcomes_have_the_manuals_names(void **state)
{
    (void)state;
    assert_string_equal(vmx_outcome_name(VMX_SUCCEED), "VMsucceed");
    assert_string_equal(vmx_outcome_name(VMX_FAIL_INVALID), "VMfailInvalid");
    assert_string_equal(vmx_outcome_name(VMX_FAIL_VALID), "VMfailValid");
    assert_string_equal(vmx_outcome_name(VMX_FAULT), "fault");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undefined_numbers_have_no_text),
        cmocka_unit_test(all_other_numbers_up_to_28_have_one_of_their_own),
        cmocka_unit_test(numbers_around_the_gaps_have_the_manuals_words),
        cmocka_unit_test(outcomes_have_the_manuals_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
