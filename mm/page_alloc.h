/*
 * Pages: how they are named, the pool that they come from, and what one owner has of them.
 *
 * The pool has blocks of 2^order contiguous pages of 4 KiB, aligned to their size, from the RAM
 * that nobody else has. One for all CPUs, who may call at the same time.
 *
 * A list of free blocks for each order, as in Linux's page allocator, but blocks that were split
 * are not joined again: what is asked for here comes in a few sizes, again and again. A free block
 * holds its own place in the list, so that free RAM costs nothing elsewhere; it must be mapped in
 * the direct map.
 */
#pragma once

#include <stdint.h>

enum { PAGE_SHIFT = 12 };
#define PAGE_SIZE (1ull << PAGE_SHIFT)

/* The kernel maps all RAM here. In a hosted build the test says where a physical address is. */
#define DIRECT_MAP 0xffff800000000000ull

#if __STDC_HOSTED__
void *phys_to_virt(uint64_t physical);
#else
static inline void *phys_to_virt(uint64_t physical)
{
    return (void *)(DIRECT_MAP + physical);
}
#endif

/*
 * The order of a size: 2^order pages of 4 KiB are the smallest power-of-two run that holds it, as
 * Linux's get_order() has it. 0 gives 52, as there: an order of which no allocator has blocks.
 */
static inline int get_order(uint64_t size)
{
    uint64_t above = (size - 1) >> PAGE_SHIFT;

    return above == 0 ? 0 : 64 - __builtin_clzll(above);
}

enum { PAGE_ORDER_MAX = 18 }; /* 1 GiB */

/*
 * Gives the RAM [base, end) to the pool, physical addresses, multiples of 4096; of it, the lowest
 * is handed out first. It must not have been given before. Address 0 is not given: it means "none".
 */
void pages_add(uint64_t base, uint64_t end);

/* The physical address of 2^order zeroed pages, now the caller's; 0 when there are none. */
uint64_t pages_alloc(int order);

/* Takes back what pages_alloc() gave, with the same order. What cannot be that is a bug. */
void pages_free(uint64_t address, int order);

/* Free bytes, of all orders together; a moment ago, where other CPUs take or give. */
uint64_t pages_free_bytes(void);

/*
 * Pages of one owner, all given back together, and some of them at hand, zeroed: what
 * kvm_mmu_memory_cache is in KVM. To zero a page costs more than a whole VM exit, so a vCPU fills
 * its cache before the guest starts, and whenever it halts. All 0 is an owner without pages.
 */
enum { PAGE_CACHE_SIZE = 16 };

struct page_cache {
    uint64_t owned; /* physical: a list of the pages that are the owner's */
    uint32_t owned_count;
    uint32_t count;                 /* of those at hand */
    uint64_t page[PAGE_CACHE_SIZE]; /* physical */
};

/* As many pages at hand as there is room for, or memory. */
void page_cache_fill(struct page_cache *cache);

/* A zeroed page, if possible one at hand; physical address, 0 for none. */
uint64_t page_cache_alloc(struct page_cache *cache);

/* Gives all of them back. */
void page_cache_free(struct page_cache *cache);
