/* What the ACPI reader finds in the FADT, and in the DSDT that it names: ports, reset, S5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/power/power.h"
#include "tests/host/acpi_tables.h"

static struct acpi_fadt fadt;

static void gas(uint32_t offset, uint8_t space, uint64_t address)
{
    put(at(FADT) + offset, space, 1);
    put(at(FADT) + offset + 4, address, 8);
}

static enum acpi_result read_fadt(uint32_t length)
{
    seal(FADT, "FACP", length);
    assert_int_equal(open_tables(36), ACPI_OK);
    return result_of(acpi_read_fadt(&acpi, &fadt));
}

/* Name (\_S5, Package (2) {WordConst 7, One}), with a package length of two bytes. */
static const uint8_t s5_root[] = {0x08, '\\', '_',  'S',  '5', '_', 0x12,
                                  0x47, 0x00, 0x02, 0x0b, 7,   0,   0x01};

static bool find_s5(const void *code, uint32_t length, struct acpi_sleep_type *type)
{
    aml(code, length);
    return acpi_find_s5(&acpi, &fadt, type);
}

static void test_fadt_old(void **state)
{
    (void)state;
    assert_int_equal(read_fadt(116), ACPI_OK);
    assert_int_equal(fadt.pm_timer_port, 0xb008);
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
    assert_int_equal(fadt.pm1a_control_port, 0x604);
    assert_int_equal(fadt.pm1b_control_port, 0xb104);
    assert_int_equal(fadt.dsdt, DSDT + 0x100);
    assert_true(fadt.has_reset);
    assert_int_equal(fadt.reset_space, ACPI_SPACE_IO);
    assert_int_equal(fadt.reset_address, 0xcf9);
    assert_int_equal(fadt.reset_value, 0x0f);

    /* RESET_REG_SUP: without it the register does not count, whatever stands there. */
    put(at(FADT) + 112, 0, 4);
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_false(fadt.has_reset);
    assert_int_equal(fadt.reset_address, 0);

    /* Hardware-reduced ACPI has the reset register, and none of the ports. */
    put(at(FADT) + 112, 1u << 10 | 1u << 20, 4);
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_true(fadt.has_reset);
    assert_int_equal(fadt.pm_timer_port, 0);
    assert_int_equal(fadt.pm1a_control_port, 0);
}

/* "If this field contains a nonzero value": an X_ form of 0 is none, whatever stands after it. */
static void test_fadt_empty_new_form(void **state)
{
    (void)state;
    gas(172, ACPI_SPACE_IO, 0);
    gas(184, ACPI_SPACE_IO, 0);
    put(at(FADT) + 184, 0xff, 1); /* the byte after the first one's address */
    gas(208, ACPI_SPACE_IO, 0);
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_int_equal(fadt.pm1a_control_port, 0xb004);
    assert_int_equal(fadt.pm1b_control_port, 0xb104);
    assert_int_equal(fadt.pm_timer_port, 0xb008);
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
    gas(116, ACPI_SPACE_PCI, 0x1f00d0); /* device 1FH, function 0, register D0H on bus 0 */
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_true(fadt.has_reset);
    assert_int_equal(fadt.reset_space, ACPI_SPACE_PCI);
    gas(116, ACPI_SPACE_MEMORY, 0xfed00000);
    assert_int_equal(read_fadt(128), ACPI_OK); /* without its value */
    assert_false(fadt.has_reset);
    assert_int_equal(read_fadt(129), ACPI_OK);
    assert_true(fadt.has_reset);
}

