/*
 * The firmware's ACPI tables, read by way of firmware_map() (mm/memory.h): which tables there
 * are, and which CPUs they name.
 *
 * ACPI Specification, "ACPI Software Programming Model". Nothing here trusts a table: a broken one
 * gives a result with a sentence.
 */
#pragma once

#include <stdint.h>

#include "lib/set.h"

enum {
    ACPI_CPUS_MAX = 512,
    ACPI_HEADER_SIZE = 36,
    ACPI_TABLE_LENGTH_MAX = 1 << 20, /* bytes; the largest real tables are a third of this */
    ACPI_SIGNATURE_SIZE = 4,
    ACPI_UNSOUND_MAX = 8,
};

/* Where the root table is, and what it is. */
struct acpi {
    uint64_t root; /* physical */
    uint32_t entry_size;
    uint32_t end; /* of its entries, from its beginning; 0: there is no root to be read */
    /* "RSDP XSDT APIC": what was read although its bytes do not add up to zero. */
    char unsound[ACPI_UNSOUND_MAX * (ACPI_SIGNATURE_SIZE + 1)];
};

/*
 * Checks the RSDP (a copy of 20 or 36 bytes; `rsdp_length` 0: none) and the root table. A checksum
 * is looked at when the table is read: a wrong one is remembered, and the table used all the same,
 * as Linux does, since nothing here trusts what stands in it.
 * Returns NULL, as the others below, or what is wrong, in a sentence for a person.
 * ACPI Specification, "Root System Description Pointer (RSDP)".
 */
const char *acpi_open(struct acpi *acpi, const void *rsdp, uint32_t rsdp_length);

/* A table's bytes, until the next of these calls. */
struct acpi_bytes {
    const uint8_t *data;
    uint32_t length;
};

/* The address that stands so many bytes after the root's beginning; 0 where it cannot be read. */
uint64_t acpi_root_entry(const struct acpi *acpi, uint32_t at);

/* The first table of that signature; what the root names and cannot be read is passed over. */
const char *acpi_find(struct acpi *acpi, const char *signature, struct acpi_bytes *bytes);

/* The little-endian number of `width` (1 to 8) bytes at `offset`; 0 if it is not all there. */
uint64_t acpi_number(const struct acpi_bytes *bytes, uint32_t offset, uint32_t width);

static inline uint32_t acpi_dword(const struct acpi_bytes *bytes, uint32_t offset)
{
    return (uint32_t)acpi_number(bytes, offset, 4);
}

/* ACPI Specification, "Multiple APIC Description Table (MADT)". */
struct acpi_cpus {
    uint32_t count;                  /* enabled CPUs, each APIC id once */
    uint32_t lost;                   /* enabled, but did not fit */
    uint32_t highest_id;             /* of the APIC ids; 0 if there are none */
    uint32_t apic_id[ACPI_CPUS_MAX]; /* in the table's order */
};

/* "Interrupt Controller Structure Types". */
enum madt_entry {
    MADT_LOCAL_APIC = 0,
    MADT_IO_APIC = 1,
    MADT_SOURCE_OVERRIDE = 2,
    MADT_LOCAL_X2APIC = 9,
};

/* Gives `take` each entry's place, all of whose fields are there. */
typedef void madt_taker(const struct acpi_bytes *madt, uint32_t offset, void *to);
const char *acpi_each_madt_entry(struct acpi *acpi, madt_taker *take, void *to);

/* ACPI Specification, "Generic Address Structure (GAS)". */
enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1, ACPI_SPACE_PCI = 2 };

/* One table at a known place. */
const char *acpi_map_table(struct acpi *acpi, uint64_t physical, const char *signature,
                           struct acpi_bytes *bytes);

/* What the firmware's tables say about this machine, read once on the boot CPU. */
struct firmware {
    const char *cpus_wrong; /* with the tables that name the CPUs; NULL: nothing. `cpus` holds what
                               stood before it: a missing MADT leaves the boot CPU alone */
    struct acpi_cpus cpus;
    const char *unsound; /* signatures of tables with a wrong checksum; NULL: none */
};

/* Reads a table that the core has no use for. Where the root is broken, it finds none. */
typedef void firmware_table(struct acpi *acpi);
#define FIRMWARE_TABLE(place, read) SET_MEMBER(firmware_tables, place, firmware_table, read)
SET_DECLARE(firmware_tables, firmware_table);

/*
 * From a copy of the RSDP. Memory must be up. Never fails: what could not be read says so in its
 * result.
 */
void firmware_read(const void *rsdp, uint32_t rsdp_length, struct firmware *firmware);
