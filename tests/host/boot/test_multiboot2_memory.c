/* The memory that the parser of the Multiboot2 information finds: in which map, of which kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/host/multiboot2_blob.h"

static void efi_blob(bool boot_services_not_ended)
{
    begin_blob();
    efi_tag((struct efi[]){{3, 0, 0x0, 0, 1, 0xf, 0},
                           {7, 0, 0x1000, 0, 0x9f, 0xf, 0},
                           {5, 0, 0x100000, 0, 0x10, 0xf, 0},
                           {1, 0, 0x200000, 0, 0x10, 0xf, 0},
                           {2, 0, 0x210000, 0, 0x10, 0xf, 0},
                           {4, 0, 0x300000, 0, 0x10, 0xf, 0},
                           {8, 0, 0x400000, 0, 0x10, 0xf, 0},
                           {9, 0, 0x500000, 0, 0x10, 0xf, 0},
                           {10, 0, 0x600000, 0, 0x10, 0xf, 0},
                           {11, 0, 0x700000, 0, 0x10, 0x1, 0},
                           {7, 0, 0x800000, 0, 0x10, 0x1, 0},      /* cannot be write-back */
                           {7, 0, 0x900000, 0, 0x10, 0x4000f, 0}}, /* special purpose */
            12);
    if (boot_services_not_ended)
        tag(18, "", 0);
    end_blob();
}

static void test_efi_map(void **state)
{
    (void)state;
    efi_blob(false);
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_count, 10);
    check_memory(0, 0, 0xa0000, MEMORY_AVAILABLE); /* two adjoining descriptors */
    check_memory(1, 0x100000, 0x10000, MEMORY_RESERVED);
    check_memory(2, 0x200000, 0x20000, MEMORY_AVAILABLE);
    check_memory(3, 0x300000, 0x10000, MEMORY_AVAILABLE);
    check_memory(4, 0x400000, 0x10000, MEMORY_BAD);
    check_memory(5, 0x500000, 0x10000, MEMORY_ACPI_RECLAIMABLE);
    check_memory(6, 0x600000, 0x10000, MEMORY_ACPI_NVS);
    check_memory(7, 0x700000, 0x10000, MEMORY_RESERVED);
    check_memory(8, 0x800000, 0x10000, MEMORY_RESERVED);
    check_memory(9, 0x900000, 0x10000, MEMORY_RESERVED);

    /* While boot services run, their memory is theirs; the tag that says so comes later here. */
    efi_blob(true);
    assert_int_equal(parse(), MULTIBOOT_OK);
    check_memory(0, 0, 0x1000, MEMORY_RESERVED);
    check_memory(1, 0x1000, 0x9f000, MEMORY_AVAILABLE);
    check_memory(4, 0x300000, 0x10000, MEMORY_RESERVED);
}

static void test_efi_map_broken(void **state)
{
    static const uint32_t sizes[] = {0, 8, 39, 44, 32, 56, 0x80000000, 0xffffffff};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint32_t offset;

        begin_blob();
        offset = efi_tag((struct efi[]){{7, 0, 0, 0, 1, 8, 0}}, 1);
        put32(offset + 8, sizes[i]);
        end_blob();
        assert_int_equal(parse(), MULTIBOOT_EFI_ENTRY);
    }
    /* More pages than 64 bits of bytes: refused if available, cut if not. */
    begin_blob();
    efi_tag((struct efi[]){{7, 0, 0x1000, 0, 1ull << 52, 8, 0}}, 1);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_MEMORY_WRAPS);
    begin_blob();
    efi_tag((struct efi[]){{7, 0, 0, 0, (1ull << 52) - 1, 8, 0}}, 1);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK); /* all that 64 bits have, but for a page */
    check_memory(0, 0, 0ull - 0x1000, MEMORY_AVAILABLE);
    begin_blob();
    efi_tag((struct efi[]){{11, 0, 0x1000, 0, UINT64_MAX, 8, 0}}, 1);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    check_memory(0, 0x1000, UINT64_MAX - 0x1000, MEMORY_RESERVED);
}

