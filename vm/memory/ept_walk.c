#include "vm/memory/ept_walk.h"

#include "mm/radix_change.h"

/* What is mapped lies below the end of physical addresses, a power of 2. */
static unsigned width_of(const struct ept *ept)
{
    return (unsigned)__builtin_ctzll(ept->radix.physical_end);
}

struct ept_walk ept_walk(const struct ept *ept, uint64_t guest_physical)
{
    struct ept_walk walk = {.level = LEVEL_PML4 + 1, .entry = ept->radix.root | EPT_ALL};
    uint32_t permissions = EPT_ALL;

    do {
        walk.level--;
        /* beyond four levels there is no entry to decide */
        walk.entry = guest_physical >> RADIX_BITS == 0
                         ? *radix_entry(walk.entry, guest_physical, walk.level)
                         : 0;
        walk.misconfiguration =
            ept_entry_misconfigured(walk.entry, walk.level, &ept->capability, width_of(ept));
        permissions &= (uint32_t)walk.entry;
    } while (walk.misconfiguration == EPT_WELL_CONFIGURED &&
             radix_is_table(&ept_format, walk.entry, walk.level));

    walk.size = radix_size(walk.level);
    walk.guest_physical = guest_physical & ~(walk.size - 1);
    walk.mapped =
        walk.misconfiguration == EPT_WELL_CONFIGURED && radix_is_present(&ept_format, walk.entry);
    if (walk.mapped) {
        walk.physical = radix_physical(walk.entry, walk.level);
        walk.permissions = permissions;
        walk.type = (enum memory_type)((walk.entry & EPT_MEMORY_TYPE) >> EPT_MEMORY_TYPE_SHIFT);
        walk.accessed = ept->capability.ept_accessed_dirty && (walk.entry & EPT_ACCESSED) != 0;
        walk.dirty = ept->capability.ept_accessed_dirty && (walk.entry & EPT_DIRTY) != 0;
    }
    return walk;
}

uint64_t *ept_visit_table(struct ept *ept, struct ept_recent *recent, uint64_t guest_physical)
{
    uint64_t first = guest_physical & ~(radix_size(LEVEL_PD) - 1);
    uint64_t *table =
        guest_physical >> RADIX_BITS == 0 ? radix_make(&ept->radix, first, LEVEL_PT) : NULL;

    if (table == NULL)
        return NULL;
    *recent = (struct ept_recent){guest_physical >> radix_shift(LEVEL_PD), table};
    return &table[radix_index(guest_physical, LEVEL_PT)];
}

enum map_result ept_protect(struct ept *ept, uint64_t guest_physical, uint64_t bytes,
                            uint32_t permissions)
{
    if (!ept_permissions_allowed(permissions, &ept->capability))
        return MAP_BAD_PERMISSIONS;
    return radix_protect(&ept->radix, guest_physical, bytes, ~(RADIX_ADDRESS | EPT_ALL),
                         permissions);
}

enum map_result ept_unmap(struct ept *ept, uint64_t guest_physical, uint64_t bytes)
{
    return radix_unmap(&ept->radix, guest_physical, bytes);
}
