/*
 * One CPU's way into VMX operation and out again, on the model CPU: the good way, every refusal,
 * and a fault or failure at each step. After every one of them vmx_cpu_disable() must leave the
 * processor outside VMX operation with CR0 and CR4 as they were, and no page taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mm/direct_map.h"
#include "mm/memory_type.h"
#include "tests/host/model_cpu.h"
#include "vmx/vmx_cpu.h"

enum { NOT_MISALIGNED = 0, MISALIGNMENT = 0x10 };

static uint8_t type_of_memory;
static uint64_t misalignment;
static struct pretend_list pretended;
static struct vmx_environment environment;
static struct vmx_cpu cpu;

static uint8_t memory_type(uint64_t address, uint64_t bytes)
{
    assert_true(address >= MODEL_MEMORY_BASE && bytes == MODEL_PAGE);
    return type_of_memory;
}

static uint64_t alloc(int order)
{
    uint64_t address = model_pages_alloc(order);

    return address ? address + misalignment : 0;
}

static void release(uint64_t address, int order)
{
    model_pages_free(address - misalignment, order);
}

static int reset(void **state)
{
    (void)state;
    model_cpu_reset();
    type_of_memory = MEMORY_TYPE_WB;
    misalignment = NOT_MISALIGNED;
    pretended = (struct pretend_list){.count = 0};
    cpu = (struct vmx_cpu){.cpu = 0};
    environment = (struct vmx_environment){.pages_alloc = alloc,
                                           .pages_free = release,
                                           .memory_type = memory_type,
                                           .physical_address_width = 39,
                                           .check = VMX_CHECK_KVM,
                                           .stop = VMX_STAGE_GUEST,
                                           .pretend = &pretended};
    return 0;
}

static void set_msr(uint32_t msr, uint64_t value)
{
    model_cpu.msrs.value[msr - VMX_MSR_FIRST] = value;
}

static void set_pretended(uint32_t msr, uint64_t value)
{
    pretended.item[pretended.count++] =
        (struct pretend){.every_cpu = true, .msr = msr, .value = value};
}

static void enable(void)
{
    vmx_cpu_judge(&cpu, &environment);
    vmx_cpu_enable(&cpu, &environment);
}

static const struct finding *find(const struct vmx_cpu *where, enum rule rule)
{
    for (uint32_t i = 0; i < where->findings.count; i++) {
        if (where->findings.item[i].rule == rule)
            return &where->findings.item[i];
    }
    return NULL;
}

static const struct finding *assert_found(enum rule rule, enum severity severity)
{
    const struct finding *finding = find(&cpu, rule);

    if (!finding) {
        fail_msg("the rule %s was not found", rule_table[rule].name);
        abort(); /* for the analyzer: fail_msg() does not return */
    }
    assert_int_equal(finding->severity, severity);
    assert_int_equal(finding->cpu, cpu.cpu);
    return finding;
}

static void disable_and_check(uint64_t cr0, uint64_t cr4)
{
    vmx_cpu_disable(&cpu, &environment);
    assert_int_equal(cpu.state, VMX_CPU_OFF);
    assert_false(model_cpu.vmx_operation);
    assert_true(read_cr0() == cr0 && read_cr4() == cr4);
    assert_int_equal(model_pages_used(), 0);
}

static uint32_t word_at(uint64_t address)
{
    uint32_t word;

    memcpy(&word, phys_to_virt(address), sizeof word);
    return word;
}

