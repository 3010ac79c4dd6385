/*
 * How the machine ends: the word `exit=`, where ACPI's FADT says that timer, power and reset
 * registers are, and how its DSDT powers off.
 */
#pragma once

#include "kernel/acpi/acpi.h"
#include "mm/memory_type.h"

/* ACPI Specification, "Fixed ACPI Description Table (FADT)". A port of 0: there is none. */
struct acpi_fadt {
    uint16_t pm_timer_port;
    uint16_t pm1a_control_port;
    uint16_t pm1b_control_port;
    uint16_t smi_command_port; /* write acpi_enable here to leave legacy mode, if SCI_EN is clear */
    uint8_t acpi_enable;
    bool has_reset; /* RESET_REG_SUP: write reset_value to the register */
    enum acpi_space reset_space;
    uint64_t reset_address; /* for PCI: device in 47:32, function in 31:16, offset in 15:0, bus 0 */
    uint8_t reset_value;
    uint64_t dsdt; /* physical; 0: none */
};

const char *acpi_read_fadt(struct acpi *acpi, struct acpi_fadt *fadt);

/* This machine's; all 0 where there is none. */
extern struct acpi_fadt machine_fadt;

/* SLP_TYPa and SLP_TYPb of S5, soft off; for bits 12:10 of PM1a_CNT and PM1b_CNT. */
struct acpi_sleep_type {
    uint8_t a, b;
};

/*
 * Looks for the _S5_ package in the DSDT without interpreting AML: reads the whole table, so call
 * it when it is needed. ACPI Specification, "\_Sx (System States)".
 */
bool acpi_find_s5(struct acpi *acpi, const struct acpi_fadt *fadt, struct acpi_sleep_type *type);

/*
 * Gives S1 to S4 names in the table that nobody looks for: a system that asks for them does not
 * know them. Its checksum stays right.
 */
void acpi_hide_sleep_states(uint8_t *table, uint32_t length);

/* Where a table lies. */
struct acpi_place {
    uint64_t physical;
    uint32_t length;
};

/*
 * The tables with AML, one a call: the DSDT and the root's SSDTs. `*next` is 0 before the first.
 * False: there are no more.
 */
bool acpi_next_aml(struct acpi *acpi, const struct acpi_fadt *fadt, uint32_t *next,
                   struct acpi_place *place);

/* Hides them in each of this machine's tables that lies in memory: the MTRRs make it WB. */
void power_hide_sleep_states(const struct memory_types_state *types);

/* What powers this machine off; false: that is not known. */
bool power_find_off(struct acpi_sleep_type *off);

enum exit_action { EXIT_HALT = 1, EXIT_POWEROFF, EXIT_REBOOT };

/* enum exit_action: what it said; 0: it was not there. */
extern unsigned exit_wanted;
