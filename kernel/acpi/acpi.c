#include "kernel/acpi/acpi.h"

#include "mm/memory.h"
#include "lib/format.h"
#include "lib/string.h"

/* ACPI Specification, "Root System Description Pointer (RSDP) Structure": offsets. */
enum {
    RSDP_REVISION = 15,
    RSDP_RSDT = 16,
    RSDP_OLD_SIZE = 20, /* also what the first checksum is taken over */
    RSDP_LENGTH = 20,
    RSDP_XSDT = 24,
    RSDP_SIZE = 36,
};

/* "System Description Table Header": the signature, then the length. */
enum { HEADER_LENGTH = 4 };

uint64_t acpi_number(const struct acpi_bytes *bytes, uint32_t offset, uint32_t width)
{
    uint64_t value = 0;

    if (offset > bytes->length || width > bytes->length - offset)
        return 0;
    for (uint32_t i = width; i > 0; i--)
        value = value << 8 | bytes->data[offset + i - 1];
    return value;
}

static bool adds_up(const uint8_t *data, uint32_t length)
{
    uint8_t sum = 0;

    for (uint32_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + data[i]);
    return sum == 0;
}

/* Each signature once, with a blank between two; as many as there is room for. */
static void remember_unsound(struct acpi *acpi, const char *signature)
{
    size_t length = strlen(acpi->unsound);

    for (size_t at = 0; at < length; at += ACPI_SIGNATURE_SIZE + 1) {
        if (memcmp(acpi->unsound + at, signature, ACPI_SIGNATURE_SIZE) == 0)
            return;
    }
    format_text(acpi->unsound + length, sizeof(acpi->unsound) - length, length > 0 ? " %s" : "%s",
                signature);
}

const char *acpi_map_table(struct acpi *acpi, uint64_t physical, const char *signature,
                           struct acpi_bytes *bytes)
{
    static const char unreadable[] = "an ACPI table lies where memory cannot be read";

    *bytes = (struct acpi_bytes){firmware_map(physical, ACPI_HEADER_SIZE), ACPI_HEADER_SIZE};
    if (bytes->data == NULL)
        return unreadable;
    bytes->length = (uint32_t)acpi_number(bytes, HEADER_LENGTH, 4);
    if (bytes->length < ACPI_HEADER_SIZE || bytes->length > ACPI_TABLE_LENGTH_MAX)
        return "an ACPI table is smaller than its fields or larger than 1 MiB";
    if (memcmp(bytes->data, signature, ACPI_SIGNATURE_SIZE) != 0)
        return "an ACPI table has another signature than its place demands";
    bytes->data = firmware_map(physical, bytes->length);
    if (bytes->data == NULL)
        return unreadable;
    if (!adds_up(bytes->data, bytes->length))
        remember_unsound(acpi, signature);
    return NULL;
}

uint64_t acpi_root_entry(const struct acpi *acpi, uint32_t at)
{
    struct acpi_bytes entry = {firmware_map(acpi->root + at, acpi->entry_size), acpi->entry_size};

    return entry.data == NULL ? 0 : acpi_number(&entry, 0, entry.length);
}

const char *acpi_find(struct acpi *acpi, const char *signature, struct acpi_bytes *bytes)
{
    for (uint32_t at = ACPI_HEADER_SIZE; at + acpi->entry_size <= acpi->end;
         at += acpi->entry_size) {
        uint64_t table = acpi_root_entry(acpi, at);

        if (table != 0 && acpi_map_table(acpi, table, signature, bytes) == NULL)
            return NULL;
    }
    return "there is no ACPI table of this signature";
}

/* The XSDT where there is one, as the specification demands of a 64-bit reader, else the RSDT. */
static const char *parse_rsdp(struct acpi *acpi, const void *data, uint32_t length)
{
    struct acpi_bytes rsdp = {data, length};
    bool extended;

    if (length == 0)
        return "the boot loader gave no ACPI root pointer (RSDP)";
    if (length < RSDP_OLD_SIZE)
        return "the ACPI root pointer has a length that its revision does not have";
    if (memcmp(data, "RSD PTR ", 8) != 0)
        return "the ACPI root pointer does not begin with \"RSD PTR \"";
    extended = rsdp.data[RSDP_REVISION] >= 2 && length >= RSDP_SIZE;
    if (extended && acpi_number(&rsdp, RSDP_LENGTH, 4) != RSDP_SIZE)
        return "the ACPI root pointer has a length that its revision does not have";
    if (!adds_up(rsdp.data, RSDP_OLD_SIZE) || (extended && !adds_up(rsdp.data, RSDP_SIZE)))
        remember_unsound(acpi, "RSDP");
    acpi->root = extended ? acpi_number(&rsdp, RSDP_XSDT, 8) : 0;
    acpi->entry_size = acpi->root != 0 ? 8 : 4;
    if (acpi->root == 0)
        acpi->root = acpi_number(&rsdp, RSDP_RSDT, 4);
    return acpi->root == 0 ? "the ACPI root pointer names neither an XSDT nor an RSDT" : NULL;
}

