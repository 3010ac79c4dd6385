/*
 * Memory for page tables, of the machine that was made last, and the processor that walks them: SDM
 * Vol. 3, "4-Level Paging and 5-Level Paging", bit number by bit number.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mm/paging_audit.h"

#define KIB4 0x1000ull
#define MIB2 0x200000ull
#define GIB  0x40000000ull
#define HIGH 0xffff800000000000ull

struct machine {
    struct page_tables tables;
    uint64_t *memory;     /* of all tables */
    unsigned used, limit; /* in tables */
};

void machine_init(struct machine *machine, bool pages_of_1gib);
void machine_end(struct machine *machine);

/* New flags, all of them, for what is mapped; and none. */
enum map_result paging_protect(struct page_tables *tables, uint64_t virt, uint64_t bytes,
                               uint64_t flags);
enum map_result paging_unmap(struct page_tables *tables, uint64_t virt, uint64_t bytes);

/* What the processor makes of an address. */
struct seen {
    bool mapped;
    uint64_t physical; /* of the very byte */
    uint64_t size;
    bool write, execute, global;
    unsigned pat;
    uint64_t entry;
};

/* Ends the test at an entry that has reserved bits, or is not the supervisor's. */
struct seen processor_walk(const struct machine *machine, uint64_t virt);

/* The processor, paging_is_mapped() and paging_next() see this; size 0: any. */
void assert_seen(const struct machine *machine, uint64_t virt, uint64_t physical, uint64_t size,
                 uint64_t flags);
void assert_unseen(const struct machine *machine, uint64_t virt);
