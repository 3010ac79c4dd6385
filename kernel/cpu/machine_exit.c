/*
 * The last thing that the machine does. All CPUs leave VMX operation before.
 */
#include "kernel/cpu/stop.h"

#include <stddef.h>

#include "kernel/acpi/acpi.h"
#include "vm/host/clock.h"
#include "kernel/console/console.h"
#include "kernel/acpi/firmware.h"
#include "mm/memory.h"
#include "lib/x86_vmx.h"

/* ACPI Specification, "PM1 Control Registers". */
#define PM1_SCI_ENABLE  (1u << 0)
#define PM1_SLEEP_TYPE  (7u << 10)
#define PM1_SLEEP_SHIFT 10
#define PM1_SLEEP       (1u << 13)

enum {
    /* How long the machine has to obey; also without a calibrated clock, hence in ticks, too. */
    OBEY_MS = 500,
    OBEY_TICKS = 500000000,
    /* How long the other CPUs have to halt: one may be kept by an SMI. */
    HALT_MS = 100,
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

static enum exit_action chosen;
static const struct firmware *firmware;

void machine_set_exit(enum exit_action action)
{
    chosen = action;
}

void machine_set_firmware(const struct firmware *tables)
{
    firmware = tables;
}

static void leave_vmx(void)
{
    if (read_cr4() & CR4_VMXE)
        x86_vmxoff(); /* a fault, outside VMX operation, is caught */
}

_Noreturn void machine_halt(void)
{
    interrupts_off();
    leave_vmx();
    stop_done();
    for (;;)
        asm volatile("hlt");
}

static uint64_t ticks_of(uint64_t ms)
{
    return clock_tsc_per_ms() != 0 ? clock_tsc_per_ms() * ms : OBEY_TICKS;
}

static void give_time(void)
{
    uint64_t ticks = ticks_of(OBEY_MS);
    uint64_t start = rdtsc();

    while (rdtsc() - start < ticks)
        cpu_relax();
}

/* PM1 control registers belong to the firmware until SCI_EN says that ACPI has them. */
static void enable_acpi(const struct acpi_fadt *fadt)
{
    uint64_t start = rdtsc();

    if (fadt->smi_command_port == 0 || fadt->acpi_enable == 0 ||
        (in16(fadt->pm1a_control_port) & PM1_SCI_ENABLE) != 0)
        return;
    out8(fadt->smi_command_port, fadt->acpi_enable);
    while ((in16(fadt->pm1a_control_port) & PM1_SCI_ENABLE) == 0 && rdtsc() - start < OBEY_TICKS)
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

/* Returns only if that did not work. */
static void power_off(void)
{
    struct acpi_sleep_type type;

    if (firmware == NULL || firmware->fadt_result != ACPI_OK ||
        firmware->fadt.pm1a_control_port == 0 || !firmware_find_s5(firmware, &type)) {
        console_print("Power off: the firmware's tables do not say how. Halted.\n");
        return;
    }
    enable_acpi(&firmware->fadt);
    sleep_by(firmware->fadt.pm1a_control_port, type.a);
    sleep_by(firmware->fadt.pm1b_control_port, type.b);
    give_time();
    console_print("Power off: the machine did not obey. Halted.\n");
}

static void reset_by_acpi(const struct acpi_fadt *fadt)
{
    volatile uint8_t *address;

    if (!fadt->has_reset)
        return;
    if (fadt->reset_space == ACPI_SPACE_IO) {
        out8((uint16_t)fadt->reset_address, fadt->reset_value);
    } else if (fadt->reset_space == ACPI_SPACE_MEMORY) {
        address = device_map(fadt->reset_address, 1);
        if (address == NULL)
            return;
        *address = fadt->reset_value;
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
static _Noreturn void reset(void)
{
    const struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } no_idt = {0, 0};

    if (firmware != NULL && firmware->fadt_result == ACPI_OK)
        reset_by_acpi(&firmware->fadt);
    reset_by_chipset();
    reset_by_keyboard();
    asm volatile("lidt %0\n\t"
                 "int3"
                 :
                 : "m"(no_idt));
    machine_halt();
}

static void leave_vmx_everywhere(void)
{
    uint32_t late;

    stop_call();
    late = stop_wait(ticks_of(HALT_MS));
    if (late > 0)
        console_print("%u CPUs did not halt: they may still be in VMX operation.\n", late);
    leave_vmx();
}

_Noreturn void machine_stop(void)
{
    interrupts_off();
    if (!stop_claim())
        machine_halt();
    console_drain();
    leave_vmx_everywhere();
    if (chosen == EXIT_REBOOT)
        reset();
    if (chosen == EXIT_POWEROFF)
        power_off();
    console_drain();
    machine_halt();
}
