/* What the parser of the Multiboot2 information takes from each kind of tag but those of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "boot/multiboot2_rest.h"
#include "tests/host/multiboot2_blob.h"

static void test_good(void **state)
{
    (void)state;
    good_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.total_size, blob.length);
    assert_string_equal(info.command_line, "check=strict exit=halt");
    assert_int_equal(info.command_line_lost, 0);
    assert_string_equal(info.loader, "GRUB 2.06-13");
    assert_true(info.uefi);
    assert_int_equal(boot_efi.system_table, 0x10000000);
    assert_non_null(boot_efi.map); /* it is where the loader has it: no longer there */
    assert_int_equal(boot_efi.map_bytes, sizeof(struct efi));
    assert_int_equal(boot_efi.descriptor_bytes, sizeof(struct efi));
    assert_int_equal(boot_efi.descriptor_version, 1);
    assert_false(info.boot_services_not_ended);
    assert_int_equal(info.rsdp_length, 36);
    assert_memory_equal(info.rsdp, "RSD PTR new", 12);

    assert_int_equal(info.module_count, 2);
    assert_int_equal(info.modules[0].start, 0x200000);
    assert_int_equal(info.modules[0].end, 0x201000);
    assert_string_equal(info.modules[0].string, "first module");
    assert_int_equal(info.modules[1].start, info.modules[1].end); /* an empty module is one */
    assert_string_equal(info.modules[1].string, "");

    assert_int_equal(info.memory_count, 7);
    check_memory(0, 0, 0x9fc00, MEMORY_AVAILABLE);
    check_memory(1, 0x9fc00, 0x400, MEMORY_RESERVED);
    check_memory(2, 0x100000, 0x7ee0000, MEMORY_AVAILABLE);
    check_memory(3, 0x7fe0000, 0x10000, MEMORY_ACPI_RECLAIMABLE);
    check_memory(4, 0x7ff0000, 0x10000, MEMORY_ACPI_NVS);
    check_memory(5, 0x8000000, 0x1000, MEMORY_BAD);
    check_memory(6, 0x9000000, 0x1000, MEMORY_RESERVED); /* an unknown type */
}

static void test_framebuffer(void **state)
{
    uint8_t text[24] = {[1] = 0x80, [2] = 0x0b, [8] = 160, [12] = 80, [16] = 25, [20] = 16};

    (void)state;
    good_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_true(boot_framebuffer.is_given);
    assert_int_equal(boot_framebuffer.address, 0xc0000000);
    assert_int_equal(boot_framebuffer.pitch, 4096);
    assert_int_equal(boot_framebuffer.width, 1024);
    assert_int_equal(boot_framebuffer.height, 768);
    assert_int_equal(boot_framebuffer.bpp, 32);
    assert_int_equal(boot_framebuffer.type, BOOT_FRAMEBUFFER_RGB);
    assert_int_equal(boot_framebuffer.red_position, 16);
    assert_int_equal(boot_framebuffer.red_size, 8);
    assert_int_equal(boot_framebuffer.green_position, 8);
    assert_int_equal(boot_framebuffer.green_size, 8);
    assert_int_equal(boot_framebuffer.blue_position, 0);
    assert_int_equal(boot_framebuffer.blue_size, 8);

    /* EGA text has no colours after it, RGB must have them. */
    text[21] = 2;
    begin_blob();
    some_memory();
    tag(8, text, sizeof(text));
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_true(boot_framebuffer.is_given);
    assert_int_equal(boot_framebuffer.address, 0xb8000);
    assert_int_equal(boot_framebuffer.width, 80);
    assert_int_equal(boot_framebuffer.height, 25);
    assert_int_equal(boot_framebuffer.type, BOOT_FRAMEBUFFER_EGA_TEXT);
    text[21] = 1;
    begin_blob();
    some_memory();
    tag(8, text, sizeof(text));
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_TAG_SHORT);
    assert_false(boot_framebuffer.is_given);
}

/* What is none of the specification's types, up to 21, is passed over. */
static void test_unknown_types(void **state)
{
    (void)state;
    for (uint32_t type = 22; type < 40; type++) {
        begin_blob();
        some_memory();
        tag(type, "anything", 8);
        end_blob();
        assert_int_equal(parse(), MULTIBOOT_OK);
    }
}

