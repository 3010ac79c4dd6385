/*
 * What the firmware's tables say about this machine, read once on the boot CPU.
 */
#ifndef KERNEL_FIRMWARE_H
#define KERNEL_FIRMWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/multiboot2.h"
#include "kernel/acpi/acpi.h"

struct firmware {
    enum acpi_result tables; /* of the root tables */
    enum acpi_result cpus_result;
    struct acpi_cpus cpus;
    const char *unsound; /* signatures of tables with a wrong checksum; NULL: none */
    uint32_t highest_id; /* of the APIC ids in `cpus`; 0 if there are none */
    enum acpi_result fadt_result;
    struct acpi_fadt fadt;
    struct acpi_console console;
};

/* Memory must be up. Never fails: what could not be read says so in its result. */
void firmware_read(const struct multiboot_info *boot, struct firmware *firmware);

/* The sleep types of soft off, looked for in the DSDT when they are needed; false for none. */
bool firmware_find_s5(const struct firmware *firmware, struct acpi_sleep_type *type);

#endif