const char *acpi_open(struct acpi *acpi, const void *rsdp, uint32_t rsdp_length)
{
    struct acpi_bytes bytes = {0};
    const char *wrong;

    memset(acpi, 0, sizeof(*acpi));
    wrong = parse_rsdp(acpi, rsdp, rsdp_length);
    if (wrong == NULL)
        wrong = acpi_map_table(acpi, acpi->root, acpi->entry_size == 8 ? "XSDT" : "RSDT", &bytes);
    acpi->end = wrong == NULL ? bytes.length : 0;
    return wrong;
}

/* ACPI Specification, "Multiple APIC Description Table (MADT) Format". */
enum {
    MADT_ENTRIES = 44,      /* the offset of the first */
    ENTRY_HEADER_SIZE = 2,  /* type, length */
    ENTRY_ENABLED = 1 << 0, /* in "Local APIC Flags" */
};

/* Bytes that an entry has at least; 0, and of a type that is not here: no more than any. */
static const uint8_t entry_sizes[] = {
    [MADT_LOCAL_APIC] = 8,
    [MADT_IO_APIC] = 12,
    [MADT_SOURCE_OVERRIDE] = 10,
    [MADT_LOCAL_X2APIC] = 16,
};

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
    if (apic_id == broadcast || (flags & ENTRY_ENABLED) == 0 || is_listed(cpus, apic_id))
        return;
    if (cpus->count == ACPI_CPUS_MAX) {
        cpus->lost++;
        return;
    }
    cpus->apic_id[cpus->count++] = apic_id;
    if (apic_id > cpus->highest_id)
        cpus->highest_id = apic_id;
}

static void take_cpu(const struct acpi_bytes *madt, uint32_t offset, void *cpus)
{
    if (madt->data[offset] == MADT_LOCAL_APIC)
        add_cpu(cpus, madt->data[offset + 3], acpi_dword(madt, offset + 4), UINT8_MAX);
    else if (madt->data[offset] == MADT_LOCAL_X2APIC)
        add_cpu(cpus, acpi_dword(madt, offset + 4), acpi_dword(madt, offset + 8), UINT32_MAX);
}

const char *acpi_each_madt_entry(struct acpi *acpi, madt_taker *take, void *to)
{
    struct acpi_bytes madt;
    const char *wrong = acpi_find(acpi, "APIC", &madt);
    uint32_t offset = MADT_ENTRIES;

    if (wrong != NULL)
        return wrong;
    if (madt.length < MADT_ENTRIES)
        return "an ACPI table is smaller than its fields or larger than 1 MiB";
    while (offset < madt.length) {
        uint32_t left = madt.length - offset;
        uint32_t length = left < ENTRY_HEADER_SIZE ? ENTRY_HEADER_SIZE : madt.data[offset + 1];

        if (length > left)
            return "an entry of the MADT reaches past the end of the table";
        if (length < ENTRY_HEADER_SIZE ||
            (madt.data[offset] < sizeof(entry_sizes) && length < entry_sizes[madt.data[offset]]))
            return "an entry of the MADT is shorter than its type demands";
        take(&madt, offset, to);
        offset += length;
    }
    return NULL;
}

void firmware_read(const void *rsdp, uint32_t rsdp_length, struct firmware *firmware)
{
    static struct acpi acpi;

    *firmware = (struct firmware){0};
    firmware->cpus_wrong = acpi_open(&acpi, rsdp, rsdp_length);
    if (firmware->cpus_wrong == NULL)
        firmware->cpus_wrong = acpi_each_madt_entry(&acpi, take_cpu, &firmware->cpus);
    SET_FOR_EACH(firmware_tables, table)
        (*table)(&acpi);
    firmware->unsound = acpi.unsound[0] != '\0' ? acpi.unsound : NULL;
}
