/* Lab 2: feature control, fixed bits of CR0 and CR4, VMXON. docs/labs/2.md is its page. */
#include "tests/labs/lab.h"

#include <string.h>

#include "tests/host/vmx_cpu_machine.h"
#include "vmx/capability/vmxon_registers.h"

/* IA32_FEATURE_CONTROL, by the manual's numbers. */
enum { LOCK = 1, IN_SMX = 2, OUTSIDE = 4 };

static void locked_off(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 8; value++) {
        const bool wanted = value == LOCK || value == (LOCK | IN_SMX);

        want(feature_control_is_locked_off(value) == wanted,
             "IA32_FEATURE_CONTROL 0x%llx is %slocked off: that is bit 0 set and bit 2 clear",
             ull(value), wanted ? "" : "not ");
    }
}

static void decide(void **state)
{
    const uint64_t others = 1ull << 20 | IN_SMX; /* LMCE, and one that is not ours */
    struct findings findings = {0};
    uint64_t written = feature_control_decide(true, others, &findings);

    (void)state;
    want(written & LOCK,
         "0x%llx is to be written: without the lock, bit 0, VMXON is #GP all the same",
         ull(written));
    want(written & OUTSIDE, "0x%llx is to be written: bit 2 allows VMXON outside of SMX operation",
         ull(written));
    want((written & others) == others,
         "0x%llx is to be written over 0x%llx: the other bits stay as the firmware chose them",
         ull(written), ull(others));
    want(findings.count == 1 && findings.item[0].rule == RULE_FEATURE_CONTROL_UNLOCKED,
         "an open register: no finding %s", rule_table[RULE_FEATURE_CONTROL_UNLOCKED].name);
    written = feature_control_decide(true, LOCK | OUTSIDE, &findings);
    want(written == 0,
         "the register is locked, and VMXON allowed: nothing is to be written, not 0x%llx",
         ull(written));
}

static void want_rule(bool present, uint64_t value, enum rule rule)
{
    struct findings findings = {0};
    const uint64_t written = feature_control_decide(present, value, &findings);

    want(written == 0, "IA32_FEATURE_CONTROL %s 0x%llx: nothing is to be written, not 0x%llx",
         present ? "is" : "is absent", ull(value), ull(written));
    want(findings.count == 1 && findings.item[0].rule == rule,
         "IA32_FEATURE_CONTROL %s 0x%llx: the one finding is %s", present ? "is" : "is absent",
         ull(value), rule_table[rule].name);
}

static void refused(void **state)
{
    (void)state;
    want_rule(true, LOCK, RULE_FEATURE_CONTROL_LOCKED_OFF);
    want_rule(true, LOCK | IN_SMX, RULE_FEATURE_CONTROL_SMX_ONLY);
    want_rule(false, 0, RULE_FEATURE_CONTROL_ABSENT);
}

static void read_back(void **state)
{
    struct findings findings = {0};

    (void)state;
    want(feature_control_written(X86_VECTOR_GP, LOCK | OUTSIDE, &findings) && findings.count == 0,
         "WRMSR faulted, but the register allows VMXON: the other thread of the core was quicker; "
         "what "
         "is read back counts");
    want(!feature_control_written(X86_VECTOR_GP, 0, &findings) && findings.count == 1 &&
             findings.item[0].rule == RULE_FEATURE_CONTROL_WRITE_FAULT,
         "WRMSR faulted and the register is 0: no finding %s",
         rule_table[RULE_FEATURE_CONTROL_WRITE_FAULT].name);
    findings.count = 0;
    want(!feature_control_written(0, LOCK, &findings) && findings.count == 1 &&
             findings.item[0].rule == RULE_FEATURE_CONTROL_NOT_KEPT,
         "WRMSR succeeded but bit 2 reads as 0: no finding %s",
         rule_table[RULE_FEATURE_CONTROL_NOT_KEPT].name);
}

static struct vmx_msrs fixed(uint64_t cr0_0, uint64_t cr0_1, uint64_t cr4_0, uint64_t cr4_1)
{
    struct vmx_msrs msrs = {0};

