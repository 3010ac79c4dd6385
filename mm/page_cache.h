/*
 * Pages of one owner, all given back together, and some of them at hand, zeroed: what
 * kvm_mmu_memory_cache is in KVM.
 *
 * To zero a page costs more than a whole VM exit, so a vCPU fills its cache where there is time:
 * before the guest starts, and whenever it halts. All 0 is an owner without pages.
 */
#ifndef MM_PAGE_CACHE_H
#define MM_PAGE_CACHE_H

#include <stdint.h>

enum { PAGE_CACHE_SIZE = 16 };

struct page_cache {
    uint64_t owned; /* physical: a list of the pages that are the owner's */
    uint32_t owned_count;
    uint32_t count;                 /* of those at hand */
    uint64_t page[PAGE_CACHE_SIZE]; /* physical */
};

/* As many pages at hand as there is room for, or memory. */
void page_cache_refill(struct page_cache *cache);
static inline void page_cache_fill(struct page_cache *cache)
{
    if (cache->count < PAGE_CACHE_SIZE)
        page_cache_refill(cache);
}

/* A zeroed page, if possible one at hand; physical address, 0 for none. */
uint64_t page_cache_alloc(struct page_cache *cache);

/* Gives all of them back. */
void page_cache_free(struct page_cache *cache);

#endif
