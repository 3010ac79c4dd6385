/*
 * What the machine-check banks hold, reported in words. SDM Vol. 3, "Machine-Check Architecture":
 * bits 7:0 of IA32_MCG_CAP count the banks; IA32_MC0_STATUS is MSR 0x401, its address the next, and
 * each bank has four; bits 63, 62, 61, 58, 57 of a status are VAL, OVER, UC, ADDRV, PCC.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/backtrace/backtrace.h"
#include "lib/host/nmi_cause.h"
#include "lib/x86.h"

enum { BANKS = 3 };

static bool has_mca, status_faults;
static uint64_t capability, global_status;
static uint64_t status[256], address[256];

struct cpuid_registers cpuid(uint32_t leaf, uint32_t subleaf)
{
    (void)subleaf;
    return (struct cpuid_registers){.edx = leaf == 1 && has_mca ? 1u << 14 : 0};
}

uint8_t rdmsr_safe(uint32_t msr, uint64_t *value)
{
    assert_true(has_mca);
    assert_true(msr < 0x480); /* the first capability MSR of VMX */
    if (msr == 0x179)
        *value = capability;
    else if (msr == 0x17a)
        *value = global_status;
    else if (msr >= 0x401 && msr % 4 == 1)
        *value = status[(msr - 0x401) / 4];
    else if (msr >= 0x402 && msr % 4 == 2)
        *value = address[(msr - 0x402) / 4];
    else
        fail();
    return status_faults && msr >= 0x401 ? 13 : 0;
}

static int set_up(void **state)
{
    (void)state;
    has_mca = true;
    status_faults = false;
    capability = 0x1000c00 | BANKS;
    global_status = 0;
    memset(status, 0, sizeof(status));
    memset(address, 0, sizeof(address));
    return 0;
}

static void tells(const char *wanted)
{
    char text[1000];
    struct text_buffer buffer;

    text_buffer_init(&buffer, text, sizeof(text));
    machine_check_print(&buffer.sink);
    assert_string_equal(text, wanted);
}

static void without_it(void **state)
{
    (void)state;
    has_mca = false;
    assert_false(machine_check_find(0).found);
    tells("");
}

static void no_error(void **state)
{
    (void)state;
    status[0] = ~(1ull << 63); /* not valid */
    status[BANKS] = ~0ull;     /* no bank of this processor */
    assert_false(machine_check_find(0).found);
    tells("  IA32_MCG_STATUS 0x0\n");
}

static void errors(void **state)
{
    (void)state;
    global_status = 5;
    status[1] = 1ull << 63 | 1ull << 58 | 0x0136;
    address[1] = 0x12345000;
    status[2] = 1ull << 63 | 1ull << 62 | 1ull << 61 | 1ull << 57 | 0x0e0b;
    assert_true(machine_check_find(0).found);
    assert_int_equal(machine_check_find(0).bank, 1);
    assert_true(machine_check_find(0).status == status[1]);
    tells("  IA32_MCG_STATUS 0x5, can be restarted, in progress\n"
          "  IA32_MC1_STATUS 0x8400000000000136: cache, at 0x12345000\n"
          "  IA32_MC2_STATUS 0xe200000000000e0b: I/O, others before it lost, uncorrected, "
          "processor context corrupt\n");
}

static void global_bits(void **state)
{
    (void)state;
    global_status = 0xa;
    tells("  IA32_MCG_STATUS 0xa, of the instruction at RIP, of this CPU alone\n");
}

/* "IA32_MCi_STATUS MSRS": each bit that has words, alone; no other has any. */
static void status_bits(void **state)
{
    (void)state;
    for (unsigned bit = 16; bit < 63; bit++) {
        char wanted[200];

        status[0] = 1ull << 63 | 1ull << bit;
        format_text(wanted, sizeof(wanted), "  IA32_MCG_STATUS 0x0\n  IA32_MC0_STATUS %#lx%s\n",
                    status[0],
                    bit == 62   ? ", others before it lost"
                    : bit == 61 ? ", uncorrected"
                    : bit == 58 ? ", at 0x0"
                    : bit == 57 ? ", processor context corrupt"
                                : "");
        tells(wanted);
    }
}

static void one_bank(void **state)
{
    (void)state;
    capability = 1;
    status[0] = 1ull << 63 | 1;
    tells("  IA32_MCG_STATUS 0x0\n  IA32_MC0_STATUS 0x8000000000000001: unclassified\n");
}

/* "Interpreting the MCA Error Codes": one of each kind, at its least and its greatest. */
static void kinds(void **state)
{
    static const struct {
        uint16_t code;
        const char *name;
    } rows[] = {
        {0x0001, ": unclassified"},
        {0x0002, ": microcode ROM parity"},
        {0x0003, ": external error"},
        {0x0004, ""},
        {0x0005, ": internal parity"},
        {0x000c, ": cache hierarchy"},
        {0x100f, ": cache hierarchy"},
        {0x0010, ": TLB"},
        {0x101a, ": TLB"},
        {0x0020, ""},
        {0x0080, ": memory controller"},
        {0x10cf, ": memory controller"},
        {0x0100, ": cache"},
        {0x117a, ": cache"},
        {0x0280, ": memory used as cache"},
        {0x0400, ": internal timer"},
        {0x0402, ""},
        {0x0800, ": bus or interconnect"},
        {0x1e0f, ": bus or interconnect"},
        {0x0e0b, ": I/O"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char wanted[200] = "  IA32_MCG_STATUS 0x0\n  IA32_MC0_STATUS ";
        char value[32];

        status[0] = 1ull << 63 | rows[i].code;
        format_text(value, sizeof(value), "%#lx", status[0]);
        strcat(wanted, value);
        strcat(wanted, rows[i].name);
        strcat(wanted, "\n");
        tells(wanted);
    }
}

/* However many a processor claims: after IA32_MC31 other MSRs follow. */
static void too_many(void **state)
{
    (void)state;
    capability = 0xff;
    assert_false(machine_check_find(0).found);
    status[31] = 1ull << 63 | 1;
    assert_int_equal(machine_check_find(0).bank, 31);
    assert_true(machine_check_find(0).found);
}

static void banks_that_fault(void **state)
{
    (void)state;
    status[0] = 1ull << 63;
    status_faults = true;
    assert_false(machine_check_find(0).found);
    tells("  IA32_MCG_STATUS 0x0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_it, set_up),
        cmocka_unit_test_setup(no_error, set_up),
        cmocka_unit_test_setup(errors, set_up),
        cmocka_unit_test_setup(global_bits, set_up),
        cmocka_unit_test_setup(status_bits, set_up),
        cmocka_unit_test_setup(one_bank, set_up),
        cmocka_unit_test_setup(kinds, set_up),
        cmocka_unit_test_setup(too_many, set_up),
        cmocka_unit_test_setup(banks_that_fault, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
