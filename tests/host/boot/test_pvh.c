/*
 * PVH start information as Xen's public/arch-x86/hvm/start_info.h lays it out, numbers and offsets
 * from there. It is read from a heap copy of exactly its size, so that AddressSanitizer sees a read
 * outside it.
 */
#include "boot/pvh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    RAM = 0x1000, /* bytes */
    INFORMATION = 0x100,
    VERSION = INFORMATION + 4,
    MODULE_COUNT = INFORMATION + 12,
    MODULE_LIST = INFORMATION + 16,
    COMMAND_LINE = INFORMATION + 24,
    RSDP = INFORMATION + 32,
    MEMORY_MAP = INFORMATION + 40,
    MEMORY_COUNT = INFORMATION + 48,
    SIZE = 56,
    VERSION_0_SIZE = 40,
    LINE = 0x180,
    RSDP_TABLE = 0x200,
    MODULES = 0x300,
    MODULE_STRING = 0x380,
    MAP = 0x400,
};

static uint8_t ram[RAM];
static struct boot_info info;

static void put32(uint32_t at, uint32_t value)
{
    memcpy(ram + at, &value, sizeof(value));
}

static void put64(uint32_t at, uint64_t value)
{
    memcpy(ram + at, &value, sizeof(value));
}

static void put_range(uint32_t i, uint64_t base, uint64_t length, uint32_t type)
{
    put64(MAP + 24 * i, base);
    put64(MAP + 24 * i + 8, length);
    put32(MAP + 24 * i + 16, type);
}

static void put_module(uint32_t i, uint64_t address, uint64_t size, uint64_t string)
{
    put64(MODULES + 32 * i, address);
    put64(MODULES + 32 * i + 8, size);
    put64(MODULES + 32 * i + 16, string);
}

/* Version 1, with one of everything. */
static int good(void **state)
{
    (void)state;
    memset(ram, 0, sizeof(ram));
    put32(INFORMATION, 0x336ec578);
    put32(VERSION, 1);
    put32(MODULE_COUNT, 1);
    put64(MODULE_LIST, MODULES);
    put64(COMMAND_LINE, LINE);
    put64(RSDP, RSDP_TABLE);
    put64(MEMORY_MAP, MAP);
    put32(MEMORY_COUNT, 2);
    strcpy((char *)ram + LINE, "report=both exit=halt");
    memcpy(ram + RSDP_TABLE, "RSD PTR ", 8);
    ram[RSDP_TABLE + 15] = 2;
    ram[RSDP_TABLE + 35] = 0x77;
    put_module(0, 0x100000, 0x2345, MODULE_STRING);
    strcpy((char *)ram + MODULE_STRING, "initrd quiet");
    put_range(0, 0, 0x9fc00, 1);
    put_range(1, 0xf0000, 0x10000, 2);
    return 0;
}

/* The memory has `bytes`. */
static const char *read_of(size_t bytes)
{
    uint8_t *copy = malloc(bytes);
    const char *wrong;

    assert_non_null(copy);
    memcpy(copy, ram, bytes);
    wrong = pvh_read(copy, bytes, INFORMATION, &info);
    free(copy);
    return wrong;
}

static void expect_wrong(const char *part)
{
    const char *wrong = read_of(RAM);

    assert_non_null(wrong);
    if (strstr(wrong, part) == NULL)
        fail_msg("\"%s\" says nothing of \"%s\"", wrong, part);
}

static void everything_is_taken(void **state)
{
    (void)state;
    assert_null(read_of(RAM));
    assert_string_equal(info.command_line, "report=both exit=halt");
    assert_int_equal(info.command_line_lost, 0);
    assert_string_equal(info.loader, "PVH");
    assert_true(info.as_linked);
    assert_false(info.uefi);
    assert_int_equal(info.rsdp_length, 36);
    assert_memory_equal(info.rsdp, ram + RSDP_TABLE, 36);
    assert_int_equal(info.module_count, 1);
    assert_int_equal(info.modules[0].start, 0x100000);
    assert_int_equal(info.modules[0].end, 0x102345);
    assert_string_equal(info.modules[0].string, "initrd quiet");
    assert_int_equal(info.memory_count, 2);
    assert_int_equal(info.memory[0].end - info.memory[0].base, 0x9fc00);
    assert_int_equal(info.memory[0].kind, MEMORY_AVAILABLE);
    assert_int_equal(info.memory[1].base, 0xf0000);
    assert_int_equal(info.memory[1].kind, MEMORY_RESERVED);
}

