/*
 * The page pool: blocks of 2^order contiguous pages of 4 KiB, aligned to their size, from the RAM
 * that nobody else has. One for all CPUs, who may call at the same time.
 *
 * A list of free blocks for each order, as in Linux's page allocator, but blocks that were split
 * are not joined again: what is asked for here comes in a few sizes, again and again. A free block
 * holds its own place in the list, so that free RAM costs nothing elsewhere; it must be mapped in
 * the direct map.
 */
#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

#include <stdint.h>

#include "mm/get_order.h"

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

/* Free bytes, of all orders together. */
uint64_t pages_free_bytes(void);

#endif
