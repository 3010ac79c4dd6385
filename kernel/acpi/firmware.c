#include "kernel/acpi/firmware.h"

#include <stddef.h>

static struct acpi acpi;

void firmware_read(const struct multiboot_info *boot, struct firmware *firmware)
{
    *firmware = (struct firmware){0};
    firmware->tables = acpi_open(&acpi, boot->rsdp, boot->rsdp_length);
    firmware->cpus_result = firmware->tables;
    if (firmware->tables == ACPI_OK)
        firmware->cpus_result = acpi_read_cpus(&acpi, &firmware->cpus);
    else
        acpi.count = 0;
    SET_FOR_EACH(firmware_tables, table)
        (*table)->read(&acpi, firmware);
    for (uint32_t i = 0; i < firmware->cpus.count; i++) {
        if (firmware->cpus.apic_id[i] > firmware->highest_id)
            firmware->highest_id = firmware->cpus.apic_id[i];
    }
    firmware->unsound = acpi.unsound[0] != '\0' ? acpi.unsound : NULL;
}