static void the_kernel_finds_the_reader_by_its_magic(void **state)
{
    (void)state;
    assert_null(boot_info_read(0x336ec578, ram, RAM, INFORMATION, &info));
    assert_string_equal(info.loader, "PVH");
    assert_non_null(boot_info_read(0x2badb002, ram, RAM, INFORMATION, &info)); /* Multiboot 1 */
}

static void what_is_not_there_is_not_needed(void **state)
{
    (void)state;
    put64(COMMAND_LINE, 0);
    put64(RSDP, 0);
    put32(MODULE_COUNT, 0);
    put64(MODULE_LIST, 0xffffffffffffffff);
    assert_null(read_of(RAM));
    assert_string_equal(info.command_line, "");
    assert_int_equal(info.rsdp_length, 0);
    assert_int_equal(info.module_count, 0);

    put32(MODULE_COUNT, 1);
    put64(MODULE_LIST, MODULES);
    put_module(0, 0x100000, 0, 0);
    memcpy(ram, "x", 2); /* at address 0, which no pointer means */
    assert_null(read_of(RAM));
    assert_string_equal(info.command_line, "");
    assert_string_equal(info.modules[0].string, "");
    assert_int_equal(info.modules[0].end, 0x100000);
}

/* Whole, cut to what has room, or without an end among the bytes that may be read. */
static void strings_are_copied_with_their_end(void **state)
{
    char to[6];
    uint32_t lost;

    (void)state;
    memset(to, 'x', sizeof(to));
    assert_true(boot_info_copy_string(to, sizeof(to), "abc", 4, &lost));
    assert_memory_equal(to, "abc\0xx", sizeof(to));
    assert_int_equal(lost, 0);
    assert_true(boot_info_copy_string(to, sizeof(to), "abcde", 6, &lost));
    assert_string_equal(to, "abcde");
    assert_int_equal(lost, 0);
    assert_true(boot_info_copy_string(to, sizeof(to), "123456", 7, &lost));
    assert_string_equal(to, "12345");
    assert_int_equal(lost, 1);
    assert_false(boot_info_copy_string(to, sizeof(to), "abcd", 4, &lost));
    assert_string_equal(to, "12345");
}

static void wrong_magic_is_refused(void **state)
{
    (void)state;
    put32(INFORMATION, 0x336ec579);
    expect_wrong("magic");
    expect_wrong("-append of more than 4 KiB"); /* what QEMU's option ROM has no room for */
}

/* start_info.h: the memory map "only present in version 1 and newer". */
static void version_0_has_no_memory_map(void **state)
{
    (void)state;
    put32(VERSION, 0);
    expect_wrong("no memory map");
    assert_string_equal(info.command_line, "report=both exit=halt");
    put32(VERSION, 1);
    put32(MEMORY_COUNT, 0);
    expect_wrong("no memory map");
    put32(VERSION, 2); /* a later one begins alike */
    put32(MEMORY_COUNT, 1);
    assert_null(read_of(RAM));
}

/* Of version 0 no more is read than it has. */
static void the_end_of_memory_is_kept(void **state)
{
    (void)state;
    put64(COMMAND_LINE, 0);
    put64(RSDP, 0);
    put32(MODULE_COUNT, 0);
    put32(MEMORY_COUNT, 0);
    for (uint32_t bytes = 0; bytes < INFORMATION + SIZE; bytes++) {
        put32(VERSION, 0);
        assert_string_equal(read_of(bytes), bytes < INFORMATION + VERSION_0_SIZE
                                                ? "the PVH start info is out of reach"
                                                : "the PVH start info has no memory map");
        put32(VERSION, 1);
        assert_string_equal(read_of(bytes), "the PVH start info is out of reach");
    }
    assert_string_equal(read_of(INFORMATION + SIZE), "the PVH start info has no memory map");
}

/* A pointer to the last byte, past it, and so far that a sum with it wraps. */
static const uint64_t wild[] = {
    RAM - 1, RAM, RAM + 1, 0x100000000, 0x7fffffffffffff0, 0xffffffffffffffe8, 0xffffffffffffffff};

