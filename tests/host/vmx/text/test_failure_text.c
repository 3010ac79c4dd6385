/*
 * Why a VMX instruction failed: SDM Vol. 3, "VMX Instruction Reference", the "Operation" and the
 * "Protected Mode Exceptions" of VMXON, VMCLEAR, VMPTRLD, VMREAD and INVEPT; "VM Instruction Error
 * Numbers".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "vmx/text/failure_text.h"

enum { UD = 6, GP = 13 };

/* In VMX operation, with a region that is right in everything. */
static struct failure_facts facts;
static char text[512];

static struct vmx_cpu cpu;

static int begin(void **state)
{
    (void)state;
    cpu = (struct vmx_cpu){
        .memory_types.physical_width = 36, .config.revision_id = 0x2b, .feature_control = 5};
    vmx_msr_set(&cpu.msrs, IA32_VMX_BASIC, 0x2b);
    vmx_msr_set(&cpu.msrs, IA32_VMX_CR0_FIXED0, 0x80000021);
    vmx_msr_set(&cpu.msrs, IA32_VMX_CR4_FIXED0, 0x2000);
    vmx_msr_set(&cpu.msrs, IA32_VMX_EPT_VPID_CAP, 0x6114041);
    facts = (struct failure_facts){.cpu = &cpu,
                                   .is_on = true,
                                   .takes_region = true,
                                   .operand = 0x1000,
                                   .has_revision = true,
                                   .revision = 0x2b,
                                   .cr0 = 0x80000021,
                                   .cr4 = 0x2000};
    return 0;
}

static const char *told(enum vmx_outcome outcome, uint32_t number)
{
    struct text_buffer buffer;

    text_buffer_init(&buffer, text, sizeof(text));
    failure_print(&buffer.sink, (struct vmx_result){outcome, number, 0}, &facts);
    return text;
}

/* #UD: without VMX, before VMXON, of VMXON where CR4.VMXE is 0; else an instruction that is
 * missing. */
static void invalid_opcodes(void **state)
{
    (void)state;
    assert_string_equal(told(VMX_FAULT, UD),
                        "#UD; IA32_VMX_EPT_VPID_CAP says that it is not there");
    facts.is_on = false;
    assert_string_equal(told(VMX_FAULT, UD), "#UD; VMX operation is off");
    facts.is_vmxon = true;
    assert_string_equal(told(VMX_FAULT, UD), "#UD; CR4.VMXE is 0");
    cpu.msrs.present = 0;
    assert_string_equal(told(VMX_FAULT, UD),
                        "#UD; this processor has no VMX: CPUID.01H:ECX[5] is 0");
}

/* VMXON: "#GP(0) … if the values of CR0 and CR4 are not supported …; IA32_FEATURE_CONTROL": bits 0
 * and 2. */
static void protection_faults(void **state)
{
    (void)state;
    facts.is_vmxon = true;
    assert_string_equal(told(VMX_FAULT, GP), "#GP");
    facts.cr0 = 0x80000001;
    assert_string_equal(told(VMX_FAULT, GP), "#GP; CR0 is 0x80000001, wanted 0x80000021");
    facts.cr0 = 0x80000021;
    facts.cr4 = 0;
    cpu.feature_control = 0x100;
    assert_string_equal(
        told(VMX_FAULT, GP),
        "#GP; CR4 is 0x0, wanted 0x2000; IA32_FEATURE_CONTROL is 0x100, wanted 0x105");
    facts.is_vmxon = false;
    assert_string_equal(told(VMX_FAULT, GP), "#GP");
}

static void regions(void **state)
{
    static const char none[] = "VMfailInvalid; there is no current VMCS to hold an error number";

    (void)state;
    assert_string_equal(told(VMX_FAIL_INVALID, 0), none);
    facts.revision = 0x8000002b;
    assert_string_equal(strstr(told(VMX_FAIL_INVALID, 0), "; rev"),
                        "; revision id is 0x8000002b, wanted 0x2b");
    facts.has_revision = false;
    assert_string_equal(told(VMX_FAIL_INVALID, 0), none);
    facts.operand = 1ull << 36;
    assert_string_equal(strstr(told(VMX_FAIL_INVALID, 0), "; phy"),
                        "; physical addresses have 36 bits");
    facts.operand = (1ull << 36) - 0x1000;
    assert_string_equal(told(VMX_FAIL_INVALID, 0), none);
    facts.operand = 0x1800;
    assert_string_equal(strstr(told(VMX_FAIL_INVALID, 0), "; the a"),
                        "; the address is no multiple of 4096");
    facts.takes_region = false;
    assert_string_equal(told(VMX_FAIL_INVALID, 0), none);
    facts.is_on = false;
    assert_string_equal(told(VMX_FAIL_INVALID, 0), "VMfailInvalid");
}

/* The errors of VMCLEAR (2), VMPTRLD (9, 11), VMREAD (12), VMWRITE (13), INVEPT and INVVPID (28);
 * others say it. */
static void numbers(void **state)
{
    static const struct {
        uint32_t number;
        const char *behind; /* what explains it */
    } rows[] = {
        {1, ")"},
        {2, "; the address is no multiple of 4096"},
        {3, ")"},
        {5, ")"},
        {7, ")"},
        {9, "; the address is no multiple of 4096"},
        {10, ")"},
        {11, "; the address is no multiple of 4096"},
        {12, "; this processor has no field 0x1008"},
        {13, "; 0x1008 is read only, for IA32_VMX_MISC[29] is 0"},
        {15, ")"},
        {28, "; IA32_VMX_EPT_VPID_CAP is 0x6114041"},
    };

    (void)state;
    facts.operand = 0x1008;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *all = told(VMX_FAIL_VALID, rows[i].number), *end = strrchr(all, ')');

        if (*rows[i].behind == ';')
            end++;
        assert_string_equal(end, rows[i].behind);
    }
    assert_string_equal(told(VMX_FAIL_VALID, 14), "VMfailValid 14 (not defined)");
}

/* SDM Vol. 3, appendix "Field Encoding in VMCS": the field that VMREAD and VMWRITE were given. */
static void fields_by_name(void **state)
{
    (void)state;
    facts.operand = 0x4402;
    assert_string_equal(strstr(told(VMX_FAIL_VALID, 13), "; "),
                        "; EXIT_REASON (0x4402) is read only, for IA32_VMX_MISC[29] is 0");
    facts.operand = 0x201a;
    assert_string_equal(strstr(told(VMX_FAIL_VALID, 12), "; "),
                        "; this processor has no field EPT_POINTER (0x201a)");
    facts.operand = 0x10000201a; /* of which the processor looks at all 64 bits */
    assert_string_equal(strstr(told(VMX_FAIL_VALID, 12), "; "),
                        "; this processor has no field 0x10000201a");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(invalid_opcodes, begin),
        cmocka_unit_test_setup(protection_faults, begin),
        cmocka_unit_test_setup(regions, begin),
        cmocka_unit_test_setup(numbers, begin),
        cmocka_unit_test_setup(fields_by_name, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
