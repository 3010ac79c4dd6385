/*
 * The parser of the Multiboot2 information, against blobs built here tag by tag as the Multiboot2
 * Specification, "Boot information format", lays them out. Every blob is parsed from a heap copy
 * of exactly its size, so that AddressSanitizer sees a read behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/multiboot2.h"

enum { BLOB_MAX = 32768 };

struct blob {
    uint8_t bytes[BLOB_MAX];
    uint32_t length;
};

static struct blob blob;
static struct multiboot_info info;

static void put32(uint32_t offset, uint32_t value)
{
    memcpy(blob.bytes + offset, &value, sizeof(value));
}

static void begin(void)
{
    memset(&blob, 0, sizeof(blob));
    blob.length = 8;
}

/* Appends a tag; returns its offset. */
static uint32_t tag(uint32_t type, const void *payload, uint32_t size)
{
    uint32_t offset = (blob.length + 7) / 8 * 8;

    put32(offset, type);
    put32(offset + 4, 8 + size);
    memcpy(blob.bytes + offset + 8, payload, size);
    blob.length = offset + 8 + size;
    return offset;
}

static uint32_t string_tag(uint32_t type, const char *string)
{
    return tag(type, string, (uint32_t)strlen(string) + 1);
}

static void end(void)
{
    tag(0, "", 0);
    put32(0, blob.length);
}

struct entry {
    uint64_t base, length;
    uint32_t type, reserved;
};

struct map {
    uint32_t entry_size, version;
    struct entry entries[300];
};

static uint32_t memory_tag(const struct entry *entries, uint32_t count)
{
    static struct map map;

    map = (struct map){.entry_size = sizeof(struct entry)};
    memcpy(map.entries, entries, count * sizeof(*entries));
    return tag(6, &map, 8 + count * (uint32_t)sizeof(*entries));
}

static void some_memory(void)
{
    memory_tag((struct entry[]){{0x100000, 0x700000, 1, 0}}, 1);
}

static enum multiboot_result parse_most(size_t most)
{
    uint8_t *copy = malloc(most);
    enum multiboot_result result;

    assert_non_null(copy);
    memcpy(copy, blob.bytes, most);
    result = multiboot_parse(copy, most, &info);
    free(copy);
    return result;
}

static enum multiboot_result parse(void)
{
    return parse_most(blob.length);
}

/* UEFI Specification, EFI_MEMORY_DESCRIPTOR, at the stride of 48 bytes that real firmware uses. */
struct efi {
    uint32_t type, padding;
    uint64_t start, virtual_start, pages, attribute, more;
};

struct efi_map {
    uint32_t descriptor_size, version;
    struct efi entries[32];
};

static uint32_t efi_tag(const struct efi *entries, uint32_t count)
{
    struct efi_map map = {.descriptor_size = sizeof(struct efi), .version = 1};

    memcpy(map.entries, entries, count * sizeof(*entries));
    return tag(17, &map, 8 + count * (uint32_t)sizeof(*entries));
}

static const uint8_t rgb_framebuffer[] = {
    0,  0,  0, 0xc0, 0, 0, 0, 0, /* address 0xc0000000 */
    0,  16, 0, 0,                /* pitch 4096 */
    0,  4,  0, 0,                /* width 1024 */
    0,  3,  0, 0,                /* height 768 */
    32, 1,  0, 0,                /* bits per pixel, RGB */
    16, 8,  8, 8,    0, 8,       /* red, green, blue */
};