static void wild_pointers_are_refused(void **state)
{
    static const struct {
        uint32_t field;
        const char *part;
    } fields[] = {
        {COMMAND_LINE, "command line"},           {RSDP, "RSDP"},
        {MODULE_LIST, "list of modules"},         {MEMORY_MAP, "memory map"},
        {MODULES + 16, "string of a PVH module"},
    };

    (void)state;
    memset(ram + RAM - 64, 'x', 64); /* no string ends there */
    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        for (unsigned j = 0; j < sizeof(wild) / sizeof(wild[0]); j++) {
            uint64_t good_pointer;

            memcpy(&good_pointer, ram + fields[i].field, 8);
            put64(fields[i].field, wild[j]);
            expect_wrong(fields[i].part);
            put64(fields[i].field, good_pointer);
            assert_null(read_of(RAM));
        }
    }
    for (unsigned j = 0; j < sizeof(wild) / sizeof(wild[0]); j++)
        assert_non_null(pvh_read(ram, RAM, wild[j], &info));
    assert_non_null(pvh_read(ram, 0, 0, &info));
}

static void counts_that_overflow_are_refused(void **state)
{
    (void)state;
    put64(MODULE_LIST, RAM - 64);
    put32(MODULE_COUNT, 0xffffffff); /* x 32 bytes is a multiple of 2^32 less 32 */
    expect_wrong("list of modules");
    put32(MODULE_COUNT, 1);
    put32(MEMORY_COUNT, 0xffffffff);
    expect_wrong("memory map");
}

static void tables_may_end_with_the_memory(void **state)
{
    (void)state;
    put64(MEMORY_MAP, RAM - 24);
    put32(MEMORY_COUNT, 1);
    memcpy(ram + RAM - 24, ram + MAP, 24);
    assert_null(read_of(RAM));
    put32(MEMORY_COUNT, 2);
    expect_wrong("memory map");
    put64(MEMORY_MAP, MAP);
    put64(MODULE_LIST, RAM - 32);
    memcpy(ram + RAM - 32, ram + MODULES, 32);
    assert_null(read_of(RAM));
    put32(MODULE_COUNT, 2);
    expect_wrong("list of modules");
    put32(MODULE_COUNT, 0);
    put64(COMMAND_LINE, RAM - 2);
    ram[RAM - 2] = 'a';
    ram[RAM - 1] = 0;
    assert_null(read_of(RAM));
    assert_string_equal(info.command_line, "a");
}

/* ACPI Specification: 20 bytes before revision 2, 36 since. */
static void the_rsdps_size_is_its_revisions(void **state)
{
    static const struct {
        uint8_t revision;
        uint32_t length;
    } rows[] = {{0, 20}, {1, 20}, {2, 36}, {6, 36}};

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ram[RSDP_TABLE + 15] = rows[i].revision;
        assert_null(read_of(RAM));
        assert_int_equal(info.rsdp_length, rows[i].length);
    }
    put64(RSDP, RAM - 20);
    memset(ram + RAM - 20, 0, 20);
    assert_null(read_of(RAM));
    ram[RAM - 20 + 15] = 2;
    expect_wrong("RSDP");
}

