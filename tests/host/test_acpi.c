/*
 * The ACPI reader, against tables built here as the ACPI Specification lays them out. The model of
 * physical memory hands out a heap copy of exactly the bytes asked for and frees it at the next
 * call: AddressSanitizer sees a read behind a table, and a pointer that was kept for too long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/acpi.h"

enum {
    PLACE = 0x7fe0000, /* where physical memory with tables begins */
    ROOT = PLACE,
    MADT = PLACE + 0x4000,
    FADT = PLACE + 0x14000,
    DSDT = PLACE + 0x15000,
    BYTES = 0x40000,
};

static uint8_t ram[BYTES]; /* at PLACE */
static uint8_t *window;    /* what was handed out last */

static const void *map(struct acpi_memory *memory, uint64_t physical, size_t bytes)
{
    (void)memory;
    free(window);
    window = NULL;
    if (physical < PLACE || physical > PLACE + BYTES || bytes > PLACE + BYTES - physical)
        return NULL;
    window = malloc(bytes);
    assert_non_null(window);
    memcpy(window, ram + (physical - PLACE), bytes);
    return window;
}

static struct acpi_memory memory = {map};
static struct acpi acpi;
static struct acpi_cpus cpus;
static struct acpi_fadt fadt;
static uint8_t rsdp[36];

