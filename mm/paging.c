#include "mm/paging.h"

#include <stddef.h>

/* SDM Vol. 3, "4-Level Paging and 5-Level Paging", the tables of entry formats. */
#define ENTRY_PRESENT    (1ull << 0)
#define ENTRY_WRITE      (1ull << 1)
#define ENTRY_PWT        (1ull << 3)
#define ENTRY_PCD        (1ull << 4)
#define ENTRY_PAGE_SIZE  (1ull << 7) /* in a PDPTE or PDE: it maps a page */
#define ENTRY_PAT_4K     (1ull << 7)
#define ENTRY_GLOBAL     (1ull << 8)
#define ENTRY_PAT_LARGE  (1ull << 12)
#define ENTRY_NO_EXECUTE (1ull << 63)
#define ENTRY_ADDRESS    0x000ffffffffff000ull

#define PAGE_BYTES   4096ull
#define PHYSICAL_END (1ull << 52)

enum { LEVEL_PT = 1, LEVEL_PD = 2, LEVEL_PDPT = 3, LEVEL_PML4 = 4, LEVELS = 4, ENTRIES = 512 };

static unsigned level_shift(int level)
{
    return 12 + 9 * ((unsigned)level - 1);
}

static uint64_t level_size(int level)
{
    return 1ull << level_shift(level);
}

static unsigned level_index(uint64_t virt, int level)
{
    return (unsigned)(virt >> level_shift(level)) % ENTRIES;
}

static bool is_present(uint64_t entry)
{
    return (entry & ENTRY_PRESENT) != 0;
}

static bool is_leaf(uint64_t entry, int level)
{
    return is_present(entry) && (level == LEVEL_PT || (entry & ENTRY_PAGE_SIZE) != 0);
}

static bool is_table(uint64_t entry, int level)
{
    return is_present(entry) && !is_leaf(entry, level);
}

static uint64_t pat_bit(int level)
{
    return level == LEVEL_PT ? ENTRY_PAT_4K : ENTRY_PAT_LARGE;
}

static uint64_t bit_if(bool condition, uint64_t bit)
{
    return condition ? bit : 0;
}

/* The leaf of a level that has these flags, but for its address. */
static uint64_t leaf_bits(const struct page_tables *tables, uint32_t flags, int level)
{
    bool execute = tables->always_executable || (flags & PAGING_EXECUTE) != 0;

    return ENTRY_PRESENT | bit_if(level > LEVEL_PT, ENTRY_PAGE_SIZE) |
           bit_if(flags & PAGING_WRITE, ENTRY_WRITE) | bit_if(!execute, ENTRY_NO_EXECUTE) |
           bit_if(flags & PAGING_GLOBAL, ENTRY_GLOBAL) | bit_if(flags & PAGING_PAT(1), ENTRY_PWT) |
           bit_if(flags & PAGING_PAT(2), ENTRY_PCD) | bit_if(flags & PAGING_PAT(4), pat_bit(level));
}

static uint32_t leaf_flags(uint64_t entry, int level)
{
    return (uint32_t)(bit_if(entry & ENTRY_WRITE, PAGING_WRITE) |
                      bit_if(!(entry & ENTRY_NO_EXECUTE), PAGING_EXECUTE) |
                      bit_if(entry & ENTRY_GLOBAL, PAGING_GLOBAL) |
                      bit_if(entry & ENTRY_PWT, PAGING_PAT(1)) |
                      bit_if(entry & ENTRY_PCD, PAGING_PAT(2)) |
                      bit_if(entry & pat_bit(level), PAGING_PAT(4)));
}

static uint64_t leaf_physical(uint64_t entry, int level)
{
    return entry & ENTRY_ADDRESS & ~(level_size(level) - 1);
}

/* What the entry of a table takes away from all that is below it. */
static uint32_t table_flags(uint64_t entry)
{
    return ~(uint32_t)(bit_if(!(entry & ENTRY_WRITE), PAGING_WRITE) |
                       bit_if(entry & ENTRY_NO_EXECUTE, PAGING_EXECUTE));
}

static uint64_t *table_of(const struct page_tables *tables, uint64_t entry)
{
    return tables->table_pointer(tables, entry & ENTRY_ADDRESS);
}

