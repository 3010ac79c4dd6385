/*
 * What the firmware's tables say about this machine, read once on the boot CPU.
 */
#ifndef KERNEL_FIRMWARE_H
#define KERNEL_FIRMWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/multiboot2.h"
#include "kernel/acpi/acpi.h"
#include "lib/set.h"

struct firmware {
    enum acpi_result tables; /* of the root tables */
    enum acpi_result cpus_result;
    struct acpi_cpus cpus;
    const char *unsound;    /* signatures of tables with a wrong checksum; NULL: none */
    uint32_t highest_id;    /* of the APIC ids in `cpus`; 0 if there are none */
    uint16_t pm_timer_port; /* of ACPI's timer; 0: none */
};

/* Reads a table that the core has no use for. Where the root is broken, it finds none. */
struct firmware_table {
    void (*read)(struct acpi *acpi, struct firmware *firmware);
};
SET_DECLARE(firmware_tables, const struct firmware_table);
#define FIRMWARE_TABLE(place, table) \
    SET_MEMBER(firmware_tables, place, const struct firmware_table, table)

/* Memory must be up. Never fails: what could not be read says so in its result. */
void firmware_read(const struct multiboot_info *boot, struct firmware *firmware);

#endif
