#include "kernel/acpi/acpi.h"
#include "lib/string.h"

/* ACPI Specification, "Multiple APIC Description Table (MADT) Format": offsets. */
enum {
    MADT_LOCAL_APIC_ADDRESS = 36,
    MADT_ENTRIES = 44,
};

/* "Interrupt Controller Structure Types". */
enum {
    ENTRY_LOCAL_APIC = 0,
    ENTRY_IO_APIC = 1,
    ENTRY_SOURCE_OVERRIDE = 2,
    ENTRY_ADDRESS_OVERRIDE = 5,
    ENTRY_LOCAL_X2APIC = 9,
    ENTRY_HEADER_SIZE = 2, /* type, length */
    LOCAL_APIC_SIZE = 8,
    IO_APIC_SIZE = 12,
    SOURCE_OVERRIDE_SIZE = 10,
    ADDRESS_OVERRIDE_SIZE = 12,
    LOCAL_X2APIC_SIZE = 16,
};

/* "Local APIC Flags". */
enum { FLAG_ENABLED = 1 << 0, FLAG_ONLINE_CAPABLE = 1 << 1 };

/* Which APIC ids have been seen: indices into cpus->apic_id plus one, 0 for a free place. */
enum { SEEN_BITS = 10, SEEN_SLOTS = 1 << SEEN_BITS };

_Static_assert(SEEN_SLOTS >= 2 * ACPI_CPUS_MAX, "half of the slots stay free");

struct seen {
    uint16_t slot[SEEN_SLOTS];
};

/* The slot that holds this APIC id, or the free one where it belongs. */
static uint16_t *find_slot(struct seen *seen, const struct acpi_cpus *cpus, uint32_t apic_id)
{
    const uint32_t spread = 0x9e3779b1; /* 2^32 divided by the golden ratio */
    uint32_t at = apic_id * spread >> (32 - SEEN_BITS);

    while (seen->slot[at] != 0 && cpus->apic_id[seen->slot[at] - 1] != apic_id)
        at = (at + 1) % SEEN_SLOTS;
    return &seen->slot[at];
}

/* `broadcast` is the id that addresses every CPU: firmware fills unused entries with it. */
static void add_cpu(struct acpi_cpus *cpus, struct seen *seen, uint32_t apic_id, uint32_t flags,
                    uint32_t broadcast)
{
    uint16_t *slot;

    if (apic_id == broadcast) {
        cpus->disabled++;
        return;
    }
    if (!(flags & FLAG_ENABLED)) {
        if (flags & FLAG_ONLINE_CAPABLE)
            cpus->online_capable++;
        else
            cpus->disabled++;
        return;
    }
    slot = find_slot(seen, cpus, apic_id);
    if (*slot != 0) {
        cpus->doubled++;
    } else if (cpus->count < ACPI_CPUS_MAX) {
        cpus->apic_id[cpus->count++] = apic_id;
        *slot = (uint16_t)cpus->count;
    } else {
        cpus->lost++;
    }
}

/* ISA interrupts are the global ones of the same number, where no override says otherwise. */
static void take_override(const struct acpi_bytes *madt, uint32_t offset, struct acpi_cpus *cpus)
{
    enum { ISA_TIMER = 0 };

    if (madt->data[offset + 3] == ISA_TIMER)
        cpus->timer_input = (uint32_t)acpi_number(madt, offset + 4, 4);
}

static void take_io_apic(const struct acpi_bytes *madt, uint32_t offset, struct acpi_cpus *cpus)
{
    uint32_t address = (uint32_t)acpi_number(madt, offset + 4, 4);

    if (acpi_number(madt, offset + 8, 4) == 0)
        cpus->io_apic_address = address;
    if (cpus->io_apic_count < ACPI_IO_APICS_MAX)
        cpus->io_apic[cpus->io_apic_count++] = address;
}

/* One entry, of which `length` bytes lie inside the table. */
static enum acpi_result take_entry(const struct acpi_bytes *madt, uint32_t offset, uint32_t length,
                                   struct acpi_cpus *cpus, struct seen *seen)
{
    switch (madt->data[offset]) {
    case ENTRY_LOCAL_APIC:
        if (length < LOCAL_APIC_SIZE)
            return ACPI_ENTRY_SHORT;
        add_cpu(cpus, seen, madt->data[offset + 3], (uint32_t)acpi_number(madt, offset + 4, 4),
                UINT8_MAX);
        return ACPI_OK;
    case ENTRY_IO_APIC:
        if (length < IO_APIC_SIZE)
            return ACPI_ENTRY_SHORT;
        take_io_apic(madt, offset, cpus);
        return ACPI_OK;
    case ENTRY_SOURCE_OVERRIDE:
        if (length < SOURCE_OVERRIDE_SIZE)
            return ACPI_ENTRY_SHORT;
        take_override(madt, offset, cpus);
        return ACPI_OK;
    case ENTRY_LOCAL_X2APIC:
        if (length < LOCAL_X2APIC_SIZE)
            return ACPI_ENTRY_SHORT;
        add_cpu(cpus, seen, (uint32_t)acpi_number(madt, offset + 4, 4),
                (uint32_t)acpi_number(madt, offset + 8, 4), UINT32_MAX);
        return ACPI_OK;
    case ENTRY_ADDRESS_OVERRIDE:
        if (length < ADDRESS_OVERRIDE_SIZE)
            return ACPI_ENTRY_SHORT;
        cpus->local_apic_address = acpi_number(madt, offset + 4, 8);
        return ACPI_OK;
    default:
        return ACPI_OK;
    }
}

enum acpi_result acpi_read_cpus(struct acpi *acpi, struct acpi_cpus *cpus)
{
    struct seen seen = {0};
    struct acpi_bytes madt;
    enum acpi_result result = acpi_find(acpi, "APIC", &madt);
    uint32_t offset = MADT_ENTRIES;

    memset(cpus, 0, sizeof(*cpus));
    if (result != ACPI_OK)
        return result;
    if (madt.length < MADT_ENTRIES)
        return ACPI_LENGTH;
    cpus->local_apic_address = acpi_number(&madt, MADT_LOCAL_APIC_ADDRESS, 4);
    while (offset < madt.length) {
        uint32_t length;

        if (madt.length - offset < ENTRY_HEADER_SIZE)
            return ACPI_ENTRY_PAST_END;
        length = madt.data[offset + 1];
        if (length < ENTRY_HEADER_SIZE)
            return ACPI_ENTRY_SHORT;
        if (length > madt.length - offset)
            return ACPI_ENTRY_PAST_END;
        result = take_entry(&madt, offset, length, cpus, &seen);
        if (result != ACPI_OK)
            return result;
        offset += length;
    }
    return ACPI_OK;
}
