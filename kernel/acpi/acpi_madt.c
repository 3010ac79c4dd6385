#include "kernel/acpi/acpi.h"
#include "lib/string.h"

/* ACPI Specification, "Multiple APIC Description Table (MADT) Format": offsets. */
enum { MADT_ENTRIES = 44 };

enum { ENTRY_HEADER_SIZE = 2 }; /* type, length */

/* Bytes that an entry has at least. */
static const uint8_t entry_sizes[] = {
    [MADT_LOCAL_APIC] = 8,
    [MADT_IO_APIC] = 12,
    [MADT_SOURCE_OVERRIDE] = 10,
    [MADT_LOCAL_X2APIC] = 16,
};

/* "Local APIC Flags". */
enum { FLAG_ENABLED = 1 << 0 };

static bool is_listed(const struct acpi_cpus *cpus, uint32_t apic_id)
{
    for (uint32_t i = 0; i < cpus->count; i++) {
        if (cpus->apic_id[i] == apic_id)
            return true;
    }
    return false;
}

/*
 * `broadcast` is the id that addresses every CPU: firmware fills unused entries with it. Firmware
 * exists that lists a CPU both as local APIC and as x2APIC.
 */
static void add_cpu(struct acpi_cpus *cpus, uint32_t apic_id, uint32_t flags, uint32_t broadcast)
{
    if (apic_id == broadcast || (flags & FLAG_ENABLED) == 0 || is_listed(cpus, apic_id))
        return;
    if (cpus->count < ACPI_CPUS_MAX)
        cpus->apic_id[cpus->count++] = apic_id;
    else
        cpus->lost++;
}

static uint32_t dword(const struct acpi_bytes *madt, uint32_t offset)
{
    return (uint32_t)acpi_number(madt, offset, 4);
}

static void take_cpu(const struct acpi_bytes *madt, uint32_t offset, void *cpus)
{
    if (madt->data[offset] == MADT_LOCAL_APIC)
        add_cpu(cpus, madt->data[offset + 3], dword(madt, offset + 4), UINT8_MAX);
    else if (madt->data[offset] == MADT_LOCAL_X2APIC)
        add_cpu(cpus, dword(madt, offset + 4), dword(madt, offset + 8), UINT32_MAX);
}

const char *acpi_read_cpus(struct acpi *acpi, struct acpi_cpus *cpus)
{
    memset(cpus, 0, sizeof(*cpus));
    return acpi_each_madt_entry(acpi, take_cpu, cpus);
}

const char *acpi_each_madt_entry(struct acpi *acpi,
                                 void (*take)(const struct acpi_bytes *madt, uint32_t offset,
                                              void *to),
                                 void *to)
{
    struct acpi_bytes madt;
    const char *wrong = acpi_find(acpi, "APIC", &madt);
    uint32_t offset = MADT_ENTRIES;

    if (wrong != NULL)
        return wrong;
    if (madt.length < MADT_ENTRIES)
        return "an ACPI table is smaller than its fields or larger than 1 MiB";
    while (offset < madt.length) {
        uint8_t type = madt.data[offset];
        uint32_t length;

        if (madt.length - offset < ENTRY_HEADER_SIZE)
            return "an entry of the MADT reaches past the end of the table";
        length = madt.data[offset + 1];
        if (length < ENTRY_HEADER_SIZE)
            return "an entry of the MADT is shorter than its type demands";
        if (length > madt.length - offset)
            return "an entry of the MADT reaches past the end of the table";
        if (type < sizeof(entry_sizes) && length < entry_sizes[type])
            return "an entry of the MADT is shorter than its type demands";
        take(&madt, offset, to);
        offset += length;
    }
    return NULL;
}
