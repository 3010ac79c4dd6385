#include "mm/page_alloc.h"

#include "lib/string.h"

enum {
    CHUNK_SHIFT = PAGE_SHIFT + PAGE_ORDER_MAX,
    CHUNK_PAGES = 1 << PAGE_ORDER_MAX,
    TREE_WORDS = 2 * CHUNK_PAGES / 64,
};
#define CHUNK_SIZE (1ull << CHUNK_SHIFT)

/*
 * The blocks of one chunk, a bit for each block of each order: first the 1024 of order 0, then the
 * 512 of order 1, and so on to the one of order 10. A page is covered by at most one set bit of
 * both trees together.
 */
struct page_chunk {
    uint64_t free[TREE_WORDS];
    uint64_t allocated[TREE_WORDS];
};

/* A block: its chunk, its order, and which one of that order in the chunk. */
struct block {
    uint64_t chunk;
    int order;
    unsigned index;
};

static bool bit_test(const uint64_t *words, uint64_t bit)
{
    return words[bit / 64] >> bit % 64 & 1;
}

static void bit_set(uint64_t *words, uint64_t bit)
{
    words[bit / 64] |= 1ull << bit % 64;
}

static void bit_clear(uint64_t *words, uint64_t bit)
{
    words[bit / 64] &= ~(1ull << bit % 64);
}

/* The lowest set bit in [from, to), or `to`. */
static uint64_t bits_find(const uint64_t *words, uint64_t from, uint64_t to)
{
    while (from < to) {
        uint64_t rest = words[from / 64] >> from % 64;

        if (rest != 0) {
            uint64_t found = from + (unsigned)__builtin_ctzll(rest);

            return found < to ? found : to;
        }
        from = (from / 64 + 1) * 64;
    }
    return to;
}

static bool bits_any(const uint64_t *words, uint64_t from, uint64_t to)
{
    return bits_find(words, from, to) != to;
}

static void bits_set(uint64_t *words, uint64_t from, uint64_t to)
{
    while (from < to) {
        uint64_t next = (from / 64 + 1) * 64;
        uint64_t mask = ~0ull << from % 64;

        if (next > to) {
            mask &= ~0ull >> (next - to);
            next = to;
        }
        words[(next - 1) / 64] |= mask;
        from = next;
    }
}

/* Where the blocks of an order begin in a chunk's trees. */
static unsigned tree_start(int order)
{
    return 2 * CHUNK_PAGES - (2 * CHUNK_PAGES >> order);
}

static unsigned tree_bit(int order, unsigned index)
{
    return tree_start(order) + index;
}

static uint64_t bitmap_words(uint64_t chunks)
{
    return (chunks + 63) / 64;
}

static uint64_t span_chunks(uint64_t base, uint64_t end)
{
    return base < end ? ((end - 1) >> CHUNK_SHIFT) - (base >> CHUNK_SHIFT) + 1 : 0;
}

uint64_t page_alloc_metadata_bytes(uint64_t base, uint64_t end)
{
    uint64_t chunks = span_chunks(base, end);

    return (PAGE_ORDERS + 1) * bitmap_words(chunks) * sizeof(uint64_t) +
           chunks * sizeof(struct page_chunk);
}

void page_alloc_init(struct page_alloc *pool, uint64_t base, uint64_t end, void *metadata)
{
    uint64_t *bitmap = metadata;
    uint64_t words;

    *pool = (struct page_alloc){.base = base & ~(CHUNK_SIZE - 1), .chunks = span_chunks(base, end)};
    words = bitmap_words(pool->chunks);
    memset(bitmap, 0, (PAGE_ORDERS + 1) * words * sizeof(uint64_t));
    for (int order = 0; order < PAGE_ORDERS; order++) {
        pool->has_free[order] = bitmap;
        bitmap += words;
        pool->first[order] = pool->chunks;
    }
    pool->split = bitmap;
    pool->chunk = (struct page_chunk *)(bitmap + words);
}

static void split_chunk(struct page_alloc *pool, uint64_t chunk)
{
    memset(&pool->chunk[chunk], 0, sizeof(pool->chunk[chunk]));
    bit_set(pool->split, chunk);
}

/* Any bit of the tree that stands for the block, for a part of it, or for a block around it? */
static bool tree_touches(const uint64_t *tree, int order, unsigned index)
{
    for (int other = 0; other <= order; other++) {
        unsigned from = tree_bit(other, index << (order - other));

        if (bits_any(tree, from, from + (1u << (order - other))))
            return true;
    }
    for (int other = order + 1; other <= PAGE_ORDER_MAX; other++) {
        if (bit_test(tree, tree_bit(other, index >> (other - order))))
            return true;
    }
    return false;
}

