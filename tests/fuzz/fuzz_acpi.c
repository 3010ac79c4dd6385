/*
 * The ACPI reader on whatever libFuzzer thinks of: physical memory is the input from address 0 on,
 * and the RSDP is its first 36 bytes. The sums are made right wherever the fuzzer's bytes name a
 * table, so that the time goes into what lies behind them. What map() hands out is a copy of the
 * exact size, freed at the next call.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/acpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *ram;
static size_t ram_size;
static uint8_t *window;

/* Makes the bytes add up to zero by way of the one at `checksum`. */
static void balance(uint8_t *bytes, size_t size, size_t checksum)
{
    uint8_t sum = 0;

    bytes[checksum] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[checksum] = (uint8_t)-sum;
}

static const void *map(struct acpi_memory *memory, uint64_t physical, size_t bytes)
{
    (void)memory;
    free(window);
    window = NULL;
    if (physical > ram_size || bytes > ram_size - physical)
        return NULL;
    window = malloc(bytes);
    if (window == NULL)
        abort();
    memcpy(window, ram + physical, bytes);
    if (bytes >= ACPI_HEADER_SIZE)
        balance(window, bytes, 9);
    return window;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct acpi acpi;
    static struct acpi_cpus cpus;
    struct acpi_memory memory = {map};
    struct acpi_fadt fadt;
    struct acpi_sleep_type type;
    uint8_t rsdp[36];

    if (size < sizeof(rsdp))
        return 0;
    ram = data;
    ram_size = size;
    memcpy(rsdp, data, sizeof(rsdp));
    memcpy(rsdp, "RSD PTR ", 8);
    balance(rsdp, 20, 8);
    balance(rsdp, sizeof(rsdp), 32);
    (void)acpi_open(&acpi, &memory, rsdp, data[0] & 1 ? 20 : sizeof(rsdp));
    (void)acpi_read_cpus(&acpi, &cpus);
    (void)acpi_read_fadt(&acpi, &fadt);
    if (acpi_find_s5(&acpi, &fadt, &type) == ACPI_OK && (type.a > 7 || type.b > 7))
        abort();
    free(window);
    window = NULL;
    if (acpi.count > ACPI_TABLES_MAX || cpus.count > ACPI_CPUS_MAX)
        abort();
    return 0;
}
