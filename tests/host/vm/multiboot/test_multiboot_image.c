/*
 * What is taken from a Multiboot kernel's file: the files are made here, field by field, with the
 * offsets of the Multiboot Specification's "Multiboot header" and of ELF's headers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vm/multiboot/multiboot_image.h"

enum { SIZE = 0x3000 };

static uint8_t *file; /* of exactly SIZE bytes, that nothing behind them is read */
static struct multiboot_image image;

static void put(uint32_t offset, uint64_t value, unsigned width)
{
    memcpy(file + offset, &value, width);
}

static void put_header(uint32_t offset, uint32_t flags)
{
    put(offset, 0x1badb002, 4);
    put(offset + 4, flags, 4);
    put(offset + 8, 0 - 0x1badb002u - flags, 4);
}

static enum multiboot_result check(uint64_t size)
{
    uint8_t *copy = malloc(size);
    enum multiboot_result result;

    memcpy(copy, file, size);
    result = multiboot_image_check(copy, size, &image);
    image.bytes = NULL; /* no more to be had */
    free(copy);
    return result;
}

/* A 32-bit ELF of one segment: 0x800 bytes of the file at 0x1000 go to 1 MiB, and 0x1000 zeros. */
static int make_elf(void **state)
{
    (void)state;
    file = calloc(1, SIZE);
    put(0, 0x464c457f, 4);
    put(4, 0x010101, 3);
    put(16, 2, 2);
    put(18, 3, 2);
    put(24, 0x100010, 4);
    put(28, 52, 4);
    put(42, 32, 2);
    put(44, 1, 2);
    put(52, 1, 4);
    put(52 + 4, 0x1000, 4);
    put(52 + 8, 0x100000, 4);
    put(52 + 12, 0x100000, 4);
    put(52 + 16, 0x800, 4);
    put(52 + 20, 0x1800, 4);
    put_header(0x1000, 3);
    return 0;
}

/* A file without ELF's header: all behind the first 0x20 bytes goes to 2 MiB, with 0x100 zeros. */
static int make_addresses(void **state)
{
    (void)state;
    file = calloc(1, SIZE);
    put_header(0x40, 0x10003);
    put(0x40 + 12, 0x200020, 4);
    put(0x40 + 16, 0x200000, 4);
    put(0x40 + 20, 0, 4);
    put(0x40 + 24, 0x200000 + SIZE - 0x20 + 0x100, 4);
    put(0x40 + 28, 0x200004, 4);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    free(file);
    return 0;
}

static struct multiboot_segment only_segment(void)
{
    struct multiboot_segment segment, more;
    uint32_t next = 0;

    image.bytes = file;
    assert_true(multiboot_next_segment(&image, &next, &segment));
    assert_false(multiboot_next_segment(&image, &next, &more));
    return segment;
}

static void an_elf(void **state)
{
    struct multiboot_segment segment;

    (void)state;
    assert_int_equal(check(SIZE), MULTIBOOT_OK);
    assert_int_equal(image.mode, ENTRY_32);
    assert_int_equal(image.entry, 0x100010);
    segment = only_segment();
    assert_ptr_equal(segment.bytes, file + 0x1000);
    assert_int_equal(segment.in_file, 0x800);
    assert_int_equal(segment.range.base, 0x100000);
    assert_int_equal(segment.range.end, 0x101800);
}

static void of_64_bits(void **state)
{
    struct multiboot_segment segment;

    (void)state;
    memset(file, 0, 0x1000);
    put(0, 0x464c457f, 4);
    put(4, 0x010102, 3);
    put(16, 2, 2);
    put(18, 62, 2);
    put(24, 0xffffffff80100020, 8); /* a virtual address */
    put(32, 64, 8);
    put(54, 56, 2);
    put(56, 2, 2);
    put(64, 4, 4); /* a note */
    put(120, 1, 4);
    put(128, 0x1000, 8);
    put(136, 0xffffffff80100000, 8);
    put(144, 0x300000, 8);
    put(152, 0x100, 8);
    put(160, 0x200, 8);
    assert_int_equal(check(SIZE), MULTIBOOT_OK);
    assert_int_equal(image.entry, 0x300020); /* as GRUB has it: where the segment is loaded */
    segment = only_segment();
    assert_int_equal(segment.range.base, 0x300000);
    assert_int_equal(segment.range.end, 0x300200);
    put(160, UINT64_MAX, 8);
    assert_int_equal(check(SIZE), MULTIBOOT_TOO_LARGE);
    put(160, 0x200, 8);
    put(144, UINT64_MAX - 0x10, 8);
    assert_int_equal(check(SIZE), MULTIBOOT_TOO_LARGE);
}