/* One of each tag, as GRUB on UEFI gives them. */
static void good_blob(void)
{
    char rsdp_old[20] = "RSD PTR old";
    char rsdp_new[36] = "RSD PTR new";

    begin();
    string_tag(1, "check=strict exit=halt");
    string_tag(2, "GRUB 2.06-13");
    tag(3, "\0\0\x20\0\0\x10\x20\0first module", 8 + 13);
    tag(3, "\0\0\x30\0\0\0\x30\0", 9);
    tag(4, (uint32_t[]){640, 0x7fc00}, 8);
    memory_tag((struct entry[]){{0, 0x9fc00, 1, 0},
                                {0x9fc00, 0x400, 2, 0},
                                {0x100000, 0x7ee0000, 1, 0},
                                {0x7fe0000, 0x10000, 3, 0},
                                {0x7ff0000, 0x10000, 4, 0},
                                {0x8000000, 0x1000, 5, 0},
                                {0x9000000, 0x1000, 77, 0}},
               7);
    tag(8, rgb_framebuffer, sizeof(rgb_framebuffer));
    tag(9, "ELF sections are not read", 25);
    tag(12, "\0\0\0\x10\0\0\0", 8);
    tag(14, rsdp_old, sizeof(rsdp_old));
    tag(15, rsdp_new, sizeof(rsdp_new));
    efi_tag((struct efi[]){{7, 0, 0x100000, 0, 16, 8, 0}}, 1);
    tag(21, (uint32_t[]){0x1000000}, 4);
    tag(4711, "an unknown tag", 15);
    end();
}

static void check_memory(uint32_t i, uint64_t base, uint64_t length, unsigned kind)
{
    assert_true(i < info.memory_count);
    assert_int_equal(info.memory[i].base, base);
    assert_int_equal(info.memory[i].length, length);
    assert_int_equal(info.memory[i].kind, kind);
}

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
    assert_false(info.boot_services_not_ended);
    assert_true(info.has_load_base);
    assert_int_equal(info.load_base, 0x1000000);
    assert_int_equal(info.rsdp_length, 36);
    assert_memory_equal(info.rsdp, "RSD PTR new", 12);

    assert_int_equal(info.module_count, 2);
    assert_int_equal(info.modules[0].start, 0x200000);
    assert_int_equal(info.modules[0].end, 0x201000);
    assert_string_equal(info.modules[0].string, "first module");
    assert_int_equal(info.modules[1].start, info.modules[1].end); /* an empty module is one */
    assert_string_equal(info.modules[1].string, "");

    assert_int_equal(info.memory_source, MULTIBOOT_SOURCE_MAP);
    assert_int_equal(info.memory_count, 7);
    check_memory(0, 0, 0x9fc00, MULTIBOOT_MEMORY_AVAILABLE);
    check_memory(1, 0x9fc00, 0x400, MULTIBOOT_MEMORY_RESERVED);
    check_memory(2, 0x100000, 0x7ee0000, MULTIBOOT_MEMORY_AVAILABLE);
    check_memory(3, 0x7fe0000, 0x10000, MULTIBOOT_MEMORY_ACPI_RECLAIMABLE);
    check_memory(4, 0x7ff0000, 0x10000, MULTIBOOT_MEMORY_NVS);
    check_memory(5, 0x8000000, 0x1000, MULTIBOOT_MEMORY_BAD);
    check_memory(6, 0x9000000, 0x1000, MULTIBOOT_MEMORY_RESERVED); /* an unknown type */
}

static void test_framebuffer(void **state)
{
    uint8_t text[24] = {[1] = 0x80, [2] = 0x0b, [8] = 160, [12] = 80, [16] = 25, [20] = 16};

    (void)state;
    good_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_true(info.has_framebuffer);
    assert_int_equal(info.framebuffer.address, 0xc0000000);
    assert_int_equal(info.framebuffer.pitch, 4096);
    assert_int_equal(info.framebuffer.width, 1024);
    assert_int_equal(info.framebuffer.height, 768);
    assert_int_equal(info.framebuffer.bpp, 32);
    assert_int_equal(info.framebuffer.type, MULTIBOOT_FRAMEBUFFER_RGB);
    assert_int_equal(info.framebuffer.red_position, 16);
    assert_int_equal(info.framebuffer.red_size, 8);
    assert_int_equal(info.framebuffer.green_position, 8);
    assert_int_equal(info.framebuffer.green_size, 8);
    assert_int_equal(info.framebuffer.blue_position, 0);
    assert_int_equal(info.framebuffer.blue_size, 8);

    /* EGA text has no colours behind it, RGB must have them. */
    text[21] = 2;
    begin();
    some_memory();
    tag(8, text, sizeof(text));
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_true(info.has_framebuffer);
    assert_int_equal(info.framebuffer.address, 0xb8000);
    assert_int_equal(info.framebuffer.width, 80);
    assert_int_equal(info.framebuffer.height, 25);
    assert_int_equal(info.framebuffer.type, MULTIBOOT_FRAMEBUFFER_EGA_TEXT);
    text[21] = 1;
    begin();
    some_memory();
    tag(8, text, sizeof(text));
    end();
    assert_int_equal(parse(), MULTIBOOT_TAG_SHORT);
    assert_false(info.has_framebuffer);
}

