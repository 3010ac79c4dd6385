/*
 * A buddy allocator of 4 KiB pages, by order: a block of order n is 2^n pages, aligned to its size.
 *
 * It hands out physical addresses and never touches the memory behind them: what it knows stands in
 * metadata that the caller gives. The address space between `base` and `end` is cut into chunks of
 * the largest order (4 MiB). Bitmaps with one bit a chunk say which chunks are wholly free and
 * which have a free block of some order; they are all that init clears. A chunk's own page bitmaps
 * are cleared when the chunk is first cut up, so RAM that is never used costs next to nothing: in
 * instructions, adding a range costs one step for each 64 chunks (256 MiB), and init one stored
 * word for each 5 chunks of the span. In memory, metadata takes 514 bytes a chunk (1/8160 of the
 * span, holes included; 2 MiB for 16 GiB), of which what belongs to unused chunks is never written.
 * The caller may bound it by choosing a smaller `end`.
 *
 * Not locked: the caller keeps CPUs apart.
 */
#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm/get_order.h"

enum { PAGE_ORDER_MAX = 10, PAGE_ORDERS = PAGE_ORDER_MAX + 1 };

enum page_free_result {
    PAGE_FREE_OK,
    PAGE_FREE_BAD_ORDER,   /* no such order */
    PAGE_FREE_MISALIGNED,  /* the address is not a multiple of the block's size */
    PAGE_FREE_BAD_ADDRESS, /* nothing was handed out there */
    PAGE_FREE_WRONG_ORDER, /* the block there was handed out with another order */
    PAGE_FREE_DOUBLE,      /* the block, or a part of it, is free already */
};

struct page_chunk;

struct page_alloc {
    uint64_t base;                   /* physical, of chunk 0 */
    uint64_t chunks;                 /* in the span */
    uint64_t *has_free[PAGE_ORDERS]; /* a bit a chunk: it has a free block of this order */
    uint64_t *split;                 /* a bit a chunk: its page bitmaps are in use */
    struct page_chunk *chunk;        /* page bitmaps, a pair a chunk */
    uint64_t first[PAGE_ORDERS];     /* no chunk below this one has a free block of this order */
    uint64_t free_blocks[PAGE_ORDERS];
};

/* Bytes of metadata for the physical span [base, end); at most 2^52 as `end`. */
uint64_t page_alloc_metadata_bytes(uint64_t base, uint64_t end);

/*
 * An allocator over [base, end) with nothing free yet. `metadata` is aligned to 8 bytes, has
 * page_alloc_metadata_bytes(base, end) bytes of any content, and is the allocator's from now on.
 */
void page_alloc_init(struct page_alloc *pool, uint64_t base, uint64_t end, void *metadata);

/*
 * Gives the RAM [base, end), both multiples of 4096, to the pool. Returns false and changes nothing
 * when the range is empty, not aligned, outside of the span, begins at address 0 (which means
 * "none" to page_alloc), or touches memory that was added before.
 */
bool page_alloc_add_range(struct page_alloc *pool, uint64_t base, uint64_t end);

/* The physical address of 2^order free pages, now the caller's; 0 when there are none. */
uint64_t page_alloc(struct page_alloc *pool, int order);

/* Takes back what page_alloc() gave, with the same order; changes nothing unless PAGE_FREE_OK. */
enum page_free_result page_free(struct page_alloc *pool, uint64_t address, int order);

/* Free pages of 4 KiB in all orders together; pool->free_blocks[] has the counts by order. */
uint64_t page_alloc_free_pages(const struct page_alloc *pool);

const char *page_free_result_name(enum page_free_result result);

#endif
