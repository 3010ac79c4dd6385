/*
 * What keeps a CPU out of VMX operation, on the model CPU: every refusal, and a fault or failure at
 * each step. After every one of them vmx_cpu_disable() must leave the processor outside VMX
 * operation with CR0 and CR4 as they were, and no page taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/vmx_cpu_machine.h"

enum { MISALIGNMENT = 0x10 };

static bool is_reported_without_value(uint32_t msr)
{
    for (uint32_t i = 0; i < cpu.findings.count; i++) {
        const struct finding *finding = &cpu.findings.item[i];

        if (finding->msr == msr &&
            (finding->rule == RULE_MSR_MISSING || finding->rule == RULE_MSR_NOT_READ))
            return true;
    }
    return false;
}

/* The model has 18 capability MSRs; IA32_FEATURE_CONTROL is read after them. */
static void each_msr_that_faults_is_named(void **state)
{
    unsigned index = 0;

    for (uint32_t msr = VMX_MSR_FIRST; msr <= IA32_VMX_VMFUNC; msr++, index++) {
        const struct finding *finding;
        uint64_t cr0, cr4;

        reset(state);
        cr0 = read_cr0();
        cr4 = read_cr4();
        model_cpu_inject((struct model_injection){.effect = MODEL_FAULT,
                                                  .operation = MODEL_RDMSR,
                                                  .after = index,
                                                  .number = X86_VECTOR_GP});
        enable();
        finding = assert_found(RULE_MSR_READ_FAULT, SEVERITY_REFUSAL);
        assert_int_equal(finding->msr, msr);
        assert_int_equal(finding->seen, X86_VECTOR_GP);
        assert_false(is_reported_without_value(msr)); /* which would be the same once more */
        assert_int_equal(model_cpu.executed[MODEL_VMXON], 0);
        disable_and_check(cr0, cr4);
    }
    assert_int_equal(index, 18);
}

static void no_vmx(void)
{
    model_cpu.vmx = false;
}

static void svm_instead(void)
{
    model_cpu.vmx = false;
    model_cpu.svm = true;
    model_cpu.extended_leaves = 0x80000001; /* the leaf that says so is the last one */
}

static void locked_off(void)
{
    model_cpu.feature_control = FEATURE_CONTROL_LOCK;
}

static void smx_only(void)
{
    model_cpu.feature_control = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX_SMX;
}

static void vmxe_in_use(void)
{
    model_cpu.cr4 |= CR4_VMXE;
}

static void forbidden_bit(void)
{
    set_msr(IA32_VMX_CR4_FIXED1, 0x1767ff & ~CR4_PGE);
}

static void no_page(void)
{
    model_pages_limit(0);
}

static void one_page(void)
{
    model_pages_limit(1);
}

static void uncached(void)
{
    set_type_of_memory(MEMORY_TYPE_UC);
}

static void virtually_uncached(void)
{
    set_type_of_memory(MEMORY_TYPE_UC);
    model_cpu.hypervisor = true;
    options.check = VMX_CHECK_STRICT;
}

static void misaligned(void)
{
    model_pages_misalign(MISALIGNMENT);
}

/* The model's memory begins at 1 MiB: 20 bits cannot reach it. */
static void narrow(void)
{
    memory_types.physical_width = 20;
}

static void unlocked(void)
{
    model_cpu.feature_control = 0;
}

static void a20_masked(void)
{
    model_cpu.a20_masked = true;
}

static void nothing(void)
{
}

/* The entry of the PAT that the direct map has is another than we set. */
static void pat_not_taken(void)
{
    memory_types.pat = 0;
}

/* CPUID and IA32_VMX_BASIC disagree with what VMXON checks: 19 bits, as only the model knows. */
static void secretly_narrow(void)
{
    model_cpu.physical_address_width = 19;
}

