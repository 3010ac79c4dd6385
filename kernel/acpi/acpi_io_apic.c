#include "kernel/acpi/acpi_io_apic.h"

#include "lib/string.h"

enum { ISA_TIMER = 0 }; /* an ISA interrupt */

struct acpi_io_apics machine_io_apics;

static uint32_t dword(const struct acpi_bytes *madt, uint32_t offset)
{
    return (uint32_t)acpi_number(madt, offset, 4);
}

static void take_io_apic(uint32_t address, uint32_t first, struct acpi_io_apics *apics)
{
    if (first == 0)
        apics->timer_apic = address;
    if (apics->count < ACPI_IO_APICS_MAX)
        apics->address[apics->count++] = address;
}

/* ISA interrupts are the global ones of the same number, where no override says otherwise. */
static void take(const struct acpi_bytes *madt, uint32_t offset, void *to)
{
    struct acpi_io_apics *apics = to;

    if (madt->data[offset] == MADT_IO_APIC)
        take_io_apic(dword(madt, offset + 4), dword(madt, offset + 8), apics);
    else if (madt->data[offset] == MADT_SOURCE_OVERRIDE && madt->data[offset + 3] == ISA_TIMER)
        apics->timer_input = dword(madt, offset + 4);
}

const char *acpi_read_io_apics(struct acpi *acpi, struct acpi_io_apics *apics)
{
    memset(apics, 0, sizeof(*apics));
    return acpi_each_madt_entry(acpi, take, apics);
}

static void read(struct acpi *acpi, struct firmware *firmware)
{
    (void)firmware;
    (void)acpi_read_io_apics(acpi, &machine_io_apics);
}

static const struct firmware_table madt_table = {read};
FIRMWARE_TABLE(05, madt_table);
