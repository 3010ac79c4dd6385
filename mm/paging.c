#include "mm/paging.h"

/* SDM Vol. 3, "4-Level Paging and 5-Level Paging", the tables of entry formats. */
#define ENTRY_PRESENT    (1ull << 0)
#define ENTRY_PAT_4K     (1ull << 7)
#define ENTRY_PAT_LARGE  (1ull << 12)
#define ENTRY_NO_EXECUTE PAGING_EXECUTE

static const struct radix_format format = {
    .present = ENTRY_PRESENT,
    .table = ENTRY_PRESENT | PAGING_WRITE,
    .pat = ENTRY_PAT_LARGE,
    .forbid = ENTRY_NO_EXECUTE,
    .half_bits = RADIX_BITS - 1, /* canonical addresses: both halves */
    .lowest_half = -1,
};

bool paging_init(struct page_tables *tables, bool pages_of_1gib, bool always_executable,
                 struct page_cache *cache)
{
    *tables = (struct page_tables){
        .radix = {.format = &format,
                  .cache = cache,
                  .physical_end = 1ull << 52,
                  .largest = pages_of_1gib ? LEVEL_PDPT : LEVEL_PD},
        .always_executable = always_executable,
    };
    return radix_init(&tables->radix);
}

/* These flags as a large page has them. */
static uint64_t attributes(const struct page_tables *tables, uint64_t flags)
{
    return ENTRY_PRESENT |
           (tables->always_executable ? flags & ~ENTRY_NO_EXECUTE : flags ^ ENTRY_NO_EXECUTE);
}

/* The flags that a leaf has, given what the tables above it allow. */
static uint64_t flags_of(const struct radix_position *at)
{
    uint64_t flags = *at->entry ^ ENTRY_NO_EXECUTE;

    if (at->level == LEVEL_PT)
        flags = (flags & ~ENTRY_PAT_LARGE) | ((flags & ENTRY_PAT_4K) != 0 ? ENTRY_PAT_LARGE : 0);
    return flags &
           (PAGING_GLOBAL | PAGING_PAT_MASK | ((PAGING_WRITE | PAGING_EXECUTE) & at->allowed));
}

static struct paging_leaf leaf_at(const struct radix_position *at, uint64_t virt)
{
    uint64_t size = radix_size(at->level);

    return (struct paging_leaf){.virtual_base = virt & ~(size - 1),
                                .physical_base = radix_physical(*at->entry, at->level),
                                .size = size,
                                .flags = flags_of(at)};
}

enum map_result paging_map(struct page_tables *tables, uint64_t virt, uint64_t physical,
                           uint64_t bytes, uint64_t flags)
{
    return radix_map(&tables->radix, virt, physical, bytes, attributes(tables, flags));
}

/* Bits 63:47 of a canonical address are alike. */
static uint64_t canonical(uint64_t virt)
{
    return (uint64_t)((int64_t)(virt << 16) >> 16);
}

bool paging_walk(const struct page_tables *tables, uint64_t virt, struct paging_leaf *leaf)
{
    struct radix_position at = radix_find(&tables->radix, virt);

    if (virt != canonical(virt) || !radix_is_present(&format, *at.entry))
        return false;
    *leaf = leaf_at(&at, virt);
    return true;
}

bool paging_next(const struct page_tables *tables, uint64_t *from, struct paging_leaf *leaf)
{
    while (*from < 1ull << RADIX_BITS) {
        struct radix_position at = radix_find(&tables->radix, *from);

        do {
            uint64_t virt = *from;

            *from += radix_size(at.level);
            if (radix_is_present(&format, *at.entry)) {
                *leaf = leaf_at(&at, canonical(virt));
                return true;
            }
            at.entry++;
        } while (radix_index(*from, at.level) != 0 &&
                 !radix_is_table(&format, *at.entry, at.level));
    }
    return false;
}
