/*
 * Whose an NMI is: by port 0x61 (I/O Controller Hub data sheet, "NMI Status and Control Register":
 * bit 7 SERR#, bit 6 IOCHK#, bits 3 and 2 turn them off and clear them, 1 and 0 are the speaker's),
 * and by whether the alarm ticks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/host/nmi_cause.h"
#include "lib/x86.h"

static struct cpu machine;
static struct cpu *here = &machine;
static uint8_t port_b, written;
static bool bank_is_full;

struct cpu *cpu_here(void)
{
    return here;
}

uint8_t in8(uint16_t port)
{
    assert_int_equal(port, 0x61);
    return port_b;
}

void out8(uint16_t port, uint8_t value)
{
    assert_int_equal(port, 0x61);
    written = value;
}

struct cpuid_registers cpuid(uint32_t leaf, uint32_t subleaf)
{
    (void)subleaf;
    return (struct cpuid_registers){.edx = leaf == 1 ? 1u << 14 : 0};
}

/* Three banks; the last holds an error, or none does. */
uint8_t rdmsr_safe(uint32_t msr, uint64_t *value)
{
    if (msr == 0x179)
        *value = 3;
    else
        *value = msr == 0x401 + 2 * 4 && bank_is_full ? 0xb200000000000402 : 0;
    return 0;
}

/* Guests that own the machine: which of them says that an NMI is its own, and who was asked. */
static unsigned taker, asked;

static bool first_takes(void)
{
    asked++;
    return taker == 1;
}

static bool second_takes(void)
{
    asked++;
    return taker == 2;
}

SET_MEMBER(nmi_owners, 11, nmi_owner, first_takes);
SET_MEMBER(nmi_owners, 12, nmi_owner, second_takes);

static int set_up(void **state)
{
    (void)state;
    taker = asked = 0;
    machine.nmis = 0;
    memset(nmi_logs, 0, sizeof(nmi_logs));
    here = &machine;
    port_b = 0x30; /* what reads as a clock's output and its refresh */
    written = 0xee;
    nmi_expect(false);
    bank_is_full = false;
    return 0;
}

static void counts_are(uint32_t serr, uint32_t iochk, uint32_t unknown)
{
    assert_int_equal(nmi_logs[0].count[NMI_SERR], serr);
    assert_int_equal(nmi_logs[0].count[NMI_IOCHK], iochk);
    assert_int_equal(nmi_logs[0].count[NMI_UNKNOWN], unknown);
    assert_int_equal(nmi_logs[0].count[NMI_OURS], 0);
    assert_int_equal(machine.nmis, serr + iochk + unknown);
}

static void causes(void **state)
{
    static const struct {
        uint8_t port_b;
        bool ticks;
        enum nmi_cause cause;
    } rows[] = {
        {0x00, false, NMI_UNKNOWN}, {0x00, true, NMI_OURS},     {0x3f, false, NMI_UNKNOWN},
        {0x3f, true, NMI_OURS},     {0x80, false, NMI_SERR},    {0x80, true, NMI_SERR},
        {0x40, false, NMI_IOCHK},   {0x40, true, NMI_IOCHK},    {0xc0, false, NMI_SERR},
        {0xb3, false, NMI_SERR},    {0xff, false, NMI_UNKNOWN}, /* there is no such port */
        {0xff, true, NMI_OURS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(nmi_cause(rows[i].port_b, rows[i].ticks), rows[i].cause);
}

/* The other source and the speaker stay as they are; status bits are written as zeroes. */
static void turns_off_what_it_reports(void **state)
{
    (void)state;
    assert_int_equal(nmi_source_off(0x80), 0x04);
    assert_int_equal(nmi_source_off(0x40), 0x08);
    assert_int_equal(nmi_source_off(0xb3), 0x07);
    assert_int_equal(nmi_source_off(0x7b), 0x0b);
    assert_int_equal(nmi_source_off(0xc0), 0x04); /* the other one with the next NMI */
}

static void unknown_ones_are_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        nmi_handle();
    counts_are(0, 0, 3);
    assert_int_equal(written, 0xee);
    assert_false(nmi_logs[0].error.found);
}

static void the_alarms_are_not(void **state)
{
    (void)state;
    nmi_expect(true);
    nmi_handle();
    counts_are(0, 0, 0);
    assert_int_equal(written, 0xee);
    port_b = 0xb0;
    nmi_handle();
    counts_are(1, 0, 0);
    assert_int_equal(written, 0x04);
    port_b = 0x70;
    nmi_handle();
    counts_are(1, 1, 0);
    assert_int_equal(written, 0x08);
}

/* Found at the first unknown one: later ones may have been put there meanwhile. */
static void what_the_banks_hold(void **state)
{
    (void)state;
    bank_is_full = true;
    nmi_handle();
    bank_is_full = false;
    nmi_handle();
    counts_are(0, 0, 2);
    assert_true(nmi_logs[0].error.found);
    assert_int_equal(nmi_logs[0].error.bank, 2);
    assert_true(nmi_logs[0].error.status == 0xb200000000000402);
}

static void a_guests_own_are_left_to_it(void **state)
{
    (void)state;
    port_b = 0xb0; /* SERR# */
    for (taker = 1; taker <= 2; taker++) {
        asked = 0;
        nmi_handle();
        assert_int_equal(asked, taker);
        counts_are(0, 0, 0);
        assert_int_equal(written, 0xee);
    }
    asked = 0;
    nmi_handle(); /* nobody's */
    assert_int_equal(asked, 2);
    counts_are(1, 0, 0);
}

static void before_there_is_data_of_a_cpu(void **state)
{
    (void)state;
    here = NULL;
    nmi_handle();
    counts_are(0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(causes, set_up),
        cmocka_unit_test_setup(turns_off_what_it_reports, set_up),
        cmocka_unit_test_setup(unknown_ones_are_counted, set_up),
        cmocka_unit_test_setup(the_alarms_are_not, set_up),
        cmocka_unit_test_setup(what_the_banks_hold, set_up),
        cmocka_unit_test_setup(a_guests_own_are_left_to_it, set_up),
        cmocka_unit_test_setup(before_there_is_data_of_a_cpu, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
