/*
 * Which OUT would power off, sleep or reset: PM1 control registers by the ACPI Specification ("PM1
 * Control Registers": SLP_TYP is bits 12:10, SLP_EN bit 13), the i8042's "pulse output" command,
 * the reset register that the FADT names, and Intel's at 0xcf9 (bit 2); and what says that another
 * CPU is started.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm/linux/linux_ports.h"

enum { PM1A = 0xb004, PM1B = 0xc004 };

static const struct linux_ports ports = {
    .pm1a = PM1A, .pm1b = PM1B, .reset = 0xcf9, .reset_value = 6, .off_known = true, .off_type = 5};

static void sleep_and_power_off(void **state)
{
    struct linux_ports unknown = ports;

    (void)state;
    assert_int_equal(linux_out(&ports, PM1A, 2, 1 << 13 | 5 << 10), LINUX_OUT_POWERS_OFF);
    assert_int_equal(linux_out(&ports, PM1B, 2, 1 << 13 | 5 << 10 | 1), LINUX_OUT_POWERS_OFF);
    assert_int_equal(linux_out(&ports, PM1A, 2, 5 << 10 | 1), LINUX_OUT_HARMLESS); /* no SLP_EN */
    assert_int_equal(linux_out(&ports, PM1A, 2, 1 << 13 | 1 << 10), LINUX_OUT_SLEEPS);
    assert_int_equal(linux_out(&ports, PM1A + 1, 1, 0x34), LINUX_OUT_POWERS_OFF); /* a byte */
    assert_int_equal(linux_out(&ports, PM1A, 1, 0x34), LINUX_OUT_HARMLESS);
    assert_int_equal(linux_out(&ports, PM1A - 2, 4, 0x34000000), LINUX_OUT_POWERS_OFF);
    assert_int_equal(linux_out(&ports, PM1A - 2, 2, 0x3434), LINUX_OUT_HARMLESS);
    unknown.off_known = false;
    assert_int_equal(linux_out(&unknown, PM1A, 2, 1 << 13 | 1 << 10), LINUX_OUT_POWERS_OFF);
}

static void resets(void **state)
{
    (void)state;
    assert_int_equal(linux_out(&ports, 0x64, 1, 0xfe), LINUX_OUT_RESETS);
    assert_int_equal(linux_out(&ports, 0x64, 1, 0xf0), LINUX_OUT_RESETS);
    assert_int_equal(linux_out(&ports, 0x64, 1, 0xff),
                     LINUX_OUT_HARMLESS); /* output 0 is not pulsed */
    assert_int_equal(linux_out(&ports, 0x64, 1, 0xd1), LINUX_OUT_HARMLESS);
    assert_int_equal(linux_out(&ports, 0xcf9, 1, 6), LINUX_OUT_RESETS);
    assert_int_equal(linux_out(&ports, 0xcf9, 1, 2), LINUX_OUT_HARMLESS);
    assert_int_equal(linux_out(&ports, 0xcf9, 1, 0xff06), LINUX_OUT_RESETS); /* AL counts */
    /* A PCI configuration address: device 0, function 6. */
    assert_int_equal(linux_out(&ports, 0xcf8, 4, 0x80000600), LINUX_OUT_HARMLESS);
}

/* MultiProcessor Specification, "Using INIT IPI": shutdown code 0ah in the CMOS. */
static void starts_of_cpus(void **state)
{
    struct linux_ports watching = ports;

    (void)state;
    assert_int_equal(linux_out(&ports, 0x71, 1, 0x0a), LINUX_OUT_HARMLESS);
    watching.cmos = true;
    assert_int_equal(linux_out(&watching, 0x71, 1, 0x0a), LINUX_OUT_STARTS_CPU);
    assert_int_equal(linux_out(&watching, 0x70, 2, 0x0a0f), LINUX_OUT_STARTS_CPU);
    assert_int_equal(linux_out(&watching, 0x71, 1, 0x00), LINUX_OUT_HARMLESS);
    assert_int_equal(linux_out(&watching, 0x70, 1, 0x0a), LINUX_OUT_HARMLESS);
}

/* Port 0 stands for none. */
static void without_tables(void **state)
{
    static const struct linux_ports none = {0};

    (void)state;
    assert_int_equal(linux_out(&none, 0, 4, 0xffffffff), LINUX_OUT_HARMLESS);
    assert_int_equal(linux_out(&none, 0, 1, 0), LINUX_OUT_HARMLESS);
    assert_int_equal(linux_out(&none, 0xffff, 4, 0x3434), LINUX_OUT_HARMLESS);
    assert_int_equal(linux_out(&none, 0x64, 1, 0xfe), LINUX_OUT_RESETS);
    assert_int_equal(linux_out(&none, 0xcf9, 1, 0x0e), LINUX_OUT_RESETS);
    assert_int_equal(linux_out(&none, 0xcf9, 1, 0x0a), LINUX_OUT_HARMLESS);
    assert_int_equal(linux_out(&none, 0xcf8, 2, 0x0e00), LINUX_OUT_HARMLESS); /* an address */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleep_and_power_off),
        cmocka_unit_test(resets),
        cmocka_unit_test(starts_of_cpus),
        cmocka_unit_test(without_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
