/*
 * The model CPU against the SDM's sentences: what the enabling sequence and the self-test are
 * tested with must not itself be a guess. Each expectation is from the instruction's "Operation"
 * or "Exceptions" section (SDM Vol. 3, "VMX Instruction Reference"; Vol. 2, "MOV").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "mm/page_alloc.h"
#include "tests/host/model_cpu.h"
#include "vmx/vmcs_field.h"
#include "vmx/selftest/selftest.h"

static uint64_t registers[16]; /* of a guest */

enum { REVISION = 0x12, BEYOND_SHIFT = 39 };

static int reset(void **state)
{
    (void)state;
    model_cpu_reset();
    return 0;
}

static uint64_t region(uint32_t revision)
{
    uint64_t address = pages_alloc(0);

    assert_int_not_equal(address, 0);
    memcpy(phys_to_virt(address), &revision, sizeof revision);
    return address;
}

static void assert_succeeds(struct vmx_flags flags)
{
    assert_int_equal(flags.vector, 0);
    assert_false(flags.carry);
    assert_false(flags.zero);
}

static void assert_faults(struct vmx_flags flags, uint8_t vector)
{
    assert_int_equal(flags.vector, vector);
}

static void assert_fails_invalid(struct vmx_flags flags)
{
    assert_int_equal(flags.vector, 0);
    assert_true(flags.carry);
    assert_false(flags.zero);
}

static void assert_fails_valid(struct vmx_flags flags, uint64_t number)
{
    uint64_t error = 0;

    assert_int_equal(flags.vector, 0);
    assert_false(flags.carry);
    assert_true(flags.zero);
    assert_succeeds(x86_vmread(VMCS_VM_INSTRUCTION_ERROR, &error));
    assert_int_equal(error, number);
}

static void prepare_control_registers(void)
{
    assert_int_equal(write_cr0_safe(read_cr0() | CR0_NE), 0);
    assert_int_equal(write_cr4_safe(read_cr4() | CR4_VMXE), 0);
}

/* In VMX operation; gives the VMXON region. */
static uint64_t enter(void)
{
    uint64_t address = region(REVISION);

    prepare_control_registers();
    assert_succeeds(x86_vmxon(address));
    return address;
}

/* In VMX operation with a current VMCS; gives the VMCS. */
static uint64_t enter_and_load(void)
{
    uint64_t vmcs;

    enter();
    vmcs = region(REVISION);
    assert_succeeds(x86_vmclear(vmcs));
    assert_succeeds(x86_vmptrld(vmcs));
    return vmcs;
}

static void cpuid_shows_what_it_is(void **state)
{
    (void)state;
    assert_int_equal(cpuid(1, 0).ecx, 1u << 5 | 1u << 6 | 1u << 26);
    model_cpu.xcr0_supported = 0;
    assert_int_equal(cpuid(1, 0).ecx, 1u << 5 | 1u << 6);
    assert_int_equal(cpuid(0x80000008, 0).eax & 0xff, 39);
    model_cpu.vmx = false;
    model_cpu.svm = true;
    model_cpu.hypervisor = true;
    assert_int_equal(cpuid(1, 0).ecx, 1u << 6 | 1u << 31);
    assert_int_equal(cpuid(0x80000001, 0).ecx, 1u << 2);
}

/* "#GP(0): If the value in ECX specifies a reserved or unimplemented MSR address." */
static void rdmsr_faults_on_what_is_not_there(void **state)
{
    uint64_t value = 1;

    (void)state;
    assert_int_equal(rdmsr_safe(IA32_VMX_BASIC, &value), 0);
    assert_int_equal(value, 0x00da040000000012);
    assert_int_equal(rdmsr_safe(0x492, &value), X86_VECTOR_GP);
    assert_int_equal(value, 0);
    model_cpu.feature_control_present = false;
    assert_int_equal(rdmsr_safe(IA32_FEATURE_CONTROL, &value), X86_VECTOR_GP);
    assert_int_equal(wrmsr_safe(IA32_FEATURE_CONTROL, 5), X86_VECTOR_GP);
    model_cpu.vmx = false;
    assert_int_equal(rdmsr_safe(IA32_VMX_BASIC, &value), X86_VECTOR_GP);
}