/*
 * Puts a table in the place of an entry that is empty or a large page; the table then maps what the
 * large page did. It is complete before the entry points to it: the tables may be in use.
 */
static bool put_table(struct page_tables *tables, uint64_t *entry, int level)
{
    uint64_t physical = tables->table_alloc(tables);

    if (physical == 0)
        return false;
    if (is_present(*entry)) {
        uint64_t *table = table_of(tables, physical);
        uint64_t base = leaf_physical(*entry, level);
        uint64_t bits = leaf_bits(tables, leaf_flags(*entry, level), level - 1);

        for (unsigned i = 0; i < ENTRIES; i++)
            table[i] = (base + i * level_size(level - 1)) | bits;
    }
    *entry = physical | ENTRY_PRESENT | ENTRY_WRITE;
    return true;
}

/* The entry for `virt` in the table of `level`, with tables made down to there; NULL: no memory. */
static uint64_t *entry_at(struct page_tables *tables, uint64_t virt, int level)
{
    uint64_t *table = table_of(tables, tables->root);

    for (int above = LEVEL_PML4; above > level; above--) {
        uint64_t *entry = &table[level_index(virt, above)];

        if (!is_table(*entry, above) && !put_table(tables, entry, above))
            return NULL;
        table = table_of(tables, *entry);
    }
    return &table[level_index(virt, level)];
}

/* The entry that decides about `virt`: the leaf, or the empty one, and its level. */
static uint64_t *deciding_entry(const struct page_tables *tables, uint64_t virt, int *level,
                                uint32_t *allowed)
{
    uint64_t *table = table_of(tables, tables->root);
    uint64_t *entry = &table[level_index(virt, LEVEL_PML4)];

    *allowed = ~0u;
    for (*level = LEVEL_PML4; is_table(*entry, *level);) {
        *allowed &= table_flags(*entry);
        table = table_of(tables, *entry);
        entry = &table[level_index(virt, --*level)];
    }
    return entry;
}

static enum paging_result check_virtual(uint64_t virt, uint64_t bytes)
{
    uint64_t last = virt + (bytes - 1);

    if ((virt | bytes) % PAGE_BYTES != 0)
        return PAGING_MISALIGNED;
    /* bits 63:47 are all alike, and the same at both ends */
    if (bytes == 0 || last < virt || (int64_t)virt >> 47 != (int64_t)last >> 47 ||
        ((int64_t)virt >> 47 != 0 && (int64_t)virt >> 47 != -1))
        return PAGING_NOT_CANONICAL;
    return PAGING_OK;
}

static int largest_level(const struct page_tables *tables, uint64_t addresses, uint64_t bytes)
{
    int level = tables->pages_of_1gib ? LEVEL_PDPT : LEVEL_PD;

    while (level > LEVEL_PT && (addresses % level_size(level) != 0 || bytes < level_size(level)))
        level--;
    return level;
}

enum paging_result paging_map(struct page_tables *tables, uint64_t virt, uint64_t physical,
                              uint64_t bytes, uint32_t flags)
{
    enum paging_result result = check_virtual(virt, bytes);

    if (result == PAGING_OK && physical % PAGE_BYTES != 0)
        result = PAGING_MISALIGNED;
    if (result == PAGING_OK && (physical > PHYSICAL_END || bytes > PHYSICAL_END - physical))
        result = PAGING_BAD_PHYSICAL;
    if (result != PAGING_OK)
        return result;

    while (bytes > 0) {
        int level = largest_level(tables, virt | physical, bytes);
        uint64_t *entry = entry_at(tables, virt, level);
        uint64_t bits, size;

        if (entry == NULL)
            return PAGING_NO_MEMORY;
        while (is_table(*entry, level))
            entry = &table_of(tables, *entry)[level_index(virt, --level)];
        bits = leaf_bits(tables, flags, level);
        size = level_size(level);
        /* on through this table: a larger page can begin only where the next table does */
        do {
            *entry++ = physical | bits;
            virt += size;
            physical += size;
            bytes -= size;
        } while (bytes >= size && level_index(virt, level) != 0 && !is_table(*entry, level));
    }
    return PAGING_OK;
}

