#include "vm/memory/ept.h"

#include <stddef.h>

#include "vmx/eptp.h"

#define PAGE_BYTES         4096ull
#define GUEST_PHYSICAL_END (1ull << 48) /* four levels translate so much */

#define NO_RECENT_TABLE UINT64_MAX

static uint64_t *table_of(const struct ept *ept, uint64_t entry)
{
    return ept->table_pointer(ept, entry & EPT_ADDRESS);
}

enum ept_result ept_init(struct ept *ept, const struct ept_capability *capability)
{
    ept->capability = *capability;
    ept->recent_2m = NO_RECENT_TABLE;
    ept->root = ept->table_alloc(ept);
    return ept->root != 0 ? EPT_OK : EPT_NO_MEMORY;
}

uint64_t ept_pointer(const struct ept *ept)
{
    uint64_t type = ept->capability.write_back ? MEMORY_TYPE_WB : MEMORY_TYPE_UC;

    return ept->root | (ept->capability.accessed_dirty ? EPTP_ACCESSED_DIRTY : 0) | EPTP_WALK_4 |
           type;
}

static uint64_t leaf_bits(uint32_t permissions, enum memory_type type, int level)
{
    return permissions | (uint64_t)type << EPT_MEMORY_TYPE_SHIFT |
           (level > EPT_LEVEL_PT ? EPT_PAGE : 0);
}

/*
 * Puts a table in the place of an entry that is empty or a large page; the table then maps what the
 * large page did, with its accessed and dirty flags, lest a page that was written look clean. It is
 * complete before the entry points to it: the tables may be in use.
 */
static bool put_table(struct ept *ept, uint64_t *entry, int level)
{
    uint64_t physical = ept->table_alloc(ept);

    if (physical == 0)
        return false;
    if (ept_is_present(*entry)) {
        uint64_t *table = table_of(ept, physical);
        uint64_t base = ept_leaf_physical(*entry, level);
        uint64_t bits = *entry & ~(EPT_ADDRESS | EPT_PAGE);

        if (level - 1 > EPT_LEVEL_PT)
            bits |= EPT_PAGE;
        for (unsigned i = 0; i < EPT_ENTRIES; i++)
            table[i] = (base + i * ept_level_size(level - 1)) | bits;
    }
    *entry = physical | EPT_ALL;
    return true;
}

/* The entry for an address in the table of `level`, with tables made down to there; NULL: none. */
static uint64_t *entry_at(struct ept *ept, uint64_t guest_physical, int level)
{
    uint64_t *table = table_of(ept, ept->root);

    for (int above = EPT_LEVEL_PML4; above > level; above--) {
        uint64_t *entry = &table[ept_level_index(guest_physical, above)];

        if (!ept_is_table(*entry, above) && !put_table(ept, entry, above))
            return NULL;
        table = table_of(ept, *entry);
    }
    return &table[ept_level_index(guest_physical, level)];
}

/* The entry that decides about an address: the leaf, or the empty one, and its level. */
static uint64_t *deciding_entry(const struct ept *ept, uint64_t guest_physical, int *level)
{
    uint64_t *table = table_of(ept, ept->root);
    uint64_t *entry = &table[ept_level_index(guest_physical, EPT_LEVEL_PML4)];

    for (*level = EPT_LEVEL_PML4; ept_is_table(*entry, *level);) {
        table = table_of(ept, *entry);
        entry = &table[ept_level_index(guest_physical, --*level)];
    }
    return entry;
}

static enum ept_result check_guest_physical(uint64_t guest_physical, uint64_t bytes)
{
    if ((guest_physical | bytes) % PAGE_BYTES != 0)
        return EPT_MISALIGNED;
    if (bytes == 0 || guest_physical >= GUEST_PHYSICAL_END ||
        bytes > GUEST_PHYSICAL_END - guest_physical)
        return EPT_BAD_GUEST_PHYSICAL;
    return EPT_OK;
}

/* All that could make a leaf misconfigured. */
static enum ept_result check_leaves(const struct ept *ept, uint64_t physical, uint64_t bytes,
                                    uint32_t permissions, enum memory_type type)
{
    uint64_t end = 1ull << ept->capability.physical_address_width;

    if (physical % PAGE_BYTES != 0)
        return EPT_MISALIGNED;
    if (physical >= end || bytes > end - physical)
        return EPT_BAD_PHYSICAL;
    if (!ept_permissions_allowed(permissions, &ept->capability))
        return EPT_BAD_PERMISSIONS;
    if (!ept_memory_type_allowed(type))
        return EPT_BAD_MEMORY_TYPE;
    return EPT_OK;
}

