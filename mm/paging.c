#include "mm/radix.h"

/* SDM Vol. 3, "4-Level Paging and 5-Level Paging", the tables of entry formats. */
#define ENTRY_PRESENT (1ull << 0)

static const struct radix_format format = {
    .present = ENTRY_PRESENT,
    .table = ENTRY_PRESENT | PAGING_WRITE,
    .pat = ENTRY_PAT_LARGE,
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

enum map_result paging_map(struct page_tables *tables, uint64_t virt, uint64_t physical,
                           uint64_t bytes, uint64_t flags)
{
    return radix_map(&tables->radix, virt, physical, bytes, attributes(tables, flags));
}

bool paging_is_mapped(const struct page_tables *tables, uint64_t virt)
{
    return radix_is_present(&format, *radix_find(&tables->radix, virt).entry);
}