static void test_firmware(void **state)
{
    static const uint32_t uefi_tags[] = {11, 12, 17, 18, 19, 20};

    (void)state;
    begin();
    some_memory();
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_false(info.uefi);
    assert_false(info.has_framebuffer);
    assert_false(info.has_load_base);
    assert_int_equal(info.rsdp_length, 0);
    for (size_t i = 0; i < sizeof(uefi_tags) / sizeof(uefi_tags[0]); i++) {
        begin();
        some_memory();
        tag(uefi_tags[i], "\x30\0\0\0\x01\0\0\0", 8); /* 17: descriptor size, version */
        end();
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
    begin();
    some_memory();
    tag(15, rsdp_new, sizeof(rsdp_new));
    tag(14, rsdp_old, sizeof(rsdp_old));
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.rsdp_length, 36);
    assert_string_equal((char *)info.rsdp, "new");
    begin();
    some_memory();
    tag(14, rsdp_old, sizeof(rsdp_old));
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.rsdp_length, 20);
    assert_string_equal((char *)info.rsdp, "old");
}

static void efi_blob(bool boot_services_not_ended)
{
    begin();
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
    end();
}

static void test_efi_map(void **state)
{
    (void)state;
    efi_blob(false);
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_source, MULTIBOOT_SOURCE_EFI);
    assert_int_equal(info.memory_count, 10);
    check_memory(0, 0, 0xa0000, MULTIBOOT_MEMORY_AVAILABLE); /* two adjoining descriptors */
    check_memory(1, 0x100000, 0x10000, MULTIBOOT_MEMORY_RESERVED);
    check_memory(2, 0x200000, 0x20000, MULTIBOOT_MEMORY_AVAILABLE);
    check_memory(3, 0x300000, 0x10000, MULTIBOOT_MEMORY_AVAILABLE);
    check_memory(4, 0x400000, 0x10000, MULTIBOOT_MEMORY_BAD);
    check_memory(5, 0x500000, 0x10000, MULTIBOOT_MEMORY_ACPI_RECLAIMABLE);
    check_memory(6, 0x600000, 0x10000, MULTIBOOT_MEMORY_NVS);
    check_memory(7, 0x700000, 0x10000, MULTIBOOT_MEMORY_RESERVED);
    check_memory(8, 0x800000, 0x10000, MULTIBOOT_MEMORY_RESERVED);
    check_memory(9, 0x900000, 0x10000, MULTIBOOT_MEMORY_RESERVED);

    /* While boot services run, their memory is theirs; the tag that says so comes later here. */
    efi_blob(true);
    assert_int_equal(parse(), MULTIBOOT_OK);
    check_memory(0, 0, 0x1000, MULTIBOOT_MEMORY_RESERVED);
    check_memory(1, 0x1000, 0x9f000, MULTIBOOT_MEMORY_AVAILABLE);
    check_memory(4, 0x300000, 0x10000, MULTIBOOT_MEMORY_RESERVED);
}

static void test_efi_map_broken(void **state)
{
    static const uint32_t sizes[] = {0, 8, 39, 44, 32, 56, 0x80000000, 0xffffffff};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint32_t offset;

        begin();
        offset = efi_tag((struct efi[]){{7, 0, 0, 0, 1, 8, 0}}, 1);
        put32(offset + 8, sizes[i]);
        end();
        assert_int_equal(parse(), MULTIBOOT_EFI_ENTRY);
    }
    /* More pages than 64 bits of bytes: refused if available, cut if not. */
    begin();
    efi_tag((struct efi[]){{7, 0, 0x1000, 0, 1ull << 52, 8, 0}}, 1);
    end();
    assert_int_equal(parse(), MULTIBOOT_MEMORY_WRAPS);
    begin();
    efi_tag((struct efi[]){{11, 0, 0x1000, 0, UINT64_MAX, 8, 0}}, 1);
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    check_memory(0, 0x1000, UINT64_MAX - 0x1000, MULTIBOOT_MEMORY_RESERVED);
}

