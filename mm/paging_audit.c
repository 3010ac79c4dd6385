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

enum { BATCH_MAX = 16 };

/*
 * Executable physical memory, some ranges at a time: each batch is compared with every writable
 * leaf, then the next one is collected, so that any number of ranges is compared in fixed memory.
 */
struct batch {
    unsigned count;
    struct {
        uint64_t base, end;
    } range[BATCH_MAX];
};

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

/* False: there is no room. */
static bool add_executable(struct batch *batch, const struct paging_leaf *leaf)
{
    uint64_t end = leaf->physical_base + leaf->size;

    if (batch->count > 0 && batch->range[batch->count - 1].end == leaf->physical_base) {
        batch->range[batch->count - 1].end = end;
        return true;
    }
    if (batch->count == BATCH_MAX)
        return false;
    batch->range[batch->count].base = leaf->physical_base;
    batch->range[batch->count++].end = end;
    return true;
}

/* Fills the batch from there on, and counts these leaves; false: that was all. */
static bool collect(const struct page_tables *tables, uint64_t *from, struct batch *batch,
                    struct paging_audit *audit)
{
    struct paging_leaf leaf;
    uint64_t next = *from;

    for (batch->count = 0; paging_next(tables, &next, &leaf); *from = next) {
        if ((leaf.flags & PAGING_EXECUTE) != 0 && !add_executable(batch, &leaf))
            return true;
        count_leaf(&leaf, audit);
    }
    return false;
}

static uint64_t pages_in_common(const struct batch *batch, const struct paging_leaf *leaf)
{
    uint64_t pages = 0;

    for (unsigned i = 0; i < batch->count; i++) {
        uint64_t base = leaf->physical_base;
        uint64_t end = leaf->physical_base + leaf->size;

        if (base < batch->range[i].base)
            base = batch->range[i].base;
        if (end > batch->range[i].end)
            end = batch->range[i].end;
        if (base < end)
            pages += (end - base) >> 12;
    }
    return pages;
}

void paging_audit(const struct page_tables *tables, struct paging_audit *audit)
{
    struct batch batch;
    uint64_t from = 0;
    bool more;

    memset(audit, 0, sizeof(*audit));
    do {
        struct paging_leaf leaf;
        uint64_t at = 0;

        more = collect(tables, &from, &batch, audit);
        while (paging_next(tables, &at, &leaf)) {
            if ((leaf.flags & PAGING_WRITE) != 0)
                audit->aliased_pages += pages_in_common(&batch, &leaf);
        }
    } while (more);
}
