/*
 * One CPU's way into VMX operation and out again, on the model CPU: the good way, its stops, what
 * it may find in IA32_FEATURE_CONTROL, overridden values, and a CPU that differs from the boot CPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "tests/host/vmx_cpu_machine.h"

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
    options.stop = VMX_STAGE_CAPS;
    model_cpu.feature_control = 0;
    enable();
    assert_int_equal(cpu.state, VMX_CPU_OFF);
    assert_int_equal(cpu.config.revision_id, 0x12);
    assert_int_equal(model_cpu.feature_control, 0);
    assert_true(read_cr0() == cr0 && read_cr4() == cr4);
    assert_int_equal(model_pages_used(), 0);

    reset(state);
    options.stop = VMX_STAGE_VMXON;
    enable();
    assert_int_equal(cpu.state, VMX_CPU_ROOT);
    assert_int_equal(model_pages_used(), 1);
    assert_true(model_cpu.current_vmcs == MODEL_NO_VMCS);
    disable_and_check(cr0, cr4);

    reset(state);
    options.stop = VMX_STAGE_VMPTRLD;
    enable();
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
    disable_and_check(cr0, cr4);
}

/* The check changes nothing, whatever it finds. */
static void judging_leaves_the_machine_alone(void **state)
{
    (void)state;
    model_cpu.feature_control = 0;
    vmx_cpu_check(&cpu, NULL);
    for (int operation = MODEL_WRMSR; operation < MODEL_OPERATION_COUNT; operation++)
        assert_int_equal(model_cpu.executed[operation], 0);
    assert_int_equal(model_pages_used(), 0);
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

static void vmxoff_that_fails_keeps_the_regions(void **state)
{
    (void)state;
    enable();
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAIL_VALID, .operation = MODEL_VMXOFF, .number = 23});
    vmx_cpu_disable(&cpu);
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
    vmx_cpu_check(&cpu, NULL);
    model_cpu.feature_control = 5;
    vmx_cpu_enable(&cpu);
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

/* Checked and reported is the overridden value; the hardware gets the real revision id. */
static void overridden_values_never_reach_the_hardware(void **state)
{
    (void)state;
    set_overridden(IA32_VMX_BASIC, 0x00da040000000077);
    enable();
    assert_int_equal(cpu.checked_config.revision_id, 0x77);
    assert_int_equal(cpu.config.revision_id, 0x12);
    assert_int_equal(cpu.state, VMX_CPU_LOADED);
    assert_int_equal(word_at(cpu.vmcs_region.address), 0x12);

    reset(state);
    set_overridden(IA32_VMX_BASIC, 0x00d6040000000012); /* memory type 5 */
    enable();
    assert_found(RULE_BASIC_MEMORY_TYPE, SEVERITY_REFUSAL);
    assert_int_equal(model_cpu.executed[MODEL_VMXON], 0);
}

/* Nobody overrides a real refusal away. */
static void real_refusals_stop_it_as_well(void **state)
{
    (void)state;
    set_msr(IA32_VMX_BASIC, 0x00d6040000000012);
    set_overridden(IA32_VMX_BASIC, 0x00da040000000012);
    enable();
    assert_found(RULE_BASIC_MEMORY_TYPE, SEVERITY_REFUSAL);
    assert_int_equal(model_cpu.executed[MODEL_VMXON], 0);

    /* and what is wrong with both is reported once */
    reset(state);
    set_msr(IA32_VMX_BASIC, 0x00d6040000000012);
    set_overridden(IA32_VMX_BASIC, 0x00d6040000000012);
    enable();
    assert_int_equal(cpu.findings.count, 2);
    assert_found(RULE_OVERRIDDEN, SEVERITY_NOTE);
    assert_found(RULE_BASIC_MEMORY_TYPE, SEVERITY_REFUSAL);
}

/* What a CPU that is not the boot CPU finds: `other` runs after the boot CPU was checked. */
static struct vmx_cpu check_other(void)
{
    static struct vmx_cpu boot;
    struct vmx_cpu other = {.cpu = 1, .options = &options};

    boot = cpu;
    vmx_cpu_check(&other, &boot);
    vmx_cpu_enable(&other);
    return other;
}