static void a_good_cpu_gets_there_and_back(void **state)
{
    uint64_t cr0 = read_cr0(), cr4 = read_cr4();

    (void)state;
    enable();
    assert_int_equal(cpu.findings.count, 0);
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
    assert_true(model_cpu.vmx_operation);
    assert_int_equal(model_cpu.vmxon_pointer, cpu.vmxon_region.address);
    assert_int_equal(model_cpu.current_vmcs, cpu.vmcs_region.address);
    assert_int_equal(cpu.vmptrst, cpu.vmcs_region.address);
    assert_int_not_equal(cpu.vmxon_region.address, cpu.vmcs_region.address);
    assert_int_equal(word_at(cpu.vmxon_region.address), 0x12);
    assert_int_equal(word_at(cpu.vmcs_region.address), 0x12);
    assert_int_equal(cpu.vmxon_region.order, 0);
    assert_int_equal(cpu.vmcs_region.memory_type, MEMORY_TYPE_WB);
    assert_true(cpu.feature_control_present);
    assert_int_equal(cpu.feature_control, 5);
    assert_int_equal(model_cpu.executed[MODEL_WRMSR], 0);
    assert_null(cpu.error_instruction);

    disable_and_check(cr0, cr4);
    model_cpu.cr4 &= ~CR4_PGE; /* from now on these are somebody else's */
    disable_and_check(cr0, cr4 & ~CR4_PGE);
    assert_int_equal(model_cpu.executed[MODEL_VMXOFF], 1);
    assert_int_equal(cpu.findings.count, 0);
}

static void stop_is_obeyed(void **state)
{
    uint64_t cr0 = read_cr0(), cr4 = read_cr4();

    (void)state;
    environment.stop = VMX_STAGE_CAPS;
    model_cpu.feature_control = 0;
    enable();
    assert_int_equal(cpu.state, VMX_CPU_OFF);
    assert_int_equal(cpu.config.revision_id, 0x12);
    assert_int_equal(model_cpu.feature_control, 0);
    assert_true(read_cr0() == cr0 && read_cr4() == cr4);
    assert_int_equal(model_pages_used(), 0);

    reset(state);
    environment.stop = VMX_STAGE_VMXON;
    enable();
    assert_int_equal(cpu.state, VMX_CPU_ROOT);
    assert_int_equal(model_pages_used(), 1);
    assert_true(model_cpu.current_vmcs == MODEL_NO_VMCS);
    disable_and_check(cr0, cr4);

    reset(state);
    environment.stop = VMX_STAGE_VMPTRLD;
    enable();
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
    disable_and_check(cr0, cr4);
}

/* The judge changes nothing, whatever it finds. */
static void judging_leaves_the_machine_alone(void **state)
{
    (void)state;
    model_cpu.feature_control = 0;
    vmx_cpu_judge(&cpu, &environment);
    for (int operation = MODEL_WRMSR; operation < MODEL_OPERATION_COUNT; operation++)
        assert_int_equal(model_cpu.executed[operation], 0);
    assert_int_equal(model_pages_used(), 0);
}

static bool is_told_without_value(uint32_t msr)
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
        assert_false(is_told_without_value(msr)); /* which would be the same once more */
        assert_int_equal(model_cpu.executed[MODEL_VMXON], 0);
        disable_and_check(cr0, cr4);
    }
    assert_int_equal(index, 18);
}

/* Conroe's register dump: no secondary controls, no TRUE MSRs. Reading one of them would fault. */
static void what_is_not_there_is_not_read(void **state)
{
    (void)state;
    set_msr(IA32_VMX_BASIC, 0x001a040000000007);
    set_msr(IA32_VMX_PROCBASED_CTLS, 0x77b9fffe0401e172);
    model_cpu.msrs.present = (1u << (IA32_VMX_VMCS_ENUM - VMX_MSR_FIRST + 1)) - 1;
    enable();
    assert_null(find(&cpu, RULE_MSR_READ_FAULT));
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
    assert_int_equal(cpu.msrs.present, model_cpu.msrs.present);
    assert_int_equal(word_at(cpu.vmcs_region.address), 7);
}

static void no_vmx(void)
{
    model_cpu.vmx = false;
}

static void svm_instead(void)
{
    model_cpu.vmx = false;
    model_cpu.svm = true;
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
    type_of_memory = MEMORY_TYPE_UC;
}

static void misaligned(void)
{
    misalignment = MISALIGNMENT;
}

