#include "boot/boot_info.h"

#include "lib/string.h"

/* Multiboot2 Specification, "Memory map"; the BIOS and PVH have the same numbers. */
enum memory_kind boot_memory_kind(uint32_t number)
{
    static const uint8_t kinds[] = {MEMORY_RESERVED,         MEMORY_AVAILABLE, MEMORY_RESERVED,
                                    MEMORY_ACPI_RECLAIMABLE, MEMORY_ACPI_NVS,  MEMORY_BAD};

    return number < sizeof(kinds) ? (enum memory_kind)kinds[number] : MEMORY_RESERVED;
}

const char *boot_info_add_memory(struct boot_info *info, enum memory_kind kind, uint64_t base,
                                 uint64_t length)
{
    struct memory_range *last =
        info->memory_count > 0 ? &info->memory[info->memory_count - 1] : NULL;

    if (length > UINT64_MAX - base) {
        if (kind == MEMORY_AVAILABLE)
            return "available memory in the memory map reaches past the last 64-bit address";
        length = UINT64_MAX - base;
    }
    if (length == 0)
        return NULL;
    if (last != NULL && last->kind == kind && last->end == base) {
        last->end += length;
    } else if (info->memory_count < BOOT_MEMORY_MAX) {
        info->memory[info->memory_count++] = (struct memory_range){base, base + length, kind};
    } else {
        info->memory_lost++;
    }
    return NULL;
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
