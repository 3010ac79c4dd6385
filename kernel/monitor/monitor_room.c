/*
 * Where the monitor stands: every CPU has started, and VMX is off. Lines come from the module whose
 * string is "monitor-script", else from a serial port.
 */
#include "kernel/boot_step.h"
#include "kernel/console/console.h"
#include "kernel/cpu/smp.h"
#include "kernel/cpu/stop.h"
#include "kernel/line/line_edit.h"
#include "kernel/monitor/monitor.h"
#include "lib/host/apic_timer.h"
#include "lib/string.h"
#include "lib/x86_vmx.h"
#include "vmx/selftest/selftest.h"

enum {
    COMMAND_US = 10000000, /* what a command may take on another CPU */
    GUEST_COUNT = 5000000, /* of the local APIC's timer: a guest that has not exited by then */
};

static unsigned wanted;
static const char *work_line; /* NULL: a reset */

/* Ends a guest with external-interrupt exiting that does nothing else to exit. */
struct vmx_result monitor_enter(bool resume)
{
    struct vmx_result result;

    apic_timer_start(GUEST_COUNT);
    result = vm_enter(resume, 0, monitor.registers);
    apic_timer_start(0);
    take_interrupt();
    return result;
}

static void work(struct cpu *cpu)
{
    if (work_line == NULL)
        monitor_reset_cpu();
    else if (cpu->index == monitor.wanted_cpu)
        monitor_obey(work_line);
}

static void on_cpus(const char *line)
{
    work_line = line;
    if (!smp_run(work, COMMAND_US))
        say("CPU %u does not come back\n", monitor.wanted_cpu);
}

static void obey(const char *line)
{
    on_cpus(line);
    if (monitor.wanted_cpu >= cpu_count ||
        atomic_load(&cpus[monitor.wanted_cpu]->phase) != CPU_READY) {
        say("there is no CPU %u\n", monitor.wanted_cpu);
        monitor.wanted_cpu = 0;
        monitor.refused = true;
    }
    if (monitor.resets) {
        on_cpus(NULL);
        monitor_forget();
    }
}

/* On the screen it appears when it is whole. */
static void obey_typed(void)
{
    static struct line_edit edit;

    line_read(&edit, MONITOR_PROMPT, &monitor_language);
    console_to(CONSOLE_SCREEN);
    console_print(MONITOR_PROMPT "%s\n", edit.text);
    console_to(CONSOLE_BOTH);
    obey(edit.text);
    monitor.refused = false; /* the person has seen it */
}

static void obey_script(struct command_text script)
{
    char line[LINE_SIZE];

    while (!monitor.left && line_next(&script, MONITOR_PROMPT, line, monitor.next))
        obey(line);
    obey("quit");
}

static void run(struct machine *machine)
{
    if (!wanted)
        return;
    console_release();
    monitor_init(console_sink());
    for (uint32_t i = 0; i < machine->boot.module_count; i++) {
        const struct boot_module *module = &machine->boot.modules[i];

        if (strcmp(module->string, "monitor-script") == 0)
            obey_script(
                (struct command_text){phys_to_virt(module->start), module->end - module->start});
    }
    while (!monitor.left)
        obey_typed();
    on_cpus(NULL);
    console_print("\nverdict: %s\n", monitor.failed ? "refused" : "ok");
    machine_stop();
}

BOOT_STEP(110, .point = BOOT_BEFORE_VMX, .run = run);

COMMAND_WORD(065, .name = "monitor", .values = "", .option = &wanted,
             .option_bytes = sizeof(wanted));