/* The model's memory begins at 1 MiB: 20 bits cannot reach it. */
static void narrow(void)
{
    environment.physical_address_width = 20;
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
    {uncached, {0}, RULE_REGION_NOT_WRITE_BACK, "VMXON region", MEMORY_TYPE_UC, VMX_CPU_OFF},
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
     {MODEL_PRETEND, MODEL_WRMSR, 0, false, 0},
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
     {MODEL_PRETEND, MODEL_WRITE_CR4, 0, false, 0},
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
    {secretly_narrow, {0}, RULE_VMXON_INVALID, "VMXON", 0, VMX_CPU_OFF},
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
     {MODEL_PRETEND, MODEL_VMPTRLD, 0, false, 0},
     RULE_VMPTRST_DIFFERS,
     NULL,
     0,
     VMX_CPU_ROOT},
    {nothing,
     {MODEL_PRETEND, MODEL_VMPTRST, 0, false, 0},
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

static void every_refusal_is_told_and_undone(void **state)
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
    vmx_cpu_disable(&cpu, &environment);
    assert_string_equal(cpu.error_instruction, "VMPTRST");
    assert_string_equal(find(&cpu, RULE_INSTRUCTION_INVALID)->detail, "VMCLEAR");
    assert_false(model_cpu.vmx_operation);
}

/* One look shows all that is wrong. */
static void not_only_the_first_refusal_is_told(void **state)
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

static void vmxoff_that_fails_keeps_the_regions(void **state)
{
    (void)state;
    enable();
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAIL_VALID, .operation = MODEL_VMXOFF, .number = 23});
    vmx_cpu_disable(&cpu, &environment);
    assert_string_equal(assert_found(RULE_INSTRUCTION_ERROR, SEVERITY_REFUSAL)->detail, "VMXOFF");
    assert_int_not_equal(cpu.state, VMX_CPU_OFF);
    assert_int_equal(model_pages_used(), 2);
    assert_true(model_cpu.cr4 & CR4_VMXE);
}

static void open_feature_control_is_set_and_locked(void **state)
{
    static const uint64_t found[] = {0, FEATURE_CONTROL_VMX, FEATURE_CONTROL_SENTER_EN};

    for (unsigned i = 0; i < sizeof found / sizeof *found; i++) {
        reset(state);
        model_cpu.feature_control = found[i];
        enable();
        assert_int_equal(cpu.state, VMX_CPU_LOADED);
        assert_found(RULE_FEATURE_CONTROL_UNLOCKED, SEVERITY_NOTE);
        assert_int_equal(model_cpu.feature_control, found[i] | 5);
        assert_int_equal(cpu.feature_control, found[i]);
    }
}

/* Two threads of a core may share the register: the other one locked it since we looked. */
static void locked_meanwhile_is_no_refusal(void **state)
{
    (void)state;
    model_cpu.feature_control = 0;
    vmx_cpu_judge(&cpu, &environment);
    model_cpu.feature_control = 5;
    vmx_cpu_enable(&cpu, &environment);
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
}

static void absent_feature_control_is_left_to_vmxon(void **state)
{
    (void)state;
    model_cpu.feature_control_present = false;
    enable();
    assert_found(RULE_FEATURE_CONTROL_ABSENT, SEVERITY_WARNING);
    assert_false(cpu.feature_control_present);
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
}

/* Judged and reported is the pretended value; the hardware gets the real revision id. */
static void pretended_values_never_reach_the_hardware(void **state)
{
    (void)state;
    set_pretended(IA32_VMX_BASIC, 0x00da040000000077);
    enable();
    assert_int_equal(cpu.judged_config.revision_id, 0x77);
    assert_int_equal(cpu.config.revision_id, 0x12);
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
    assert_int_equal(word_at(cpu.vmcs_region.address), 0x12);

    reset(state);
    set_pretended(IA32_VMX_BASIC, 0x00d6040000000012); /* memory type 5 */
    enable();
    assert_found(RULE_BASIC_MEMORY_TYPE, SEVERITY_REFUSAL);
    assert_int_equal(model_cpu.executed[MODEL_VMXON], 0);
}

