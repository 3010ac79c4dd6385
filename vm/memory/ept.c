#include "vm/memory/ept.h"

#include <stddef.h>

#include "mm/page_alloc.h"
#include "vmx/vmcs_image.h"

#define NO_RECENT_TABLE UINT64_MAX

/* Pages of 1 GiB only where there are pages of 2 MiB for them to be split into. */
static int largest_page(const struct ept_capability *has)
{
    return !has->pages_2m ? LEVEL_PT : !has->pages_1g ? LEVEL_PD : LEVEL_PDPT;
}

enum map_result ept_init(struct ept *ept, const struct ept_capability *capability,
                         struct page_cache *cache)
{
    *ept = (struct ept){
        .radix = {.format = &ept_format,
                  .cache = cache,
                  .physical_end = 1ull << capability->physical_address_width,
                  .largest = largest_page(capability)},
        .capability = *capability,
        .recent_2m = NO_RECENT_TABLE,
    };
    return radix_init(&ept->radix) ? MAP_OK : MAP_NO_MEMORY;
}

uint64_t ept_pointer(const struct ept *ept)
{
    uint64_t type = ept->capability.write_back ? MEMORY_TYPE_WB : MEMORY_TYPE_UC;

    return ept->radix.root | (ept->capability.accessed_dirty ? EPTP_ACCESSED_DIRTY : 0) |
           EPTP_WALK_4 | type;
}

static uint64_t attributes(uint32_t permissions, enum memory_type type)
{
    return permissions | (uint64_t)type << EPT_MEMORY_TYPE_SHIFT;
}

/* What would make a leaf misconfigured, beside its address. */
static enum map_result check_leaf(const struct ept *ept, uint32_t permissions,
                                  enum memory_type type)
{
    if (!ept_permissions_allowed(permissions, &ept->capability))
        return MAP_BAD_PERMISSIONS;
    if (!ept_memory_type_allowed(type))
        return MAP_BAD_MEMORY_TYPE;
    return MAP_OK;
}

enum map_result ept_map(struct ept *ept, uint64_t guest_physical, uint64_t physical, uint64_t bytes,
                        uint32_t permissions, enum memory_type type)
{
    enum map_result result = check_leaf(ept, permissions, type);

    return result != MAP_OK ? result
                            : radix_map(&ept->radix, guest_physical, physical, bytes,
                                        attributes(permissions, type));
}

uint64_t *ept_visit_table(struct ept *ept, uint64_t guest_physical)
{
    uint64_t first = guest_physical & ~(radix_size(LEVEL_PD) - 1);
    uint64_t *table;

    if (guest_physical >> RADIX_BITS != 0)
        return NULL;
    table = radix_make(&ept->radix, first, LEVEL_PT);
    if (table == NULL)
        return NULL;
    ept->recent_2m = guest_physical >> radix_shift(LEVEL_PD);
    ept->recent_table = table;
    return &table[radix_index(guest_physical, LEVEL_PT)];
}

enum map_result ept_map_by_type(struct ept *ept, uint64_t guest_physical, uint64_t physical,
                                uint64_t bytes, uint32_t permissions,
                                const struct ept_memory_types *types)
{
    enum map_result result = radix_check(&ept->radix, guest_physical, physical, bytes);

    while (result == MAP_OK && bytes > 0) {
        enum memory_type type = MEMORY_TYPE_MIXED;
        int level = LEVEL_PDPT + 1;
        uint64_t size;

        while (!ept_memory_type_allowed(type) && level > LEVEL_PT) {
            level--;
            if (radix_fits(guest_physical | physical, bytes, level))
                type = types->type(types->context, physical, radix_size(level));
        }
        if (!ept_memory_type_allowed(type))
            type = MEMORY_TYPE_UC;
        size = radix_size(level);
        result = ept_map(ept, guest_physical, physical, size, permissions, type);
        guest_physical += size;
        physical += size;
        bytes -= size;
    }
    return result;
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
        walk.misconfiguration = ept_entry_misconfigured(walk.entry, walk.level, &ept->capability);
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
        walk.accessed = ept->capability.accessed_dirty && (walk.entry & EPT_ACCESSED) != 0;
        walk.dirty = ept->capability.accessed_dirty && (walk.entry & EPT_DIRTY) != 0;
    }
    return walk;
}