/* Ports have 16 bits: FFFFH is one, and 10000H is none. */
static void test_fadt_last_port(void **state)
{
    (void)state;
    put(at(FADT) + 112, 1u << 10, 4);
    for (uint32_t port = 0xffff; port <= 0x10000; port++) {
        uint32_t wanted = port & 0xffff;

        gas(116, ACPI_SPACE_IO, port);
        put(at(FADT) + 48, port, 4);
        put(at(FADT) + 64, port, 4);
        put(at(FADT) + 68, port, 4);
        put(at(FADT) + 76, port, 4);
        assert_int_equal(read_fadt(244), ACPI_OK);
        assert_int_equal(fadt.has_reset, wanted != 0);
        assert_int_equal(fadt.smi_command_port, wanted);
        assert_int_equal(fadt.pm1a_control_port, wanted);
        assert_int_equal(fadt.pm1b_control_port, wanted);
        assert_int_equal(fadt.pm_timer_port, wanted);
    }
}

/* Each number ends where the specification has it end: what stands around it is no part of it. */
static void test_fadt_widths(void **state)
{
    (void)state;
    memset(at(FADT) + 36, 0xff, 244 - 36);
    put(at(FADT) + 40, DSDT, 4);
    put(at(FADT) + 48, 0x10000b2, 4); /* beyond the ports */
    put(at(FADT) + 68, 0x100b104, 4);
    put(at(FADT) + 112, 1u << 10, 4);
    gas(116, ACPI_SPACE_MEMORY, 0x100000000000cf9);
    put(at(FADT) + 128, 0x0f, 1);
    put(at(FADT) + 140, 0x123456789abcdef, 8);
    gas(172, ACPI_SPACE_IO, 0x604);
    gas(184, ACPI_SPACE_IO, 0x704);
    gas(208, ACPI_SPACE_IO, 0x100000000000608);
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_int_equal(fadt.dsdt, 0x123456789abcdef);
    assert_int_equal(fadt.smi_command_port, 0);
    assert_true(fadt.has_reset);
    assert_int_equal(fadt.reset_address, 0x100000000000cf9);
    assert_int_equal(fadt.pm1a_control_port, 0x604);
    assert_int_equal(fadt.pm1b_control_port, 0x704);
    assert_int_equal(fadt.pm_timer_port, 0);
    put(at(FADT) + 76, 0xb008, 4); /* an address is there, if only in its highest byte */
    gas(208, ACPI_SPACE_IO, 0x100000000000000);
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_int_equal(fadt.pm_timer_port, 0);
    put(at(FADT) + 140, 0, 8);
    assert_int_equal(read_fadt(244), ACPI_OK);
    assert_int_equal(fadt.dsdt, DSDT);
    /* A table of an older version ends with a number: that one counts, the next is not there. */
    assert_int_equal(read_fadt(196), ACPI_OK);
    assert_int_equal(fadt.pm1b_control_port, 0x704);
    assert_int_equal(fadt.pm_timer_port, 0xb008);
    assert_int_equal(read_fadt(195), ACPI_OK);
    assert_int_equal(fadt.pm1b_control_port, 0);
    put(at(FADT) + 140, 0x123456789abcdef, 8);
    assert_int_equal(read_fadt(148), ACPI_OK);
    assert_int_equal(fadt.dsdt, 0x123456789abcdef);
    assert_int_equal(read_fadt(129), ACPI_OK);
    assert_int_equal(fadt.reset_value, 0x0f);
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
    assert_int_equal(find_s5(s5, sizeof(s5), &type), true);
    assert_int_equal(type.a, 5);
    assert_int_equal(type.b, 3);
    assert_int_equal(find_s5(s5_root, sizeof(s5_root), &type), true);
    assert_int_equal(type.a, 7);
    assert_int_equal(type.b, 1);
    assert_int_equal(find_s5(decoys, sizeof(decoys), &type), true);
    assert_int_equal(type.a, 0);
    assert_int_equal(type.b, 1);
    assert_int_equal(find_s5(wide, sizeof(wide), &type), true);
    assert_int_equal(type.a, 2);
    assert_int_equal(type.b, 6);
}

/* The firmware's sleep states, but for S5, under a name of nobody's, and the sum of all bytes is 0.
 */