/* Multiboot2, "Framebuffer info": six bytes after the tag, each a number of its own. */
static void test_framebuffer_colours(void **state)
{
    uint8_t rgb[30] = {[20] = 16, [21] = 1, [24] = 11, 5, 6, 4, 1, 3};

    (void)state;
    begin_blob();
    some_memory();
    tag(8, rgb, sizeof(rgb));
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(boot_framebuffer.red_position, 11);
    assert_int_equal(boot_framebuffer.red_size, 5);
    assert_int_equal(boot_framebuffer.green_position, 6);
    assert_int_equal(boot_framebuffer.green_size, 4);
    assert_int_equal(boot_framebuffer.blue_position, 1);
    assert_int_equal(boot_framebuffer.blue_size, 3);
    begin_blob();
    some_memory();
    tag(8, rgb, sizeof(rgb) - 1);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_TAG_SHORT);
}

static void test_firmware(void **state)
{
    static const uint32_t uefi_tags[] = {11, 12, 17, 18, 19, 20};

    (void)state;
    begin_blob();
    some_memory();
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_false(info.uefi);
    assert_false(boot_framebuffer.is_given);
    assert_int_equal(info.rsdp_length, 0);
    for (size_t i = 0; i < sizeof(uefi_tags) / sizeof(uefi_tags[0]); i++) {
        begin_blob();
        some_memory();
        tag(uefi_tags[i], "\x30\0\0\0\x01\0\0\0", 8); /* 17: descriptor size, version */
        end_blob();
        assert_int_equal(parse(), MULTIBOOT_OK);
        assert_true(info.uefi);
        assert_int_equal(info.boot_services_not_ended, uefi_tags[i] == 18);
    }
}

static void test_rsdp_order(void **state)
{
    char rsdp_old[20] = "old";
    char rsdp_new[36] = "new";

    (void)state;
    begin_blob();
    some_memory();
    tag(15, rsdp_new, sizeof(rsdp_new));
    tag(14, rsdp_old, sizeof(rsdp_old));
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.rsdp_length, 36);
    assert_string_equal((char *)info.rsdp, "new");
    begin_blob();
    some_memory();
    tag(14, rsdp_old, sizeof(rsdp_old));
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.rsdp_length, 20);
    assert_string_equal((char *)info.rsdp, "old");
}

static void test_strings(void **state)
{
    static const uint32_t types[] = {1, 2, 3};
    static const size_t lengths[] = {BOOT_STRING_SIZE - 1,       BOOT_STRING_SIZE,
                                     BOOT_COMMAND_LINE_SIZE - 1, BOOT_COMMAND_LINE_SIZE,
                                     BOOT_COMMAND_LINE_SIZE + 1, 2900};
    char line[3000];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        begin_blob();
        some_memory();
        tag(types[i], "\0\0\0\0\0\0\0\0not closed", 18);
        if (types[i] != 3)
            memset(blob.bytes + blob.length - 18, 'x', 8);
        end_blob();
        assert_int_equal(parse(), MULTIBOOT_STRING_OPEN);
    }
    begin_blob();
    some_memory();
    tag(1, "", 0); /* not even a zero */
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_STRING_OPEN);

    /* The loader's name and the command line: longest that fits, one more, and much more. */
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t length = lengths[i];
        size_t line_most = BOOT_COMMAND_LINE_SIZE - 1, loader_most = BOOT_STRING_SIZE - 1;

        memset(line, 'x', sizeof(line));
        line[length] = '\0';
        begin_blob();
        some_memory();
        string_tag(1, line);
        string_tag(2, line);
        end_blob();
        assert_int_equal(parse(), MULTIBOOT_OK);
        assert_int_equal(strlen(info.command_line), length < line_most ? length : line_most);
        assert_int_equal(info.command_line_lost, length < line_most ? 0 : length - line_most);
        assert_int_equal(strlen(info.loader), length < loader_most ? length : loader_most);
    }
}

static void test_modules(void **state)
{
    (void)state;
    begin_blob();
    some_memory();
    tag(3, "\0\0\x30\0\xff\xff\x2f\0", 9);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_MODULE_BACKWARDS);
    assert_int_equal(info.module_count, 0);
    begin_blob();
    some_memory();
    for (int i = 0; i < BOOT_MODULES_MAX + 2; i++)
        tag(3, "\0\0\x30\0\0\0\x31\0", 9);
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.module_count, BOOT_MODULES_MAX);
    assert_int_equal(info.module_lost, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),          cmocka_unit_test(test_framebuffer),
        cmocka_unit_test(test_unknown_types), cmocka_unit_test(test_framebuffer_colours),
        cmocka_unit_test(test_firmware),      cmocka_unit_test(test_rsdp_order),
        cmocka_unit_test(test_strings),       cmocka_unit_test(test_modules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