static void put(uint8_t *at, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint8_t *at(uint64_t physical)
{
    return ram + (physical - PLACE);
}

/* Makes `bytes` bytes add up to zero by way of the one at `checksum`. */
static void balance(uint8_t *data, uint32_t bytes, uint32_t checksum)
{
    uint8_t sum = 0;

    data[checksum] = 0;
    for (uint32_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + data[i]);
    data[checksum] = (uint8_t)-sum;
}

static void seal(uint64_t physical, const char *signature, uint32_t length)
{
    memcpy(at(physical), signature, 4);
    put(at(physical) + 4, length, 4);
    balance(at(physical), length, 9);
}

static void seal_rsdp(uint8_t revision, uint32_t rsdt, uint64_t xsdt)
{
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = revision;
    put(rsdp + 16, rsdt, 4);
    put(rsdp + 20, 36, 4);
    put(rsdp + 24, xsdt, 8);
    balance(rsdp, 20, 8);
    balance(rsdp, 36, 32);
}

static enum acpi_result open_tables(uint32_t rsdp_length)
{
    uint8_t *copy = malloc(rsdp_length);
    enum acpi_result result;

    assert_non_null(copy);
    memcpy(copy, rsdp, rsdp_length);
    result = acpi_open(&acpi, &memory, copy, rsdp_length);
    free(copy);
    return result;
}

static uint32_t madt_length;

static void begin_madt(void)
{
    memset(at(MADT), 0, FADT - MADT);
    put(at(MADT) + 36, 0xfee00000, 4);
    madt_length = 44;
}

static void local_apic(uint8_t id, uint32_t flags)
{
    uint8_t *entry = at(MADT) + madt_length;

    entry[0] = 0;
    entry[1] = 8;
    entry[3] = id;
    put(entry + 4, flags, 4);
    madt_length += 8;
}

static void local_x2apic(uint32_t id, uint32_t flags)
{
    uint8_t *entry = at(MADT) + madt_length;

    entry[0] = 9;
    entry[1] = 16;
    put(entry + 4, id, 4);
    put(entry + 8, flags, 4);
    madt_length += 16;
}

static enum acpi_result read_cpus(void)
{
    seal(MADT, "APIC", madt_length);
    assert_int_equal(open_tables(36), ACPI_OK);
    return acpi_read_cpus(&acpi, &cpus);
}

/* Ports, flags and DSDT in their old forms, as ACPI 1.0 has them; 244 bytes, the rest zeroes. */
static void begin_fadt(void)
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

static void gas(uint32_t offset, uint8_t space, uint64_t address)
{
    put(at(FADT) + offset, space, 1);
    put(at(FADT) + offset + 4, address, 8);
}

static enum acpi_result read_fadt(uint32_t length)
{
    seal(FADT, "FACP", length);
    assert_int_equal(open_tables(36), ACPI_OK);
    return acpi_read_fadt(&acpi, &fadt);
}

/* QEMU's pc machine: Name (_S5, Package (4) {0, 0, 0, 0}), here with types 5 and 3. */
static const uint8_t s5[] = {0x10, 0x05, 0x08, '_',  'S', '5',  '_',  0x12, 0x08,
                             0x04, 0x0a, 0x05, 0x0a, 3,   0x00, 0x00, 0xa0};

/* Name (\_S5, Package (2) {WordConst 7, One}), with a package length of two bytes. */
static const uint8_t s5_root[] = {0x08, '\\', '_',  'S',  '5', '_', 0x12,
                                  0x47, 0x00, 0x02, 0x0b, 7,   0,   0x01};

static void aml(const void *code, uint32_t length)
{
    memset(at(DSDT), 0, 4096);
    memcpy(at(DSDT) + 36, code, length);
    seal(DSDT, "DSDT", 36 + length);
}

static enum acpi_result find_s5(const void *code, uint32_t length, struct acpi_sleep_type *type)
{
    aml(code, length);
    return acpi_find_s5(&acpi, &fadt, type);
}

static int setup(void **state)
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

static int teardown(void **state)
{
    (void)state;
    free(window);
    window = NULL;
    return 0;
}

static void test_open(void **state)
{
    struct acpi_bytes bytes;

    (void)state;
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_int_equal(acpi.count, 4);
    assert_int_equal(acpi.broken, 0);
    assert_int_equal(acpi.lost, 0);
    assert_string_equal(acpi.tables[0].signature, "XSDT");
    assert_int_equal(acpi.tables[0].physical, ROOT);
    assert_int_equal(acpi.tables[0].length, 52);
    assert_string_equal(acpi.tables[1].signature, "FACP");
    assert_string_equal(acpi.tables[2].signature, "APIC");
    assert_int_equal(acpi.tables[2].length, 60);
    assert_string_equal(acpi.tables[3].signature, "DSDT");
    assert_int_equal(acpi.tables[3].physical, DSDT);
    assert_int_equal(acpi_find(&acpi, "APIC", &bytes), ACPI_OK);
    assert_int_equal(bytes.length, 60);
    assert_int_equal(acpi_find(&acpi, "HPET", &bytes), ACPI_NO_TABLE);
}

/* The RSDT counts for ACPI 1.0, and where there is no XSDT or no room for it in the copy. */
static void test_rsdt(void **state)
{
    static const struct {
        uint8_t revision;
        uint64_t xsdt;
        uint32_t length;
    } rows[] = {{0, 0, 20}, {0, ROOT, 36}, {2, 0, 36}, {2, ROOT, 20}};

    (void)state;
    put(at(ROOT + 0x1000) + 36, MADT, 4);
    seal(ROOT + 0x1000, "RSDT", 40);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        seal_rsdp(rows[i].revision, ROOT + 0x1000, rows[i].xsdt);
        assert_int_equal(open_tables(rows[i].length), ACPI_OK);
        assert_int_equal(acpi.count, 2);
        assert_string_equal(acpi.tables[0].signature, "RSDT");
        assert_string_equal(acpi.tables[1].signature, "APIC");
    }
    seal_rsdp(2, ROOT + 0x1000, ROOT);
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_string_equal(acpi.tables[0].signature, "XSDT");
    seal_rsdp(2, 0, 0);
    assert_int_equal(open_tables(36), ACPI_NO_ROOT);
}

