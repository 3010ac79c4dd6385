/*
 * The parser of the Multiboot2 information on whatever libFuzzer thinks of, from a heap copy of its
 * exact size. The input is a list of tags: a byte for the type, one for the bytes that follow. The
 * harness lays them out and, where the type's top bit says so, gives a memory map entries of the
 * right size, so that the time goes into what the tags hold. Then one number of the input is put
 * over four bytes anywhere.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/boot_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INFO_MAX = 16384, DAMAGE = 6, TYPES = 24, RIGHT_SIZE = 0x80, TAG_MOST = 512 };

static _Alignas(8) uint8_t info[INFO_MAX];

static void put32(size_t offset, uint32_t value)
{
    memcpy(info + offset, &value, sizeof(value));
}

/* Lays out one tag at `at`, of `length` bytes after its header; returns where the next begins. */
static uint32_t lay_out(uint32_t at, uint8_t kind, const uint8_t *payload, uint32_t length)
{
    uint32_t type = (kind & ~(uint32_t)RIGHT_SIZE) % TYPES;
    uint32_t entry = type == 6 ? 24 : type == 17 ? 48 : 0;

    memcpy(info + at + 8, payload, length);
    if ((kind & RIGHT_SIZE) && entry != 0 && length >= 8) {
        length = 8 + (length - 8) / entry * entry;
        put32(at + 8, entry);
    }
    put32(at, type);
    put32(at + 4, 8 + length);
    return at + 8 + (length + 7) / 8 * 8;
}

static void check(const struct boot_info *parsed)
{
    if (parsed->memory_count > BOOT_MEMORY_MAX || parsed->module_count > BOOT_MODULES_MAX)
        abort();
    for (uint32_t i = 0; i < parsed->memory_count; i++) {
        if (parsed->memory[i].end <= parsed->memory[i].base)
            abort();
    }
    for (uint32_t i = 0; i < parsed->module_count; i++) {
        if (parsed->modules[i].end < parsed->modules[i].start)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_info parsed;
    uint32_t at = 8;
    const uint8_t *damage = data;
    uint8_t *copy;

    if (size < DAMAGE)
        return 0;
    memset(info, 0, sizeof(info));
    data += DAMAGE;
    size -= DAMAGE;
    while (size >= 2 && at < INFO_MAX - TAG_MOST) {
        size_t length = data[1] < size - 2 ? data[1] : size - 2;

        at = lay_out(at, data[0], data + 2, (uint32_t)length);
        data += 2 + length;
        size -= 2 + length;
    }
    put32(at + 4, 8);
    at += 8;
    put32(0, at);
    if (damage[0] & 1)
        memcpy(info + 4 + (damage[0] << 8 | damage[1]) % (at - 8), damage + 2, 4);

    copy = malloc(at); /* 8-aligned */
    if (copy == NULL)
        abort();
    memcpy(copy, info, at);
    (void)boot_info_read(MULTIBOOT2_BOOT_MAGIC, copy, at, 0, &parsed);
    check(&parsed);
    free(copy);
    return 0;
}
