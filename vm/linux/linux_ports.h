/*
 * Which writes to ports would end the hypervisor's rule with the machine's, and which say that
 * another CPU is going to be started. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the firmware's tables say of the ways to power off and to reset; a port of 0: none. */
struct linux_ports {
    uint16_t pm1a, pm1b; /* PM1 control registers */
    uint16_t reset;      /* a write of reset_value resets */
    uint8_t reset_value;
    bool cmos;        /* the write that announces the start of another CPU counts */
    bool off_known;   /* else every sleep is taken for a power-off */
    uint8_t off_type; /* SLP_TYP of S5 */
};

/* What an OUT of the low `bytes` of `value` to `port` would do to the machine. Pure. */
enum linux_out {
    LINUX_OUT_HARMLESS,
    LINUX_OUT_POWERS_OFF,
    LINUX_OUT_SLEEPS,
    LINUX_OUT_RESETS,
    LINUX_OUT_STARTS_CPU,
};
enum { PORT_KEYBOARD_COMMAND = 0x64, PORT_CMOS_DATA = 0x71, PORT_RESET_CONTROL = 0xcf9 };
enum linux_out linux_out(const struct linux_ports *ports, uint16_t port, unsigned bytes,
                         uint32_t value);