static void test_rsdp_broken(void **state)
{
    (void)state;
    assert_int_equal(open_tables(0), ACPI_NO_RSDP);
    for (uint32_t length = 1; length < 20; length++)
        assert_int_equal(open_tables(length), ACPI_RSDP_LENGTH);
    /* Each byte counts in one of the two sums. */
    for (uint32_t i = 0; i < sizeof(rsdp); i++) {
        enum acpi_result result;

        seal_rsdp(2, 0, ROOT);
        rsdp[i] ^= 0x40;
        result = open_tables(36);
        if (i < 8)
            assert_int_equal(result, ACPI_RSDP_SIGNATURE);
        else if (i >= 20 && i < 24)
            assert_int_equal(result, ACPI_RSDP_LENGTH);
        else
            assert_int_equal(result, ACPI_RSDP_CHECKSUM);
        assert_int_equal(acpi.count, 0);
    }
}

static void test_root_broken(void **state)
{
    (void)state;
    seal_rsdp(2, 0, 0x1000);
    assert_int_equal(open_tables(36), ACPI_UNREADABLE);
    seal_rsdp(2, 0, PLACE + BYTES - 35);
    assert_int_equal(open_tables(36), ACPI_UNREADABLE);
    seal_rsdp(2, 0, UINT64_MAX - 7);
    assert_int_equal(open_tables(36), ACPI_UNREADABLE);
    seal_rsdp(2, 0, ROOT);
    at(ROOT)[40] ^= 1;
    assert_int_equal(open_tables(36), ACPI_CHECKSUM);
    seal(ROOT, "RSDT", 52);
    assert_int_equal(open_tables(36), ACPI_SIGNATURE);
    for (uint32_t length = 0; length < 36; length++) {
        seal(ROOT, "XSDT", 52);
        put(at(ROOT) + 4, length, 4);
        assert_int_equal(open_tables(36), ACPI_LENGTH);
    }
    put(at(ROOT) + 4, ACPI_TABLE_LENGTH_MAX + 1, 4);
    assert_int_equal(open_tables(36), ACPI_LENGTH);
    put(at(ROOT) + 4, ACPI_TABLE_LENGTH_MAX, 4); /* allowed, but there is no such memory here */
    assert_int_equal(open_tables(36), ACPI_UNREADABLE);
}

/* Entries that lead nowhere are counted and do not hide the others; half an entry is none. */
static void test_root_entries(void **state)
{
    (void)state;
    put(at(ROOT) + 36, 0x1234, 8);
    put(at(ROOT) + 44, 0, 8);
    put(at(ROOT) + 52, PLACE + 0x30000, 8); /* zeroes: a length of 0 */
    put(at(ROOT) + 60, MADT, 8);
    put(at(ROOT) + 68, FADT, 4);
    seal(ROOT, "XSDT", 72);
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_int_equal(acpi.count, 2);
    assert_int_equal(acpi.broken, 2);

    for (uint32_t i = 0; i < ACPI_TABLES_MAX + 5; i++)
        put(at(ROOT) + 36 + 8 * i, MADT, 8);
    seal(ROOT, "XSDT", 36 + 8 * (ACPI_TABLES_MAX + 5));
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_int_equal(acpi.count, ACPI_TABLES_MAX);
    assert_int_equal(acpi.lost, 6); /* the root takes a place */
}

static void test_cpus(void **state)
{
    (void)state;
    begin_madt();
    local_apic(0, 1);
    local_apic(2, 3);
    local_apic(4, 0);
    local_apic(6, 2);
    local_apic(2, 1);          /* doubled */
    local_apic(0xff, 1);       /* the broadcast id of xAPIC mode */
    at(MADT)[madt_length] = 4; /* a local APIC NMI: 6 bytes, passed over */
    at(MADT)[madt_length + 1] = 6;
    madt_length += 6;
    local_x2apic(4, 1);
    local_x2apic(0, 1); /* doubled, by way of the other type */
    local_x2apic(0xff, 1);
    local_x2apic(0x12345, 1);
    local_x2apic(UINT32_MAX, 1); /* the broadcast id of x2APIC mode */
    assert_int_equal(read_cpus(), ACPI_OK);
    assert_int_equal(cpus.local_apic_address, 0xfee00000);
    assert_int_equal(cpus.count, 5);
    assert_int_equal(cpus.apic_id[0], 0);
    assert_int_equal(cpus.apic_id[1], 2);
    assert_int_equal(cpus.apic_id[2], 4);
    assert_int_equal(cpus.apic_id[3], 0xff);
    assert_int_equal(cpus.apic_id[4], 0x12345);
    assert_int_equal(cpus.disabled, 3);
    assert_int_equal(cpus.online_capable, 1);
    assert_int_equal(cpus.doubled, 2);
    assert_int_equal(cpus.lost, 0);
}

