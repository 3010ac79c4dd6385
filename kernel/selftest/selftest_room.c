#include "kernel/selftest/selftest_room.h"

#include "kernel/boot_step.h"
#include "kernel/console/console.h"
#include "vmx/selftest/selftest.h"

/* A self-test can begin where every CPU that is ready has its VMCS loaded. */
static void run(struct machine *machine)
{
    struct vmx_cpu *cpu = machine->cpus[0]->vmx;

    if (selftest_wanted == 0)
        return;
    console_print("  self-test ...\n");
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (machine->cpus[i]->phase == CPU_READY && machine->cpus[i]->vmx->state != VMX_CPU_LOADED)
            return;
    }
    if (selftest_wanted & SELFTEST_INSTRUCTIONS)
        selftest_run(cpu, &selftest_results.instructions);
    if (selftest_wanted & SELFTEST_FIELDS && cpu->state == VMX_CPU_LOADED)
        selftest_fields_run(cpu, &selftest_results.instructions);
    if (selftest_wanted & SELFTEST_ENTRY && cpu->state == VMX_CPU_LOADED)
        selftest_vmentry_run(cpu, &selftest_results.entry);
    selftest_results.done = true;
}

BOOT_STEP(100, .point = BOOT_AFTER_VMX, .run = run);