static void test_basic_memory(void **state)
{
    (void)state;
    begin();
    tag(4, (uint32_t[]){640, 0x7fc00}, 8);
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_source, MULTIBOOT_SOURCE_BASIC);
    assert_int_equal(info.memory_count, 2);
    check_memory(0, 0, 640 * 1024, MULTIBOOT_MEMORY_AVAILABLE);
    check_memory(1, 0x100000, 0x7fc00ull * 1024, MULTIBOOT_MEMORY_AVAILABLE);

    /* The largest numbers do not overflow. */
    begin();
    tag(4, (uint32_t[]){0, UINT32_MAX}, 8);
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_count, 1);
    check_memory(0, 0x100000, UINT32_MAX * 1024ull, MULTIBOOT_MEMORY_AVAILABLE);

    /* An EFI map goes before it, an empty one does not. */
    begin();
    tag(4, (uint32_t[]){640, 0}, 8);
    efi_tag((struct efi[]){{0}}, 0);
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_source, MULTIBOOT_SOURCE_BASIC);
    begin();
    tag(4, (uint32_t[]){640, 0}, 8);
    efi_tag((struct efi[]){{7, 0, 0x100000, 0, 1, 8, 0}}, 1);
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_source, MULTIBOOT_SOURCE_EFI);
}

static void test_no_memory(void **state)
{
    (void)state;
    begin();
    string_tag(1, "");
    end();
    assert_int_equal(parse(), MULTIBOOT_NO_MEMORY);
    begin();
    memory_tag((struct entry[]){{0x1000, 0, 1, 0}}, 1); /* a range of nothing */
    end();
    assert_int_equal(parse(), MULTIBOOT_NO_MEMORY);
}

static void test_memory_map_broken(void **state)
{
    static const uint32_t sizes[] = {0, 1, 8, 16, 23, 20, 28, 32, 0x80000000, 0xffffffff};
    uint32_t offset;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        begin();
        offset = memory_tag((struct entry[]){{0, 4096, 1, 0}}, 1);
        put32(offset + 8, sizes[i]);
        end();
        assert_int_equal(parse(), MULTIBOOT_MEMORY_ENTRY);
        assert_int_equal(info.tag_type, 6);
        assert_int_equal(info.tag_offset, offset);
    }
    /* Larger entries, as the specification allows: 48 bytes a stride. */
    begin();
    offset = memory_tag(
        (struct entry[]){{0x1000, 4096, 1, 0}, {0, 0, 0, 0}, {0x9000, 4096, 1, 0}, {0, 0, 0, 0}},
        4);
    put32(offset + 8, 48);
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_count, 2);
    check_memory(1, 0x9000, 4096, MULTIBOOT_MEMORY_AVAILABLE);
}

static void test_memory_wraps(void **state)
{
    (void)state;
    begin();
    memory_tag((struct entry[]){{UINT64_MAX - 4095, 4096, 1, 0}}, 1);
    end();
    assert_int_equal(parse(), MULTIBOOT_MEMORY_WRAPS);
    begin();
    memory_tag((struct entry[]){{0, 4096, 1, 0}, {UINT64_MAX - 4095, 8192, 2, 0}}, 2);
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    check_memory(1, UINT64_MAX - 4095, 4095, MULTIBOOT_MEMORY_RESERVED);
}

static void test_memory_full(void **state)
{
    static struct entry entries[MULTIBOOT_MEMORY_MAX + 3];

    (void)state;
    for (uint32_t i = 0; i < MULTIBOOT_MEMORY_MAX + 3; i++)
        entries[i] = (struct entry){i * 0x2000ull, 0x1000, 1, 0};
    begin();
    memory_tag(entries, MULTIBOOT_MEMORY_MAX + 3);
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.memory_count, MULTIBOOT_MEMORY_MAX);
    assert_int_equal(info.memory_lost, 3);
    check_memory(MULTIBOOT_MEMORY_MAX - 1, (MULTIBOOT_MEMORY_MAX - 1) * 0x2000ull, 0x1000,
                 MULTIBOOT_MEMORY_AVAILABLE);
}

