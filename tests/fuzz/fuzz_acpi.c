/*
 * The ACPI reader on whatever libFuzzer thinks of. The input is cut into the bodies of an XSDT, a
 * MADT, a FADT, a SPCR and a DSDT; the harness puts headers before them, links them, and makes sums
 * right, so that the time goes into what lies after those checks: wrong ones are all in
 * tests/host/kernel/acpi. What firmware_map() hands out is a copy of the exact size, freed at the
 * next call.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/power/power.h"
#include "kernel/acpi/acpi_io_apic.h"
#include "kernel/screen/console_choice.h"
#include "mm/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TABLES = 5, ROOM = 0x1000, FADT_DSDT = 40, ROOT_ENTRIES = 36 };

static uint8_t ram[(1 + TABLES) * ROOM]; /* physical memory; each table has its own ROOM */
static uint8_t *window;

const void *firmware_map(uint64_t physical, size_t bytes)
{
    free(window);
    window = NULL;
    if (physical > sizeof(ram) || bytes > sizeof(ram) - physical)
        return NULL;
    window = malloc(bytes);
    if (window == NULL)
        abort();
    memcpy(window, ram + physical, bytes);
    return window;
}

/* Makes the bytes add up to zero by way of the one at `checksum`. */
static void balance(uint8_t *bytes, size_t size, size_t checksum)
{
    uint8_t sum = 0;

    bytes[checksum] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[checksum] = (uint8_t)-sum;
}

static const uint8_t s5[] = {0x08, '_', 'S', '5', '_', 0x12}; /* Name (_S5, Package … */

/* One table in its room: as much of the input as its share says. */
static void place(unsigned index, const char *signature, const uint8_t *body, uint32_t length)
{
    uint8_t *table = ram + (1 + index) * ROOM;
    uint64_t next = ROOM;

    memcpy(table + ACPI_HEADER_SIZE, body, length);
    length += ACPI_HEADER_SIZE;
    memcpy(table, signature, ACPI_SIGNATURE_SIZE);
    memcpy(table + 4, &length, sizeof(length));
    for (unsigned i = 1; index == 0 && i < TABLES - 1; i++) {
        next += ROOM;
        if (length >= ROOT_ENTRIES + 8 * i)
            memcpy(table + ROOT_ENTRIES + 8 * (size_t)(i - 1), &next, sizeof(next));
    }
    next = TABLES * ROOM;
    if (index == 2 && length >= FADT_DSDT + 4)
        memcpy(table + FADT_DSDT, &next, 4);
    if (index == TABLES - 1 && length >= ACPI_HEADER_SIZE + sizeof(s5))
        memcpy(table + ACPI_HEADER_SIZE, s5, sizeof(s5));
    balance(table, length, 9);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const signatures[TABLES] = {"XSDT", "APIC", "FACP", "SPCR", "DSDT"};
    static struct acpi acpi;
    static struct firmware firmware;
    struct acpi_fadt fadt;
    struct console_choice console;
    struct acpi_sleep_type type;
    uint8_t rsdp[36] = "RSD PTR ";
    uint32_t root = ROOM;

    if (size < TABLES || size > ROOM - ACPI_HEADER_SIZE)
        return 0;
    memset(ram, 0, sizeof(ram));
    for (unsigned i = 0; i < TABLES; i++) {
        size_t left = size - TABLES;
        size_t share = left * data[i] / UINT8_MAX;

        place(i, signatures[i], data + size - share, (uint32_t)share);
    }
    rsdp[15] = 2;
    rsdp[20] = sizeof(rsdp);
    memcpy(rsdp + 24, &root, sizeof(root));
    balance(rsdp, 20, 8);
    balance(rsdp, sizeof(rsdp), 32);
    if (acpi_open(&acpi, rsdp, sizeof(rsdp)) != NULL)
        abort();
    firmware_read(rsdp, sizeof(rsdp), &firmware);
    (void)acpi_read_io_apics(&acpi, &machine_io_apics);
    (void)acpi_read_fadt(&acpi, &fadt);
    acpi_read_console(&acpi, &console);
    if (acpi_find_s5(&acpi, &fadt, &type) && (type.a > 7 || type.b > 7))
        abort();
    free(window);
    window = NULL;
    if (firmware.cpus.count > ACPI_CPUS_MAX)
        abort();
    return 0;
}
