#include "vmx/vmx_cpu.h"

#include "lib/string.h"
#include "lib/x86.h"
#include "vmx/capability/cr_fixed.h"
#include "vmx/capability/crosscheck.h"
#include "vmx/capability/feature_control.h"
#include "vmx/vmx_read.h"

/* SDM Vol. 2, "CPUID": leaf 1, ECX. AMD's manual, "CPUID Fn8000_0001_ECX": bit 2. */
#define CPUID_1_ECX_VMX         (1u << 5)
#define CPUID_80000001_ECX_SVM  (1u << 2)
#define VMPTRST_NO_CURRENT_VMCS UINT64_MAX

static void tell(struct vmx_cpu *cpu, const struct vmx_environment *environment,
                 struct finding finding)
{
    finding.cpu = cpu->cpu;
    finding_add(&cpu->findings, environment->check, finding);
}

enum vmx_check vmx_check_auto(void)
{
    return (cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR) ? VMX_CHECK_VIRTUAL : VMX_CHECK_KVM;
}

/*
 * The feature bit decides, not the vendor: VIA's and Zhaoxin's processors have VMX too. Without it
 * there are no VMX MSRs to read.
 */
static bool judge_cpuid(struct vmx_cpu *cpu, const struct vmx_environment *environment)
{
    struct finding finding = {.rule = RULE_CPUID_NO_VMX, .high = 5, .low = 5, .wanted = 1};

    finding.detail = "CPUID.01H:ECX.VMX";
    if (cpuid(1, 0).ecx & CPUID_1_ECX_VMX)
        return true;
    if (cpuid(0x80000000, 0).eax >= 0x80000001 && cpuid(0x80000001, 0).ecx & CPUID_80000001_ECX_SVM)
        finding.rule = RULE_CPUID_SVM_INSTEAD;
    tell(cpu, environment, finding);
    return false;
}

static void judge_values(const struct vmx_cpu *cpu, const struct vmx_environment *environment,
                         const struct vmx_msrs *msrs, const struct vmcs_config *boot_config,
                         struct vmcs_config *config, struct findings *findings)
{
    vmcs_config_derive(msrs, environment->check, cpu->cpu, config, findings);
    cr_fixed_judge(read_cr0(), read_cr4(), msrs, environment->check, cpu->cpu, findings);
    if (boot_config)
        vmcs_config_compare(boot_config, config, cpu->cpu, findings);
}

/*
 * What is judged are the values with `pretend=` applied. The hardware gets what the real ones say,
 * so they must pass too; their refusals are told where the pretended values hide them.
 */
static void judge_capabilities(struct vmx_cpu *cpu, const struct vmx_environment *environment)
{
    const struct vmx_cpu *boot = environment->boot_cpu;
    struct findings real = {.count = 0};

    vmx_read_msrs(&cpu->msrs, environment->check, cpu->cpu, &cpu->findings);
    pretend_apply(environment->pretend, cpu->cpu, &cpu->msrs, &cpu->judged, &cpu->findings);
    judge_values(cpu, environment, &cpu->judged, boot ? &boot->judged_config : NULL,
                 &cpu->judged_config, &cpu->findings);
    crosscheck(&cpu->judged, environment->check, cpu->cpu, &cpu->findings);
    if (environment->pretend->count == 0) {
        cpu->config = cpu->judged_config;
        return;
    }
    judge_values(cpu, environment, &cpu->msrs, boot ? &boot->config : NULL, &cpu->config, &real);
    if (findings_refuse(&cpu->findings))
        return;
    cpu->findings.lost += real.lost;
    for (uint32_t i = 0; i < real.count; i++) {
        if (real.item[i].severity == SEVERITY_REFUSAL)
            tell(cpu, environment, real.item[i]);
    }
}

void vmx_cpu_judge(struct vmx_cpu *cpu, const struct vmx_environment *environment)
{
    cpu->state = VMX_CPU_OFF;
    cpu->vmptrst = VMPTRST_NO_CURRENT_VMCS;
    if (!judge_cpuid(cpu, environment))
        return;
    judge_capabilities(cpu, environment);
    cpu->feature_control_present = !rdmsr_safe(IA32_FEATURE_CONTROL, &cpu->feature_control);
    (void)feature_control_decide(cpu->feature_control_present, cpu->feature_control,
                                 environment->check, cpu->cpu, &cpu->findings);
    if (read_cr4() & CR4_VMXE)
        tell(cpu, environment,
             (struct finding){.rule = RULE_CR_VMXE_IN_USE,
                              .high = 13,
                              .low = 13,
                              .seen = 1,
                              .detail = "CR4.VMXE"});
}

/* The decision was told when it was judged; here it is made again, silently, and carried out. */
static bool program_feature_control(struct vmx_cpu *cpu, const struct vmx_environment *environment)
{
    struct findings told = {.count = 0};
    struct feature_control_decision decision;
    uint64_t read_back;
    uint8_t vector;

    decision = feature_control_decide(cpu->feature_control_present, cpu->feature_control,
                                      environment->check, cpu->cpu, &told);
    if (!decision.write)
        return true;
    vector = wrmsr_safe(IA32_FEATURE_CONTROL, decision.value);
    (void)rdmsr_safe(IA32_FEATURE_CONTROL, &read_back);
    return feature_control_written(vector, read_back, environment->check, cpu->cpu, &cpu->findings);
}

static bool cr_was_set(struct vmx_cpu *cpu, const struct vmx_environment *environment,
                       const char *name, uint32_t fixed0_msr, uint64_t value, uint64_t wanted)
{
    if (value == wanted)
        return true;
    tell(cpu, environment,
         (struct finding){.rule = RULE_CR_BITS_NOT_SET,
                          .msr = fixed0_msr,
                          .high = -1,
                          .low = -1,
                          .seen = value,
                          .wanted = wanted,
                          .detail = name});
    return false;
}