/* "Once the lock bit is set, the MSR cannot be modified until a power-up reset condition." */
static void feature_control_locks(void **state)
{
    uint64_t value;

    (void)state;
    model_cpu.feature_control = 0;
    assert_int_equal(wrmsr_safe(IA32_FEATURE_CONTROL, 1u << 3), X86_VECTOR_GP);
    assert_int_equal(wrmsr_safe(IA32_FEATURE_CONTROL, FEATURE_CONTROL_VMX), 0);
    assert_int_equal(wrmsr_safe(IA32_FEATURE_CONTROL, 5), 0);
    assert_int_equal(wrmsr_safe(IA32_FEATURE_CONTROL, 5), X86_VECTOR_GP);
    assert_int_equal(rdmsr_safe(IA32_FEATURE_CONTROL, &value), 0);
    assert_int_equal(value, 5);

    model_cpu.feature_control = 0;
    model_cpu.smx = false;
    assert_int_equal(wrmsr_safe(IA32_FEATURE_CONTROL, FEATURE_CONTROL_VMX_SMX), X86_VECTOR_GP);
    assert_int_equal(wrmsr_safe(IA32_VMX_BASIC, 0), X86_VECTOR_GP);
}

static void control_registers_refuse_nonsense(void **state)
{
    (void)state;
    assert_int_equal(write_cr0_safe(read_cr0() | 1ull << 32), X86_VECTOR_GP);
    assert_int_equal(write_cr0_safe(read_cr0() & ~CR0_PG), X86_VECTOR_GP);
    assert_int_equal(write_cr0_safe(read_cr0() | CR0_NW), X86_VECTOR_GP);
    assert_int_equal(write_cr0_safe(read_cr0() | CR0_NW | CR0_CD), 0);
    assert_int_equal(write_cr4_safe(read_cr4() | 1ull << 15), X86_VECTOR_GP);
    assert_int_equal(write_cr4_safe(read_cr4() & ~CR4_PAE), X86_VECTOR_GP);
    assert_int_equal(read_cr4(), CR4_PAE | CR4_PGE);
}

/* "Any attempt to set one of these bits to an unsupported value while in VMX operation" is #GP. */
static void control_registers_are_fixed_in_vmx_operation(void **state)
{
    (void)state;
    enter();
    assert_int_equal(write_cr4_safe(read_cr4() & ~CR4_VMXE), X86_VECTOR_GP);
    assert_int_equal(write_cr0_safe(read_cr0() & ~CR0_NE), X86_VECTOR_GP);
    assert_succeeds(x86_vmxoff());
    assert_int_equal(write_cr4_safe(read_cr4() & ~CR4_VMXE), 0);
    assert_int_equal(write_cr0_safe(read_cr0() & ~CR0_NE), 0);
}

static void vmxon_faults(void **state)
{
    uint64_t address = region(REVISION);

    (void)state;
    assert_faults(x86_vmxon(address), X86_VECTOR_UD); /* CR4.VMXE = 0 */
    prepare_control_registers();
    model_cpu.a20_masked = true;
    assert_faults(x86_vmxon(address), X86_VECTOR_GP);
    model_cpu.a20_masked = false;
    model_cpu.cr0 &= ~CR0_NE; /* not supported in VMX operation */
    assert_faults(x86_vmxon(address), X86_VECTOR_GP);
    model_cpu.cr0 |= CR0_NE;
    model_cpu.feature_control = FEATURE_CONTROL_VMX; /* the lock bit is clear */
    assert_faults(x86_vmxon(address), X86_VECTOR_GP);
    model_cpu.feature_control = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX_SMX;
    assert_faults(x86_vmxon(address), X86_VECTOR_GP);
    model_cpu.inside_smx = true;
    assert_succeeds(x86_vmxon(address));
    assert_succeeds(x86_vmxoff());
    model_cpu.feature_control = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX;
    assert_faults(x86_vmxon(address), X86_VECTOR_GP);
}

static void vmxon_fails_on_a_bad_region(void **state)
{
    (void)state;
    prepare_control_registers();
    assert_fails_invalid(x86_vmxon(region(REVISION) + 0x10));
    assert_fails_invalid(x86_vmxon(1ull << BEYOND_SHIFT));
    assert_fails_invalid(x86_vmxon(region(REVISION + 1)));
    assert_fails_invalid(x86_vmxon(region(REVISION | 1u << 31)));
    assert_succeeds(x86_vmxon(region(REVISION)));
}