static void every_cpu_must_be_as_the_boot_cpu(void **state)
{
    struct vmx_cpu other;

    (void)state;
    vmx_cpu_check(&cpu, NULL);
    other = check_other();
    assert_int_equal(other.state, VMX_CPU_LOADED);
    assert_int_equal(other.findings.count, 0);

    reset(state);
    vmx_cpu_check(&cpu, NULL);
    set_msr(IA32_VMX_BASIC, 0x00da040000000013);
    other = check_other();
    assert_int_equal(other.state, VMX_CPU_OFF);
    assert_non_null(find(&other, RULE_COMPARE_MISMATCH));
    assert_int_equal(find(&other, RULE_COMPARE_MISMATCH)->cpu, 1);

    /* real CPUs that differ stay different under one overridden value */
    reset(state);
    set_overridden(IA32_VMX_BASIC, 0x00da040000000012);
    vmx_cpu_check(&cpu, NULL);
    set_msr(IA32_VMX_BASIC, 0x00da040000000013);
    other = check_other();
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

/*
 * SDM Vol. 3, "Memory Type Used for Translated Guest-Physical Addresses": the EPT's type and the
 * PAT decide, not a guest's MTRRs. So nothing that virtual MTRRs say is a reason to stop.
 */
static void virtual_mtrrs_are_only_warned_of(void **state)
{
    static const struct {
        uint8_t encoding, type;
        const char *why;
    } rows[] = {
        {0, MEMORY_TYPE_UC, "IA32_MTRR_DEF_TYPE 0x800, no range"},
        {4, MEMORY_TYPE_WT, "IA32_MTRR_DEF_TYPE 0x804, no range"},
        {5, MEMORY_TYPE_WP, "IA32_MTRR_DEF_TYPE 0x805, no range"},
        {2, MEMORY_TYPE_UNDEFINED, "IA32_MTRR_DEF_TYPE 0x802, no range"},
    };
    static const enum vmx_check modes[] = {VMX_CHECK_KVM, VMX_CHECK_VIRTUAL};

    for (unsigned i = 0; i < 8; i++) {
        const struct finding *finding;

        reset(state);
        set_type_of_memory(rows[i / 2].encoding);
        model_cpu.hypervisor = true;
        options.check = modes[i % 2];
        enable();
        finding = assert_found(RULE_REGION_MTRR_VIRTUAL, SEVERITY_WARNING);
        assert_memory_equal(finding[0].detail, "VMXON region: ", 14);
        assert_string_equal(finding[0].detail + 14, rows[i / 2].why);
        assert_memory_equal(finding[1].detail, "VMCS: ", 6);
        assert_string_equal(finding[1].detail + 6, rows[i / 2].why);
        assert_int_equal(finding->seen, rows[i / 2].type);
        assert_int_equal(finding->wanted, MEMORY_TYPE_WB);
        assert_int_equal(cpu.findings.count, 2);
        assert_int_equal(cpu.state, VMX_CPU_LOADED);
        assert_int_equal(cpu.vmcs_region.memory_type, rows[i / 2].type);
    }
}

/* The VMXON region comes first: a range that begins after it makes the VMCS alone uncacheable. */
static void each_region_has_a_type_of_its_own(void **state)
{
    (void)state;
    set_type_of_memory(MEMORY_TYPE_WB);
    memory_types.mtrrcap = 1;
    memory_types.physbase[0] = (MODEL_MEMORY_BASE + MODEL_PAGE) | MEMORY_TYPE_UC;
    memory_types.physmask[0] = (1ull << 39) - MODEL_PAGE + MTRR_PHYSMASK_V;
    enable();
    assert_string_equal(assert_found(RULE_REGION_NOT_WRITE_BACK, SEVERITY_REFUSAL)->detail,
                        "VMCS: IA32_MTRR_DEF_TYPE 0x806, range 0 at 0x101000 UC");
    assert_int_equal(cpu.findings.count, 1);
    assert_int_equal(cpu.vmxon_region.memory_type, MEMORY_TYPE_WB);
    assert_true(cpu.vmcs_region.address == 0);
}

/* Read from the CPU that is checked. */
static void memory_types_are_those_of_the_cpu(void **state)
{
    (void)state;
    memset(&cpu.memory_types, 0xff, sizeof(cpu.memory_types));
    vmx_cpu_check(&cpu, NULL);
    assert_int_equal(cpu.memory_types.physical_width, 39);
    assert_false(cpu.memory_types.mtrr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_cpu_gets_there_and_back, reset),
        cmocka_unit_test_setup(stop_is_obeyed, reset),
        cmocka_unit_test_setup(judging_leaves_the_machine_alone, reset),
        cmocka_unit_test_setup(what_is_not_there_is_not_read, reset),
        cmocka_unit_test_setup(vmxoff_that_fails_keeps_the_regions, reset),
        cmocka_unit_test(open_feature_control_is_set_and_locked),
        cmocka_unit_test_setup(locked_meanwhile_is_no_refusal, reset),
        cmocka_unit_test_setup(absent_feature_control_is_left_to_vmxon, reset),
        cmocka_unit_test_setup(overridden_values_never_reach_the_hardware, reset),
        cmocka_unit_test_setup(real_refusals_stop_it_as_well, reset),
        cmocka_unit_test_setup(every_cpu_must_be_as_the_boot_cpu, reset),
        cmocka_unit_test_setup(auto_trusts_a_virtual_machine_less, reset),
        cmocka_unit_test(virtual_mtrrs_are_only_warned_of),
        cmocka_unit_test_setup(each_region_has_a_type_of_its_own, reset),
        cmocka_unit_test_setup(memory_types_are_those_of_the_cpu, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
