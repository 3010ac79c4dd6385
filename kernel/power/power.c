/* Power-off and reset, as registers that the FADT names do it, and as chipsets do. */
#include "kernel/acpi/acpi.h"
#include "kernel/console/console.h"
#include "kernel/cpu/stop.h"
#include "kernel/boot_step.h"
#include "kernel/power/power.h"
#include "mm/memory.h"
#include "lib/x86_rooms.h"

/* ACPI Specification, "PM1 Control Registers". */
#define PM1_SCI_ENABLE  (1u << 0)
#define PM1_SLEEP_TYPE  (7u << 10)
#define PM1_SLEEP_SHIFT 10
#define PM1_SLEEP       (1u << 13)

enum {
    OBEY_MS = 500, /* how long the machine has to obey */
    /* Intel's chipsets since PIIX3, "Reset Control Register": first what reset, then the reset. */
    RESET_CONTROL = 0xcf9,
    RESET_CONTROL_SYSTEM = 0x02,
    RESET_CONTROL_NOW = 0x04,
    /* The i8042 keyboard controller: pulse its output 0, which is the processor's reset. */
    KEYBOARD_STATUS = 0x64,
    KEYBOARD_COMMAND = 0x64,
    KEYBOARD_BUSY = 0x02,
    KEYBOARD_PULSE_RESET = 0xfe,
    KEYBOARD_POLLS = 100000,
};

static struct acpi *tables;
struct acpi_fadt machine_fadt;

static void read(struct acpi *acpi)
{
    tables = acpi;
    acpi_read_fadt(acpi, &machine_fadt);
}

FIRMWARE_TABLE(10, read);

bool power_find_off(struct acpi_sleep_type *off)
{
    return machine_fadt.pm1a_control_port != 0 && acpi_find_s5(tables, &machine_fadt, off);
}

/* What the firmware keeps as "reserved" is not in the map of RAM. A ROM, or a device, is not WB. */
void power_hide_sleep_states(const struct memory_types_state *types)
{
    struct acpi_place place;
    uint32_t next = 0;

    while (acpi_next_aml(tables, &machine_fadt, &next, &place)) {
        volatile void *table = NULL;

        if (memory_type_mtrr(types, place.physical, place.length) == MEMORY_TYPE_WB)
            table = device_map(place.physical, place.length, PAT_INDEX_WB);
        if (table != NULL)
            acpi_hide_sleep_states((uint8_t *)(uintptr_t)table, place.length);
    }
}

static void give_time(void)
{
    uint64_t ticks = stop_ticks(OBEY_MS), start = rdtsc();

    while (rdtsc() - start < ticks)
        cpu_relax();
}

/* PM1 control registers belong to the firmware until SCI_EN says that ACPI has them. */
static void enable_acpi(void)
{
    uint64_t ticks = stop_ticks(OBEY_MS), start = rdtsc();

    if (machine_fadt.smi_command_port == 0 || machine_fadt.acpi_enable == 0 ||
        (in16(machine_fadt.pm1a_control_port) & PM1_SCI_ENABLE) != 0)
        return;
    out8(machine_fadt.smi_command_port, machine_fadt.acpi_enable);
    while ((in16(machine_fadt.pm1a_control_port) & PM1_SCI_ENABLE) == 0 && rdtsc() - start < ticks)
        cpu_relax();
}

static void sleep_by(uint16_t port, uint8_t type)
{
    uint32_t value;

    if (port == 0)
        return;
    value = (in16(port) & ~PM1_SLEEP_TYPE) | (uint32_t)type << PM1_SLEEP_SHIFT;
    out16(port, (uint16_t)value);
    out16(port, (uint16_t)(value | PM1_SLEEP));
}

static void power_off(void)
{
    struct acpi_sleep_type type;

    if (!power_find_off(&type)) {
        console_print("Power off: the firmware's tables do not say how. Halted.\n");
        return;
    }
    enable_acpi();
    sleep_by(machine_fadt.pm1a_control_port, type.a);
    sleep_by(machine_fadt.pm1b_control_port, type.b);
    give_time();
    console_print("Power off: the machine did not obey. Halted.\n");
}

static void reset_by_acpi(void)
{
    volatile uint8_t *address;

    if (!machine_fadt.has_reset)
        return;
    if (machine_fadt.reset_space == ACPI_SPACE_IO) {
        out8((uint16_t)machine_fadt.reset_address, machine_fadt.reset_value);
    } else if (machine_fadt.reset_space == ACPI_SPACE_MEMORY) {
        address = device_map(machine_fadt.reset_address, 1, PAT_INDEX_UC);
        if (address == NULL)
            return;
        *address = machine_fadt.reset_value;
    } else {
        return;
    }
    give_time();
}

static void reset_by_chipset(void)
{
    out8(RESET_CONTROL, RESET_CONTROL_SYSTEM);
    out8(RESET_CONTROL, RESET_CONTROL_SYSTEM | RESET_CONTROL_NOW);
    give_time();
}

static void reset_by_keyboard(void)
{
    for (unsigned polls = 0; polls < KEYBOARD_POLLS; polls++) {
        if ((in8(KEYBOARD_STATUS) & KEYBOARD_BUSY) == 0)
            break;
    }
    out8(KEYBOARD_COMMAND, KEYBOARD_PULSE_RESET);
    give_time();
}

/*
 * First the ways that reset all of the machine: INIT, which is what the keyboard controller gives
 * on many, leaves MSRs as they are, and a firmware that starts anew upon a locked
 * IA32_FEATURE_CONTROL may fault. The last way needs no device: an exception that no IDT takes
 * shuts the processor down, upon which the chipset resets it.
 */
static void reset(void)
{
    const struct x86_table no_idt = {0, 0};

    reset_by_acpi();
    reset_by_chipset();
    reset_by_keyboard();
    asm volatile("lidt %0\n\t"
                 "int3"
                 :
                 : "m"(no_idt));
}

static void set_exit(struct machine *machine)
{
    (void)machine;
    if (exit_wanted == EXIT_POWEROFF)
        machine_set_exit(power_off);
    else if (exit_wanted == EXIT_REBOOT)
        machine_set_exit(reset);
}

BOOT_STEP(020, .point = BOOT_EARLY_CONSOLE, .run = set_exit);