static void vmxon_in_vmx_operation_is_error_15(void **state)
{
    uint64_t vmxon_region = enter(), vmcs = region(REVISION);

    (void)state;
    assert_fails_invalid(x86_vmxon(vmxon_region)); /* no current VMCS to hold the number */
    assert_succeeds(x86_vmptrld(vmcs));
    assert_fails_valid(x86_vmxon(vmxon_region), 15);
}

static void outside_vmx_operation_all_is_undefined(void **state)
{
    uint64_t value;

    (void)state;
    prepare_control_registers();
    assert_faults(x86_vmxoff(), X86_VECTOR_UD);
    assert_faults(x86_vmclear(0), X86_VECTOR_UD);
    assert_faults(x86_vmptrld(0), X86_VECTOR_UD);
    assert_faults(x86_vmptrst(&value), X86_VECTOR_UD);
    assert_faults(x86_vmread(VMCS_GUEST_CR0, &value), X86_VECTOR_UD);
    assert_faults(x86_vmwrite(VMCS_GUEST_CR0, 0), X86_VECTOR_UD);
    assert_faults(x86_vm_enter(false, 0, registers), X86_VECTOR_UD);
}

static void vmptrld_errors(void **state)
{
    uint64_t vmxon_region = enter(), vmcs = region(REVISION), current = 0;

    (void)state;
    assert_succeeds(x86_vmptrst(&current));
    assert_true(current == UINT64_MAX); /* "the current-VMCS pointer … FFFFFFFF_FFFFFFFFH" */
    assert_fails_invalid(x86_vmptrld(vmcs + 8));
    assert_succeeds(x86_vmptrld(vmcs));
    assert_fails_valid(x86_vmptrld(vmcs + 8), 9);
    assert_fails_valid(x86_vmptrld(1ull << BEYOND_SHIFT), 9);
    assert_fails_valid(x86_vmptrld(vmxon_region), 10);
    assert_fails_valid(x86_vmptrld(region(REVISION + 1)), 11);
    assert_fails_valid(x86_vmptrld(region(REVISION | 1u << 31)), 11);
    assert_succeeds(x86_vmptrst(&current));
    assert_int_equal(current, vmcs);
}

static void vmclear_errors_and_effect(void **state)
{
    uint64_t vmxon_region = enter(), vmcs = region(REVISION), other = region(REVISION), current;

    (void)state;
    assert_succeeds(x86_vmptrld(vmcs));
    assert_fails_valid(x86_vmclear(vmcs + 8), 2);
    assert_fails_valid(x86_vmclear(1ull << BEYOND_SHIFT), 2);
    assert_fails_valid(x86_vmclear(vmxon_region), 3);
    assert_succeeds(x86_vmclear(other));
    assert_succeeds(x86_vmptrst(&current));
    assert_int_equal(current, vmcs);
    assert_succeeds(x86_vmclear(vmcs));
    assert_succeeds(x86_vmptrst(&current));
    assert_true(current == UINT64_MAX);
}

static void fields_are_read_and_written(void **state)
{
    uint64_t value = 0;

    (void)state;
    enter_and_load();
    assert_succeeds(x86_vmwrite(VMCS_GUEST_CR3, 0x5000));
    assert_succeeds(x86_vmread(VMCS_GUEST_CR3, &value));
    assert_int_equal(value, 0x5000);
    assert_fails_valid(x86_vmread(0x6ffe, &value), 12); /* too high an index */
    assert_fails_valid(x86_vmread(VMCS_GUEST_CR3 | 1, &value),
                       12); /* "high" of what is not 64-bit */
    assert_fails_valid(x86_vmwrite(VMCS_GUEST_CR3 | 1 << 12, 0), 12); /* a reserved bit */
    assert_fails_valid(x86_vmread(VMCS_GUEST_CR3 | 1ull << 32, &value), 12);
    model_cpu.msrs.value[IA32_VMX_MISC - VMX_MSR_FIRST] &= ~(1ull << 29);
    assert_fails_valid(x86_vmwrite(VMCS_EXIT_REASON, 0), 13);
    model_cpu.msrs.value[IA32_VMX_MISC - VMX_MSR_FIRST] |= 1ull << 29;
    assert_succeeds(x86_vmwrite(VMCS_EXIT_REASON, 0));
}

