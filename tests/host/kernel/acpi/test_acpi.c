/*
 * The ACPI reader's way to a table, from the RSDP on, and the same with everything in it damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/power/power.h"
#include "tests/host/acpi_tables.h"

static struct firmware firmware;
static struct acpi_fadt fadt;

/* Which of the two tables that there are can be found: the FADT, the MADT. */
static void assert_found(bool has_fadt, bool has_madt)
{
    struct acpi_bytes bytes;

    assert_int_equal(result_of(acpi_find(&acpi, "FACP", &bytes)),
                     has_fadt ? ACPI_OK : ACPI_NO_TABLE);
    assert_int_equal(result_of(acpi_find(&acpi, "APIC", &bytes)),
                     has_madt ? ACPI_OK : ACPI_NO_TABLE);
}

static void test_open(void **state)
{
    struct acpi_bytes bytes;

    (void)state;
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_int_equal(result_of(acpi_find(&acpi, "APIC", &bytes)), ACPI_OK);
    assert_int_equal(bytes.length, 60);
    assert_int_equal(result_of(acpi_find(&acpi, "FACP", &bytes)), ACPI_OK);
    assert_int_equal(bytes.length, 244);
    assert_int_equal(result_of(acpi_find(&acpi, "HPET", &bytes)), ACPI_NO_TABLE);
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
        assert_found(false, true);
    }
    seal_rsdp(2, ROOT + 0x1000, ROOT);
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_found(true, true);
    seal_rsdp(2, 0, 0);
    assert_int_equal(open_tables(36), ACPI_NO_ROOT);
}

static void test_rsdp_broken(void **state)
{
    (void)state;
    assert_int_equal(open_tables(0), ACPI_NO_RSDP);
    for (uint32_t length = 1; length < 20; length++)
        assert_int_equal(open_tables(length), ACPI_RSDP_LENGTH);
    /* Each byte counts in one of the two sums, and a wrong sum alone ends nothing. */
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
            assert_string_equal(acpi.unsound, "RSDP");
        if (i >= 24 && i < 32) /* where the XSDT is */
            assert_int_not_equal(result, ACPI_OK);
        else
            assert_found(i >= 8 && (i < 20 || i >= 24), i >= 8 && (i < 20 || i >= 24));
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
    at(ROOT)[20] ^= 1; /* its checksum is reported, and ends nothing */
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_found(true, true);
    assert_string_equal(acpi.unsound, "XSDT");
    seal(ROOT, "RSDT", 52);
    assert_int_equal(open_tables(36), ACPI_SIGNATURE);
    for (uint32_t length = 0; length < 36; length++) {
        seal(ROOT, "XSDT", 52);
        put(at(ROOT) + 4, length, 4);
        assert_int_equal(open_tables(36), ACPI_LENGTH);
    }
    for (unsigned bit = 24; bit < 32; bit++) { /* the length has 32 bits */
        put(at(ROOT) + 4, 52 | 1u << bit, 4);
        assert_int_equal(open_tables(36), ACPI_LENGTH);
    }
    put(at(ROOT) + 4, ACPI_TABLE_LENGTH_MAX + 1, 4);
    assert_int_equal(open_tables(36), ACPI_LENGTH);
    put(at(ROOT) + 4, ACPI_TABLE_LENGTH_MAX, 4); /* allowed, but there is no such memory here */
    assert_int_equal(open_tables(36), ACPI_UNREADABLE);
}

/* Entries that lead nowhere do not hide the others; half an entry is none. */
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
    assert_found(false, true);

    /* The first of a kind counts, however many there are. */
    for (uint32_t i = 0; i < 200; i++)
        put(at(ROOT) + 36 + 8 * i, FADT, 8);
    put(at(ROOT) + 36 + 8 * 200, MADT, 8);
    seal(ROOT, "XSDT", 36 + 8 * 201);
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_found(true, true);
}

/* Damage with the sums made right again, so that it gets past them. */
static void test_random_damage(void **state)
{
    static const struct {
        uint64_t physical;
        const char *signature;
    } tables[] = {{ROOT, "XSDT"}, {MADT, "APIC"}, {FADT, "FACP"}, {DSDT, "DSDT"}};
    uint64_t random = 0x2545f4914f6cdd1d; /* xorshift64, fixed seed */
    unsigned results[ACPI_RESULT_COUNT] = {0}, found = 0;

    for (int round = 0; round < 5000; round++) {
        uint32_t lengths[4];
        struct acpi_sleep_type type;

        acpi_tables_set_up(state);
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
        firmware_read(rsdp, 36, &firmware);
        results[result_of(firmware.cpus_wrong)]++;
        assert_true(firmware.cpus.count <= ACPI_CPUS_MAX);
        results[result_of(acpi_read_fadt(&acpi, &fadt))]++;
        found += acpi_find_s5(&acpi, &fadt, &type);
    }
    /* The damage reached each of the steps. */
    assert_true(results[ACPI_OK] > 0);
    assert_true(results[ACPI_LENGTH] > 0);
    assert_true(results[ACPI_NO_TABLE] > 0);
    assert_true(results[ACPI_UNREADABLE] > 0);
    assert_true(results[ACPI_ENTRY_SHORT] > 0);
    assert_true(found > 0 && found < 5000);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TABLES(test_open),         WITH_TABLES(test_rsdt),
        WITH_TABLES(test_rsdp_broken),  WITH_TABLES(test_root_broken),
        WITH_TABLES(test_root_entries), WITH_TABLES(test_random_damage),
        cmocka_unit_test(test_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