static const struct {
    void (*prepare)(void);
    struct model_injection injection;
    enum rule rule;
    const char *detail; /* NULL: not looked at */
    uint64_t seen;      /* not looked at where `detail` is NULL */
    enum vmx_cpu_state state;
} refusals[] = {
    {no_vmx, {0}, RULE_CPUID_NO_VMX, NULL, 0, VMX_CPU_OFF},
    {svm_instead, {0}, RULE_CPUID_SVM_INSTEAD, NULL, 0, VMX_CPU_OFF},
    {locked_off, {0}, RULE_FEATURE_CONTROL_LOCKED_OFF, NULL, 0, VMX_CPU_OFF},
    {smx_only, {0}, RULE_FEATURE_CONTROL_SMX_ONLY, NULL, 0, VMX_CPU_OFF},
    {vmxe_in_use, {0}, RULE_CR_VMXE_IN_USE, "CR4.VMXE", 1, VMX_CPU_OFF},
    {forbidden_bit, {0}, RULE_CR_BIT_MUST_BE_ZERO, "CR4.PGE", 1, VMX_CPU_OFF},
    {no_page, {0}, RULE_REGION_NO_MEMORY, "VMXON region", 0, VMX_CPU_OFF},
    {one_page, {0}, RULE_REGION_NO_MEMORY, "VMCS", 0, VMX_CPU_OFF},
    {uncached,
     {0},
     RULE_REGION_NOT_WRITE_BACK,
     "VMXON region: IA32_MTRR_DEF_TYPE 0x800, no range",
     MEMORY_TYPE_UC,
     VMX_CPU_OFF},
    {virtually_uncached,
     {0},
     RULE_REGION_MTRR_VIRTUAL,
     "VMXON region: IA32_MTRR_DEF_TYPE 0x800, no range",
     MEMORY_TYPE_UC,
     VMX_CPU_OFF},
    {pat_not_taken,
     {0},
     RULE_REGION_NOT_WRITE_BACK,
     "VMXON region: IA32_PAT 0x0",
     MEMORY_TYPE_UNDEFINED,
     VMX_CPU_OFF},
    {misaligned,
     {0},
     RULE_REGION_MISALIGNED,
     "VMXON region",
     MODEL_MEMORY_BASE + MISALIGNMENT,
     VMX_CPU_OFF},
    {narrow,
     {0},
     RULE_REGION_BEYOND_WIDTH,
     "VMXON region",
     MODEL_MEMORY_BASE + MODEL_PAGE - 1,
     VMX_CPU_OFF},
    {unlocked,
     {MODEL_FAULT, MODEL_WRMSR, 0, false, X86_VECTOR_GP},
     RULE_FEATURE_CONTROL_WRITE_FAULT,
     NULL,
     0,
     VMX_CPU_OFF},
    {unlocked,
     {MODEL_OVERRIDES, MODEL_WRMSR, 0, false, 0},
     RULE_FEATURE_CONTROL_NOT_KEPT,
     NULL,
     0,
     VMX_CPU_OFF},
    {nothing,
     {MODEL_FAULT, MODEL_WRITE_CR0, 0, false, X86_VECTOR_GP},
     RULE_CR_BITS_NOT_SET,
     "CR0",
     CR0_PE | CR0_ET | CR0_WP | CR0_PG,
     VMX_CPU_OFF},
    {nothing,
     {MODEL_OVERRIDES, MODEL_WRITE_CR4, 0, false, 0},
     RULE_CR_BITS_NOT_SET,
     "CR4",
     CR4_PAE | CR4_PGE,
     VMX_CPU_OFF},
    {nothing,
     {MODEL_FAULT, MODEL_VMXON, 0, false, X86_VECTOR_UD},
     RULE_VMXON_UNDEFINED,
     "VMXON",
     X86_VECTOR_UD,
     VMX_CPU_OFF},
    {a20_masked, {0}, RULE_VMXON_PROTECTION, "VMXON", X86_VECTOR_GP, VMX_CPU_OFF},
    {nothing,
     {MODEL_FAULT, MODEL_VMXON, 0, false, X86_VECTOR_PF},
     RULE_INSTRUCTION_FAULT,
     "VMXON",
     X86_VECTOR_PF,
     VMX_CPU_OFF},
    {secretly_narrow, {0}, RULE_VMXON_INVALID, "VMXON", 0x12, VMX_CPU_OFF},
    {nothing,
     {MODEL_FAULT, MODEL_VMCLEAR, 0, false, X86_VECTOR_UD},
     RULE_INSTRUCTION_FAULT,
     "VMCLEAR",
     X86_VECTOR_UD,
     VMX_CPU_ROOT},
    {nothing,
     {MODEL_FAIL_INVALID, MODEL_VMCLEAR, 0, false, 0},
     RULE_INSTRUCTION_INVALID,
     "VMCLEAR",
     0,
     VMX_CPU_ROOT},
    {nothing,
     {MODEL_FAULT, MODEL_VMPTRLD, 0, false, X86_VECTOR_GP},
     RULE_INSTRUCTION_FAULT,
     "VMPTRLD",
     X86_VECTOR_GP,
     VMX_CPU_ROOT},
    {nothing,
     {MODEL_FAIL_INVALID, MODEL_VMPTRLD, 0, false, 0},
     RULE_INSTRUCTION_INVALID,
     "VMPTRLD",
     0,
     VMX_CPU_ROOT},
    {nothing,
     {MODEL_OVERRIDES, MODEL_VMPTRLD, 0, false, 0},
     RULE_VMPTRST_DIFFERS,
     NULL,
     0,
     VMX_CPU_ROOT},
    {nothing,
     {MODEL_OVERRIDES, MODEL_VMPTRST, 0, false, 0},
     RULE_VMPTRST_DIFFERS,
     NULL,
     0,
     VMX_CPU_ROOT},
    {nothing,
     {MODEL_FAULT, MODEL_VMPTRST, 0, false, X86_VECTOR_UD},
     RULE_INSTRUCTION_FAULT,
     "VMPTRST",
     X86_VECTOR_UD,
     VMX_CPU_ROOT},
    {nothing,
     {MODEL_FAIL_VALID, MODEL_VMPTRST, 0, false, 11},
     RULE_INSTRUCTION_ERROR,
     "VMPTRST",
     11,
     VMX_CPU_ROOT},
};