static void test_basic_memory(void **state)
{
    (void)state;
    begin_blob();
    tag(4, (uint32_t[]){640, 0x7fc00}, 8);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_count, 2);
    check_memory(0, 0, 640 * 1024, MEMORY_AVAILABLE);
    check_memory(1, 0x100000, 0x7fc00ull * 1024, MEMORY_AVAILABLE);

    /* The largest numbers do not overflow. */
    begin_blob();
    tag(4, (uint32_t[]){0, UINT32_MAX}, 8);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_count, 1);
    check_memory(0, 0x100000, UINT32_MAX * 1024ull, MEMORY_AVAILABLE);

    /* An EFI map goes before it, an empty one does not. */
    begin_blob();
    tag(4, (uint32_t[]){640, 0}, 8);
    efi_tag((struct efi[]){{0}}, 0);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    begin_blob();
    tag(4, (uint32_t[]){640, 0}, 8);
    efi_tag((struct efi[]){{7, 0, 0x100000, 0, 1, 8, 0}}, 1);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
}

static void test_no_memory(void **state)
{
    (void)state;
    begin_blob();
    string_tag(1, "");
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_NO_MEMORY);
    begin_blob();
    memory_tag((struct entry[]){{0x1000, 0, 1, 0}}, 1); /* a range of nothing */
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_NO_MEMORY);
}

static void test_memory_map_broken(void **state)
{
    static const uint32_t sizes[] = {0, 1, 8, 16, 23, 20, 28, 32, 0x80000000, 0xffffffff};
    uint32_t offset;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        begin_blob();
        offset = memory_tag((struct entry[]){{0, 4096, 1, 0}}, 1);
        put32(offset + 8, sizes[i]);
        end_blob();
        assert_int_equal(parse(), MULTIBOOT_MEMORY_ENTRY);
    }
    /* Larger entries, as the specification allows: 48 bytes a stride. */
    begin_blob();
    offset = memory_tag(
        (struct entry[]){{0x1000, 4096, 1, 0}, {0, 0, 0, 0}, {0x9000, 4096, 1, 0}, {0, 0, 0, 0}},
        4);
    put32(offset + 8, 48);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_count, 2);
    check_memory(1, 0x9000, 4096, MEMORY_AVAILABLE);
}

static void test_memory_wraps(void **state)
{
    (void)state;
    begin_blob();
    memory_tag((struct entry[]){{UINT64_MAX - 4095, 4096, 1, 0}}, 1);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_MEMORY_WRAPS);
    begin_blob();
    memory_tag((struct entry[]){{0, 4096, 1, 0}, {UINT64_MAX - 4095, 8192, 2, 0}}, 2);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    check_memory(1, UINT64_MAX - 4095, 4095, MEMORY_RESERVED);
}

/* A map of a single range is a map; and a range may end with the last byte but one. */
static void test_memory_one_range(void **state)
{
    static const struct entry one = {0x100000, 0x1000, 1, 0};
    static const struct entry last = {0x1000, UINT64_MAX - 0x1000, 1, 0};

    (void)state;
    begin_blob();
    memory_tag(&one, 1);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_count, 1);
    begin_blob();
    memory_tag(&last, 1);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    check_memory(0, 0x1000, UINT64_MAX - 0x1000, MEMORY_AVAILABLE);
}

static void test_memory_full(void **state)
{
    static struct entry entries[BOOT_MEMORY_MAX + 3];

    (void)state;
    for (uint32_t i = 0; i < BOOT_MEMORY_MAX + 3; i++)
        entries[i] = (struct entry){i * 0x2000ull, 0x1000, 1, 0};
    begin_blob();
    memory_tag(entries, BOOT_MEMORY_MAX + 3);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_count, BOOT_MEMORY_MAX);
    assert_int_equal(info.memory_lost, 3);
    check_memory(BOOT_MEMORY_MAX - 1, (BOOT_MEMORY_MAX - 1) * 0x2000ull, 0x1000, MEMORY_AVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_efi_map),           cmocka_unit_test(test_efi_map_broken),
        cmocka_unit_test(test_basic_memory),      cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_memory_map_broken), cmocka_unit_test(test_memory_wraps),
        cmocka_unit_test(test_memory_one_range),  cmocka_unit_test(test_memory_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
