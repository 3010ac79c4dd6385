#include "mm/page_alloc.h"

/* The list of owned pages is a block of its own. */
enum { LIST_ORDER = 2, LIST_ROOM = (4096 << LIST_ORDER) / sizeof(uint64_t) };

static uint64_t alloc_owned(struct page_cache *cache)
{
    uint64_t page;

    if (cache->owned == 0)
        cache->owned = pages_alloc(LIST_ORDER);
    if (cache->owned == 0 || cache->owned_count == LIST_ROOM)
        return 0;
    page = pages_alloc(0);
    if (page != 0)
        ((uint64_t *)phys_to_virt(cache->owned))[cache->owned_count++] = page;
    return page;
}

void page_cache_fill(struct page_cache *cache)
{
    while (cache->count < PAGE_CACHE_SIZE) {
        uint64_t page = alloc_owned(cache);

        if (page == 0)
            return;
        cache->page[cache->count++] = page;
    }
}

uint64_t page_cache_alloc(struct page_cache *cache)
{
    if (__builtin_expect(cache->count == 0, 0))
        return alloc_owned(cache);
    return cache->page[--cache->count];
}

void page_cache_free(struct page_cache *cache)
{
    if (cache->owned == 0)
        return;
    for (uint32_t i = 0; i < cache->owned_count; i++)
        pages_free(((uint64_t *)phys_to_virt(cache->owned))[i], 0);
    pages_free(cache->owned, LIST_ORDER);
    cache->owned = 0;
    cache->owned_count = 0;
    cache->count = 0;
}
