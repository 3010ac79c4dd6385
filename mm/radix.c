#include "mm/radix.h"

#include <stddef.h>

static uint64_t table_alloc(struct radix *radix)
{
    return radix->cache != NULL ? page_cache_alloc(radix->cache) : pages_alloc(0);
}

bool radix_init(struct radix *radix)
{
    radix->root = table_alloc(radix);
    return radix->root != 0;
}

/*
 * Puts a table in the place of an entry that is empty or a large page; the table then maps what the
 * large page did, with its accessed and dirty flags, lest a page that was written look clean. It is
 * complete before the entry points to it: the tables may be in use.
 */
static bool put_table(struct radix *radix, uint64_t *entry, int level)
{
    uint64_t physical = table_alloc(radix);

    if (physical == 0)
        return false;
    if (radix_is_present(radix->format, *entry)) {
        uint64_t *table = phys_to_virt(physical);
        uint64_t base = radix_physical(*entry, level);
        uint64_t bits = radix_leaf(radix->format, *entry ^ base, level - 1);

        for (unsigned i = 0; i < RADIX_ENTRIES; i++)
            table[i] = (base + i * radix_size(level - 1)) | bits;
    }
    *entry = physical | radix->format->table;
    return true;
}

uint64_t *radix_make(struct radix *radix, uint64_t address, int level)
{
    uint64_t *entry = radix_entry(radix->root, address, LEVEL_PML4);

    for (int above = LEVEL_PML4; above > level; above--) {
        if (!radix_is_table(radix->format, *entry, above) && !put_table(radix, entry, above))
            return NULL;
        entry = radix_entry(*entry, address, above - 1);
    }
    return entry;
}

struct radix_position radix_find(const struct radix *radix, uint64_t address)
{
    struct radix_position at = {radix_entry(radix->root, address, LEVEL_PML4), LEVEL_PML4};

    while (radix_is_table(radix->format, *at.entry, at.level))
        at.entry = radix_entry(*at.entry, address, --at.level);
    return at;
}

enum map_result radix_check(const struct radix *radix, uint64_t address, uint64_t physical,
                            uint64_t bytes)
{
    const struct radix_format *format = radix->format;
    uint64_t last = address + (bytes - 1);
    int64_t half = (int64_t)address >> format->half_bits;

    if ((address | physical | bytes) % PAGE_SIZE != 0)
        return MAP_MISALIGNED;
    if (bytes == 0 || last < address || half != (int64_t)last >> format->half_bits || half > 0 ||
        half < format->lowest_half)
        return MAP_BAD_ADDRESS;
    if (physical > radix->physical_end || bytes > radix->physical_end - physical)
        return MAP_BAD_PHYSICAL;
    return MAP_OK;
}

enum map_result radix_map(struct radix *radix, uint64_t address, uint64_t physical, uint64_t bytes,
                          uint64_t attributes)
{
    const struct radix_format *format = radix->format;
    enum map_result result = radix_check(radix, address, physical, bytes);

    if (result != MAP_OK)
        return result;
    while (bytes > 0) {
        int level = radix->largest;
        uint64_t *entry;
        uint64_t bits, size;

        while (!radix_fits(address | physical, bytes, level))
            level--;
        entry = radix_make(radix, address, level);
        if (entry == NULL)
            return MAP_NO_MEMORY;
        while (radix_is_table(format, *entry, level))
            entry = radix_entry(*entry, address, --level);
        bits = radix_leaf(format, attributes, level);
        size = radix_size(level);
        /* on through this table: a larger page can begin only where the next table does */
        do {
            *entry++ = physical | bits;
            address += size;
            physical += size;
            bytes -= size;
        } while (bytes >= size && radix_index(address, level) != 0 &&
                 !radix_is_table(format, *entry, level));
    }
    return MAP_OK;
}
