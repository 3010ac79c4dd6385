/*
 * Tables as the ACPI Specification lays them out, in a model of physical memory that hands out a
 * heap copy of exactly the bytes asked for and frees it at the next call: AddressSanitizer sees a
 * read after a table, and a pointer that was kept for too long.
 */
#pragma once

#include <stdint.h>

#include "kernel/acpi/acpi.h"

enum {
    PLACE = 0x7fe0000, /* where physical memory with tables begins */
    ROOT = PLACE,
    MADT = PLACE + 0x4000,
    FADT = PLACE + 0x14000,
    DSDT = PLACE + 0x15000,
    BYTES = 0x40000,
};

/* What open_tables() opens, and the RSDP that it begins at. */
extern struct acpi acpi;
extern uint8_t rsdp[36];

/* The root, with a FADT of ACPI 1.0 and a MADT of two CPUs; and the end of what was handed out. */
int acpi_tables_set_up(void **state);
int acpi_tables_tear_down(void **state);
#define WITH_TABLES(test) \
    cmocka_unit_test_setup_teardown(test, acpi_tables_set_up, acpi_tables_tear_down)

/* The byte at a physical address. */
uint8_t *at(uint64_t physical);

/* Puts the lowest `width` bytes there. */
void put(uint8_t *to, uint64_t value, unsigned width);

/* Makes `bytes` bytes add up to zero by way of the one at `checksum`. */
void balance(uint8_t *data, uint32_t bytes, uint32_t checksum);

/* Gives what stands there signature, length and checksum of a table. */
void seal(uint64_t physical, const char *signature, uint32_t length);
void seal_rsdp(uint8_t revision, uint32_t rsdt, uint64_t xsdt);

/* What can be wrong with the tables, with the sentence that a person reads; OK: nothing. */
#define ACPI_RESULTS(RESULT)                                                                  \
    RESULT(OK, NULL)                                                                          \
    RESULT(NO_RSDP, "the boot loader gave no ACPI root pointer (RSDP)")                       \
    RESULT(RSDP_SIGNATURE, "the ACPI root pointer does not begin with \"RSD PTR \"")          \
    RESULT(RSDP_LENGTH, "the ACPI root pointer has a length that its revision does not have") \
    RESULT(NO_ROOT, "the ACPI root pointer names neither an XSDT nor an RSDT")                \
    RESULT(NO_TABLE, "there is no ACPI table of this signature")                              \
    RESULT(UNREADABLE, "an ACPI table lies where memory cannot be read")                      \
    RESULT(SIGNATURE, "an ACPI table has another signature than its place demands")           \
    RESULT(LENGTH, "an ACPI table is smaller than its fields or larger than 1 MiB")           \
    RESULT(ENTRY_SHORT, "an entry of the MADT is shorter than its type demands")              \
    RESULT(ENTRY_PAST_END, "an entry of the MADT reaches past the end of the table")

enum acpi_result {
#define RESULT(name, text) ACPI_##name,
    ACPI_RESULTS(RESULT)
#undef RESULT
        ACPI_RESULT_COUNT,
};

/* The one whose sentence this is; ends the test where there is none. */
enum acpi_result result_of(const char *wrong);

/* acpi_open() with the first bytes of the RSDP. */
enum acpi_result open_tables(uint32_t rsdp_length);

/* A MADT without entries; each entry makes it longer. */
extern uint32_t madt_length;
void begin_madt(void);
void local_apic(uint8_t id, uint32_t flags);

/* Ports, flags and DSDT in their old forms, as ACPI 1.0 has them; 244 bytes, the rest zeroes. */
void begin_fadt(void);

/* QEMU's pc machine: Name (_S5, Package (4) {0, 0, 0, 0}), here with types 5 and 3. */
enum { S5_BYTES = 17 };
extern const uint8_t s5[S5_BYTES];

/* A DSDT with that code. */
void aml(const void *code, uint32_t length);