static void test_sleep_states(void **state)
{
    static const char before[] = "\b_S1_\022\b\\_S3_\022_S4_\b_S5_\b_S3_\b_S4_\b_S2";
    static const char after[] = "\bXS1_\022\b\\XS3_\022_S4_\b_S5_\bXS3_\bXS4_\b_S2";
    uint8_t table[ACPI_HEADER_SIZE + sizeof(before) - 1] = {'D', 'S', 'D', 'T'};
    uint8_t sum = 0;

    (void)state;
    memcpy(table + ACPI_HEADER_SIZE, before, sizeof(before) - 1);
    for (unsigned i = 0; i < sizeof(table); i++)
        sum = (uint8_t)(sum + table[i]);
    table[9] = (uint8_t)-sum;
    acpi_hide_sleep_states(table, sizeof(table));
    assert_memory_equal(table + ACPI_HEADER_SIZE, after, sizeof(after) - 1);
    sum = 0;
    for (unsigned i = 0; i < sizeof(table); i++)
        sum = (uint8_t)(sum + table[i]);
    assert_int_equal(sum, 0);
    acpi_hide_sleep_states(table, ACPI_HEADER_SIZE);
}

/* "Secondary System Description Table (SSDT)": there may be several, in the root's order. */
static void test_tables_of_aml(void **state)
{
    enum { SSDT = DSDT + 0x2000, OTHER = DSDT + 0x3000 };
    const uint64_t wanted[] = {DSDT, SSDT, OTHER};
    struct acpi_place place;
    uint32_t next = 0;

    (void)state;
    assert_int_equal(read_fadt(244), ACPI_OK);
    seal(SSDT, "SSDT", 36 + 4);
    seal(OTHER, "SSDT", 36);
    put(at(ROOT) + 44, SSDT, 8);
    put(at(ROOT) + 52, 0, 8);
    put(at(ROOT) + 60, PLACE - 8, 8); /* cannot be read */
    put(at(ROOT) + 68, OTHER, 8);
    put(at(ROOT) + 76, SSDT, 8); /* behind the root's end */
    seal(ROOT, "XSDT", 76);
    assert_int_equal(open_tables(36), ACPI_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(acpi_next_aml(&acpi, &fadt, &next, &place));
        assert_int_equal(place.physical, wanted[i]);
        assert_int_equal(place.length, i == 0 ? 36 + S5_BYTES : i == 1 ? 40 : 36);
    }
    assert_false(acpi_next_aml(&acpi, &fadt, &next, &place));
    next = 0;
    fadt.dsdt = 0;
    assert_true(acpi_next_aml(&acpi, &fadt, &next, &place));
    assert_int_equal(place.physical, SSDT);
}

/* ACPI, "PM1 Control Registers": SLP_TYPx has three bits, of PM1a and of PM1b. */
static void test_s5_types(void **state)
{
    struct acpi_sleep_type type;
    uint8_t code[sizeof(s5)];

    (void)state;
    assert_int_equal(read_fadt(244), ACPI_OK);
    memcpy(code, s5, sizeof(s5));
    for (unsigned a = 0; a <= 8; a++) {
        for (unsigned b = 0; b <= 8; b++) {
            bool wanted = a < 8 && b < 8;

            code[11] = (uint8_t)a;
            code[13] = (uint8_t)b;
            assert_int_equal(find_s5(code, sizeof(code), &type), wanted);
            if (wanted) {
                assert_int_equal(type.a, a);
                assert_int_equal(type.b, b);
            }
        }
    }
}

/*
 * ACPI, "Package Length Encoding": with bits 7:6 0 the length is bits 5:0, and counts its own byte.
 * Two numbers, the second a byte's, need five.
 */
static void test_s5_lengths(void **state)
{
    static const uint8_t head[] = {0x08, '_', 'S', '5', '_', 0x12, 0, 2, 0x01, 0x0a, 3};
    struct acpi_sleep_type type;
    uint8_t code[6 + 64] = {0};

    (void)state;
    assert_int_equal(read_fadt(244), ACPI_OK);
    memcpy(code, head, sizeof(head));
    for (uint32_t length = 0; length < 64; length++) {
        code[6] = (uint8_t)length;
        assert_int_equal(find_s5(code, sizeof(code), &type), length >= 5);
        if (length < 7)
            continue;
        assert_int_equal(find_s5(code, 6 + length, &type), true);
        assert_int_equal(find_s5(code, 6 + length - 1, &type), false);
    }
}

