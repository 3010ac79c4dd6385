#include "mm/paging.h"

#include "lib/string.h"

enum { BATCH_MAX = 16 };

/*
 * Executable physical memory, some ranges at a time: each batch is compared with every writable
 * leaf, then the next one is collected, so that any number of ranges is compared in fixed memory.
 */
struct batch {
    struct paging_audit *audit;
    uint64_t from;   /* virtual: what is below was in an earlier batch */
    uint64_t resume; /* virtual: the first leaf that did not fit */
    bool first, full;
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

static void collect_executable(const struct paging_leaf *leaf, void *context)
{
    struct batch *batch = context;
    uint64_t end = leaf->physical_base + leaf->size;

    if (batch->first)
        count_leaf(leaf, batch->audit);
    if (batch->full || leaf->virtual_base < batch->from || (leaf->flags & PAGING_EXECUTE) == 0)
        return;
    if (batch->count > 0 && batch->range[batch->count - 1].end == leaf->physical_base) {
        batch->range[batch->count - 1].end = end;
    } else if (batch->count < BATCH_MAX) {
        batch->range[batch->count].base = leaf->physical_base;
        batch->range[batch->count++].end = end;
    } else {
        batch->full = true;
        batch->resume = leaf->virtual_base;
    }
}

static void compare_writable(const struct paging_leaf *leaf, void *context)
{
    struct batch *batch = context;

    if ((leaf->flags & PAGING_WRITE) == 0)
        return;
    for (unsigned i = 0; i < batch->count; i++) {
        uint64_t base = leaf->physical_base;
        uint64_t end = leaf->physical_base + leaf->size;

        if (base < batch->range[i].base)
            base = batch->range[i].base;
        if (end > batch->range[i].end)
            end = batch->range[i].end;
        if (base < end)
            batch->audit->aliased_pages += (end - base) >> 12;
    }
}

void paging_audit(const struct page_tables *tables, struct paging_audit *audit)
{
    struct batch batch = {.audit = audit, .first = true};

    memset(audit, 0, sizeof(*audit));
    do {
        batch.from = batch.resume;
        batch.count = 0;
        batch.full = false;
        paging_for_each(tables, collect_executable, &batch);
        paging_for_each(tables, compare_writable, &batch);
        batch.first = false;
    } while (batch.full);
}
