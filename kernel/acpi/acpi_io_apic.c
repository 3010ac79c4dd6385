#include "kernel/acpi/acpi_io_apic.h"

#include "lib/string.h"

enum { ISA_TIMER = 0 }; /* an ISA interrupt */

struct acpi_io_apics machine_io_apics;

/* ISA interrupts are the global ones of the same number, where no override says otherwise. */
static void take(const struct acpi_bytes *madt, uint32_t offset, void *to)
{
    struct acpi_io_apics *apics = to;
    uint32_t number = acpi_dword(madt, offset + 4); /* an I/O APIC's address; where it comes in */

    if (madt->data[offset] == MADT_SOURCE_OVERRIDE && madt->data[offset + 3] == ISA_TIMER)
        apics->timer_input = number;
    if (madt->data[offset] != MADT_IO_APIC)
        return;
    if (acpi_dword(madt, offset + 8) == 0) /* its first interrupt */
        apics->timer_apic = number;
    if (apics->count < ACPI_IO_APICS_MAX)
        apics->address[apics->count++] = number;
}

const char *acpi_read_io_apics(struct acpi *acpi, struct acpi_io_apics *apics)
{
    memset(apics, 0, sizeof(*apics));
    return acpi_each_madt_entry(acpi, take, apics);
}

static void read(struct acpi *acpi)
{
    (void)acpi_read_io_apics(acpi, &machine_io_apics);
}

FIRMWARE_TABLE(05, read);
