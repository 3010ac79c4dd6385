#include "kernel/acpi/acpi.h"
#include "lib/string.h"

/* ACPI Specification, "Multiple APIC Description Table (MADT) Format": offsets. */
enum { MADT_ENTRIES = 44 };

/* "Interrupt Controller Structure Types". */
enum {
    ENTRY_LOCAL_APIC = 0,
    ENTRY_IO_APIC = 1,
    ENTRY_SOURCE_OVERRIDE = 2,
    ENTRY_LOCAL_X2APIC = 9,
    ENTRY_HEADER_SIZE = 2, /* type, length */
};

/* Bytes that an entry has at least. */
static const uint8_t entry_sizes[] = {
    [ENTRY_LOCAL_APIC] = 8,
    [ENTRY_IO_APIC] = 12,
    [ENTRY_SOURCE_OVERRIDE] = 10,
    [ENTRY_LOCAL_X2APIC] = 16,
};

/* "Local APIC Flags". */
enum { FLAG_ENABLED = 1 << 0 };
enum { ISA_TIMER = 0 }; /* an ISA interrupt */

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

/* ISA interrupts are the global ones of the same number, where no override says otherwise. */
static void take_override(const struct acpi_bytes *madt, uint32_t offset, struct acpi_cpus *cpus)
{
    if (madt->data[offset + 3] == ISA_TIMER)
        cpus->timer_input = dword(madt, offset + 4);
}

static void take_io_apic(const struct acpi_bytes *madt, uint32_t offset, struct acpi_cpus *cpus)
{
    uint32_t address = dword(madt, offset + 4);

    if (dword(madt, offset + 8) == 0)
        cpus->io_apic_address = address;
    if (cpus->io_apic_count < ACPI_IO_APICS_MAX)
        cpus->io_apic[cpus->io_apic_count++] = address;
}

/* One entry, of which `length` bytes lie inside the table. */
static const char *take_entry(const struct acpi_bytes *madt, uint32_t offset, uint32_t length,
                              struct acpi_cpus *cpus)
{
    uint8_t type = madt->data[offset];

    if (type < sizeof(entry_sizes) && length < entry_sizes[type])
        return "an entry of the MADT is shorter than its type demands";
    switch (type) {
    case ENTRY_LOCAL_APIC:
        add_cpu(cpus, madt->data[offset + 3], dword(madt, offset + 4), UINT8_MAX);
        break;
    case ENTRY_IO_APIC:
        take_io_apic(madt, offset, cpus);
        break;
    case ENTRY_SOURCE_OVERRIDE:
        take_override(madt, offset, cpus);
        break;
    case ENTRY_LOCAL_X2APIC:
        add_cpu(cpus, dword(madt, offset + 4), dword(madt, offset + 8), UINT32_MAX);
        break;
    default:
        break;
    }
    return NULL;
}

const char *acpi_read_cpus(struct acpi *acpi, struct acpi_cpus *cpus)
{
    struct acpi_bytes madt;
    const char *wrong = acpi_find(acpi, "APIC", &madt);
    uint32_t offset = MADT_ENTRIES;

    memset(cpus, 0, sizeof(*cpus));
    if (wrong != NULL)
        return wrong;
    if (madt.length < MADT_ENTRIES)
        return "an ACPI table is smaller than its fields or larger than 1 MiB";
    while (offset < madt.length) {
        uint32_t length;

        if (madt.length - offset < ENTRY_HEADER_SIZE)
            return "an entry of the MADT reaches past the end of the table";
        length = madt.data[offset + 1];
        if (length < ENTRY_HEADER_SIZE)
            return "an entry of the MADT is shorter than its type demands";
        if (length > madt.length - offset)
            return "an entry of the MADT reaches past the end of the table";
        wrong = take_entry(&madt, offset, length, cpus);
        if (wrong != NULL)
            return wrong;
        offset += length;
    }
    return NULL;
}