static void io_apic(uint32_t address, uint32_t first)
{
    uint8_t *entry = at(MADT) + madt_length;

    entry[0] = 1;
    entry[1] = 12;
    put(entry + 4, address, 4);
    put(entry + 8, first, 4);
    madt_length += 12;
}

static void source_override(uint8_t source, uint32_t global)
{
    uint8_t *entry = at(MADT) + madt_length;

    entry[0] = 2;
    entry[1] = 10;
    entry[3] = source;
    put(entry + 4, global, 4);
    madt_length += 10;
}

/* Without an override ISA interrupt 0 is global interrupt 0; on PCs it comes in at 2. */
static void test_timer_input(void **state)
{
    (void)state;
    assert_int_equal(read_cpus(), ACPI_OK);
    assert_int_equal(cpus.io_apic_address, 0);
    io_apic(0xfec10000, 24);
    assert_int_equal(read_cpus(), ACPI_OK);
    assert_int_equal(cpus.io_apic_address, 0);
    io_apic(0xfec00000, 0);
    io_apic(0xfec20000, 48);
    source_override(9, 20);
    assert_int_equal(read_cpus(), ACPI_OK);
    assert_int_equal(cpus.io_apic_address, 0xfec00000);
    assert_int_equal(cpus.timer_input, 0);
    source_override(0, 2);
    source_override(7, 3);
    assert_int_equal(read_cpus(), ACPI_OK);
    assert_int_equal(cpus.timer_input, 2);
}

static void test_address_override(void **state)
{
    (void)state;
    at(MADT)[madt_length] = 5;
    at(MADT)[madt_length + 1] = 12;
    put(at(MADT) + madt_length + 4, 0x1fee00000, 8);
    madt_length += 12;
    assert_int_equal(read_cpus(), ACPI_OK);
    assert_int_equal(cpus.local_apic_address, 0x1fee00000);
    assert_int_equal(cpus.count, 2);
}

/* Ids a power of two apart must not fall on one another, nor be taken for one another. */
static void test_many_cpus(void **state)
{
    (void)state;
    begin_madt();
    for (uint32_t i = 0; i < ACPI_CPUS_MAX + 7; i++)
        local_x2apic(i << 20, 1);
    for (uint32_t i = 0; i < ACPI_CPUS_MAX; i++)
        local_x2apic(i << 20, 1);
    assert_int_equal(read_cpus(), ACPI_OK);
    assert_int_equal(cpus.count, ACPI_CPUS_MAX);
    assert_int_equal(cpus.lost, 7);
    assert_int_equal(cpus.doubled, ACPI_CPUS_MAX);
    for (uint32_t i = 0; i < ACPI_CPUS_MAX; i++)
        assert_int_equal(cpus.apic_id[i], i << 20);
}

