/* What the ACPI reader finds in the MADT: CPUs, the timer's input, the local APIC's address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/acpi/acpi_io_apic.h"
#include "tests/host/acpi_tables.h"

static struct acpi_cpus cpus;
static struct firmware firmware;
static struct acpi_io_apics apics;

static void local_x2apic(uint32_t id, uint32_t flags)
{
    uint8_t *entry = at(MADT) + madt_length;

    entry[0] = 9;
    entry[1] = 16;
    put(entry + 4, id, 4);
    put(entry + 8, flags, 4);
    madt_length += 16;
}

static enum acpi_result read_firmware(void)
{
    firmware_read(rsdp, 36, &firmware);
    cpus = firmware.cpus;
    return result_of(firmware.cpus_wrong);
}

static enum acpi_result read_cpus(void)
{
    seal(MADT, "APIC", madt_length);
    assert_int_equal(open_tables(36), ACPI_OK);
    return read_firmware();
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
    at(MADT)[madt_length] = 10; /* a local x2APIC NMI has 12; the shortest entry has 2 */
    at(MADT)[madt_length + 1] = 2;
    madt_length += 2;
    local_x2apic(4, 1);
    local_x2apic(0, 1); /* doubled, by way of the other type */
    local_x2apic(0xff, 1);
    local_x2apic(0x12345, 1);
    local_x2apic(UINT32_MAX, 1); /* the broadcast id of x2APIC mode */
    assert_int_equal(read_cpus(), ACPI_OK);
    assert_int_equal(cpus.count, 5);
    assert_int_equal(cpus.apic_id[0], 0);
    assert_int_equal(cpus.apic_id[1], 2);
    assert_int_equal(cpus.apic_id[2], 4);
    assert_int_equal(cpus.apic_id[3], 0xff);
    assert_int_equal(cpus.apic_id[4], 0x12345);
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

static enum acpi_result read_io_apics(void)
{
    seal(MADT, "APIC", madt_length);
    assert_int_equal(open_tables(36), ACPI_OK);
    return result_of(acpi_read_io_apics(&acpi, &apics));
}

/* Without an override ISA interrupt 0 is global interrupt 0; on PCs it comes in at 2. */
static void test_timer_input(void **state)
{
    (void)state;
    assert_int_equal(read_io_apics(), ACPI_OK);
    assert_int_equal(apics.timer_apic, 0);
    io_apic(0xfec10000, 24);
    assert_int_equal(read_io_apics(), ACPI_OK);
    assert_int_equal(apics.timer_apic, 0);
    io_apic(0xfec00000, 0);
    io_apic(0xfec20000, 48);
    source_override(9, 20);
    assert_int_equal(read_io_apics(), ACPI_OK);
    assert_int_equal(apics.timer_apic, 0xfec00000);
    assert_int_equal(apics.count, 3); /* each is to be masked */
    assert_int_equal(apics.address[0], 0xfec10000);
    assert_int_equal(apics.address[1], 0xfec00000);
    assert_int_equal(apics.address[2], 0xfec20000);
    assert_int_equal(apics.timer_input, 0);
    source_override(0, 2);
    source_override(7, 3);
    io_apic(0xfec30000, 0x1000000);
    assert_int_equal(read_io_apics(), ACPI_OK);
    assert_int_equal(apics.timer_input, 2);
    assert_int_equal(apics.timer_apic, 0xfec00000);
    source_override(0, 0x1000002);
    assert_int_equal(read_io_apics(), ACPI_OK);
    assert_int_equal(apics.timer_input, 0x1000002);
}

static void test_many_io_apics(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ACPI_IO_APICS_MAX + 2; i++)
        io_apic(0xfec00000 + 0x1000 * i, 24 * i);
    assert_int_equal(read_io_apics(), ACPI_OK);
    assert_int_equal(apics.count, ACPI_IO_APICS_MAX);
    assert_int_equal(apics.address[ACPI_IO_APICS_MAX - 1],
                     0xfec00000 + 0x1000 * (ACPI_IO_APICS_MAX - 1));
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
    for (uint32_t i = 0; i < ACPI_CPUS_MAX; i++)
        assert_int_equal(cpus.apic_id[i], i << 20);
}

/* 400 CPUs as firmware lists them: to id 254 as local APICs, from 255 on as x2APICs; 3 of 4 used.
 */
