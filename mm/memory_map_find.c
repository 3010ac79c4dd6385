#include "mm/memory_use.h"

static bool is_non_ram(enum memory_kind kind)
{
    return kind == MEMORY_ACPI_RECLAIMABLE || kind == MEMORY_ACPI_NVS || kind == MEMORY_RESERVED;
}

bool memory_map_next_non_ram(const struct memory_map *map, uint64_t *next, uint64_t *base,
                             uint64_t *end)
{
    *base = *next;
    *end = PHYSICAL_END;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->range[i];
        uint64_t last = (range->end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);

        if (is_non_ram(range->kind) || last <= *base)
            continue;
        *end = range->base & ~(PAGE_SIZE - 1);
        if (*base < *end)
            break;
        *base = last;
        *end = PHYSICAL_END;
    }
    *next = *end;
    return *base < *end && !map->full;
}

bool memory_map_find(const struct memory_map *map, uint64_t address, uint64_t bytes,
                     const struct memory_range **range)
{
    uint32_t i = 0;

    *range = NULL;
    while (i < map->count && map->range[i].end <= address)
        i++;
    if (i == map->count || map->range[i].base >= address + bytes)
        return true;
    *range = &map->range[i];
    return map->range[i].base <= address && address + bytes <= map->range[i].end;
}

bool memory_map_is_ram(const struct memory_map *map, uint64_t address, uint64_t bytes)
{
    uint64_t left = bytes;

    for (uint32_t i = 0; i < map->count && left != 0 && !map->full; i++) {
        const struct memory_range *range = &map->range[i];
        uint64_t inside;

        if (range->end <= address)
            continue;
        if (range->base > address || range->kind >= MEMORY_RESERVED)
            return false;
        inside = range->end - address < left ? range->end - address : left;
        address += inside;
        left -= inside;
    }
    return left == 0;
}
