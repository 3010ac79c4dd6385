/*
 * Which port the firmware names for the console. Microsoft's "Serial Port Console Redirection Table
 * (SPCR)": interface at 36, address at 40, baud rate at 58; since revision 4 the precise one at 80.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/screen/console_choice.h"
#include "tests/host/acpi_tables.h"

enum { SPCR = PLACE + 0x16000, REVISION_1_BYTES = 80, REVISION_4_BYTES = 90 };

static struct console_choice console;

static void begin(unsigned interface, enum acpi_space space, uint64_t address, unsigned baud)
{
    put(at(SPCR) + 8, 1, 1);
    put(at(SPCR) + 36, interface, 1);
    put(at(SPCR) + 40, space, 1);
    put(at(SPCR) + 44, address, 8);
    put(at(SPCR) + 58, baud, 1);
}

static void read_it(uint32_t bytes)
{
    console = (struct console_choice){.port = 0xa5a5, .baud = 0xa5a5a5a5};
    seal(SPCR, "SPCR", bytes);
    put(at(ROOT) + 36, SPCR, 4);
    seal(ROOT, "RSDT", 40);
    seal_rsdp(0, ROOT, 0);
    assert_int_equal(open_tables(20), ACPI_OK);
    acpi_read_console(&acpi, &console);
}

static void is(unsigned port, unsigned baud)
{
    assert_int_equal(console.port, port);
    assert_int_equal(console.baud, baud);
}

static void com2(void **state)
{
    static const unsigned rates[] = {0, 0, 0, 9600, 19200, 0, 57600, 115200, 0};

    (void)state;
    for (unsigned code = 0; code < sizeof(rates) / sizeof(rates[0]); code++) {
        begin(0, ACPI_SPACE_IO, 0x2f8, code);
        read_it(REVISION_1_BYTES);
        is(0x2f8, rates[code]);
    }
}

static void other_16550s(void **state)
{
    (void)state;
    begin(1, ACPI_SPACE_IO, 0x3e8, 7);
    read_it(REVISION_1_BYTES);
    is(0x3e8, 115200);
    begin(0x12, ACPI_SPACE_IO, 0xfff8, 3); /* the last place that eight registers have */
    read_it(REVISION_1_BYTES);
    is(0xfff8, 9600);
    begin(0, ACPI_SPACE_IO, 0x3f8, 7);
    read_it(59); /* it ends after the rate */
    is(0x3f8, 115200);
}

static void none_that_is_of_use(void **state)
{
    (void)state;
    begin(0, ACPI_SPACE_MEMORY, 0xfe032000, 7);
    read_it(REVISION_1_BYTES);
    is(0, 0);
    begin(0, ACPI_SPACE_IO, 0, 7); /* redirection is disabled */
    read_it(REVISION_1_BYTES);
    assert_int_equal(console.port, 0);
    begin(0, ACPI_SPACE_IO, 0xfff9, 7);
    read_it(REVISION_1_BYTES);
    is(0, 0);
    begin(0, ACPI_SPACE_IO, 0x1000003f8, 7);
    read_it(REVISION_1_BYTES);
    is(0, 0);
    begin(3, ACPI_SPACE_IO, 0x3f8, 7); /* ARM's PL011 */
    read_it(REVISION_1_BYTES);
    is(0, 0);
    begin(2, ACPI_SPACE_IO, 0x3f8, 7);
    read_it(REVISION_1_BYTES);
    is(0, 0);
    begin(0, ACPI_SPACE_IO, 0x3f8, 7);
    read_it(58);
    is(0, 0);
}

/* Each field ends where the next begins, and an address has 64 bits. */
static void what_stands_between_counts_not(void **state)
{
    (void)state;
    memset(at(SPCR) + 36, 0xff, REVISION_4_BYTES - 36);
    put(at(SPCR) + 80, 38400, 4);
    begin(0, ACPI_SPACE_IO, 0x2f8, 3);
    for (unsigned revision = 1; revision <= 5; revision++) {
        put(at(SPCR) + 8, revision, 1);
        read_it(REVISION_4_BYTES);
        is(0x2f8, revision >= 4 ? 38400 : 9600);
    }
    for (unsigned bit = 16; bit < 64; bit++) {
        begin(0, ACPI_SPACE_IO, 0x2f8 | 1ull << bit, 3);
        read_it(REVISION_4_BYTES);
        is(0, 0);
    }
}

static void no_table(void **state)
{
    (void)state;
    seal(ROOT, "RSDT", 36);
    seal_rsdp(0, ROOT, 0);
    assert_int_equal(open_tables(20), ACPI_OK);
    console = (struct console_choice){.port = 0xa5a5, .baud = 0xa5a5a5a5};
    acpi_read_console(&acpi, &console);
    is(0, 0);
}

static void precise_rate(void **state)
{
    (void)state;
    begin(0, ACPI_SPACE_IO, 0x2f8, 3);
    put(at(SPCR) + 80, 38400, 4);
    read_it(REVISION_4_BYTES);
    is(0x2f8, 9600); /* reserved before revision 4 */
    put(at(SPCR) + 8, 4, 1);
    read_it(REVISION_4_BYTES);
    is(0x2f8, 38400);
    put(at(SPCR) + 80, 921600, 4); /* of a faster clock than the usual: as it was left */
    read_it(REVISION_4_BYTES);
    is(0x2f8, 0);
    put(at(SPCR) + 80, 0, 4);
    read_it(REVISION_4_BYTES);
    is(0x2f8, 9600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TABLES(com2),
        WITH_TABLES(other_16550s),
        WITH_TABLES(none_that_is_of_use),
        WITH_TABLES(what_stands_between_counts_not),
        WITH_TABLES(no_table),
        WITH_TABLES(precise_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