static void test_madt_broken(void **state)
{
    static const struct {
        uint8_t type, least;
    } types[] = {{0, 8}, {1, 12}, {2, 10}, {5, 12}, {9, 16}};

    (void)state;
    put(at(ROOT) + 44, 0, 8); /* no MADT at all */
    seal(ROOT, "XSDT", 52);
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_int_equal(acpi_read_cpus(&acpi, &cpus), ACPI_NO_TABLE);
    assert_int_equal(cpus.count, 0);
    setup(state);

    for (uint32_t length = 36; length < 44; length++) {
        madt_length = length;
        assert_int_equal(read_cpus(), ACPI_LENGTH);
    }
    madt_length = 44;
    assert_int_equal(read_cpus(), ACPI_OK);
    assert_int_equal(cpus.count, 0);

    for (uint8_t length = 0; length < 2; length++) { /* an entry that would never end */
        begin_madt();
        local_apic(3, 1);
        at(MADT)[madt_length + 1] = length;
        madt_length += 8;
        assert_int_equal(read_cpus(), ACPI_ENTRY_SHORT);
        assert_int_equal(cpus.count, 1); /* what stood before is kept */
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        for (uint8_t length = 2; length < types[i].least; length++) {
            begin_madt();
            at(MADT)[madt_length] = types[i].type;
            at(MADT)[madt_length + 1] = length;
            madt_length += length;
            assert_int_equal(read_cpus(), ACPI_ENTRY_SHORT);
        }
    }
    begin_madt();
    local_apic(3, 1);
    for (uint32_t cut = 1; cut < 8; cut++) {
        madt_length = 44 + cut;
        assert_int_equal(read_cpus(), ACPI_ENTRY_PAST_END);
    }
    begin_madt();
    seal(MADT, "APIC", madt_length);
    at(MADT)[20] ^= 1;
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_int_equal(acpi_read_cpus(&acpi, &cpus), ACPI_CHECKSUM);
}

static void test_fadt_old(void **state)
{
    (void)state;
    assert_int_equal(read_fadt(116), ACPI_OK);
    assert_int_equal(fadt.pm_timer_port, 0xb008);
    assert_true(fadt.pm_timer_32_bits);
    assert_int_equal(fadt.pm1a_control_port, 0xb004);
    assert_int_equal(fadt.pm1b_control_port, 0xb104);
    assert_int_equal(fadt.smi_command_port, 0xb2);
    assert_int_equal(fadt.acpi_enable, 0xf1);
    assert_int_equal(fadt.dsdt, DSDT);
    assert_false(fadt.has_reset);
    for (uint32_t length = 36; length < 116; length++)
        assert_int_equal(read_fadt(length), ACPI_LENGTH);
}

static void test_fadt_new(void **state)
{
    (void)state;
    put(at(FADT) + 112, 1u << 10, 4);
    gas(116, ACPI_SPACE_IO, 0xcf9);
    put(at(FADT) + 128, 0x0f, 1);
    put(at(FADT) + 140, DSDT + 0x100, 8);
    gas(172, ACPI_SPACE_IO, 0x604);
    gas(184, ACPI_SPACE_MEMORY, 0xfed80804); /* not in I/O space: the old form counts */
    gas(208, ACPI_SPACE_IO, 0x608);
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_int_equal(fadt.pm_timer_port, 0x608);
    assert_false(fadt.pm_timer_32_bits);
    assert_int_equal(fadt.pm1a_control_port, 0x604);
    assert_int_equal(fadt.pm1b_control_port, 0xb104);
    assert_int_equal(fadt.dsdt, DSDT + 0x100);
    assert_true(fadt.has_reset);
    assert_int_equal(fadt.reset_space, ACPI_SPACE_IO);
    assert_int_equal(fadt.reset_address, 0xcf9);
    assert_int_equal(fadt.reset_value, 0x0f);

    /* Hardware-reduced ACPI has the reset register, and none of the ports. */
    put(at(FADT) + 112, 1u << 10 | 1u << 20, 4);
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_true(fadt.has_reset);
    assert_int_equal(fadt.pm_timer_port, 0);
    assert_int_equal(fadt.pm1a_control_port, 0);
}