static void insert_free(struct page_alloc *pool, struct block block)
{
    if (block.order == PAGE_ORDER_MAX)
        bit_clear(pool->split, block.chunk);
    else
        bit_set(pool->chunk[block.chunk].free, tree_bit(block.order, block.index));
    bit_set(pool->has_free[block.order], block.chunk);
    if (block.chunk < pool->first[block.order])
        pool->first[block.order] = block.chunk;
    pool->free_blocks[block.order]++;
}

static void remove_free(struct page_alloc *pool, struct block block)
{
    uint64_t *tree = pool->chunk[block.chunk].free;
    unsigned from = tree_start(block.order);

    pool->free_blocks[block.order]--;
    if (block.order == PAGE_ORDER_MAX) {
        split_chunk(pool, block.chunk);
        bit_clear(pool->has_free[block.order], block.chunk);
        return;
    }
    bit_clear(tree, from + block.index);
    if (!bits_any(tree, from, tree_start(block.order + 1)))
        bit_clear(pool->has_free[block.order], block.chunk);
}

/* Makes a block free and joins it with its free buddies. Memory that is no RAM is never free. */
static void release(struct page_alloc *pool, struct block block)
{
    const uint64_t *tree = pool->chunk[block.chunk].free;

    while (block.order < PAGE_ORDER_MAX && bit_test(tree, tree_bit(block.order, block.index ^ 1))) {
        remove_free(pool, (struct block){block.chunk, block.order, block.index ^ 1});
        block.order++;
        block.index /= 2;
    }
    insert_free(pool, block);
}

/* The largest block that begins at page `page` of a chunk and ends at `end` or before. */
static struct block largest_block(uint64_t chunk, unsigned page, unsigned end)
{
    int order = page == 0 ? PAGE_ORDER_MAX : __builtin_ctz(page);

    while ((1u << order) > end - page)
        order--;
    return (struct block){chunk, order, page >> order};
}

static bool part_is_new(const struct page_alloc *pool, uint64_t chunk, unsigned page, unsigned end)
{
    if (bit_test(pool->has_free[PAGE_ORDER_MAX], chunk))
        return false;
    if (!bit_test(pool->split, chunk))
        return true;
    while (page < end) {
        struct block block = largest_block(chunk, page, end);

        if (tree_touches(pool->chunk[chunk].free, block.order, block.index) ||
            tree_touches(pool->chunk[chunk].allocated, block.order, block.index))
            return false;
        page += 1u << block.order;
    }
    return true;
}

static void add_part(struct page_alloc *pool, uint64_t chunk, unsigned page, unsigned end)
{
    if (!bit_test(pool->split, chunk))
        split_chunk(pool, chunk);
    while (page < end) {
        struct block block = largest_block(chunk, page, end);

        release(pool, block);
        page += 1u << block.order;
    }
}

/* A run of whole chunks, none of which was known before. */
static void add_chunks(struct page_alloc *pool, uint64_t from, uint64_t to)
{
    if (from >= to)
        return;
    bits_set(pool->has_free[PAGE_ORDER_MAX], from, to);
    if (from < pool->first[PAGE_ORDER_MAX])
        pool->first[PAGE_ORDER_MAX] = from;
    pool->free_blocks[PAGE_ORDER_MAX] += to - from;
}

bool page_alloc_add_range(struct page_alloc *pool, uint64_t base, uint64_t end)
{
    uint64_t first, last, whole;
    unsigned first_page, last_page;

    if (base == 0 || base >= end || (base | end) % PAGE_SIZE != 0 || base < pool->base ||
        end - pool->base > pool->chunks << CHUNK_SHIFT)
        return false;

    /* [first + first_page, last + last_page), and `whole` is the first chunk that is whole */
    first = (base - pool->base) >> CHUNK_SHIFT;
    last = (end - pool->base) >> CHUNK_SHIFT;
    first_page = (unsigned)(base >> PAGE_SHIFT) % CHUNK_PAGES;
    last_page = (unsigned)(end >> PAGE_SHIFT) % CHUNK_PAGES;
    whole = first + (first_page != 0);

    if (first == last) {
        if (!part_is_new(pool, first, first_page, last_page))
            return false;
        add_part(pool, first, first_page, last_page);
        return true;
    }
    if ((first_page != 0 && !part_is_new(pool, first, first_page, CHUNK_PAGES)) ||
        (last_page != 0 && !part_is_new(pool, last, 0, last_page)) ||
        bits_any(pool->has_free[PAGE_ORDER_MAX], whole, last) || bits_any(pool->split, whole, last))
        return false;
    if (first_page != 0)
        add_part(pool, first, first_page, CHUNK_PAGES);
    add_chunks(pool, whole, last);
    if (last_page != 0)
        add_part(pool, last, 0, last_page);
    return true;
}

