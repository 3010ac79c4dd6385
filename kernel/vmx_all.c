/* All CPUs into VMX operation together, or none of them. */
#include "kernel/cpu/smp.h"
#include "kernel/machine.h"

/* Reading some twenty MSRs and a few VMX instructions: a thousandth of this in an emulator. */
enum { WORK_US = 2000000 };

static struct vmx_options options;

static void check_cpu(struct cpu *cpu, const struct cpu *boot_cpu)
{
    cpu->vmx->cpu = cpu->index;
    cpu->vmx->options = &options;
    vmx_cpu_check(cpu->vmx, boot_cpu ? boot_cpu->vmx : NULL);
}

static void check_and_enable(struct cpu *cpu)
{
    if (cpu != cpus[0])
        check_cpu(cpu, cpus[0]);
    vmx_cpu_enable(cpu->vmx);
}

static void disable(struct cpu *cpu)
{
    vmx_cpu_disable(cpu->vmx);
}

void vmx_all_run(struct machine *machine, void (*work)(struct cpu *cpu), uint64_t microseconds)
{
    if (!smp_run(work, microseconds))
        check_round(machine);
}

void vmx_all_enable(struct machine *machine)
{
    options = (struct vmx_options){.check = machine->check,
                                   .stop = machine->options.stop,
                                   .override = &machine->options.override};
    check_cpu(cpus[0], NULL);
    vmx_capability_derive(&cpus[0]->vmx->checked, &machine->capability);
    vmx_all_run(machine, check_and_enable, WORK_US);
    if (machine_refused(machine))
        vmx_all_run(machine, disable, WORK_US);
}