/* How far from `virt` the entry that decides about it reaches, within `bytes`. */
static uint64_t reach(uint64_t virt, uint64_t bytes, int level)
{
    uint64_t rest = level_size(level) - virt % level_size(level);

    return rest < bytes ? rest : bytes;
}

static bool all_mapped(const struct page_tables *tables, uint64_t virt, uint64_t bytes)
{
    while (bytes > 0) {
        uint32_t allowed;
        int level;
        uint64_t step;

        if (!is_present(*deciding_entry(tables, virt, &level, &allowed)))
            return false;
        step = reach(virt, bytes, level);
        virt += step;
        bytes -= step;
    }
    return true;
}

/* Unmaps, or gives new flags to what is mapped. */
static enum paging_result change(struct page_tables *tables, uint64_t virt, uint64_t bytes,
                                 bool unmap, uint32_t flags)
{
    while (bytes > 0) {
        uint32_t allowed;
        int level;
        uint64_t *entry = deciding_entry(tables, virt, &level, &allowed);
        uint64_t step = reach(virt, bytes, level);

        if (is_present(*entry) && step < level_size(level)) {
            if (!put_table(tables, entry, level))
                return PAGING_NO_MEMORY;
            continue;
        }
        if (unmap)
            *entry = 0;
        else
            *entry = leaf_physical(*entry, level) | leaf_bits(tables, flags, level);
        virt += step;
        bytes -= step;
    }
    return PAGING_OK;
}

enum paging_result paging_protect(struct page_tables *tables, uint64_t virt, uint64_t bytes,
                                  uint32_t flags)
{
    enum paging_result result = check_virtual(virt, bytes);

    if (result != PAGING_OK)
        return result;
    if (!all_mapped(tables, virt, bytes))
        return PAGING_NOT_MAPPED;
    return change(tables, virt, bytes, false, flags);
}

enum paging_result paging_unmap(struct page_tables *tables, uint64_t virt, uint64_t bytes)
{
    enum paging_result result = check_virtual(virt, bytes);

    return result == PAGING_OK ? change(tables, virt, bytes, true, 0) : result;
}

bool paging_walk(const struct page_tables *tables, uint64_t virt, struct paging_leaf *leaf)
{
    uint32_t allowed;
    int level;
    uint64_t entry;

    if (check_virtual(virt & ~(PAGE_BYTES - 1), PAGE_BYTES) != PAGING_OK)
        return false;
    entry = *deciding_entry(tables, virt, &level, &allowed);
    if (!is_present(entry))
        return false;
    *leaf = (struct paging_leaf){.virtual_base = virt & ~(level_size(level) - 1),
                                 .physical_base = leaf_physical(entry, level),
                                 .size = level_size(level),
                                 .flags = leaf_flags(entry, level) & allowed};
    return true;
}

static uint64_t virtual_of(const unsigned *index, int level)
{
    uint64_t virt = 0;

    for (; level <= LEVEL_PML4; level++)
        virt |= (uint64_t)index[level] << level_shift(level);
    return (uint64_t)((int64_t)(virt << 16) >> 16);
}

void paging_for_each(const struct page_tables *tables,
                     void (*visit)(const struct paging_leaf *leaf, void *context), void *context)
{
    const uint64_t *table[LEVELS + 1];
    unsigned index[LEVELS + 2] = {0}; /* of the entry, by level; one more to end at */
    uint32_t allowed[LEVELS + 1];
    int level = LEVEL_PML4;

    table[level] = table_of(tables, tables->root);
    allowed[level] = ~0u;
    while (level <= LEVEL_PML4) {
        const uint64_t *entries = table[level];
        unsigned i = index[level];

        while (i < ENTRIES && !is_present(entries[i]))
            i++;
        index[level] = i;
        if (i == ENTRIES) {
            index[level++] = 0;
            index[level]++;
        } else if (is_table(entries[i], level)) {
            table[level - 1] = table_of(tables, entries[i]);
            allowed[level - 1] = allowed[level] & table_flags(entries[i]);
            level--;
        } else {
            struct paging_leaf leaf = {.virtual_base = virtual_of(index, level),
                                       .physical_base = leaf_physical(entries[i], level),
                                       .size = level_size(level),
                                       .flags = leaf_flags(entries[i], level) & allowed[level]};

            visit(&leaf, context);
            index[level]++;
        }
    }
}
