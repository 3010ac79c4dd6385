/* A room: page tables read back, for the proof that nothing can be written and executed. */
#pragma once

#include "mm/radix.h"

#define PAGING_PAT_MASK PAGING_PAT(7)

/* One page of 4 KiB, 2 MiB or 1 GiB as the tables have it. */
struct paging_leaf {
    uint64_t virtual_base;
    uint64_t physical_base;
    uint64_t size; /* bytes */
    uint64_t flags;
};

/*
 * The next page that is mapped, in ascending order of virtual addresses (unsigned), with the flags
 * that all levels together give; false: no more.
 * `from`, at first 0, is where to look on, without the bits above 47.
 */
bool paging_next(const struct page_tables *tables, uint64_t *from, struct paging_leaf *leaf);

/* W^X, as found in all the tables. */
struct paging_audit {
    uint64_t leaves_4k, leaves_2m, leaves_1g;
    uint64_t writable, executable; /* leaves */
    uint64_t writable_executable;  /* leaves that are both: should be 0 */
    /*
     * Pages of 4 KiB that one leaf maps writable and some leaf, perhaps another, maps executable,
     * counted for each pair of such mappings: should be 0.
     */
    uint64_t aliased_pages;
};

void paging_audit(const struct page_tables *tables, struct paging_audit *audit);