/* Nobody pretends a real refusal away. */
static void real_refusals_stop_it_as_well(void **state)
{
    (void)state;
    set_msr(IA32_VMX_BASIC, 0x00d6040000000012);
    set_pretended(IA32_VMX_BASIC, 0x00da040000000012);
    enable();
    assert_found(RULE_BASIC_MEMORY_TYPE, SEVERITY_REFUSAL);
    assert_int_equal(model_cpu.executed[MODEL_VMXON], 0);

    /* and what is wrong with both is told once */
    reset(state);
    set_msr(IA32_VMX_BASIC, 0x00d6040000000012);
    set_pretended(IA32_VMX_BASIC, 0x00d6040000000012);
    enable();
    assert_int_equal(cpu.findings.count, 2);
    assert_found(RULE_PRETENDED, SEVERITY_NOTE);
    assert_found(RULE_BASIC_MEMORY_TYPE, SEVERITY_REFUSAL);
}

/* What a CPU that is not the boot CPU finds: `other` runs after the boot CPU was judged. */
static struct vmx_cpu judge_other(void)
{
    static struct vmx_cpu boot;
    struct vmx_environment with_boot = environment;
    struct vmx_cpu other = {.cpu = 1};

    boot = cpu;
    with_boot.boot_cpu = &boot;
    vmx_cpu_judge(&other, &with_boot);
    vmx_cpu_enable(&other, &with_boot);
    return other;
}

static void every_cpu_must_be_as_the_boot_cpu(void **state)
{
    struct vmx_cpu other;

    (void)state;
    vmx_cpu_judge(&cpu, &environment);
    other = judge_other();
    assert_int_equal(other.state, VMX_CPU_LOADED);
    assert_int_equal(other.findings.count, 0);

    reset(state);
    vmx_cpu_judge(&cpu, &environment);
    set_msr(IA32_VMX_BASIC, 0x00da040000000013);
    other = judge_other();
    assert_int_equal(other.state, VMX_CPU_OFF);
    assert_non_null(find(&other, RULE_COMPARE_MISMATCH));
    assert_int_equal(find(&other, RULE_COMPARE_MISMATCH)->cpu, 1);

    /* real CPUs that differ stay different under one pretended value */
    reset(state);
    set_pretended(IA32_VMX_BASIC, 0x00da040000000012);
    vmx_cpu_judge(&cpu, &environment);
    set_msr(IA32_VMX_BASIC, 0x00da040000000013);
    other = judge_other();
    assert_non_null(find(&other, RULE_COMPARE_MISMATCH));
    assert_int_equal(other.state, VMX_CPU_OFF);
}

static void auto_trusts_a_virtual_machine_less(void **state)
{
    (void)state;
    assert_int_equal(vmx_check_auto(), VMX_CHECK_KVM);
    model_cpu.hypervisor = true;
    assert_int_equal(vmx_check_auto(), VMX_CHECK_VIRTUAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_cpu_gets_there_and_back, reset),
        cmocka_unit_test_setup(stop_is_obeyed, reset),
        cmocka_unit_test_setup(judging_leaves_the_machine_alone, reset),
        cmocka_unit_test(each_msr_that_faults_is_named),
        cmocka_unit_test_setup(what_is_not_there_is_not_read, reset),
        cmocka_unit_test(every_refusal_is_told_and_undone),
        cmocka_unit_test_setup(the_failing_instruction_is_remembered, reset),
        cmocka_unit_test_setup(not_only_the_first_refusal_is_told, reset),
        cmocka_unit_test_setup(vmxoff_that_fails_keeps_the_regions, reset),
        cmocka_unit_test(open_feature_control_is_set_and_locked),
        cmocka_unit_test_setup(locked_meanwhile_is_no_refusal, reset),
        cmocka_unit_test_setup(absent_feature_control_is_left_to_vmxon, reset),
        cmocka_unit_test_setup(pretended_values_never_reach_the_hardware, reset),
        cmocka_unit_test_setup(real_refusals_stop_it_as_well, reset),
        cmocka_unit_test_setup(every_cpu_must_be_as_the_boot_cpu, reset),
        cmocka_unit_test_setup(auto_trusts_a_virtual_machine_less, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