/* A free block of this order, taken out of the pool; false when there is none. */
static bool take_free(struct page_alloc *pool, int order, struct block *block)
{
    unsigned from = tree_start(order);

    pool->first[order] = bits_find(pool->has_free[order], pool->first[order], pool->chunks);
    if (pool->first[order] == pool->chunks)
        return false;
    *block = (struct block){pool->first[order], order, 0};
    if (order < PAGE_ORDER_MAX)
        block->index =
            (unsigned)bits_find(pool->chunk[block->chunk].free, from, tree_start(order + 1)) - from;
    remove_free(pool, *block);
    return true;
}

uint64_t page_alloc(struct page_alloc *pool, int order)
{
    struct block block;
    int found = order;

    if (order < 0 || order > PAGE_ORDER_MAX)
        return 0;
    while (!take_free(pool, found, &block)) {
        if (++found > PAGE_ORDER_MAX)
            return 0;
    }
    while (block.order > order) {
        block.order--;
        block.index *= 2;
        insert_free(pool, (struct block){block.chunk, block.order, block.index + 1});
    }
    bit_set(pool->chunk[block.chunk].allocated, tree_bit(order, block.index));
    return pool->base + (block.chunk << CHUNK_SHIFT) +
           ((uint64_t)block.index << order << PAGE_SHIFT);
}

/* Why the block cannot be freed, given that it is not allocated with this order. */
static enum page_free_result free_error(const struct page_alloc *pool, struct block block)
{
    const struct page_chunk *chunk = &pool->chunk[block.chunk];
    unsigned page = block.index << block.order;

    if (bit_test(pool->has_free[PAGE_ORDER_MAX], block.chunk))
        return PAGE_FREE_DOUBLE;
    if (!bit_test(pool->split, block.chunk))
        return PAGE_FREE_BAD_ADDRESS;
    for (int order = 0; order < PAGE_ORDERS; order++) {
        if (page % (1u << order) == 0 && bit_test(chunk->allocated, tree_bit(order, page >> order)))
            return PAGE_FREE_WRONG_ORDER;
    }
    return tree_touches(chunk->free, block.order, block.index) ? PAGE_FREE_DOUBLE
                                                               : PAGE_FREE_BAD_ADDRESS;
}

enum page_free_result page_free(struct page_alloc *pool, uint64_t address, int order)
{
    struct block block = {.order = order};
    uint64_t *allocated;

    if (order < 0 || order > PAGE_ORDER_MAX)
        return PAGE_FREE_BAD_ORDER;
    if (address % (PAGE_SIZE << order) != 0)
        return PAGE_FREE_MISALIGNED;
    block.chunk = (address - pool->base) >> CHUNK_SHIFT;
    if (address < pool->base || block.chunk >= pool->chunks)
        return PAGE_FREE_BAD_ADDRESS;
    block.index = (unsigned)(address >> PAGE_SHIFT) % CHUNK_PAGES >> order;
    allocated = pool->chunk[block.chunk].allocated;
    if (!bit_test(pool->split, block.chunk) || !bit_test(allocated, tree_bit(order, block.index)))
        return free_error(pool, block);
    bit_clear(allocated, tree_bit(order, block.index));
    release(pool, block);
    return PAGE_FREE_OK;
}

uint64_t page_alloc_free_pages(const struct page_alloc *pool)
{
    uint64_t pages = 0;

    for (int order = 0; order < PAGE_ORDERS; order++)
        pages += pool->free_blocks[order] << order;
    return pages;
}

const char *page_free_result_name(enum page_free_result result)
{
    static const char *const names[] = {
        [PAGE_FREE_OK] = "ok",
        [PAGE_FREE_BAD_ORDER] = "no such order",
        [PAGE_FREE_MISALIGNED] = "address is not aligned to the block's size",
        [PAGE_FREE_BAD_ADDRESS] = "nothing was handed out at this address",
        [PAGE_FREE_WRONG_ORDER] = "handed out with another order",
        [PAGE_FREE_DOUBLE] = "free already",
    };

    return names[result];
}
