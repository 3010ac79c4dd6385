#include "kernel/vmx_all.h"

#include "mm/memory.h"
#include "kernel/cpu/smp.h"
#include "lib/format.h"
#include "lib/x86.h"
#include "mm/memory_type.h"
#include "vmx/selftest/selftest_fields.h"
#include "vmx/selftest/selftest_vmentry.h"

/* Reading some twenty MSRs and a few VMX instructions: a thousandth of this in an emulator. */
enum { WORK_US = 2000000 };

static struct vmx_environment environment;

/* By this CPU's MTRRs: firmware may have set them differently, and that is what a proof is for. */
static uint8_t memory_type(uint64_t address, uint64_t bytes)
{
    return memory_type_effective_range(&this_cpu()->memory_types, address, bytes, PAT_INDEX_WB);
}

static const char *memory_type_explained(const char *name, uint64_t address, uint64_t bytes)
{
    struct cpu *cpu = this_cpu();
    struct text_buffer text;

    if (cpu->regions_told == sizeof(cpu->region_told) / sizeof(cpu->region_told[0]))
        return name; /* the self-test's or a guest's: the CPU's own were told */
    text_buffer_init(&text, cpu->region_told[cpu->regions_told], sizeof(cpu->region_told[0]));
    print_to(&text.sink, "%s: ", name);
    memory_type_explain(&text.sink, &cpu->memory_types, address, bytes);
    return cpu->region_told[cpu->regions_told++];
}

static void judge(struct cpu *cpu)
{
    cpu->vmx.cpu = cpu->index;
    memory_types_read(&cpu->memory_types);
    vmx_cpu_judge(&cpu->vmx, &environment);
}

static void judge_and_enable(struct cpu *cpu)
{
    if (cpu != cpus[0])
        judge(cpu);
    vmx_cpu_enable(&cpu->vmx, &environment);
}

static void disable(struct cpu *cpu)
{
    vmx_cpu_disable(&cpu->vmx, &environment);
}

void vmx_all_run(struct machine *machine, void (*work)(struct cpu *cpu), uint64_t microseconds)
{
    bool ready[CPUS_MAX];

    for (uint32_t i = 0; i < machine->cpu_count; i++)
        ready[i] = machine->cpus[i]->phase == CPU_READY;
    if (!smp_run(work, microseconds))
        machine_judge_round(machine, ready);
}

void vmx_all_enable(struct machine *machine)
{
    environment = (struct vmx_environment){
        .memory_type = memory_type,
        .memory_type_explained = memory_type_explained,
        .virtual_machine = machine->virtual_registers,
        .physical_address_width = cpuid(CPUID_ADDRESS_SIZES, 0).eax & 0xff,
        .check = machine->check,
        .stop = machine->options.stop,
        .pretend = &machine->options.pretend,
    };
    judge(cpus[0]);
    vmx_capability_derive(&cpus[0]->vmx.judged, &machine->capability);
    environment.boot_cpu = &cpus[0]->vmx;
    vmx_all_run(machine, judge_and_enable, WORK_US);
    if (machine_refused(machine))
        vmx_all_disable(machine);
}

void vmx_all_selftest(struct machine *machine)
{
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        const struct cpu *cpu = machine->cpus[i];

        if (cpu->phase == CPU_READY && cpu->vmx.state != VMX_CPU_LOADED)
            return;
    }
    if (machine->options.selftest & SELFTEST_INSTRUCTIONS)
        selftest_run(&cpus[0]->vmx, &environment, &machine->selftest);
    if (machine->options.selftest & SELFTEST_FIELDS && cpus[0]->vmx.state == VMX_CPU_LOADED)
        selftest_fields_run(&cpus[0]->vmx, &environment, &machine->selftest);
    if (machine->options.selftest & SELFTEST_ENTRY && cpus[0]->vmx.state == VMX_CPU_LOADED)
        selftest_vmentry_run(&cpus[0]->vmx, &environment, &machine->selftest_entry);
    machine->selftest_done = true;
}

void vmx_all_disable(struct machine *machine)
{
    vmx_all_run(machine, disable, WORK_US);
}

const struct vmx_environment *vmx_all_environment(void)
{
    return &environment;
}
