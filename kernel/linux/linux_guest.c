/*
 * The way of a guest that owns the machine: it is loaded before the page pool is filled; when VMX
 * is on every CPU runs it, until it powers off or resets.
 */
#include "kernel/linux/linux_guest.h"

#include "kernel/boot_step.h"
#include "kernel/console/console.h"
#include "kernel/linux/linux_results.h"
#include "kernel/power/power.h"
#include "kernel/report/report.h"
#include "lib/string.h"
#include "mm/memory.h"

/*
 * What the hypervisor needs beside its image: page tables, and 70 KiB for each CPU; machines with
 * much memory have many of them.
 */
#define POOL_BYTES   (1152ull << 10)
#define RAM_PER_BYTE 4096 /* of RAM above POOL_RAM, for one more */
#define POOL_RAM     (32ull << 30)

#define MIB (1ull << 20)

enum { LEAVE_US = 2000000 }; /* for other CPUs, when the boot CPU has left the guest */

extern const char image_start[], image_end[];
extern const char text_start[], text_end[], rodata_start[], rodata_end[];

static struct linux_results *const results = &linux_results;

static uint64_t available_end(const struct memory_map *map)
{
    uint32_t next = 0;
    uint64_t base, end = 0;

    while (memory_map_next_free(map, &next, &base, &end))
        continue;
    return end;
}

static uint64_t pool_bytes(const struct memory_map *map)
{
    uint64_t end = available_end(map);

    return POOL_BYTES + (end > POOL_RAM ? (end - POOL_RAM) / RAM_PER_BYTE : 0);
}

/*
 * All that is available is the guest's, but for what is kept. The first MiB is in nobody's pool,
 * and other CPUs start in a page of it before the guest does: the loader takes what it uses there.
 */
static void give_memory(struct machine *machine)
{
    const struct guest_range *kept = &results->load.places.kept;

    for (uint32_t i = 0; i < machine->boot.memory_count; i++) {
        const struct memory_range *range = &machine->boot.memory[i];
        uint64_t base = range->base > MIB ? range->base : MIB, end = range->end;
        uint64_t below = end < kept->base ? end : kept->base;
        uint64_t above = base > kept->end ? base : kept->end;

        if (range->kind != MEMORY_AVAILABLE)
            continue;
        if (base < below)
            memory_add(MEMORY_TAKEN, base, below - base);
        if (above < end)
            memory_add(MEMORY_TAKEN, above, end - above);
    }
    machine->boot.module_count = 0; /* they are where the guest wants them */
}

static const struct guest_loader *loader_of(const struct machine *machine)
{
    SET_FOR_EACH(guest_loaders, loader) {
        if ((*loader)->takes(machine))
            return *loader;
    }
    return NULL;
}

static void plan_memory(struct machine *machine)
{
    struct guest_load *load = &results->load;
    uint64_t base = machine->load_address;

    if (machine->boot.module_count == 0 || machine->options.stop != VMX_STAGE_GUEST)
        return;
    machine->runs_guests = true;
    load->places = (struct places){
        .map = memory_layout(),
        .image = {base, base + (uint64_t)(image_end - image_start)},
        .pool_bytes = pool_bytes(memory_layout()),
    };
    legacy_interrupts_keep();
    results->loader = loader_of(machine);
    results->is_planned = results->loader != NULL && results->loader->load(machine, load);
    if (results->is_planned)
        give_memory(machine);
}

BOOT_STEP(400, .point = BOOT_PLAN_MEMORY, .run = plan_memory);

static struct linux_ports find_ports(void)
{
    const struct acpi_fadt *fadt = &machine_fadt;
    struct acpi_sleep_type off = {0};
    bool known = power_find_off(&off);
    bool by_port = fadt->has_reset && fadt->reset_space == ACPI_SPACE_IO;

    return (struct linux_ports){
        .pm1a = fadt->pm1a_control_port,
        .pm1b = fadt->pm1b_control_port,
        .reset = by_port ? (uint16_t)fadt->reset_address : 0,
        .reset_value = fadt->reset_value,
        .off_known = known,
        .off_type = off.a,
    };
}

/* Also at the RAM above what the map calls available: it is the guest's, too. */
uint64_t linux_ram_end(void)
{
    const struct memory_map *map = memory_layout();
    uint64_t base, end = 0;
    uint32_t next = 0;

    while (memory_map_next_ram(map, &next, &base, &end))
        continue;
    return end;
}

/* Writes to it can be done in the guest's place. */
static bool bios_data_is_ram(void)
{
    uint64_t base, end;
    uint32_t next = 0;

    return memory_map_next_ram(memory_layout(), &next, &base, &end) && base == 0;
}

static bool can_run(struct machine *machine)
{
    return check_linux_cpus(machine, machine->firmware->cpus.count, cpus_ready()) &&
           check_linux_cpu(machine, linux_lacks(machine->cpus[0]->vmx));
}