static void without_a_current_vmcs_all_is_invalid(void **state)
{
    uint64_t value;

    (void)state;
    enter();
    assert_fails_invalid(x86_vmread(VMCS_GUEST_CR3, &value));
    assert_fails_invalid(x86_vmwrite(VMCS_GUEST_CR3, 0));
    assert_fails_invalid(x86_vm_enter(false, 0, registers));
    assert_fails_invalid(x86_vm_enter(true, 0, registers));
}

/* SDM, "VM Entries", "Basic VM-Entry Checks": the launch state comes first, then the controls. */
static void vm_entry_checks_in_order(void **state)
{
    (void)state;
    enter_and_load();
    assert_fails_valid(x86_vm_enter(true, 0, registers), 5);
    assert_fails_valid(x86_vm_enter(false, 0, registers),
                       7); /* all controls 0: default1 bits are missing */
    assert_succeeds(x86_vmwrite(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x16));
    assert_succeeds(x86_vmwrite(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0x04006172));
    assert_succeeds(x86_vmwrite(VMCS_PRIMARY_VM_EXIT_CONTROLS, 0x36dfb | 1 << 9));
    assert_succeeds(x86_vmwrite(VMCS_VM_ENTRY_CONTROLS, 0x11fb | 1 << 9));
    assert_fails_valid(x86_vm_enter(false, 0, registers), 8); /* the host state is all 0 */
}

static void what_goes_wrong_can_be_chosen(void **state)
{
    uint64_t value;

    (void)state;
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAULT, .operation = MODEL_RDMSR, .after = 2, .number = X86_VECTOR_GP});
    assert_int_equal(rdmsr_safe(IA32_VMX_BASIC, &value), 0);
    assert_int_equal(rdmsr_safe(IA32_VMX_BASIC, &value), 0);
    assert_int_equal(rdmsr_safe(IA32_VMX_BASIC, &value), X86_VECTOR_GP);
    assert_int_equal(rdmsr_safe(IA32_VMX_BASIC, &value), 0);

    enter_and_load();
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAIL_VALID, .operation = MODEL_VMCLEAR, .always = true, .number = 2});
    assert_fails_valid(x86_vmclear(region(REVISION)), 2);
    assert_fails_valid(x86_vmclear(region(REVISION)), 2);
    model_cpu_inject(
        (struct model_injection){.effect = MODEL_FAIL_INVALID, .operation = MODEL_VMPTRLD});
    assert_fails_invalid(x86_vmptrld(region(REVISION)));
    model_cpu_inject(
        (struct model_injection){.effect = MODEL_OVERRIDES, .operation = MODEL_VMXOFF});
    assert_succeeds(x86_vmxoff());
    assert_true(model_cpu.vmx_operation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(cpuid_shows_what_it_is, reset),
        cmocka_unit_test_setup(rdmsr_faults_on_what_is_not_there, reset),
        cmocka_unit_test_setup(feature_control_locks, reset),
        cmocka_unit_test_setup(control_registers_refuse_nonsense, reset),
        cmocka_unit_test_setup(control_registers_are_fixed_in_vmx_operation, reset),
        cmocka_unit_test_setup(vmxon_faults, reset),
        cmocka_unit_test_setup(vmxon_fails_on_a_bad_region, reset),
        cmocka_unit_test_setup(vmxon_in_vmx_operation_is_error_15, reset),
        cmocka_unit_test_setup(outside_vmx_operation_all_is_undefined, reset),
        cmocka_unit_test_setup(vmptrld_errors, reset),
        cmocka_unit_test_setup(vmclear_errors_and_effect, reset),
        cmocka_unit_test_setup(fields_are_read_and_written, reset),
        cmocka_unit_test_setup(without_a_current_vmcs_all_is_invalid, reset),
        cmocka_unit_test_setup(vm_entry_checks_in_order, reset),
        cmocka_unit_test_setup(what_goes_wrong_can_be_chosen, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
