#include "mm/memory_use.h"

#include "lib/string.h"

#define MIB (1ull << 20)

static const char *owned_byte(uint64_t physical)
{
    static const char *const owners[MEMORY_KIND_COUNT] = {
        [MEMORY_AVAILABLE] = "its page pool",
        [MEMORY_TAKEN] = "memory that it keeps",
        [MEMORY_BAD] = "memory that does not work",
    };
    const struct memory_range *range;

    (void)memory_map_find(memory_layout(), physical, 1, &range);
    if (memory_is_image(physical, physical + 1))
        return "its image";
    return range != NULL ? owners[range->kind] : NULL;
}

const char *memory_owned(uint64_t physical)
{
    uint64_t page = physical & ~(PAGE_SIZE - 1);
    const char *first = owned_byte(page);

    return first != NULL ? first : owned_byte(page + PAGE_SIZE - 1);
}

enum memory_type memory_non_ram_type(const struct memory_types_state *types, uint64_t physical,
                                     uint64_t bytes)
{
    const struct memory_range *range;

    if (physical + bytes <= MIB)
        return memory_type_mtrr(types, physical, bytes);
    if (!memory_map_find(memory_layout(), physical, bytes, &range))
        return MEMORY_TYPE_MIXED;
    if (range == NULL || range->kind == MEMORY_RESERVED)
        return MEMORY_TYPE_UC;
    return memory_type_mtrr(types, physical, bytes);
}

bool memory_next_non_ram(uint64_t *next, uint64_t *base, uint64_t *end)
{
    return memory_map_next_non_ram(memory_layout(), next, base, end);
}

/* The direct map has all RAM that is looked after, but for the image. */
bool memory_read(uint64_t physical, void *to, size_t bytes)
{
    uint64_t end = physical + bytes;

    if (!memory_map_is_ram(memory_layout(), physical, bytes) || end > RAM_END_MAX ||
        memory_is_image(physical, end))
        return false;
    memcpy(to, phys_to_virt(physical), bytes);
    return true;
}
