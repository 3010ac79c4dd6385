#include "mm/page_alloc.h"

#include "lib/spinlock.h"
#include "lib/string.h"

/* What stands at the beginning of a free block. */
struct free_block {
    uint64_t mark; /* its own address, but for these bits: a hint that it is free already */
    uint64_t next; /* physical; 0: the last one */
};

#define FREE_MARK 0x5a5a000000000000ull

static struct spinlock lock;
static uint64_t first[PAGE_ORDER_MAX + 1]; /* of the free blocks of each order; physical */
static uint64_t free_pages;

static struct free_block *block_at(uint64_t address)
{
    return phys_to_virt(address);
}

static void push(uint64_t address, int order)
{
    *block_at(address) = (struct free_block){address ^ FREE_MARK, first[order]};
    first[order] = address;
    free_pages += 1ull << order;
}

static uint64_t pop(int order)
{
    uint64_t address = first[order];

    if (address != 0) {
        first[order] = block_at(address)->next;
        free_pages -= 1ull << order;
    }
    return address;
}

/* The order of the largest block that ends at `end`, a multiple of 4096, and begins at `base` or
 * later. */
static int largest_order(uint64_t base, uint64_t end)
{
    int order = 0;

    while (order < PAGE_ORDER_MAX && end % (PAGE_SIZE << (order + 1)) == 0 &&
           end - base >= PAGE_SIZE << (order + 1))
        order++;
    return order;
}

/* From the end, so that the lowest block of an order is the first in its list. */
void pages_add(uint64_t base, uint64_t end)
{
    BUG_ON(base == 0 || (base | end) % PAGE_SIZE != 0);
    spinlock_acquire(&lock);
    while (end > base) {
        int order = largest_order(base, end);

        end -= PAGE_SIZE << order;
        push(end, order);
    }
    spinlock_release(&lock);
}

/* The smallest block that is large enough, cut to size: its lower part is taken. */
static uint64_t take(int order)
{
    int from = order;
    uint64_t address;

    if (order < 0 || order > PAGE_ORDER_MAX)
        return 0;
    while ((address = pop(from)) == 0) {
        if (++from > PAGE_ORDER_MAX)
            return 0;
    }
    while (from > order) {
        from--;
        push(address + (PAGE_SIZE << from), from);
    }
    return address;
}

uint64_t pages_alloc(int order)
{
    uint64_t address;

    spinlock_acquire(&lock);
    address = take(order);
    spinlock_release(&lock);
    if (address != 0)
        memset(phys_to_virt(address), 0, PAGE_SIZE << order);
    return address;
}

/* What was a guest's may hold a mark by chance, or on purpose: only the lists know. */
static bool is_free(uint64_t address)
{
    if (block_at(address)->mark != (address ^ FREE_MARK))
        return false;
    for (int order = 0; order <= PAGE_ORDER_MAX; order++) {
        for (uint64_t block = first[order]; block != 0; block = block_at(block)->next) {
            if (block == address)
                return true;
        }
    }
    return false;
}

void pages_free(uint64_t address, int order)
{
    BUG_ON(order < 0 || order > PAGE_ORDER_MAX || address == 0 ||
           address % (PAGE_SIZE << order) != 0);
    spinlock_acquire(&lock);
    BUG_ON(is_free(address));
    push(address, order);
    spinlock_release(&lock);
}

uint64_t pages_free_bytes(void)
{
    return __atomic_load_n(&free_pages, __ATOMIC_RELAXED) << PAGE_SHIFT;
}
