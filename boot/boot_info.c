#include "boot/boot_info.h"

#include "lib/string.h"

bool boot_info_add_memory(struct boot_info *info, uint64_t base, uint64_t length, uint32_t number)
{
    bool known = number >= BOOT_MEMORY_AVAILABLE && number <= BOOT_MEMORY_BAD;
    enum boot_memory_kind kind = known ? (enum boot_memory_kind)number : BOOT_MEMORY_RESERVED;
    struct boot_memory *last =
        info->memory_count > 0 ? &info->memory[info->memory_count - 1] : NULL;

    if (length > UINT64_MAX - base) {
        if (kind == BOOT_MEMORY_AVAILABLE)
            return false;
        length = UINT64_MAX - base;
    }
    if (length == 0)
        return true;
    if (last != NULL && last->kind == kind && last->base + last->length == base) {
        last->length += length;
    } else if (info->memory_count < BOOT_MEMORY_MAX) {
        info->memory[info->memory_count++] = (struct boot_memory){base, length, kind};
    } else {
        info->memory_lost++;
    }
    return true;
}

bool boot_info_copy_string(char *to, size_t size, const char *from, size_t room, uint32_t *lost)
{
    size_t length = strnlen(from, room);
    size_t fits = length < size ? length : size - 1;

    if (length == room)
        return false;
    memcpy(to, from, fits);
    to[fits] = '\0';
    *lost = (uint32_t)(length - fits);
    return true;
}

const char *boot_info_read(uint32_t magic, const uint8_t *memory, uint64_t bytes,
                           uint64_t information, struct boot_info *info)
{
    SET_FOR_EACH(boot_protocols, protocol) {
        if ((*protocol)->magic == magic)
            return (*protocol)->read(memory, bytes, information, info);
    }
    return "no boot protocol is known by the loader's magic number";
}