    vmx_msr_set(&msrs, IA32_VMX_CR0_FIXED0, cr0_0);
    vmx_msr_set(&msrs, IA32_VMX_CR0_FIXED1, cr0_1);
    vmx_msr_set(&msrs, IA32_VMX_CR4_FIXED0, cr4_0);
    vmx_msr_set(&msrs, IA32_VMX_CR4_FIXED1, cr4_1);
    return msrs;
}

static void ones(void **state)
{
    const struct vmx_msrs msrs = fixed(0x80000021, ~0ull, 0x100002000, 0x1003767ff);
    uint64_t value = cr0_for_vmx(CR0_PE | CR0_WP, &msrs);

    (void)state;
    want(value == (0x80000021 | CR0_WP),
         "CR0 0x%llx becomes 0x%llx: what is 1 in FIXED0 is 1 in VMX operation, all else stays",
         ull(CR0_PE | CR0_WP), ull(value));
    value = cr4_for_vmx(CR4_PAE, &msrs);
    want(value & CR4_VMXE, "CR4 becomes 0x%llx: without VMXE, bit 13, VMXON is #UD", ull(value));
    want(value & 1ull << 32, "CR4 becomes 0x%llx: FIXED0 has 64 bits, and here its bit 32 is 1",
         ull(value));
    value = cr4_for_vmx(1ull << 40 | CR4_PAE, &msrs);
    want(value & 1ull << 40,
         "CR4 becomes 0x%llx: a bit that must be 0 is not turned off but reported; somebody relies "
         "on it",
         ull(value));
    value = cr4_for_vmx(0, &(struct vmx_msrs){0});
    want(value == CR4_VMXE, "CR4 becomes 0x%llx where FIXED0 was not read: VMXE alone is added",
         ull(value));
}

static void zeros(void **state)
{
    struct vmx_msrs msrs = fixed(0x80000021, 0xffffffff, CR4_VMXE, 0x3767ff);
    struct findings findings = {0};

    (void)state;
    cr_fixed_check(CR0_PE | CR0_PG, CR4_PAE | CR4_PKS, &msrs, &findings);
    want(findings.count == 1 && findings.item[0].rule == RULE_CR_BIT_MUST_BE_ZERO,
         "CR4.PKS is 1 and must be 0: %u findings, not one %s", findings.count,
         rule_table[RULE_CR_BIT_MUST_BE_ZERO].name);
    want(findings.item[0].detail && strcmp(findings.item[0].detail, "CR4.PKS") == 0 &&
             findings.item[0].low == 24,
         "the finding names %s in .detail, bit %d; it is CR4.PKS, bit 24",
         findings.item[0].detail ? findings.item[0].detail : "nothing", findings.item[0].low);
    findings.count = 0;
    cr_fixed_check(0, CR4_PKS | CR4_UINTR | CR4_LASS, &msrs, &findings);
    want(findings.count == 3, "three bits of CR4 must be 0: %u findings; each has its own",
         findings.count);
    msrs = fixed(0x80000021, 0xffffffff, CR4_VMXE | CR4_PKS, 0x3767ff);
    findings.count = 0;
    cr_fixed_check(0, CR4_UINTR, &msrs, &findings);
    want(findings.count == 1,
         "FIXED0 wants PKS at 1 and FIXED1 at 0: that has a rule of its own, and only UINTR is "
         "reported "
         "here; %u findings",
         findings.count);
    findings.count = 0;
    cr_fixed_check(CR0_PE, CR4_PKS, &(struct vmx_msrs){0}, &findings);
    want(findings.count == 0,
         "FIXED1 was not read, so nobody knows what must be 0: %u findings all the same",
         findings.count);
}

static void enable_until_vmxon(void)
{
    options.stop = VMX_STAGE_VMXON;
    enable();
}