/* PC16550D data sheet: the registers of a UART, and the bit that shows the divisor instead. */
enum { UART_INTERRUPTS = 1, UART_FIFO = 2, UART_LINE = 3, UART_MODEM = 4 };
enum { UART_DIVISOR = 0x80, UART_FIFO_ENABLE_AND_CLEAR = 7 };

struct uart {
    uint8_t line, modem, interrupts, divisor[2];
};

static void uart_keep(uint16_t port, struct uart *uart)
{
    uart->line = in8(port + UART_LINE);
    uart->modem = in8(port + UART_MODEM);
    uart->interrupts = in8(port + UART_INTERRUPTS);
    out8(port + UART_LINE, uart->line | UART_DIVISOR);
    uart->divisor[0] = in8(port);
    uart->divisor[1] = in8(port + 1);
    out8(port + UART_LINE, uart->line);
}

static void uart_restore(uint16_t port, const struct uart *uart)
{
    out8(port + UART_INTERRUPTS, 0);
    out8(port + UART_LINE, uart->line | UART_DIVISOR);
    out8(port, uart->divisor[0]);
    out8(port + 1, uart->divisor[1]);
    out8(port + UART_LINE, uart->line);
    out8(port + UART_MODEM, uart->modem);
    out8(port + UART_INTERRUPTS, uart->interrupts);
    out8(port + UART_FIFO, UART_FIFO_ENABLE_AND_CLEAR);
}

/* As FNV-1a, of words: a change of one changes it. */
static uint64_t checksum(uint64_t sum, const char *start, const char *end)
{
    for (const uint64_t *word = (const uint64_t *)start; word < (const uint64_t *)end; word++)
        sum = (sum ^ *word) * 0x100000001b3;
    return sum;
}

uint64_t linux_image_checksum(void)
{
    return checksum(checksum(0xcbf29ce484222325, text_start, text_end), rodata_start, rodata_end);
}

static void work(struct cpu *cpu)
{
    if (cpu->index == 0)
        legacy_interrupts_give();
    linux_run(&results->vm, cpu, &results->load.entry);
    if (cpu->index == 0)
        legacy_interrupts_take();
}

/* The serial lines are the guest's while it runs. */
static void run_with_serial_lines(struct machine *machine)
{
    struct uart uarts[SERIAL_STANDARD_PORTS];
    uint64_t before = linux_image_checksum();

    for (unsigned i = 0; i < SERIAL_STANDARD_PORTS; i++)
        uart_keep(serial_standard_port(i), &uarts[i]);
    vmx_all_run(machine, work, LEAVE_US);
    for (unsigned i = 0; i < SERIAL_STANDARD_PORTS; i++)
        uart_restore(serial_standard_port(i), &uarts[i]);
    results->image_changed = linux_image_checksum() != before;
}

/* What is known now, for root in the guest to read. */
static void keep_report(const struct machine *machine, struct linux_vm *vm)
{
    uint64_t pages = pages_alloc(get_order(2 * LINUX_REPORT_BYTES));
    char *report = pages != 0 ? phys_to_virt(pages) : NULL;
    struct text_buffer buffer;

    if (report == NULL)
        return;
    memset(report, 0, 2 * LINUX_REPORT_BYTES);
    text_buffer_init(&buffer, report, LINUX_REPORT_BYTES);
    report_text(machine, &buffer.sink);
    text_buffer_init(&buffer, report + LINUX_REPORT_BYTES, LINUX_REPORT_BYTES);
    report_json(machine, &buffer.sink);
    vm->report = report;
}

static void run_linux(struct machine *machine)
{
    bool hidden = results->hypervisor == HYPERVISOR_HIDDEN;
    struct linux_vm *vm = &results->vm;

    if (!results->is_planned || !machine_all_loaded(machine) || !can_run(machine))
        return;
    vm->cpu_count = machine->cpu_count;
    vm->kept = results->load.places.kept;
    vm->ports = find_ports();
    vm->announces_starts = results->loader->announces;
    vm->announces_resets = results->loader->announces && bios_data_is_ram();
    /* The firmware would wake it outside of VMX operation. */
    power_hide_sleep_states(&machine->cpus[0]->vmx->memory_types);
    machine_gather_findings(machine);
    keep_report(machine, vm);
    console_print("  %s %s ...\n", results->loader->kind, results->load.version);
    console_drain();
    if (linux_create(vm, hidden ? &linux_policy_hidden : &linux_policy_shown, machine->cpus[0]->vmx,
                     linux_ram_end()))
        run_with_serial_lines(machine);
    check_linux_end(machine);
}

BOOT_STEP(410, .point = BOOT_AFTER_VMX, .run = run_linux);