static void test_header(void **state)
{
    uint64_t room[4] = {0};

    (void)state;
    good_blob();
    assert_int_equal(multiboot_parse((uint8_t *)room + 4, 16, &info), MULTIBOOT_MISALIGNED);
    for (size_t most = 0; most < blob.length; most++)
        assert_int_equal(parse_most(most), MULTIBOOT_TOO_LARGE);
    for (uint32_t total = 0; total < 16; total++) {
        put32(0, total);
        assert_int_equal(parse(), MULTIBOOT_TOO_SMALL);
    }
    put32(0, UINT32_MAX);
    assert_int_equal(parse(), MULTIBOOT_TOO_LARGE);
}

/* Cut anywhere, with a total size that agrees: the end tag is missing or a tag reaches past. */
static void test_every_truncation(void **state)
{
    uint32_t whole;

    (void)state;
    good_blob();
    whole = blob.length;
    for (uint32_t length = 16; length < whole; length++) {
        enum multiboot_result result;

        put32(0, length);
        result = parse_most(length);
        assert_true(result == MULTIBOOT_END_MISSING || result == MULTIBOOT_TAG_PAST_END);
    }
}

static void test_tag_sizes(void **state)
{
    /* Type, and the bytes that its fixed fields take, tag header included. */
    static const struct {
        uint32_t type, least;
    } tags[] = {{3, 16},  {4, 16},  {6, 16},  {8, 32},  {11, 12}, {12, 16},
                {14, 28}, {15, 44}, {17, 16}, {19, 12}, {20, 16}, {21, 12}};
    const uint8_t nothing[64] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        for (uint32_t size = 8; size < tags[i].least; size++) {
            begin();
            if (tags[i].type != 6)
                some_memory();
            tag(tags[i].type, nothing, size - 8);
            end();
            assert_int_equal(parse(), MULTIBOOT_TAG_SHORT);
            assert_int_equal(info.tag_type, tags[i].type);
        }
    }
    for (uint32_t size = 0; size < 8; size++) {
        uint32_t offset;

        begin();
        offset = string_tag(1, "word");
        put32(offset + 4, size);
        end();
        assert_int_equal(parse(), MULTIBOOT_TAG_ENDLESS);
        assert_int_equal(info.tag_offset, offset);
    }
    for (uint32_t size = UINT32_MAX - 16; size != 0; size++) {
        begin();
        put32(string_tag(1, "word") + 4, size);
        end();
        assert_int_equal(parse(), MULTIBOOT_TAG_PAST_END);
    }
}

static void test_tag_twice(void **state)
{
    (void)state;
    begin();
    some_memory();
    string_tag(1, "one");
    string_tag(1, "two");
    end();
    assert_int_equal(parse(), MULTIBOOT_TAG_TWICE);
    assert_string_equal(info.command_line, "one");
    begin();
    some_memory();
    some_memory();
    end();
    assert_int_equal(parse(), MULTIBOOT_TAG_TWICE);
    /* Unknown tags, and those that we do not read, may repeat: "Network information" does. */
    begin();
    some_memory();
    string_tag(16, "dhcp");
    string_tag(16, "dhcp");
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
}

static void test_strings(void **state)
{
    static const uint32_t types[] = {1, 2, 3};
    char line[3000];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        begin();
        some_memory();
        tag(types[i], "\0\0\0\0\0\0\0\0not closed", 18);
        if (types[i] != 3)
            memset(blob.bytes + blob.length - 18, 'x', 8);
        end();
        assert_int_equal(parse(), MULTIBOOT_STRING_OPEN);
        assert_int_equal(info.tag_type, types[i]);
    }
    begin();
    some_memory();
    tag(1, "", 0); /* not even a zero */
    end();
    assert_int_equal(parse(), MULTIBOOT_STRING_OPEN);

    /* Longest that fits, one more, and much more. */
    for (size_t length = MULTIBOOT_COMMAND_LINE_SIZE - 1; length < sizeof(line); length += 777) {
        memset(line, 'x', sizeof(line));
        line[length] = '\0';
        begin();
        some_memory();
        string_tag(1, line);
        string_tag(2, line);
        end();
        assert_int_equal(parse(), MULTIBOOT_OK);
        assert_int_equal(strlen(info.command_line), MULTIBOOT_COMMAND_LINE_SIZE - 1);
        assert_int_equal(info.command_line_lost, length - (MULTIBOOT_COMMAND_LINE_SIZE - 1));
        assert_int_equal(strlen(info.loader), MULTIBOOT_STRING_SIZE - 1);
    }
}

