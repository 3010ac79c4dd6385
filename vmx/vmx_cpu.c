#include "vmx/vmx_cpu.h"

#include "lib/string.h"
#include "lib/x86.h"
#include "mm/page_alloc.h"
#include "vmx/capability/vmxon_registers.h"

/* SDM Vol. 2, "CPUID": leaf 1, ECX. AMD's manual, "CPUID Fn8000_0001_ECX": bit 2. */
#define CPUID_1_ECX_VMX         (1u << 5)
#define CPUID_80000001_ECX_SVM  (1u << 2)
#define VMPTRST_NO_CURRENT_VMCS UINT64_MAX

static void add(struct vmx_cpu *cpu, struct finding finding)
{
    finding_add(&cpu->findings, finding);
}

enum vmx_check vmx_check_auto(void)
{
    return (cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR) ? VMX_CHECK_VIRTUAL : VMX_CHECK_KVM;
}

/*
 * The feature bit decides, not the vendor: VIA's and Zhaoxin's processors have VMX too. Without it
 * there are no VMX MSRs to read.
 */
static bool check_cpuid(struct vmx_cpu *cpu)
{
    bool svm =
        cpuid(0x80000000, 0).eax >= 0x80000001 && cpuid(0x80000001, 0).ecx & CPUID_80000001_ECX_SVM;

    if (cpuid(1, 0).ecx & CPUID_1_ECX_VMX)
        return true;
    add(cpu, FINDING_AT(svm ? RULE_CPUID_SVM_INSTEAD : RULE_CPUID_NO_VMX, 5, 5, .wanted = 1,
                        .detail = "CPUID.01H:ECX.VMX"));
    return false;
}

/*
 * Every capability MSR that this CPU has and none that it has not: the earlier ones say which of
 * the later ones exist. One that should exist and faults stays absent.
 */
static void read_msrs(struct vmx_msrs *msrs, struct findings *findings)
{
    *msrs = (struct vmx_msrs){0};
    for (uint32_t msr = VMX_MSR_FIRST; msr <= VMX_MSR_LAST; msr++) {
        uint64_t value;
        uint8_t vector;

        if (!vmx_msr_exists(msrs, msr))
            continue;
        vector = rdmsr_safe(msr, &value);
        if (vector == 0)
            vmx_msr_set(msrs, msr, value);
        else
            finding_add(findings, FINDING(RULE_MSR_READ_FAULT, .msr = msr, .seen = vector));
    }
}

static void check_values(const struct vmx_msrs *msrs, const struct vmcs_config *boot_config,
                         struct vmcs_config *config, struct findings *findings)
{
    vmcs_config_derive(msrs, config, findings);
    cr_fixed_check(read_cr0(), read_cr4(), msrs, findings);
    if (boot_config)
        vmcs_config_compare(boot_config, config, findings);
}

/*
 * What is checked are the values with `pretend=` applied. The hardware gets what the real ones say,
 * so they must pass too; their refusals are reported where the overridden values hide them.
 */
static void check_capabilities(struct vmx_cpu *cpu, const struct vmx_cpu *boot)
{
    struct findings real = {.check = cpu->options->check, .cpu = cpu->cpu};

    read_msrs(&cpu->msrs, &cpu->findings);
    override_apply(cpu->options->override, &cpu->msrs, &cpu->checked, &cpu->findings);
    check_values(&cpu->checked, boot ? &boot->checked_config : NULL, &cpu->checked_config,
                 &cpu->findings);
    SET_FOR_EACH(capability_checks, check)
        (*check)->check(&cpu->checked, &cpu->findings);
    if (cpu->options->override->count == 0) {
        cpu->config = cpu->checked_config;
        return;
    }
    check_values(&cpu->msrs, boot ? &boot->config : NULL, &cpu->config, &real);
    if (findings_refuse(&cpu->findings))
        return;
    cpu->findings.lost += real.lost;
    for (uint32_t i = 0; i < real.count; i++) {
        if (real.item[i].severity == SEVERITY_REFUSAL)
            add(cpu, real.item[i]);
    }
}

void vmx_cpu_check(struct vmx_cpu *cpu, const struct vmx_cpu *boot_cpu)
{
    cpu->findings.check = cpu->options->check;
    cpu->findings.cpu = cpu->cpu;
    cpu->state = VMX_CPU_OFF;
    cpu->vmptrst = VMPTRST_NO_CURRENT_VMCS;
    memory_types_read(&cpu->memory_types);
    if (!check_cpuid(cpu))
        return;
    check_capabilities(cpu, boot_cpu);
    cpu->feature_control_present = !rdmsr_safe(IA32_FEATURE_CONTROL, &cpu->feature_control);
    cpu->feature_control_wanted =
        feature_control_decide(cpu->feature_control_present, cpu->feature_control, &cpu->findings);
    if (read_cr4() & CR4_VMXE)
        add(cpu, FINDING_AT(RULE_CR_VMXE_IN_USE, 13, 13, .seen = 1, .detail = "CR4.VMXE"));
}