static void a_module_is_below_4_gib(void **state)
{
    static const struct {
        uint64_t address, size;
        bool good;
    } rows[] = {
        {0xffffff00, 0xff, true},       {0xffffff00, 0x100, false}, {0x100000000, 0, false},
        {0, 0xffffffff, true},          {0, 0x100000000, false},    {0xffffffffffffffff, 2, false},
        {2, 0xffffffffffffffff, false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put_module(0, rows[i].address, rows[i].size, 0);
        if (rows[i].good)
            assert_null(read_of(RAM));
        else
            expect_wrong("below 4 GiB");
    }
}

static void more_modules_than_there_is_room_for_are_counted(void **state)
{
    (void)state;
    put64(MODULE_LIST, MAP + 0x100);
    put32(MODULE_COUNT, BOOT_MODULES_MAX + 3);
    assert_null(read_of(RAM));
    assert_int_equal(info.module_count, BOOT_MODULES_MAX);
    assert_int_equal(info.module_lost, 3);
}

static void a_long_command_line_is_cut(void **state)
{
    (void)state;
    put64(COMMAND_LINE, 0x800);
    memset(ram + 0x800, 'x', BOOT_COMMAND_LINE_SIZE + 9);
    assert_null(read_of(RAM));
    assert_int_equal(strlen(info.command_line), BOOT_COMMAND_LINE_SIZE - 1);
    assert_int_equal(info.command_line_lost, 10);
}

static void a_string_without_an_end_is_none(void **state)
{
    enum { BYTES = 0x1000 + PVH_STRING_MOST + 2 };
    uint8_t *memory = malloc(BYTES);

    (void)state;
    assert_non_null(memory);
    memcpy(memory, ram, RAM);
    memset(memory + RAM, 'x', BYTES - RAM);
    memcpy(memory + COMMAND_LINE, &(uint64_t){RAM}, 8);
    memory[RAM + PVH_STRING_MOST] = 0;
    assert_null(pvh_read(memory, BYTES, INFORMATION, &info));
    memory[RAM + PVH_STRING_MOST] = 'x';
    memory[RAM + PVH_STRING_MOST + 1] = 0;
    assert_non_null(pvh_read(memory, BYTES, INFORMATION, &info));
    free(memory);
}

/* start_info.h numbers the kinds as E820 does; those after 5 are nothing that is used here. */
static void kinds_of_memory(void **state)
{
    static const enum memory_kind wanted[] = {
        MEMORY_RESERVED, MEMORY_AVAILABLE, MEMORY_RESERVED, MEMORY_ACPI_RECLAIMABLE,
        MEMORY_ACPI_NVS, MEMORY_BAD,       MEMORY_RESERVED, MEMORY_RESERVED,
    };

    (void)state;
    put32(MEMORY_COUNT, 1);
    for (uint32_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        put_range(0, 0x100000, 0x1000, i);
        assert_null(read_of(RAM));
        assert_int_equal(info.memory[0].kind, wanted[i]);
    }
    put_range(0, 0xfffffffffffff000, 0x2000, 1);
    expect_wrong("past the last 64-bit address");
    put_range(0, 0xfffffffffffff000, 0x2000, 2);
    assert_null(read_of(RAM));
    put_range(0, 0x100000, 0, 1);
    expect_wrong("no memory map");
}

/* It may be all that there is to be read. */
static void the_start_info_may_fill_the_memory(void **state)
{
    uint8_t *memory = malloc(SIZE);

    (void)state;
    assert_non_null(memory);
    memset(memory, 0, SIZE);
    memcpy(memory, ram + INFORMATION, 4);
    assert_string_equal(pvh_read(memory, VERSION_0_SIZE, 0, &info),
                        "the PVH start info has no memory map");
    memory[4] = 1;
    assert_string_equal(pvh_read(memory, SIZE, 0, &info), "the PVH start info has no memory map");
    assert_string_equal(pvh_read(memory, SIZE - 1, 0, &info), "the PVH start info is out of reach");
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_is_taken, good),
        cmocka_unit_test_setup(the_kernel_finds_the_reader_by_its_magic, good),
        cmocka_unit_test_setup(what_is_not_there_is_not_needed, good),
        cmocka_unit_test(strings_are_copied_with_their_end),
        cmocka_unit_test_setup(wrong_magic_is_refused, good),
        cmocka_unit_test_setup(version_0_has_no_memory_map, good),
        cmocka_unit_test_setup(the_end_of_memory_is_kept, good),
        cmocka_unit_test_setup(wild_pointers_are_refused, good),
        cmocka_unit_test_setup(counts_that_overflow_are_refused, good),
        cmocka_unit_test_setup(tables_may_end_with_the_memory, good),
        cmocka_unit_test_setup(the_rsdps_size_is_its_revisions, good),
        cmocka_unit_test_setup(a_module_is_below_4_gib, good),
        cmocka_unit_test_setup(more_modules_than_there_is_room_for_are_counted, good),
        cmocka_unit_test_setup(a_long_command_line_is_cut, good),
        cmocka_unit_test_setup(a_string_without_an_end_is_none, good),
        cmocka_unit_test_setup(kinds_of_memory, good),
        cmocka_unit_test_setup(the_start_info_may_fill_the_memory, good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
