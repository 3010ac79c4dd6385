#include "mm/radix_change.h"

#include <stddef.h>

/* Nothing is to be mapped, so the area may be larger than what lies below physical_end. */
static enum map_result check_address(const struct radix *radix, uint64_t address, uint64_t bytes)
{
    enum map_result result = radix_check(radix, address, 0, bytes);

    return result == MAP_BAD_PHYSICAL ? MAP_OK : result;
}

/* How far from an address the entry that decides about it reaches, within `bytes`. */
static uint64_t reach(uint64_t address, uint64_t bytes, int level)
{
    uint64_t rest = radix_size(level) - address % radix_size(level);

    return rest < bytes ? rest : bytes;
}

static bool all_mapped(const struct radix *radix, uint64_t address, uint64_t bytes)
{
    while (bytes > 0) {
        struct radix_position at = radix_find(radix, address);
        uint64_t step = reach(address, bytes, at.level);

        if (!radix_is_present(radix->format, *at.entry))
            return false;
        address += step;
        bytes -= step;
    }
    return true;
}

/* Leaves without attributes are unmapped. */
static enum map_result change(struct radix *radix, uint64_t address, uint64_t bytes, uint64_t keep,
                              uint64_t attributes)
{
    while (bytes > 0) {
        struct radix_position at = radix_find(radix, address);
        uint64_t step = reach(address, bytes, at.level);

        if (radix_is_present(radix->format, *at.entry) && step < radix_size(at.level)) {
            if (radix_make(radix, address, at.level - 1) == NULL)
                return MAP_NO_MEMORY;
            continue;
        }
        *at.entry = attributes == 0 ? 0
                                    : radix_physical(*at.entry, at.level) | (*at.entry & keep) |
                                          radix_leaf(radix->format, attributes, at.level);
        address += step;
        bytes -= step;
    }
    return MAP_OK;
}

enum map_result radix_protect(struct radix *radix, uint64_t address, uint64_t bytes, uint64_t keep,
                              uint64_t attributes)
{
    enum map_result result = check_address(radix, address, bytes);

    if (result != MAP_OK)
        return result;
    if (!all_mapped(radix, address, bytes))
        return MAP_NOT_MAPPED;
    return change(radix, address, bytes, keep, attributes);
}

enum map_result radix_unmap(struct radix *radix, uint64_t address, uint64_t bytes)
{
    enum map_result result = check_address(radix, address, bytes);

    return result == MAP_OK ? change(radix, address, bytes, 0, 0) : result;
}