static bool program_feature_control(struct vmx_cpu *cpu)
{
    uint64_t read_back;
    uint8_t vector;

    if (cpu->feature_control_wanted == 0)
        return true;
    vector = wrmsr_safe(IA32_FEATURE_CONTROL, cpu->feature_control_wanted);
    (void)rdmsr_safe(IA32_FEATURE_CONTROL, &read_back);
    return feature_control_written(vector, read_back, &cpu->findings);
}

static bool cr_was_set(struct vmx_cpu *cpu, const char *name, uint32_t fixed0_msr, uint64_t value,
                       uint64_t wanted)
{
    if (value == wanted)
        return true;
    add(cpu, FINDING(RULE_CR_BITS_NOT_SET, .msr = fixed0_msr, .seen = value, .wanted = wanted,
                     .detail = name));
    return false;
}

/*
 * CR4.VMXE comes with the other bits of CR4: VMXON is #UD without it, and #GP if any bit is not as
 * the FIXED MSRs say. Both registers are tried, so that both can be reported.
 */
static bool set_control_registers(struct vmx_cpu *cpu)
{
    uint64_t cr0, cr4;
    bool cr0_set, cr4_set;

    cpu->cr0_before = read_cr0();
    cpu->cr4_before = read_cr4();
    cr0 = cr0_for_vmx(cpu->cr0_before, &cpu->msrs);
    cr4 = cr4_for_vmx(cpu->cr4_before, &cpu->msrs);
    (void)write_cr0_safe(cr0);
    (void)write_cr4_safe(cr4);
    cr0_set = cr_was_set(cpu, "CR0", IA32_VMX_CR0_FIXED0, read_cr0(), cr0);
    cr4_set = cr_was_set(cpu, "CR4", IA32_VMX_CR4_FIXED0, read_cr4(), cr4);
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

/* Reports what did not succeed: the vector, the error number, or the VMXON region's revision id. */
static bool succeeded(struct vmx_cpu *cpu, const char *instruction, bool is_vmxon,
                      struct vmx_result result)
{
    enum rule rule = rule_of_failure(is_vmxon, result);
    bool wrong_id = rule == RULE_VMXON_INVALID;
    const uint32_t *region = phys_to_virt(cpu->vmxon_region.address);

    if (vmx_ok(result))
        return true;
    if (!cpu->error_instruction) {
        cpu->error = result;
        cpu->error_instruction = instruction;
    }
    add(cpu, FINDING(rule, .seen = wrong_id ? *region : result.number,
                     .wanted = wrong_id ? cpu->config.revision_id : 0, .detail = instruction));
    return false;
}

static bool enter_root_operation(struct vmx_cpu *cpu)
{
    if (!succeeded(cpu, "VMXON", true, vmxon(cpu->vmxon_region.address)))
        return false;
    cpu->state = VMX_CPU_ROOT;
    return true;
}

/* VMCLEAR first: it initialises what the processor itself keeps in the region. */
static void load_vmcs(struct vmx_cpu *cpu)
{
    uint64_t address = cpu->vmcs_region.address;

    if (!succeeded(cpu, "VMCLEAR", false, vmclear(address)) ||
        !succeeded(cpu, "VMPTRLD", false, vmptrld(address)) ||
        !succeeded(cpu, "VMPTRST", false, vmptrst(&cpu->vmptrst)))
        return;
    if (cpu->vmptrst != address) {
        add(cpu, FINDING(RULE_VMPTRST_DIFFERS, .seen = cpu->vmptrst, .wanted = address));
        return;
    }
    cpu->state = VMX_CPU_LOADED;
}

static uint64_t region_bytes(const struct vmx_region *region)
{
    return PAGE_SIZE << region->order;
}

void vmx_region_write(const struct vmx_region *region, uint32_t revision_id)
{
    uint32_t *words = phys_to_virt(region->address);

    memset(words, 0, region_bytes(region));
    words[0] = revision_id;
}

/*
 * A virtual machine's MTRRs have no effect: the hypervisor's EPT decides. So the rule for them is
 * another. True if the region may be used all the same.
 */
static bool print_memory_type(struct vmx_region *region, const struct vmx_cpu *cpu,
                              const char *name, struct findings *findings)
{
    enum rule rule = vmx_check_auto() == VMX_CHECK_VIRTUAL ? RULE_REGION_MTRR_VIRTUAL
                                                           : RULE_REGION_NOT_WRITE_BACK;
    struct text_buffer text;

    text_buffer_init(&text, region->reason, sizeof(region->reason));
    print_to(&text.sink, "%s", name);
    SET_FOR_EACH(memory_type_texts, room) {
        print_to(&text.sink, ": ");
        (*room)->explain(&text.sink, &cpu->memory_types, region->address, region_bytes(region));
    }
    finding_add(findings, FINDING(rule, .seen = region->memory_type, .wanted = MEMORY_TYPE_WB,
                                  .detail = region->reason));
    return rule_table[rule].severity[cpu->options->check] != SEVERITY_REFUSAL;
}

/* Its pages have entry 0 of the PAT: WB, unless the processor did not take what we set. */
static enum memory_type direct_map_type(const struct memory_types_state *state, uint64_t physical,
                                        uint64_t bytes)
{
    return (uint8_t)state->pat == MEMORY_TYPE_WB ? memory_type_mtrr(state, physical, bytes)
                                                 : MEMORY_TYPE_UNDEFINED;
}

/*
 * All that can be wrong with the place is reported, not only the first. The processor itself
 * refuses the first two with no word about which; other memory types it takes, and is slow.
 */
static bool region_is_fit(struct vmx_region *region, const struct vmx_cpu *cpu, const char *name,
                          struct findings *findings)
{
    uint64_t last = region->address + region_bytes(region) - 1;
    uint64_t limit = (1ull << cpu->memory_types.physical_width) - 1;
    bool fit = true;

    region->memory_type =
        (uint8_t)direct_map_type(&cpu->memory_types, region->address, region_bytes(region));
    if (region->address % PAGE_SIZE != 0) {
        finding_add(findings,
                    FINDING(RULE_REGION_MISALIGNED, .seen = region->address,
                            .wanted = region->address & ~(PAGE_SIZE - 1), .detail = name));
        fit = false;
    }
    if (last > limit) {
        finding_add(findings, FINDING(RULE_REGION_BEYOND_WIDTH, .seen = last, .wanted = limit,
                                      .detail = name));
        fit = false;
    }
    if (region->memory_type != MEMORY_TYPE_WB && !print_memory_type(region, cpu, name, findings))
        fit = false;
    return fit;
}

bool vmx_region_create(struct vmx_region *region, const struct vmx_cpu *cpu, const char *name,
                       struct findings *findings)
{
    *region = (struct vmx_region){.order = cpu->config.order};
    region->address = pages_alloc(region->order);
    if (!region->address) {
        finding_add(findings,
                    FINDING(RULE_REGION_NO_MEMORY, .wanted = region_bytes(region), .detail = name));
    } else if (region_is_fit(region, cpu, name, findings)) {
        vmx_region_write(region, cpu->config.revision_id);
        return true;
    }
    vmx_region_free(region);
    return false;
}

void vmx_region_free(struct vmx_region *region)
{
    if (region->address)
        pages_free(region->address, region->order);
    region->address = 0; /* `reason` stays: findings point to it */
    region->order = region->memory_type = 0;
}

static bool create_regions(struct vmx_cpu *cpu)
{
    bool vmxon_region = vmx_region_create(&cpu->vmxon_region, cpu, "VMXON region", &cpu->findings);
    bool vmcs = cpu->options->stop == VMX_STAGE_VMXON ||
                vmx_region_create(&cpu->vmcs_region, cpu, "VMCS", &cpu->findings);

    return vmxon_region && vmcs;
}

void vmx_cpu_enable(struct vmx_cpu *cpu)
{
    if (cpu->options->stop == VMX_STAGE_CAPS || findings_refuse(&cpu->findings))
        return;
    if (!create_regions(cpu) || !program_feature_control(cpu) || !set_control_registers(cpu) ||
        !enter_root_operation(cpu))
        return;
    if (cpu->options->stop != VMX_STAGE_VMXON)
        load_vmcs(cpu);
}

/* CR4 first: CR0.NE and its kin are only demanded while VMXE lets VMX operation begin. */
static void restore_control_registers(struct vmx_cpu *cpu)
{
    if (!cpu->cr4_before)
        return;
    (void)write_cr4_safe(cpu->cr4_before);
    (void)write_cr0_safe(cpu->cr0_before);
    cpu->cr4_before = cpu->cr0_before = 0;
}

void vmx_cpu_disable(struct vmx_cpu *cpu)
{
    if (cpu->state != VMX_CPU_OFF) {
        if (cpu->vmcs_region.address)
            (void)succeeded(cpu, "VMCLEAR", false, vmclear(cpu->vmcs_region.address));
        if (!succeeded(cpu, "VMXOFF", false, vmxoff()))
            return;
        cpu->state = VMX_CPU_OFF;
    }
    restore_control_registers(cpu);
    vmx_region_free(&cpu->vmcs_region);
    vmx_region_free(&cpu->vmxon_region);
}