static void root(void **state)
{
    uint64_t cr0 = model_cpu.cr0, cr4 = model_cpu.cr4;

    (void)state;
    enable_until_vmxon();
    want(model_cpu.executed[MODEL_WRMSR] == 0,
         "IA32_FEATURE_CONTROL is locked and allows VMXON, but it is written: that is #GP");
    want((model_cpu.cr4 & CR4_VMXE) != 0, "CR4.VMXE is not set");
    want(model_cpu.executed[MODEL_VMXON] == 1, "VMXON is executed %u times",
         model_cpu.executed[MODEL_VMXON]);
    want(model_cpu.vmx_operation, "VMXON was executed, but the CPU is not in VMX operation: %s %u",
         vmx_outcome_name(cpu.error.outcome), cpu.error.number);
    want(model_cpu.vmxon_pointer == cpu.vmxon_region.address,
         "VMXON got 0x%llx, not the VMXON region", ull(model_cpu.vmxon_pointer));
    want(cpu.state == VMX_CPU_ROOT, "the CPU is in VMX operation, but its state is %d; ROOT is %d",
         cpu.state, VMX_CPU_ROOT);
    vmx_cpu_disable(&cpu);
    want(model_cpu.cr0 == cr0 && model_cpu.cr4 == cr4,
         "after VMXOFF CR0 and CR4 are 0x%llx and 0x%llx, and were 0x%llx and 0x%llx: cr0_before "
         "and cr4_before keep them",
         ull(model_cpu.cr0), ull(model_cpu.cr4), ull(cr0), ull(cr4));
}

static void opened(void **state)
{
    (void)state;
    model_cpu.smx = true;
    model_cpu.feature_control = IN_SMX;
    enable_until_vmxon();
    want(model_cpu.feature_control == (IN_SMX | OUTSIDE | LOCK),
         "IA32_FEATURE_CONTROL was open and is 0x%llx now, not 0x%x",
         ull(model_cpu.feature_control), IN_SMX | OUTSIDE | LOCK);
    want(model_cpu.executed[MODEL_WRMSR] == 1, "it is written %u times",
         model_cpu.executed[MODEL_WRMSR]);
    want(cpu.state == VMX_CPU_ROOT, "then the state is %d, not ROOT", cpu.state);
}

static void failed(void **state)
{
    (void)state;
    enable_until_vmxon();
    want(cpu.state == VMX_CPU_ROOT, "on a good CPU the state is %d, not ROOT", cpu.state);
    reset(NULL);
    model_cpu_inject((struct model_injection){MODEL_FAULT, MODEL_VMXON, 0, false, X86_VECTOR_GP});
    enable_until_vmxon();
    want(cpu.state == VMX_CPU_OFF, "VMXON faulted, but the state is %d, not OFF", cpu.state);
    want(find(&cpu, RULE_VMXON_PROTECTION) != NULL, "VMXON faulted with #GP: no finding %s",
         rule_table[RULE_VMXON_PROTECTION].name);
}

static void not_set(void **state)
{
    unsigned count = 0;

    (void)state;
    model_cpu_inject((struct model_injection){
        .effect = MODEL_OVERRIDES, .operation = MODEL_WRITE_CR4, .always = true});
    enable_until_vmxon();
    want(find(&cpu, RULE_CR_BITS_NOT_SET) != NULL,
         "the write of CR4 did nothing: no finding %s; read the registers back",
         rule_table[RULE_CR_BITS_NOT_SET].name);
    want(model_cpu.executed[MODEL_VMXON] == 0, "CR4.VMXE is not set, but VMXON is executed");
    want(model_cpu.executed[MODEL_WRITE_CR0] == 1, "CR0 is written %u times",
         model_cpu.executed[MODEL_WRITE_CR0]);
    for (uint32_t i = 0; i < cpu.findings.count; i++)
        count += cpu.findings.item[i].rule == RULE_CR_BITS_NOT_SET;
    want(count == 1, "%u findings %s, but CR0 was set", count,
         rule_table[RULE_CR_BITS_NOT_SET].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(locked_off, reset), cmocka_unit_test_setup(decide, reset),
        cmocka_unit_test_setup(refused, reset),    cmocka_unit_test_setup(read_back, reset),
        cmocka_unit_test_setup(ones, reset),       cmocka_unit_test_setup(zeros, reset),
        cmocka_unit_test_setup(root, reset),       cmocka_unit_test_setup(opened, reset),
        cmocka_unit_test_setup(failed, reset),     cmocka_unit_test_setup(not_set, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