static void test_fadt_odd(void **state)
{
    (void)state;
    put(at(FADT) + 76, 0x1b008, 4); /* beyond the ports */
    put(at(FADT) + 48, 0xffff0000, 4);
    put(at(FADT) + 112, 1u << 10, 4);
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_int_equal(fadt.pm_timer_port, 0);
    assert_int_equal(fadt.smi_command_port, 0);
    assert_false(fadt.has_reset); /* the flag is there, the register is not */
    gas(116, ACPI_SPACE_IO, 0x10cf9);
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_false(fadt.has_reset);
    gas(116, 3, 0xcf9); /* the embedded controller */
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_false(fadt.has_reset);
    gas(116, ACPI_SPACE_MEMORY, 0xfed00000);
    assert_int_equal(read_fadt(128), ACPI_OK); /* without its value */
    assert_false(fadt.has_reset);
    assert_int_equal(read_fadt(129), ACPI_OK);
    assert_true(fadt.has_reset);
}

static void test_s5(void **state)
{
    /* A string that is no name, a name that is no package, then the package. */
    static const uint8_t decoys[] = {'_', 'S', '5', '_', 0x08, '_', 'S', '5', '_', 0x0a, 5, 0x08,
                                     '_', 'S', '5', '_', 0x12, 6,   4,   0,   1,   0,    0};
    static const uint8_t wide[] = {0x08, '_', 'S',  '5', '_', 0x12, 16, 2, 0x0c, 2, 0,
                                   0,    0,   0x0e, 6,   0,   0,    0,  0, 0,    0, 0};
    struct acpi_sleep_type type = {9, 9};

    (void)state;
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_int_equal(find_s5(s5, sizeof(s5), &type), ACPI_OK);
    assert_int_equal(type.a, 5);
    assert_int_equal(type.b, 3);
    assert_int_equal(find_s5(s5_root, sizeof(s5_root), &type), ACPI_OK);
    assert_int_equal(type.a, 7);
    assert_int_equal(type.b, 1);
    assert_int_equal(find_s5(decoys, sizeof(decoys), &type), ACPI_OK);
    assert_int_equal(type.a, 0);
    assert_int_equal(type.b, 1);
    assert_int_equal(find_s5(wide, sizeof(wide), &type), ACPI_OK);
    assert_int_equal(type.a, 2);
    assert_int_equal(type.b, 6);
}

static void test_s5_broken(void **state)
{
    struct acpi_sleep_type type;
    uint8_t code[sizeof(s5)];

    (void)state;
    assert_int_equal(read_fadt(244), ACPI_OK);
    /* Cut anywhere: its length says 8 bytes from offset 8 on. */
    for (uint32_t length = 0; length < 16; length++)
        assert_int_equal(find_s5(s5, length, &type), ACPI_NO_SLEEP_TYPE);
    assert_int_equal(find_s5(s5, 16, &type), ACPI_OK);
    for (uint32_t length = 0; length < sizeof(s5_root); length++)
        assert_int_equal(find_s5(s5_root, length, &type), ACPI_NO_SLEEP_TYPE);

    memcpy(code, s5, sizeof(s5));
    code[8] = 5; /* the package ends inside its second number */
    assert_int_equal(find_s5(code, sizeof(code), &type), ACPI_NO_SLEEP_TYPE);
    code[8] = 4; /* and before it: the one that follows is not in the package */
    code[12] = 0;
    assert_int_equal(find_s5(code, sizeof(code), &type), ACPI_NO_SLEEP_TYPE);
    code[12] = 0x0a;
    code[8] = 0xff; /* its length is that of the next 268 million bytes */
    assert_int_equal(find_s5(code, sizeof(code), &type), ACPI_NO_SLEEP_TYPE);
    code[8] = 8;
    code[11] = 8; /* not three bits */
    assert_int_equal(find_s5(code, sizeof(code), &type), ACPI_NO_SLEEP_TYPE);
    code[11] = 5;
    code[10] = 0x0d; /* a string */
    assert_int_equal(find_s5(code, sizeof(code), &type), ACPI_NO_SLEEP_TYPE);

    aml(s5, sizeof(s5));
    at(DSDT)[40] ^= 1;
    assert_int_equal(acpi_find_s5(&acpi, &fadt, &type), ACPI_CHECKSUM);
    seal(DSDT, "SSDT", 36 + sizeof(s5));
    assert_int_equal(acpi_find_s5(&acpi, &fadt, &type), ACPI_SIGNATURE);
    fadt.dsdt = 0x1000;
    assert_int_equal(acpi_find_s5(&acpi, &fadt, &type), ACPI_UNREADABLE);
    fadt.dsdt = 0;
    assert_int_equal(acpi_find_s5(&acpi, &fadt, &type), ACPI_NO_TABLE);
}

