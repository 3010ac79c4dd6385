/*
 * Which serial port ACPI's SPCR names as the console.
 */
#ifndef KERNEL_SPCR_H
#define KERNEL_SPCR_H

#include "kernel/acpi/acpi.h"

/* Microsoft's "Serial Port Console Redirection Table". Port 0: it names none, or no I/O port. */
struct acpi_console {
    uint16_t port;
    uint32_t baud; /* or SERIAL_BAUD_KEPT: kernel/console/serial.h */
};

void acpi_read_console(struct acpi *acpi, struct acpi_console *console);

#endif
