#include "vm/linux/linux_ports.h"

/* ACPI Specification, "PM1 Control Registers": in the register's second byte. */
enum { PM1_SLEEP_TYPE_SHIFT = 2, PM1_SLEEP_TYPE = 7, PM1_SLEEP = 1 << 5 };

/* i8042 data sheet: FxH pulses the outputs whose bits are 0; output 0 is the processor's reset. */
enum { KEYBOARD_PULSE = 0xf0, KEYBOARD_NO_RESET = 0x01 };

/* Intel's data sheets of chipsets, "Reset Control Register": bit 2 resets the processor. */
enum { RESET_CONTROL_CPU = 1 << 2 };

/*
 * MultiProcessor Specification, "Using INIT IPI": who starts another processor by INIT writes this
 * shutdown code to the CMOS's byte 0xf before. Which byte it was is not looked at: the same value
 * elsewhere does no harm.
 */
enum { CMOS_SHUTDOWN_BY_INIT = 0x0a };

/* In one byte of an OUT. */
static enum linux_out out_byte(const struct linux_ports *ports, uint16_t port, uint8_t value)
{
    unsigned type = value >> PM1_SLEEP_TYPE_SHIFT & PM1_SLEEP_TYPE;
    bool is_pm1 = (ports->pm1a != 0 && port == ports->pm1a + 1) ||
                  (ports->pm1b != 0 && port == ports->pm1b + 1);

    if (is_pm1 && (value & PM1_SLEEP) != 0)
        return !ports->off_known || type == ports->off_type ? LINUX_OUT_POWERS_OFF
                                                            : LINUX_OUT_SLEEPS;
    if (port == PORT_KEYBOARD_COMMAND &&
        (value & (KEYBOARD_PULSE | KEYBOARD_NO_RESET)) == KEYBOARD_PULSE)
        return LINUX_OUT_RESETS;
    if (ports->cmos && port == PORT_CMOS_DATA && value == CMOS_SHUTDOWN_BY_INIT)
        return LINUX_OUT_STARTS_CPU;
    return LINUX_OUT_HARMLESS;
}

enum linux_out linux_out(const struct linux_ports *ports, uint16_t port, unsigned bytes,
                         uint32_t value)
{
    enum linux_out out = LINUX_OUT_HARMLESS;

    /* ACPI Specification, "Reset Register": of one byte. 32 bits at 0xcf8 are a PCI address. */
    if (bytes == 1 && ports->reset != 0 && port == ports->reset &&
        (uint8_t)value == ports->reset_value)
        return LINUX_OUT_RESETS;
    if (bytes == 1 && port == PORT_RESET_CONTROL && (value & RESET_CONTROL_CPU) != 0)
        return LINUX_OUT_RESETS;
    for (unsigned i = 0; i < bytes && out == LINUX_OUT_HARMLESS; i++)
        out = out_byte(ports, (uint16_t)(port + i), (uint8_t)(value >> 8 * i));
    return out;
}