/* Pages of 1 GiB only where there are pages of 2 MiB for them to be split into. */
static bool has_pages_of(const struct ept *ept, int level)
{
    const struct ept_capability *has = &ept->capability;

    return level == EPT_LEVEL_PT || (has->pages_2m && (level == EPT_LEVEL_PD || has->pages_1g));
}

static bool fits(uint64_t addresses, uint64_t bytes, int level)
{
    return addresses % ept_level_size(level) == 0 && bytes >= ept_level_size(level);
}

enum ept_result ept_map(struct ept *ept, uint64_t guest_physical, uint64_t physical, uint64_t bytes,
                        uint32_t permissions, enum memory_type type)
{
    enum ept_result result = check_guest_physical(guest_physical, bytes);

    if (result == EPT_OK)
        result = check_leaves(ept, physical, bytes, permissions, type);
    if (result != EPT_OK)
        return result;

    while (bytes > 0) {
        int level = EPT_LEVEL_PDPT;
        uint64_t *entry;
        uint64_t bits, size;

        while (!has_pages_of(ept, level) || !fits(guest_physical | physical, bytes, level))
            level--;
        entry = entry_at(ept, guest_physical, level);
        if (entry == NULL)
            return EPT_NO_MEMORY;
        while (ept_is_table(*entry, level))
            entry = &table_of(ept, *entry)[ept_level_index(guest_physical, --level)];
        bits = leaf_bits(permissions, type, level);
        size = ept_level_size(level);
        /* on through this table: a larger page can begin only where the next table does */
        do {
            *entry++ = physical | bits;
            guest_physical += size;
            physical += size;
            bytes -= size;
        } while (bytes >= size && ept_level_index(guest_physical, level) != 0 &&
                 !ept_is_table(*entry, level));
    }
    return EPT_OK;
}

/* Makes the page table for an address the one that ept_map_page() writes to without a walk. */
static __attribute__((noinline)) enum ept_result visit_table(struct ept *ept,
                                                             uint64_t guest_physical)
{
    enum ept_result result = check_guest_physical(guest_physical & ~(PAGE_BYTES - 1), PAGE_BYTES);
    uint64_t first = guest_physical & ~(ept_level_size(EPT_LEVEL_PD) - 1);
    uint64_t *table;

    if (result != EPT_OK)
        return result;
    table = entry_at(ept, first, EPT_LEVEL_PT);
    if (table == NULL)
        return EPT_NO_MEMORY;
    ept->recent_2m = guest_physical >> ept_level_shift(EPT_LEVEL_PD);
    ept->recent_table = table;
    return EPT_OK;
}

enum ept_result ept_map_page(struct ept *ept, uint64_t guest_physical, uint64_t physical,
                             uint32_t permissions, enum memory_type type)
{
    enum ept_result result = check_leaves(ept, physical, PAGE_BYTES, permissions, type);

    if (result == EPT_OK && guest_physical >> ept_level_shift(EPT_LEVEL_PD) != ept->recent_2m)
        result = visit_table(ept, guest_physical);
    if (result == EPT_OK)
        ept->recent_table[ept_level_index(guest_physical, EPT_LEVEL_PT)] =
            physical | leaf_bits(permissions, type, EPT_LEVEL_PT);
    return result;
}

enum ept_result ept_map_by_type(struct ept *ept, uint64_t guest_physical, uint64_t physical,
                                uint64_t bytes, uint32_t permissions,
                                const struct ept_memory_types *types)
{
    enum ept_result result = check_guest_physical(guest_physical, bytes);

    if (result == EPT_OK)
        result = check_leaves(ept, physical, bytes, permissions, MEMORY_TYPE_UC);

    while (result == EPT_OK && bytes > 0) {
        enum memory_type type = MEMORY_TYPE_MIXED;
        int level = EPT_LEVEL_PDPT + 1;
        uint64_t size;

        while (!ept_memory_type_allowed(type) && level > EPT_LEVEL_PT) {
            level--;
            if (fits(guest_physical | physical, bytes, level))
                type = types->type(types->context, physical, ept_level_size(level));
        }
        if (!ept_memory_type_allowed(type))
            type = MEMORY_TYPE_UC;
        size = ept_level_size(level);
        result = ept_map(ept, guest_physical, physical, size, permissions, type);
        guest_physical += size;
        physical += size;
        bytes -= size;
    }
    return result;
}