static void every_refusal_is_reported_and_undone(void **state)
{
    for (unsigned i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct finding *finding;
        uint64_t cr0, cr4;

        reset(state);
        refusals[i].prepare();
        model_cpu_inject(refusals[i].injection);
        cr0 = read_cr0();
        cr4 = read_cr4();
        enable();
        finding = assert_found(refusals[i].rule, SEVERITY_REFUSAL);
        if (refusals[i].detail) {
            assert_string_equal(finding->detail, refusals[i].detail);
            assert_int_equal(finding->seen, refusals[i].seen);
        }
        assert_int_equal(cpu.state, refusals[i].state);
        assert_int_equal(model_cpu.vmx_operation, refusals[i].state != VMX_CPU_OFF);
        disable_and_check(cr0, cr4);
    }
}

/* The first VMX instruction that fails is what the report shows; the wrapper reads its number. */
static void the_failing_instruction_is_remembered(void **state)
{
    (void)state;
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAIL_VALID, .operation = MODEL_VMPTRST, .number = 11});
    enable();
    assert_string_equal(cpu.error_instruction, "VMPTRST");
    assert_int_equal(cpu.error.outcome, VMX_FAIL_VALID);
    assert_int_equal(cpu.error.number, 11);
    model_cpu_inject(
        (struct model_injection){.effect = MODEL_FAIL_INVALID, .operation = MODEL_VMCLEAR});
    vmx_cpu_disable(&cpu);
    assert_string_equal(cpu.error_instruction, "VMPTRST");
    assert_string_equal(find(&cpu, RULE_INSTRUCTION_INVALID)->detail, "VMCLEAR");
    assert_false(model_cpu.vmx_operation);
}

/* One look shows all that is wrong. */
static void not_only_the_first_refusal_is_reported(void **state)
{
    (void)state;
    locked_off();
    vmxe_in_use();
    forbidden_bit();
    set_msr(IA32_VMX_BASIC, 0x00da040000000012 ^ 6ull << 50);
    enable();
    assert_found(RULE_FEATURE_CONTROL_LOCKED_OFF, SEVERITY_REFUSAL);
    assert_found(RULE_CR_VMXE_IN_USE, SEVERITY_REFUSAL);
    assert_found(RULE_CR_BIT_MUST_BE_ZERO, SEVERITY_REFUSAL);
    assert_found(RULE_BASIC_MEMORY_TYPE, SEVERITY_REFUSAL);
    assert_int_equal(model_pages_used(), 0);
}

/* Where the type of memory only warns, a region beyond the width is refused all the same. */
static void a_region_beyond_the_width_is_refused_in_a_virtual_machine(void **state)
{
    (void)state;
    narrow();
    model_cpu.hypervisor = true;
    options.check = VMX_CHECK_KVM;
    enable();
    assert_found(RULE_REGION_BEYOND_WIDTH, SEVERITY_REFUSAL);
    assert_int_equal(cpu.state, VMX_CPU_OFF);
    assert_int_equal(model_cpu.executed[MODEL_VMXON], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_msr_that_faults_is_named),
        cmocka_unit_test(every_refusal_is_reported_and_undone),
        cmocka_unit_test_setup(the_failing_instruction_is_remembered, reset),
        cmocka_unit_test_setup(a_region_beyond_the_width_is_refused_in_a_virtual_machine, reset),
        cmocka_unit_test_setup(not_only_the_first_refusal_is_reported, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
