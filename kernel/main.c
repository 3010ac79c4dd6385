/*
 * The one way through the house: boot information, memory, firmware's tables, CPUs, VMX, report.
 */
#include "kernel/main.h"

#include "kernel/apic.h"
#include "kernel/clock.h"
#include "kernel/console.h"
#include "kernel/firmware.h"
#include "kernel/machine.h"
#include "kernel/memory.h"
#include "kernel/panic.h"
#include "kernel/report.h"
#include "kernel/report_json.h"
#include "kernel/smp.h"
#include "kernel/vmx_all.h"
#include "lib/x86.h"

/* The boot page tables map the first 4 GiB. */
#define BOOT_MAP_END (1ull << 32)

static struct machine machine = {.cpus = cpus};
static struct firmware firmware;

static void obey_command_line(void)
{
    const struct command_line *options = &machine.options;

    command_line_parse(machine.boot.command_line, &machine.options);
    console_configure(options->console_serial, options->console_screen, options->baud);
    machine_set_exit(options->exit);
    machine.virtual_registers = vmx_check_auto() == VMX_CHECK_VIRTUAL;
    if (options->check == CHECK_AUTO)
        machine.check = vmx_check_auto();
    else
        machine.check = options->check == CHECK_STRICT ? VMX_CHECK_STRICT : VMX_CHECK_KVM;
}

static bool read_boot_information(uint64_t information)
{
    enum multiboot_result result =
        multiboot_parse(phys_to_virt(information), BOOT_MAP_END - information, &machine.boot);

    obey_command_line();
    if (result != MULTIBOOT_OK)
        machine_finding(&machine, RULE_BOOT_INFORMATION, 0, multiboot_result_text(result));
    return result == MULTIBOOT_OK;
}

static bool prepare_memory(uint64_t information)
{
    struct memory_sizes sizes;
    bool done = memory_init(&machine.boot, information, machine.load_address, &sizes);

    machine.ram_bytes = sizes.ram_bytes;
    machine.pool_bytes = sizes.pool_bytes;
    machine.timing.memory_tsc = rdtsc();
    if (!done)
        machine_finding(&machine, RULE_BOOT_MEMORY, 0, NULL);
    else if (machine.boot.has_framebuffer)
        console_screen_init(&machine.boot.framebuffer);
    return done;
}

/* The APIC ids of the others that shall be used, for `cpus=N` counts the boot CPU as well. */
static uint32_t choose_others(uint32_t *apic_ids)
{
    uint32_t most = machine.options.cpus == 0 ? CPUS_MAX : machine.options.cpus;
    uint32_t count = 0;

    for (uint32_t i = 0; i < firmware.cpus.count && count + 1 < most; i++) {
        if (firmware.cpus.apic_id[i] != cpus[0]->apic_id)
            apic_ids[count++] = firmware.cpus.apic_id[i];
    }
    return count;
}

static void start_other_cpus(void)
{
    static uint32_t apic_ids[ACPI_CPUS_MAX];
    uint32_t count = choose_others(apic_ids);

    if (firmware.cpus_result != ACPI_OK)
        machine_finding(&machine, RULE_CPU_TABLES, 0, acpi_result_text(firmware.cpus_result));
    if (count == 0)
        return;
    if (machine.timing.tsc_per_ms == 0) {
        machine_finding(&machine, RULE_BOOT_CLOCK, 0, NULL);
    } else if (low_page() == 0) {
        machine_finding(&machine, RULE_CPU_TRAMPOLINE, 0, NULL);
    } else {
        smp_start(apic_ids, count, low_page());
        if (cpu_count <= count)
            machine_finding(&machine, RULE_CPU_MEMORY, cpu_count - 1, NULL);
    }
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (cpus[i]->phase != CPU_READY)
            machine_finding(&machine, RULE_CPU_SILENT, i, NULL);
    }
}

static void prepare_cpus(void)
{
    firmware_read(&machine.boot, &firmware);
    machine_set_firmware(&firmware);
    if (!apic_init(firmware.highest_id))
        panic("the local APIC's registers cannot be mapped");
    machine.x2apic = apic_registers() == NULL;
    if (!cpu_boot_finish(apic_id()))
        panic("no memory for the boot CPU's interrupt stacks");
    if (clock_calibrate(firmware.fadt.pm_timer_port))
        machine.timing.tsc_per_ms = clock_tsc_per_ms();
    machine.timing.source = clock_source();
    start_other_cpus();
    machine.cpu_count = cpu_count;
    machine.timing.cpus_started_tsc = rdtsc();
}

/* The whole way; false where it ends early, with a finding that says why. */
static bool go(uint64_t information)
{
    if (!read_boot_information(information) || !prepare_memory(information))
        return false;
    prepare_cpus();
    vmx_all_enable(&machine);
    machine.timing.vmx_on_all_tsc = rdtsc();
    if (machine.options.selftest)
        vmx_all_selftest(&machine);
    machine.used_bytes = machine.pool_bytes - pages_free_bytes();
    memory_audit(&machine.audit);
    return true;
}

static void tell_command_line(void)
{
    for (uint32_t i = 0; i < machine.options.problem_count; i++) {
        console_colour(COLOUR_WARNING);
        console_print("command line: %s\n", machine.options.problem[i]);
        console_colour(COLOUR_PLAIN);
    }
}

static void report(void)
{
    bool refused = machine_refused(&machine);

    tell_command_line();
    report_text(&machine);
    if (machine.options.report != REPORT_TEXT) {
        print_to(console_serial_sink(), "-----BEGIN ROOTMODE REPORT-----\n");
        report_json(&machine, console_serial_sink());
        print_to(console_serial_sink(), "-----END ROOTMODE REPORT-----\n");
    }
    console_print("\n");
    console_colour(refused ? COLOUR_REFUSAL : COLOUR_OK);
    console_print("verdict: %s\n", refused ? "refused" : "ok");
    console_colour(COLOUR_PLAIN);
}

_Noreturn void kernel_main(uint64_t information, uint64_t load_address, uint64_t entry_tsc)
{
    machine.load_address = load_address;
    machine.timing.entry_tsc = entry_tsc;
    machine.cpu_count = 1;
    cpu_boot_init();
    traps_init();
    cpu_init_this(cpus[0]);
    console_hold();
    console_print("Rootmode %s\n", ROOTMODE_VERSION);
    go(information);
    console_release();
    report();
    machine_stop();
}