enum ept_result ept_identity(struct ept *ept, uint64_t physical, uint64_t bytes,
                             uint32_t permissions, const struct ept_memory_types *types)
{
    return ept_map_by_type(ept, physical, physical, bytes, permissions, types);
}

/* How far from an address the entry that decides about it reaches, within `bytes`. */
static uint64_t reach(uint64_t guest_physical, uint64_t bytes, int level)
{
    uint64_t rest = ept_level_size(level) - guest_physical % ept_level_size(level);

    return rest < bytes ? rest : bytes;
}

static bool all_mapped(const struct ept *ept, uint64_t guest_physical, uint64_t bytes)
{
    while (bytes > 0) {
        int level;
        uint64_t step;

        if (!ept_is_present(*deciding_entry(ept, guest_physical, &level)))
            return false;
        step = reach(guest_physical, bytes, level);
        guest_physical += step;
        bytes -= step;
    }
    return true;
}

/* Gives what is mapped new permissions; none: unmaps it. */
static enum ept_result change(struct ept *ept, uint64_t guest_physical, uint64_t bytes,
                              uint32_t permissions)
{
    while (bytes > 0) {
        int level;
        uint64_t *entry = deciding_entry(ept, guest_physical, &level);
        uint64_t step = reach(guest_physical, bytes, level);

        if (ept_is_present(*entry) && step < ept_level_size(level)) {
            if (!put_table(ept, entry, level))
                return EPT_NO_MEMORY;
            continue;
        }
        *entry = permissions == 0 ? 0 : (*entry & ~(uint64_t)EPT_ALL) | permissions;
        guest_physical += step;
        bytes -= step;
    }
    return EPT_OK;
}

enum ept_result ept_protect(struct ept *ept, uint64_t guest_physical, uint64_t bytes,
                            uint32_t permissions)
{
    enum ept_result result = check_guest_physical(guest_physical, bytes);

    if (result != EPT_OK)
        return result;
    if (!ept_permissions_allowed(permissions, &ept->capability))
        return EPT_BAD_PERMISSIONS;
    if (!all_mapped(ept, guest_physical, bytes))
        return EPT_NOT_MAPPED;
    return change(ept, guest_physical, bytes, permissions);
}

enum ept_result ept_unmap(struct ept *ept, uint64_t guest_physical, uint64_t bytes)
{
    enum ept_result result = check_guest_physical(guest_physical, bytes);

    return result == EPT_OK ? change(ept, guest_physical, bytes, 0) : result;
}

struct ept_walk ept_walk(const struct ept *ept, uint64_t guest_physical)
{
    struct ept_walk walk = {.level = EPT_LEVEL_PML4 + 1, .entry = ept->root | EPT_ALL};
    uint32_t permissions = EPT_ALL;

    do {
        walk.level--;
        /* beyond four levels there is no entry to decide */
        walk.entry = guest_physical < GUEST_PHYSICAL_END
                         ? table_of(ept, walk.entry)[ept_level_index(guest_physical, walk.level)]
                         : 0;
        walk.misconfiguration = ept_entry_misconfigured(walk.entry, walk.level, &ept->capability);
        permissions &= (uint32_t)walk.entry;
    } while (walk.misconfiguration == EPT_WELL_CONFIGURED && ept_is_table(walk.entry, walk.level));

    walk.size = ept_level_size(walk.level);
    walk.guest_physical = guest_physical & ~(walk.size - 1);
    walk.mapped = walk.misconfiguration == EPT_WELL_CONFIGURED && ept_is_present(walk.entry);
    if (walk.mapped) {
        walk.physical = ept_leaf_physical(walk.entry, walk.level);
        walk.permissions = permissions;
        walk.type = (enum memory_type)((walk.entry & EPT_MEMORY_TYPE) >> EPT_MEMORY_TYPE_SHIFT);
        walk.accessed = ept->capability.accessed_dirty && (walk.entry & EPT_ACCESSED) != 0;
        walk.dirty = ept->capability.accessed_dirty && (walk.entry & EPT_DIRTY) != 0;
    }
    return walk;
}
