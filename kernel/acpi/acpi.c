#include "kernel/acpi/acpi.h"

#include "mm/memory.h"
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

/* "System Description Table Header": the offset of the length. */
enum { HEADER_LENGTH = 4 };

/* A table as its header describes it. */
struct table {
    uint64_t physical; /* any alignment */
    char signature[ACPI_SIGNATURE_SIZE + 1];
    uint32_t length; /* bytes, header included; within bounds */
};

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

/* Reads signature and length of the table at `physical`. */
static const char *read_header(uint64_t physical, struct table *table)
{
    struct acpi_bytes header = {firmware_map(physical, ACPI_HEADER_SIZE), ACPI_HEADER_SIZE};

    if (header.data == NULL)
        return "an ACPI table lies where memory cannot be read";
    *table = (struct table){
        .length = (uint32_t)acpi_number(&header, HEADER_LENGTH, 4),
        .physical = physical,
    };
    memcpy(table->signature, header.data, ACPI_SIGNATURE_SIZE);
    if (table->length < ACPI_HEADER_SIZE || table->length > ACPI_TABLE_LENGTH_MAX)
        return "an ACPI table is smaller than its fields or larger than 1 MiB";
    return NULL;
}

/* Each signature once, with a blank between two. */
static void remember_unsound(struct acpi *acpi, const char *signature)
{
    char *end = acpi->unsound + sizeof(acpi->unsound);
    char *place = acpi->unsound;

    while (place < end && *place != '\0') {
        if (memcmp(place, signature, ACPI_SIGNATURE_SIZE) == 0)
            return;
        place += ACPI_SIGNATURE_SIZE + 1;
    }
    if (place == end)
        return;
    if (place != acpi->unsound)
        place[-1] = ' ';
    memcpy(place, signature, ACPI_SIGNATURE_SIZE + 1);
}

static const char *map_whole(struct acpi *acpi, const struct table *table, struct acpi_bytes *bytes)
{
    *bytes = (struct acpi_bytes){firmware_map(table->physical, table->length), table->length};
    if (bytes->data == NULL)
        return "an ACPI table lies where memory cannot be read";
    if (!adds_up(bytes->data, bytes->length))
        remember_unsound(acpi, table->signature);
    return NULL;
}

const char *acpi_map_table(struct acpi *acpi, uint64_t physical, const char *signature,
                           struct acpi_bytes *bytes)
{
    struct table table;
    const char *wrong = read_header(physical, &table);

    if (wrong != NULL)
        return wrong;
    if (strcmp(table.signature, signature) != 0)
        return "an ACPI table has another signature than its place demands";
    return map_whole(acpi, &table, bytes);
}

const char *acpi_find(struct acpi *acpi, const char *signature, struct acpi_bytes *bytes)
{
    for (uint32_t at = ACPI_HEADER_SIZE; at + acpi->entry_size <= acpi->end;
         at += acpi->entry_size) {
        struct acpi_bytes entry = {firmware_map(acpi->root + at, acpi->entry_size),
                                   acpi->entry_size};
        struct table table;

        if (entry.data != NULL &&
            read_header(acpi_number(&entry, 0, acpi->entry_size), &table) == NULL &&
            strcmp(table.signature, signature) == 0)
            return map_whole(acpi, &table, bytes);
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

void firmware_read(const void *rsdp, uint32_t rsdp_length, struct firmware *firmware)
{
    static struct acpi acpi;

    *firmware = (struct firmware){0};
    firmware->cpus_wrong = acpi_open(&acpi, rsdp, rsdp_length);
    if (firmware->cpus_wrong == NULL)
        firmware->cpus_wrong = acpi_read_cpus(&acpi, &firmware->cpus);
    SET_FOR_EACH(firmware_tables, table)
        (*table)->read(&acpi, firmware);
    for (uint32_t i = 0; i < firmware->cpus.count; i++) {
        if (firmware->cpus.apic_id[i] > firmware->highest_id)
            firmware->highest_id = firmware->cpus.apic_id[i];
    }
    firmware->unsound = acpi.unsound[0] != '\0' ? acpi.unsound : NULL;
}
