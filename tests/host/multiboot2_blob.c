#include "tests/host/multiboot2_blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/boot.h"
#include "boot/multiboot2_rest.h"

struct blob blob;
struct boot_info info;

void put32(uint32_t offset, uint32_t value)
{
    memcpy(blob.bytes + offset, &value, sizeof(value));
}

void begin_blob(void)
{
    memset(&blob, 0, sizeof(blob));
    blob.length = 8;
    boot_framebuffer = (struct boot_framebuffer){0};
}

uint32_t tag(uint32_t type, const void *payload, uint32_t size)
{
    uint32_t offset = (blob.length + 7) / 8 * 8;

    put32(offset, type);
    put32(offset + 4, 8 + size);
    memcpy(blob.bytes + offset + 8, payload, size);
    blob.length = offset + 8 + size;
    return offset;
}

uint32_t string_tag(uint32_t type, const char *string)
{
    return tag(type, string, (uint32_t)strlen(string) + 1);
}

void end_blob(void)
{
    tag(0, "", 0);
    put32(0, blob.length);
}

struct map {
    uint32_t entry_size, version;
    struct entry entries[300];
};

uint32_t memory_tag(const struct entry *entries, uint32_t count)
{
    static struct map map;

    map = (struct map){.entry_size = sizeof(struct entry)};
    memcpy(map.entries, entries, count * sizeof(*entries));
    return tag(6, &map, 8 + count * (uint32_t)sizeof(*entries));
}

void some_memory(void)
{
    memory_tag((struct entry[]){{0x100000, 0x700000, 1, 0}}, 1);
}

enum multiboot_result result_of(const char *wrong)
{
    static const char *const texts[] = {
#define RESULT(name, sentence) [MULTIBOOT_##name] = (sentence),
        MULTIBOOT_RESULTS(RESULT)
#undef RESULT
    };

    for (unsigned i = 1; wrong != NULL && i < MULTIBOOT_RESULT_COUNT; i++) {
        if (strcmp(wrong, texts[i]) == 0)
            return (enum multiboot_result)i;
    }
    assert_null(wrong);
    return MULTIBOOT_OK;
}

enum multiboot_result parse_most(size_t most)
{
    uint8_t *copy = malloc(most);
    enum multiboot_result result;

    assert_non_null(copy);
    memcpy(copy, blob.bytes, most);
    result = result_of(boot_info_read(MULTIBOOT2_BOOT_MAGIC, copy, most, 0, &info));
    free(copy);
    return result;
}

enum multiboot_result parse(void)
{
    return parse_most(blob.length);
}

struct efi_map {
    uint32_t descriptor_size, version;
    struct efi entries[32];
};

uint32_t efi_tag(const struct efi *entries, uint32_t count)
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

void good_blob(void)
{
    char rsdp_old[20] = "RSD PTR old";
    char rsdp_new[36] = "RSD PTR new";

    begin_blob();
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
    end_blob();
}

void check_memory(uint32_t i, uint64_t base, uint64_t length, unsigned kind)
{
    assert_true(i < info.memory_count);
    assert_int_equal(info.memory[i].base, base);
    assert_int_equal(info.memory[i].end - info.memory[i].base, length);
    assert_int_equal(info.memory[i].kind, kind);
}