static void addresses(void **state)
{
    struct multiboot_segment segment;

    (void)state;
    assert_int_equal(check(SIZE), MULTIBOOT_OK);
    assert_int_equal(image.entry, 0x200004);
    segment = only_segment();
    assert_ptr_equal(segment.bytes, file + 0x20);
    assert_int_equal(segment.in_file, SIZE - 0x20);
    assert_int_equal(segment.range.base, 0x200000);
    assert_int_equal(segment.range.end, 0x200000 + SIZE - 0x20 + 0x100);
    put(0x40 + 20, 0x200800, 4); /* an end in the file */
    put(0x40 + 24, 0, 4);        /* and no zeros */
    assert_int_equal(check(SIZE), MULTIBOOT_OK);
    segment = only_segment();
    assert_int_equal(segment.in_file, 0x800);
    assert_int_equal(segment.range.end, 0x200800);
}

static void addresses_that_contradict(void **state)
{
    static const struct {
        uint32_t field, value;
        enum multiboot_result result;
        uint64_t seen, wanted;
    } rows[] = {
        {12, 0x1fffff, MULTIBOOT_CONTRADICTION, 0x200000,
         0x1fffff}, /* header below the load address */
        {12, 0x200041, MULTIBOOT_CONTRADICTION, 0x200000,
         0x200041}, /* before the file's beginning */
        {20, 0x1fffff, MULTIBOOT_CONTRADICTION, 0x1fffff, 0x200000}, /* it ends before it begins */
        {20, 0x200000 + SIZE - 0x1f, MULTIBOOT_CUT, SIZE, SIZE + 1},
        {24, 0x200000 + SIZE - 0x21, MULTIBOOT_CONTRADICTION, 0x200000 + SIZE - 0x21,
         0x200000 + SIZE - 0x20},
        {28, 0x1fffff, MULTIBOOT_NO_ENTRY, 0x1fffff, 0x200000},
        {28, 0x200000 + SIZE + 0xe0, MULTIBOOT_NO_ENTRY, 0x200000 + SIZE + 0xe0, 0x200000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t before;

        memcpy(&before, file + 0x40 + rows[i].field, 4);
        put(0x40 + rows[i].field, rows[i].value, 4);
        assert_int_equal(check(SIZE), rows[i].result);
        assert_int_equal(image.seen, rows[i].seen);
        assert_int_equal(image.wanted, rows[i].wanted);
        put(0x40 + rows[i].field, before, 4);
    }
    put(0x40 + 12, 0xffffff20, 4);
    put(0x40 + 16, 0xffffff00, 4);
    put(0x40 + 24, 0, 4);
    assert_int_equal(check(SIZE), MULTIBOOT_TOO_LARGE);
    assert_int_equal(check(0x5c), MULTIBOOT_CUT); /* the header itself */
    assert_int_equal(image.wanted, 0x60);
}

/* "in the first 8192 bytes", "longword (32-bit) aligned", and a checksum that is right. */
static void where_a_header_is(void **state)
{
    (void)state;
    assert_true(multiboot_has_header(file, SIZE));
    put(0x1008, 1, 4);
    assert_false(multiboot_has_header(file, SIZE));
    put_header(0x1002, 3);
    assert_false(multiboot_has_header(file, SIZE));
    memset(file + 0x1000, 0, 16);
    put_header(8192 - 12, 3);
    assert_true(multiboot_has_header(file, SIZE));
    assert_false(multiboot_has_header(file, 8191));
    put(8192 - 12, 0, 4);
    put_header(8192 - 8, 3);
    assert_false(multiboot_has_header(file, SIZE));
    assert_false(multiboot_has_header(file, 11));
    assert_false(multiboot_has_header(file, 0));
}

static void flags(void **state)
{
    (void)state;
    put_header(0x1000, 7); /* a video mode is a wish */
    assert_int_equal(check(SIZE), MULTIBOOT_OK);
    put_header(0x1000, 0xfffe0003); /* what need not be known */
    assert_int_equal(check(SIZE), MULTIBOOT_OK);
    for (unsigned bit = 3; bit < 16; bit++) {
        put_header(0x1000, 3u | 1u << bit);
        assert_int_equal(check(SIZE), MULTIBOOT_FLAGS);
        assert_int_equal(image.seen, 3u | 1u << bit);
        assert_int_equal(image.wanted, 3);
    }
}

static void elfs_that_cannot_be(void **state)
{
    static const struct {
        uint32_t offset, value;
        unsigned width;
        enum multiboot_result result;
        uint64_t seen, wanted;
    } rows[] = {
        {0, 0x464c457e, 4, MULTIBOOT_NO_ELF, 0x464c457e, 0x464c457f},
        {4, 3, 1, MULTIBOOT_ELF_KIND, 0x010103, 0x010101},
        {5, 2, 1, MULTIBOOT_ELF_KIND, 0x010201, 0x010101},  /* big-endian */
        {16, 1, 2, MULTIBOOT_ELF_KIND, 0x30001, 0x30002},   /* relocatable */
        {18, 40, 2, MULTIBOOT_ELF_KIND, 0x280002, 0x30002}, /* ARM */
        {42, 31, 2, MULTIBOOT_ELF_SEGMENTS, 31, 32},
        {44, 0, 2, MULTIBOOT_ELF_SEGMENTS, 0, 1},
        {52, 2, 4, MULTIBOOT_ELF_SEGMENTS, 0, 1},
        {28, SIZE - 31, 4, MULTIBOOT_CUT, SIZE, SIZE + 1}, /* the table */
        {28, UINT32_MAX, 4, MULTIBOOT_CUT, SIZE, UINT32_MAX + 32ull},
        {56, SIZE - 0x7ff, 4, MULTIBOOT_CUT, SIZE, SIZE + 1},
        {64, 0xffffe801, 4, MULTIBOOT_TOO_LARGE, 0x100000001, 0x100000000},
        {72, 0x7ff, 4, MULTIBOOT_TOO_LARGE, 0x800, 0x7ff},
        {24, 0xfffff, 4, MULTIBOOT_NO_ENTRY, 0xfffff, 0x100000},
        {24, 0x101800, 4, MULTIBOOT_NO_ENTRY, 0x101800, 0x100000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t before;

        memcpy(&before, file + rows[i].offset, 4);
        put(rows[i].offset, rows[i].value, rows[i].width);
        assert_int_equal(check(SIZE), rows[i].result);
        assert_int_equal(image.seen, rows[i].seen);
        assert_int_equal(image.wanted, rows[i].wanted);
        put(rows[i].offset, before, 4);
    }
    assert_int_equal(check(SIZE), MULTIBOOT_OK);
    for (uint64_t size = 0x100c; size < 0x1800; size++)
        assert_int_equal(check(size), MULTIBOOT_CUT);
    put_header(48, 3); /* in the ELF header, of which then not all is there */
    assert_int_equal(check(51 + 12), MULTIBOOT_CUT);
}

static void flat(void **state)
{
    static const uint64_t entries[] = {
        [ENTRY_REAL] = 0x7c00, [ENTRY_32] = 0x100000, [ENTRY_64] = 0x100000};

    (void)state;
    for (enum entry_mode mode = ENTRY_REAL; mode <= ENTRY_64; mode++) {
        struct multiboot_segment segment;

        assert_int_equal(multiboot_image_flat(file, SIZE, mode, &image), MULTIBOOT_OK);
        segment = only_segment();
        assert_int_equal(image.mode, mode);
        assert_int_equal(image.entry, entries[mode]);
        assert_ptr_equal(segment.bytes, file);
        assert_int_equal(segment.in_file, SIZE);
        assert_int_equal(segment.range.base, entries[mode]);
        assert_int_equal(segment.range.end, entries[mode] + SIZE);
    }
    assert_int_equal(multiboot_image_flat(file, 0, ENTRY_32, &image), MULTIBOOT_CUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_elf, make_elf, drop),
        cmocka_unit_test_setup_teardown(of_64_bits, make_elf, drop),
        cmocka_unit_test_setup_teardown(addresses, make_addresses, drop),
        cmocka_unit_test_setup_teardown(addresses_that_contradict, make_addresses, drop),
        cmocka_unit_test_setup_teardown(where_a_header_is, make_elf, drop),
        cmocka_unit_test_setup_teardown(flags, make_elf, drop),
        cmocka_unit_test_setup_teardown(elfs_that_cannot_be, make_elf, drop),
        cmocka_unit_test_setup_teardown(flat, make_elf, drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
