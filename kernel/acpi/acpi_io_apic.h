/*
 * A room: which I/O APICs the firmware names, and where the PIT's interrupt comes in.
 *
 * ACPI Specification, "Multiple APIC Description Table (MADT)": "I/O APIC Structure", "Interrupt
 * Source Override Structure".
 */
#pragma once

#include "kernel/acpi/acpi.h"

enum { ACPI_IO_APICS_MAX = 64 };

struct acpi_io_apics {
    uint32_t count;                      /* more than have room are left out */
    uint32_t address[ACPI_IO_APICS_MAX]; /* physical */

    /* The PIT's interrupt: ISA's 0, which comes in at this input of the first I/O APIC. */
    uint32_t timer_apic; /* physical, of the one that begins with global interrupt 0; or 0 */
    uint32_t timer_input;
};

/* After an error `apics` holds what stood before it. */
const char *acpi_read_io_apics(struct acpi *acpi, struct acpi_io_apics *apics);

/* This machine's, from the time on when the firmware's tables are read. */
extern struct acpi_io_apics machine_io_apics;