static void test_beyond_255(void **state)
{
    uint32_t ids = 0;

    (void)state;
    begin_madt();
    for (uint32_t id = 0; ids < 400; id++) {
        uint32_t flags = id % 4 != 3;

        if (id < 255)
            local_apic((uint8_t)id, flags);
        else
            local_x2apic(id, flags);
        ids += flags;
    }
    assert_int_equal(read_cpus(), ACPI_OK);
    assert_int_equal(cpus.count, 400);
    assert_int_equal(cpus.lost, 0);
    for (uint32_t i = 0; i < 400; i++)
        assert_int_equal(cpus.apic_id[i], i / 3 * 4 + i % 3);
}

static void test_madt_broken(void **state)
{
    static const struct {
        uint8_t type, least;
    } types[] = {{0, 8}, {1, 12}, {2, 10}, {9, 16}};

    (void)state;
    put(at(ROOT) + 44, 0, 8); /* no MADT at all */
    seal(ROOT, "XSDT", 52);
    assert_int_equal(read_firmware(), ACPI_NO_TABLE);
    assert_int_equal(cpus.count, 0);
    acpi_tables_set_up(state);

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
}

/* As Linux has it: a wrong checksum is reported and ends nothing. */
static void test_wrong_checksums(void **state)
{
    struct acpi_bytes bytes;

    (void)state;
    begin_madt();
    local_apic(3, 1);
    local_apic(9, 1);
    seal(MADT, "APIC", madt_length);
    at(MADT)[20] ^= 1;
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_string_equal(acpi.unsound, "");
    assert_int_equal(read_firmware(), ACPI_OK);
    assert_int_equal(cpus.count, 2);
    assert_string_equal(firmware.unsound, "APIC");
    at(ROOT)[20] ^= 1; /* the other way round, and each once however often it is read */
    assert_int_equal(read_firmware(), ACPI_OK);
    assert_int_equal(cpus.count, 2);
    assert_string_equal(firmware.unsound, "XSDT APIC");
    assert_int_equal(open_tables(36), ACPI_OK);
    assert_int_equal(result_of(acpi_find(&acpi, "APIC", &bytes)), ACPI_OK);
    assert_int_equal(result_of(acpi_find(&acpi, "APIC", &bytes)), ACPI_OK);
    assert_string_equal(acpi.unsound, "XSDT APIC");
}

/* More signatures than there is room for are left out; what was there stays. */
static void test_many_wrong_checksums(void **state)
{
    struct acpi_bytes bytes;

    (void)state;
    assert_int_equal(open_tables(36), ACPI_OK);
    for (uint32_t i = 0; i < ACPI_UNSOUND_MAX + 2; i++) {
        const char signature[] = {'T', 'A', 'B', (char)('0' + i), '\0'};

        seal(MADT, signature, 44);
        at(MADT)[20] ^= 1;
        assert_int_equal(result_of(acpi_map_table(&acpi, MADT, signature, &bytes)), ACPI_OK);
    }
    assert_string_equal(acpi.unsound, "TAB0 TAB1 TAB2 TAB3 TAB4 TAB5 TAB6 TAB7");
}

/* What CPUs there are decides how many of their structures have room: by the highest id. */
static void test_highest_id(void **state)
{
    (void)state;
    begin_madt();
    local_apic(5, 1);
    seal(MADT, "APIC", madt_length);
    assert_int_equal(open_tables(36), ACPI_OK);
    firmware_read(rsdp, 36, &firmware);
    assert_int_equal(result_of(firmware.cpus_wrong), ACPI_OK);
    assert_int_equal(firmware.cpus.count, 1);
    assert_int_equal(firmware.cpus.highest_id, 5);
    assert_null(firmware.unsound);
    local_apic(7, 1);
    local_apic(6, 1);
    seal(MADT, "APIC", madt_length);
    firmware_read(rsdp, 36, &firmware);
    assert_int_equal(firmware.cpus.highest_id, 7);
    at(MADT)[20] ^= 1;
    firmware_read(rsdp, 36, &firmware);
    assert_string_equal(firmware.unsound, "APIC");
    firmware_read(NULL, 0, &firmware);
    assert_int_not_equal(firmware.cpus_wrong, ACPI_OK);
    assert_int_equal(firmware.cpus.count, 0);
    assert_int_equal(firmware.cpus.highest_id, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TABLES(test_cpus),
        WITH_TABLES(test_timer_input),
        WITH_TABLES(test_many_io_apics),
        WITH_TABLES(test_many_cpus),
        WITH_TABLES(test_beyond_255),
        WITH_TABLES(test_madt_broken),
        WITH_TABLES(test_wrong_checksums),
        WITH_TABLES(test_many_wrong_checksums),
        WITH_TABLES(test_highest_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