/*
 * CR4.VMXE comes with the other bits of CR4: VMXON is #UD without it, and #GP if any bit is not as
 * the FIXED MSRs say. Both registers are tried, so that both can be told.
 */
static bool set_control_registers(struct vmx_cpu *cpu, const struct vmx_environment *environment)
{
    uint64_t cr0, cr4;
    bool cr0_set, cr4_set;

    cpu->cr0_before = read_cr0();
    cpu->cr4_before = read_cr4();
    cr0 = cr0_for_vmx(cpu->cr0_before, &cpu->msrs);
    cr4 = cr4_for_vmx(cpu->cr4_before, &cpu->msrs);
    (void)write_cr0_safe(cr0);
    (void)write_cr4_safe(cr4);
    cr0_set = cr_was_set(cpu, environment, "CR0", IA32_VMX_CR0_FIXED0, read_cr0(), cr0);
    cr4_set = cr_was_set(cpu, environment, "CR4", IA32_VMX_CR4_FIXED0, read_cr4(), cr4);
    return cr0_set && cr4_set;
}

/* VMXON has rules of its own: what it faults on are this program's preparations. */
static enum rule rule_of_failure(bool is_vmxon, struct vmx_result result)
{
    switch (result.outcome) {
    case VMX_FAULT:
        if (is_vmxon && result.number == X86_VECTOR_UD)
            return RULE_VMXON_UNDEFINED;
        if (is_vmxon && result.number == X86_VECTOR_GP)
            return RULE_VMXON_PROTECTION;
        return RULE_INSTRUCTION_FAULT;
    case VMX_FAIL_INVALID:
        return is_vmxon ? RULE_VMXON_INVALID : RULE_INSTRUCTION_INVALID;
    default:
        return RULE_INSTRUCTION_ERROR;
    }
}

/* Tells a VMX instruction that did not succeed; `seen` is the vector or the error number. */
static bool succeeded(struct vmx_cpu *cpu, const struct vmx_environment *environment,
                      const char *instruction, bool is_vmxon, struct vmx_result result)
{
    if (vmx_ok(result))
        return true;
    if (!cpu->error_instruction) {
        cpu->error = result;
        cpu->error_instruction = instruction;
    }
    tell(cpu, environment,
         (struct finding){.rule = rule_of_failure(is_vmxon, result),
                          .high = -1,
                          .low = -1,
                          .seen = result.number,
                          .detail = instruction});
    return false;
}

static bool enter_root_operation(struct vmx_cpu *cpu, const struct vmx_environment *environment)
{
    if (!succeeded(cpu, environment, "VMXON", true, vmxon(cpu->vmxon_region.address)))
        return false;
    cpu->state = VMX_CPU_ROOT;
    return true;
}

/* VMCLEAR first: it initialises what the processor itself keeps in the region. */
static void load_vmcs(struct vmx_cpu *cpu, const struct vmx_environment *environment)
{
    uint64_t address = cpu->vmcs_region.address;

    if (!succeeded(cpu, environment, "VMCLEAR", false, vmclear(address)) ||
        !succeeded(cpu, environment, "VMPTRLD", false, vmptrld(address)) ||
        !succeeded(cpu, environment, "VMPTRST", false, vmptrst(&cpu->vmptrst)))
        return;
    if (cpu->vmptrst != address) {
        tell(cpu, environment,
             (struct finding){.rule = RULE_VMPTRST_DIFFERS,
                              .high = -1,
                              .low = -1,
                              .seen = cpu->vmptrst,
                              .wanted = address});
        return;
    }
    cpu->state = VMX_CPU_LOADED;
}

static bool create_regions(struct vmx_cpu *cpu, const struct vmx_environment *environment)
{
    bool vmxon_region = vmx_region_create(&cpu->vmxon_region, &cpu->config, environment,
                                          "VMXON region", cpu->cpu, &cpu->findings);
    bool vmcs = environment->stop == VMX_STAGE_VMXON ||
                vmx_region_create(&cpu->vmcs_region, &cpu->config, environment, "VMCS", cpu->cpu,
                                  &cpu->findings);

    return vmxon_region && vmcs;
}

void vmx_cpu_enable(struct vmx_cpu *cpu, const struct vmx_environment *environment)
{
    if (environment->stop == VMX_STAGE_CAPS || findings_refuse(&cpu->findings))
        return;
    if (!create_regions(cpu, environment) || !program_feature_control(cpu, environment) ||
        !set_control_registers(cpu, environment) || !enter_root_operation(cpu, environment))
        return;
    if (environment->stop != VMX_STAGE_VMXON)
        load_vmcs(cpu, environment);
}

/* CR4 first: CR0.NE and its kin are only demanded while VMXE lets VMX operation begin. */
static void restore_control_registers(struct vmx_cpu *cpu)
{
    if (!cpu->cr4_before)
        return;
    (void)write_cr4_safe(cpu->cr4_before);
    (void)write_cr0_safe(cpu->cr0_before);
    cpu->cr4_before = 0;
    cpu->cr0_before = 0;
}

void vmx_cpu_disable(struct vmx_cpu *cpu, const struct vmx_environment *environment)
{
    if (cpu->state != VMX_CPU_OFF) {
        if (cpu->vmcs_region.address)
            (void)succeeded(cpu, environment, "VMCLEAR", false, vmclear(cpu->vmcs_region.address));
        if (!succeeded(cpu, environment, "VMXOFF", false, vmxoff()))
            return;
        cpu->state = VMX_CPU_OFF;
    }
    restore_control_registers(cpu);
    vmx_region_free(&cpu->vmcs_region);
    vmx_region_free(&cpu->vmxon_region);
}
