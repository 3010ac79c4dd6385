#include "tests/host/acpi_tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mm/memory.h"

static uint8_t ram[BYTES]; /* at PLACE */
static uint8_t *window;    /* what was handed out last */

const void *firmware_map(uint64_t physical, size_t bytes)
{
    free(window);
    window = NULL;
    if (physical < PLACE || physical > PLACE + BYTES || bytes > PLACE + BYTES - physical)
        return NULL;
    window = malloc(bytes);
    assert_non_null(window);
    memcpy(window, ram + (physical - PLACE), bytes);
    return window;
}

struct acpi acpi;
uint8_t rsdp[36];

void put(uint8_t *to, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

uint8_t *at(uint64_t physical)
{
    return ram + (physical - PLACE);
}

void balance(uint8_t *data, uint32_t bytes, uint32_t checksum)
{
    uint8_t sum = 0;

    data[checksum] = 0;
    for (uint32_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + data[i]);
    data[checksum] = (uint8_t)-sum;
}

void seal(uint64_t physical, const char *signature, uint32_t length)
{
    memcpy(at(physical), signature, 4);
    put(at(physical) + 4, length, 4);
    balance(at(physical), length, 9);
}

void seal_rsdp(uint8_t revision, uint32_t rsdt, uint64_t xsdt)
{
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = revision;
    put(rsdp + 16, rsdt, 4);
    put(rsdp + 20, 36, 4);
    put(rsdp + 24, xsdt, 8);
    balance(rsdp, 20, 8);
    balance(rsdp, 36, 32);
}

enum acpi_result result_of(const char *wrong)
{
    static const char *const texts[] = {
#define RESULT(name, sentence) [ACPI_##name] = (sentence),
        ACPI_RESULTS(RESULT)
#undef RESULT
    };

    for (unsigned i = 1; wrong != NULL && i < ACPI_RESULT_COUNT; i++) {
        if (strcmp(wrong, texts[i]) == 0)
            return (enum acpi_result)i;
    }
    assert_null(wrong);
    return ACPI_OK;
}

enum acpi_result open_tables(uint32_t rsdp_length)
{
    uint8_t *copy = malloc(rsdp_length);
    enum acpi_result result;

    assert_non_null(copy);
    memcpy(copy, rsdp, rsdp_length);
    result = result_of(acpi_open(&acpi, copy, rsdp_length));
    free(copy);
    return result;
}

uint32_t madt_length;

void begin_madt(void)
{
    memset(at(MADT), 0, FADT - MADT);
    put(at(MADT) + 36, 0xfee00000, 4);
    madt_length = 44;
}

void local_apic(uint8_t id, uint32_t flags)
{
    uint8_t *entry = at(MADT) + madt_length;

    entry[0] = 0;
    entry[1] = 8;
    entry[3] = id;
    put(entry + 4, flags, 4);
    madt_length += 8;
}

void begin_fadt(void)
{
    memset(at(FADT), 0, DSDT - FADT);
    put(at(FADT) + 40, DSDT, 4);
    put(at(FADT) + 48, 0xb2, 4);
    put(at(FADT) + 52, 0xf1, 1);
    put(at(FADT) + 64, 0xb004, 4);
    put(at(FADT) + 68, 0xb104, 4);
    put(at(FADT) + 76, 0xb008, 4);
    put(at(FADT) + 112, 1u << 8, 4);
}

const uint8_t s5[S5_BYTES] = {0x10, 0x05, 0x08, '_',  'S', '5',  '_',  0x12, 0x08,
                              0x04, 0x0a, 0x05, 0x0a, 3,   0x00, 0x00, 0xa0};

void aml(const void *code, uint32_t length)
{
    memset(at(DSDT), 0, 4096);
    memcpy(at(DSDT) + 36, code, length);
    seal(DSDT, "DSDT", 36 + length);
}

int acpi_tables_set_up(void **state)
{
    (void)state;
    memset(ram, 0, sizeof(ram));
    memset(rsdp, 0, sizeof(rsdp));
    put(at(ROOT) + 36, FADT, 8);
    put(at(ROOT) + 44, MADT, 8);
    seal(ROOT, "XSDT", 52);
    begin_madt();
    local_apic(0, 1);
    local_apic(1, 1);
    seal(MADT, "APIC", madt_length);
    begin_fadt();
    seal(FADT, "FACP", 244);
    aml(s5, sizeof(s5));
    seal_rsdp(2, 0, ROOT);
    return 0;
}

int acpi_tables_tear_down(void **state)
{
    (void)state;
    free(window);
    window = NULL;
    return 0;
}