/* With bits 7:6 1 they are bits 3:0, and bits 11:4 in the next byte. */
static void test_s5_long(void **state)
{
    static const uint8_t head[] = {0x08, '_', 'S', '5', '_', 0x12, 0x45, 1, 2,    0x0e,
                                   6,    0,   0,   0,   0,   0,    0,    0, 0x0a, 2};
    struct acpi_sleep_type type;
    uint8_t code[6 + 0x15] = {0};

    (void)state;
    assert_int_equal(read_fadt(244), ACPI_OK);
    memcpy(code, head, sizeof(head));
    assert_int_equal(find_s5(code, sizeof(code), &type), true);
    assert_int_equal(type.a, 6);
    assert_int_equal(type.b, 2);
    assert_int_equal(find_s5(code, sizeof(code) - 1, &type), false);
}

static void test_s5_broken(void **state)
{
    static const uint8_t no_integers[] = {2, 5, 7, 0x0d, 0x0f, 0x11};
    struct acpi_sleep_type type;
    uint8_t code[sizeof(s5)];

    (void)state;
    assert_int_equal(read_fadt(244), ACPI_OK);
    /* Cut anywhere: its length says 8 bytes from offset 8 on. */
    for (uint32_t length = 0; length < 16; length++)
        assert_int_equal(find_s5(s5, length, &type), false);
    assert_int_equal(find_s5(s5, 16, &type), true);
    for (uint32_t length = 0; length < sizeof(s5_root); length++)
        assert_int_equal(find_s5(s5_root, length, &type), false);

    memcpy(code, s5, sizeof(s5));
    code[8] = 5; /* the package ends inside its second number */
    assert_int_equal(find_s5(code, sizeof(code), &type), false);
    code[8] = 4; /* and before it: the one that follows is not in the package */
    code[12] = 0;
    assert_int_equal(find_s5(code, sizeof(code), &type), false);
    code[12] = 0x0a;
    code[8] = 0xff; /* its length is that of the next 268 million bytes */
    assert_int_equal(find_s5(code, sizeof(code), &type), false);
    code[8] = 8;
    code[11] = 8; /* not three bits */
    assert_int_equal(find_s5(code, sizeof(code), &type), false);
    code[11] = 5;
    for (unsigned i = 0; i < sizeof(no_integers); i++) { /* 0x0d is a string */
        code[10] = no_integers[i];
        assert_int_equal(find_s5(code, sizeof(code), &type), false);
    }

    aml(s5, sizeof(s5));
    at(DSDT)[20] ^= 1;
    assert_int_equal(acpi_find_s5(&acpi, &fadt, &type), true);
    assert_string_equal(acpi.unsound, "DSDT");
    seal(DSDT, "SSDT", 36 + sizeof(s5));
    assert_int_equal(acpi_find_s5(&acpi, &fadt, &type), false);
    fadt.dsdt = 0x1000;
    assert_int_equal(acpi_find_s5(&acpi, &fadt, &type), false);
    fadt.dsdt = 0;
    assert_int_equal(acpi_find_s5(&acpi, &fadt, &type), false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TABLES(test_fadt_old),       WITH_TABLES(test_fadt_new),
        WITH_TABLES(test_fadt_odd),       WITH_TABLES(test_fadt_empty_new_form),
        WITH_TABLES(test_fadt_last_port), WITH_TABLES(test_s5),
        WITH_TABLES(test_fadt_widths),    WITH_TABLES(test_s5_long),
        WITH_TABLES(test_s5_types),       WITH_TABLES(test_s5_lengths),
        WITH_TABLES(test_s5_broken),      cmocka_unit_test(test_sleep_states),
        WITH_TABLES(test_tables_of_aml),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
