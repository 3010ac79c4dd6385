#include "kernel/acpi/firmware.h"

#include <stddef.h>

static struct acpi acpi;

void firmware_read(const struct multiboot_info *boot, struct firmware *firmware)
{
    *firmware = (struct firmware){0};
    firmware->tables = acpi_open(&acpi, boot->rsdp, boot->rsdp_length);
    firmware->cpus_result = firmware->tables;
    firmware->fadt_result = firmware->tables;
    if (firmware->tables == ACPI_OK) {
        firmware->cpus_result = acpi_read_cpus(&acpi, &firmware->cpus);
        firmware->fadt_result = acpi_read_fadt(&acpi, &firmware->fadt);
        acpi_read_console(&acpi, &firmware->console);
    }
    for (uint32_t i = 0; i < firmware->cpus.count; i++) {
        if (firmware->cpus.apic_id[i] > firmware->highest_id)
            firmware->highest_id = firmware->cpus.apic_id[i];
    }
    firmware->unsound = acpi.unsound[0] != '\0' ? acpi.unsound : NULL;
}

bool firmware_find_s5(const struct firmware *firmware, struct acpi_sleep_type *type)
{
    return firmware->fadt_result == ACPI_OK &&
           acpi_find_s5(&acpi, &firmware->fadt, type) == ACPI_OK;
}
