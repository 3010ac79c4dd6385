#include "mm/paging_audit.h"

#include "lib/string.h"

#define ENTRY_PAT_4K (1ull << 7)

/* The entry that decides about an address, and the bits that all entries above it have. */
struct position {
    const uint64_t *entry;
    uint64_t allowed; /* NO_EXECUTE inverted */
    int level;
};

static struct position find(const struct radix *radix, uint64_t address)
{
    struct position at = {radix_entry(radix->root, address, LEVEL_PML4), ~0ull, LEVEL_PML4};

    while (radix_is_table(radix->format, *at.entry, at.level)) {
        at.allowed &= *at.entry ^ ENTRY_NO_EXECUTE;
        at.entry = radix_entry(*at.entry, address, --at.level);
    }
    return at;
}

/* The flags that a leaf has, given what the tables above it allow. */
static uint64_t flags_of(const struct position *at)
{
    uint64_t flags = *at->entry ^ ENTRY_NO_EXECUTE;

    if (at->level == LEVEL_PT)
        flags = (flags & ~ENTRY_PAT_LARGE) | ((flags & ENTRY_PAT_4K) != 0 ? ENTRY_PAT_LARGE : 0);
    return flags &
           (PAGING_GLOBAL | PAGING_PAT_MASK | ((PAGING_WRITE | PAGING_EXECUTE) & at->allowed));
}

static struct paging_leaf leaf_at(const struct position *at, uint64_t virt)
{
    uint64_t size = radix_size(at->level);

    return (struct paging_leaf){.virtual_base = virt & ~(size - 1),
                                .physical_base = radix_physical(*at->entry, at->level),
                                .size = size,
                                .flags = flags_of(at)};
}

/* Bits 63:47 of a canonical address are alike. */
static uint64_t canonical(uint64_t virt)
{
    return (uint64_t)((int64_t)(virt << 16) >> 16);
}

bool paging_next(const struct page_tables *tables, uint64_t *from, struct paging_leaf *leaf)
{
    while (*from < 1ull << RADIX_BITS) {
        struct position at = find(&tables->radix, *from);

        do {
            uint64_t virt = *from;

            *from += radix_size(at.level);
            if (radix_is_present(tables->radix.format, *at.entry)) {
                *leaf = leaf_at(&at, canonical(virt));
                return true;
            }
            at.entry++;
        } while (radix_index(*from, at.level) != 0 &&
                 !radix_is_table(tables->radix.format, *at.entry, at.level));
    }
    return false;
}

static void count_leaf(const struct paging_leaf *leaf, struct paging_audit *audit)
{
    bool writable = (leaf->flags & PAGING_WRITE) != 0;
    bool executable = (leaf->flags & PAGING_EXECUTE) != 0;

    if (leaf->size == 1ull << 12)
        audit->leaves_4k++;
    else if (leaf->size == 1ull << 21)
        audit->leaves_2m++;
    else
        audit->leaves_1g++;
    audit->writable += writable;
    audit->executable += executable;
    audit->writable_executable += writable && executable;
}

/* Pages of 4 KiB that are mapped writable within [base, end), physical. */
static uint64_t writable_pages(const struct page_tables *tables, uint64_t base, uint64_t end)
{
    struct paging_leaf leaf;
    uint64_t from = 0, pages = 0;

    while (base < end && paging_next(tables, &from, &leaf)) {
        uint64_t leaf_end = leaf.physical_base + leaf.size;
        uint64_t first = leaf.physical_base > base ? leaf.physical_base : base;
        uint64_t last = leaf_end < end ? leaf_end : end;

        if ((leaf.flags & PAGING_WRITE) != 0 && first < last)
            pages += (last - first) >> 12;
    }
    return pages;
}

/* Executable leaves that lie one after the other, as the kernel's code does, are looked at once. */
void paging_audit(const struct page_tables *tables, struct paging_audit *audit)
{
    uint64_t from = 0, base = 0, end = 0;
    struct paging_leaf leaf;

    memset(audit, 0, sizeof(*audit));
    while (paging_next(tables, &from, &leaf)) {
        count_leaf(&leaf, audit);
        if ((leaf.flags & PAGING_EXECUTE) == 0)
            continue;
        if (leaf.physical_base != end) {
            audit->aliased_pages += writable_pages(tables, base, end);
            base = leaf.physical_base;
        }
        end = leaf.physical_base + leaf.size;
    }
    audit->aliased_pages += writable_pages(tables, base, end);
}