/* Damage with the sums made right again, so that it gets past them. */
static void test_random_damage(void **state)
{
    static const struct {
        uint64_t physical;
        const char *signature;
    } tables[] = {{ROOT, "XSDT"}, {MADT, "APIC"}, {FADT, "FACP"}, {DSDT, "DSDT"}};
    uint64_t random = 0x2545f4914f6cdd1d; /* xorshift64, fixed seed */
    unsigned results[ACPI_RESULT_COUNT] = {0};

    for (int round = 0; round < 5000; round++) {
        uint32_t lengths[4];
        struct acpi_sleep_type type;

        setup(state);
        for (size_t i = 0; i < 4; i++)
            memcpy(&lengths[i], at(tables[i].physical) + 4, 4);
        for (int flips = round % 6; flips >= 0; flips--) {
            size_t i;

            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            i = random % 4;
            at(tables[i].physical)[4 + (random >> 8) % (lengths[i] - 4)] ^=
                (uint8_t)(1u << (random >> 56) % 8);
            balance(at(tables[i].physical), lengths[i], 9);
        }
        results[open_tables(36)]++;
        results[acpi_read_cpus(&acpi, &cpus)]++;
        assert_true(cpus.count <= ACPI_CPUS_MAX);
        results[acpi_read_fadt(&acpi, &fadt)]++;
        results[acpi_find_s5(&acpi, &fadt, &type)]++;
    }
    /* The damage reached each of the steps. */
    assert_true(results[ACPI_OK] > 0);
    assert_true(results[ACPI_LENGTH] > 0);
    assert_true(results[ACPI_NO_TABLE] > 0);
    assert_true(results[ACPI_UNREADABLE] > 0);
    assert_true(results[ACPI_ENTRY_SHORT] > 0);
    assert_true(results[ACPI_NO_SLEEP_TYPE] > 0);
}

static void test_number(void **state)
{
    const struct acpi_bytes bytes = {(const uint8_t *)"\x01\x02\x03\x04\x05\x06\x07\x88", 8};

    (void)state;
    assert_int_equal(acpi_number(&bytes, 0, 8), 0x8807060504030201);
    assert_int_equal(acpi_number(&bytes, 6, 2), 0x8807);
    assert_int_equal(acpi_number(&bytes, 7, 2), 0);
    assert_int_equal(acpi_number(&bytes, 8, 1), 0);
    assert_int_equal(acpi_number(&bytes, UINT32_MAX, 4), 0);
}

static void test_result_text(void **state)
{
    (void)state;
    for (int i = 0; i < ACPI_RESULT_COUNT; i++) {
        const char *text = acpi_result_text((enum acpi_result)i);

        assert_true(strlen(text) > 20);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(text, acpi_result_text((enum acpi_result)j));
    }
    assert_string_equal(acpi_result_text(ACPI_RESULT_COUNT), "unknown result");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rsdt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rsdp_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cpus, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timer_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_address_override, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_cpus, setup, teardown),
        cmocka_unit_test_setup_teardown(test_madt_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fadt_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fadt_new, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fadt_odd, setup, teardown),
        cmocka_unit_test_setup_teardown(test_s5, setup, teardown),
        cmocka_unit_test_setup_teardown(test_s5_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_damage, setup, teardown),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_result_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