static void test_modules(void **state)
{
    (void)state;
    begin();
    some_memory();
    tag(3, "\0\0\x30\0\xff\xff\x2f\0", 9);
    end();
    assert_int_equal(parse(), MULTIBOOT_MODULE_BACKWARDS);
    assert_int_equal(info.module_count, 0);
    begin();
    some_memory();
    for (int i = 0; i < MULTIBOOT_MODULES_MAX + 2; i++)
        tag(3, "\0\0\x30\0\0\0\x31\0", 9);
    end();
    assert_int_equal(parse(), MULTIBOOT_OK);
    assert_int_equal(info.module_count, MULTIBOOT_MODULES_MAX);
    assert_int_equal(info.module_lost, 2);
}

/* What holds whatever the bytes were. */
static void check_sane(enum multiboot_result result)
{
    assert_true((unsigned)result < MULTIBOOT_RESULT_COUNT);
    assert_true(info.memory_count <= MULTIBOOT_MEMORY_MAX);
    assert_true(info.module_count <= MULTIBOOT_MODULES_MAX);
    assert_non_null(memchr(info.command_line, 0, sizeof(info.command_line)));
    assert_non_null(memchr(info.loader, 0, sizeof(info.loader)));
    for (uint32_t i = 0; i < info.memory_count; i++) {
        assert_true(info.memory[i].length > 0);
        assert_true(info.memory[i].base + info.memory[i].length > info.memory[i].base);
    }
    for (uint32_t i = 0; i < info.module_count; i++)
        assert_true(info.modules[i].end >= info.modules[i].start);
}

static void test_random_damage(void **state)
{
    static struct blob whole;
    uint64_t random = 0x9e3779b97f4a7c15; /* xorshift64, fixed seed */
    unsigned results[MULTIBOOT_RESULT_COUNT] = {0};

    (void)state;
    good_blob();
    whole = blob;
    for (int round = 0; round < 30000; round++) {
        enum multiboot_result result;

        blob = whole;
        for (int flips = round % 8; flips >= 0; flips--) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            blob.bytes[random % whole.length] ^= (uint8_t)(1u << (random >> 32) % 8);
        }
        result = parse();
        check_sane(result);
        results[result]++;
    }
    /* The damage reached the depths, not only the header. */
    assert_true(results[MULTIBOOT_OK] > 0);
    assert_true(results[MULTIBOOT_TAG_PAST_END] > 0);
    assert_true(results[MULTIBOOT_STRING_OPEN] > 0);
    assert_true(results[MULTIBOOT_MEMORY_ENTRY] > 0);
}

static void test_result_text(void **state)
{
    (void)state;
    for (int i = 0; i < MULTIBOOT_RESULT_COUNT; i++) {
        const char *text = multiboot_result_text((enum multiboot_result)i);

        assert_true(strlen(text) > 20);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(text, multiboot_result_text((enum multiboot_result)j));
    }
    assert_string_equal(multiboot_result_text(MULTIBOOT_RESULT_COUNT), "unknown result");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_framebuffer),
        cmocka_unit_test(test_firmware),
        cmocka_unit_test(test_rsdp_order),
        cmocka_unit_test(test_efi_map),
        cmocka_unit_test(test_efi_map_broken),
        cmocka_unit_test(test_basic_memory),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_memory_map_broken),
        cmocka_unit_test(test_memory_wraps),
        cmocka_unit_test(test_memory_full),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_tag_sizes),
        cmocka_unit_test(test_tag_twice),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_random_damage),
        cmocka_unit_test(test_result_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
