/*
 * The boot, from the loader's information to the report: memory, firmware's tables, CPUs, VMX. Each
 * step is printed when it begins, so that a person who waits in vain sees in which one.
 */

#include "lib/host/apic.h"
#include "lib/host/clock.h"
#include "kernel/console/console.h"
#include "kernel/cpu/stop.h"
#include "kernel/acpi/acpi.h"
#include "kernel/boot_step.h"
#include "kernel/machine.h"
#include "mm/memory.h"
#include "kernel/trap/panic.h"
#include "kernel/report/report.h"
#include "kernel/cpu/smp.h"
#include "lib/x86.h"
#include "mm/page_alloc.h"

static struct machine machine;
static struct firmware firmware;

static void print_command_line(void)
{
    console_colour(COLOUR_WARNING);
    for (uint32_t i = 0; i < machine.options.problem_count; i++)
        console_print("command line: %s\n", machine.options.problem[i]);
    if (machine.options.problem_lost > 0)
        console_print("command line: %u more such words\n", machine.options.problem_lost);
    if (machine.boot.command_line_lost > 0)
        console_print("command line: no room for its last %u characters\n",
                      machine.boot.command_line_lost);
    console_colour(COLOUR_PLAIN);
}

static void obey_command_line(void)
{
    const enum vmx_check checks[] = {[CHECK_AUTO] = vmx_check_auto(),
                                     [CHECK_KVM] = VMX_CHECK_KVM,
                                     [CHECK_STRICT] = VMX_CHECK_STRICT};

    command_line_parse(machine.boot.command_line, &machine.options);
    boot_steps_run(BOOT_EARLY_CONSOLE, &machine);
    machine.virtual_registers = checks[CHECK_AUTO] == VMX_CHECK_VIRTUAL;
    machine.check = checks[machine.options.check];
}

static bool read_boot_information(uint32_t magic, uint64_t information)
{
    const char *wrong =
        boot_info_read(magic, phys_to_virt(0), BOOT_MAP_END, information, &machine.boot);

    obey_command_line();
    print_command_line();
    check_command_line(&machine);
    boot_steps_run(BOOT_COMMAND_LINE, &machine);
    check_boot_information(&machine, wrong);
    return wrong == NULL;
}

/* What the loader said is there, and what of it is in use. */
static void describe_memory(const struct boot_info *boot)
{
    for (uint32_t i = 0; i < boot->memory_count; i++)
        memory_add(boot->memory[i].kind, boot->memory[i].base,
                   boot->memory[i].end - boot->memory[i].base);
    boot_steps_run(BOOT_PLAN_MEMORY, &machine);
    for (uint32_t i = 0; i < boot->module_count; i++)
        memory_add(MEMORY_TAKEN, boot->modules[i].start,
                   boot->modules[i].end - boot->modules[i].start);
}

static bool prepare_memory(void)
{
    bool ready;

    console_print("  memory ...\n");
    describe_memory(&machine.boot);
    ready = memory_init(machine.load_address, this_cpu()->execute_disable != EXECUTE_DISABLE_ABSENT,
                        &machine.memory);
    machine.timing.memory_tsc = rdtsc();
    check_memory(&machine, ready);
    if (ready)
        boot_steps_run(BOOT_MEMORY_READY, &machine);
    return ready;
}

static void start_other_cpus(void)
{
    static uint32_t apic_ids[ACPI_CPUS_MAX];
    uint32_t chosen = machine_choose_cpus(&machine, low_page() != 0, apic_ids);

    console_print("  other CPUs ...\n");
    if (chosen > 0)
        smp_start(apic_ids, chosen, low_page());
    machine.cpu_count = cpu_count;
    check_started_cpus(&machine, chosen);
    check_overrides(&machine);
    machine.timing.cpus_started_tsc = rdtsc();
}

static void prepare_cpus(void)
{
    console_print("  firmware's tables ...\n");
    firmware_read(machine.boot.rsdp, machine.boot.rsdp_length, &firmware);
    machine.firmware = &firmware;
    if (!apic_init(firmware.cpus.highest_id))
        panic("the local APIC's registers cannot be mapped");
    machine.x2apic = apic_registers() == NULL;
    if (!cpu_boot_finish(apic_id()))
        panic("no memory for the boot CPU's interrupt stacks");
    console_print("  clock ...\n");
    check_clock(&machine, clock_calibrate());
    start_other_cpus();
}

/* The whole boot; false where it ends early, with a finding that says why. */
static bool go(uint32_t magic, uint64_t information)
{
    if (!read_boot_information(magic, information) || !prepare_memory())
        return false;
    prepare_cpus();
    boot_steps_run(BOOT_BEFORE_VMX, &machine);
    console_print("  VMX ...\n");
    vmx_all_enable(&machine);
    machine.timing.vmx_on_all_tsc = rdtsc();
    console_release();
    boot_steps_run(BOOT_AFTER_VMX, &machine);
    if (!machine.runs_guests && machine.options.stop == VMX_STAGE_GUEST)
        hello_run_all(&machine);
    machine.used_bytes = machine.memory.pool_bytes - pages_free_bytes();
    return true;
}

static void report(void)
{
    bool refused = machine_refused(&machine);

    if (!machine.options.report_full)
        console_to(CONSOLE_SERIAL);
    report_text(&machine, console_sink());
    if (machine.options.report != REPORT_TEXT) {
        console_to(CONSOLE_SERIAL);
        console_print("-----BEGIN ROOTMODE REPORT-----\n");
        report_json(&machine, console_sink());
        console_print("-----END ROOTMODE REPORT-----\n");
    }
    console_to(CONSOLE_SCREEN);
    if (!machine.options.report_full)
        boot_steps_run(BOOT_SCREEN_REPORT, &machine);
    console_to(CONSOLE_BOTH);
    console_print("\n");
    console_colour(refused ? COLOUR_REFUSAL : COLOUR_OK);
    console_print("verdict: %s%s\n", refused ? "refused" : "ok",
                  machine_followed_command_line(&machine)
                      ? ""
                      : "; not all of the command line could be followed");
    console_colour(COLOUR_PLAIN);
}

/*
 * Where boot/entry.S calls C. information, load_address: physical, below 4 GiB; entry_tsc: at the
 * kernel's first instruction; magic: of the boot protocol. On the boot stack, with interrupts off
 * and the boot page tables.
 */
_Noreturn void kernel_main(uint64_t information, uint64_t load_address, uint64_t entry_tsc,
                           uint32_t magic);

_Noreturn void kernel_main(uint64_t information, uint64_t load_address, uint64_t entry_tsc,
                           uint32_t magic)
{
    machine.cpus = cpus; /* here: an initialised machine would stand in the image, 20 KiB of it */
    machine.load_address = load_address;
    machine.timing.entry_tsc = entry_tsc;
    machine.cpu_count = 1;
    cpu_boot_init();
    cpu_init_this(cpus[0]);
    console_print("Rootmode %s\n", ROOTMODE_VERSION);
    go(magic, information);
    boot_steps_run(BOOT_BEFORE_REPORT, &machine);
    check_nmis(&machine);
    machine_gather_findings(&machine);
    console_release();
    report();
    machine_stop();
}
