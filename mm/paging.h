/*
 * x86-64 page tables with four levels, as data: building, changing, reading, and auditing them.
 *
 * SDM Vol. 3, "4-Level Paging and 5-Level Paging". Nothing here touches CR3 or the TLB: after a
 * change to tables that are in use, the caller invalidates. Entries that point to tables allow
 * everything, so the leaf alone decides; IA32_EFER.NXE must be set, or `always_executable`. All
 * pages are the supervisor's.
 */
#ifndef MM_PAGING_H
#define MM_PAGING_H

#include <stdbool.h>
#include <stdint.h>

/* Flags of a mapping. Readable it always is. */
#define PAGING_WRITE      (1u << 0)
#define PAGING_EXECUTE    (1u << 1)
#define PAGING_GLOBAL     (1u << 2)
#define PAGING_PAT(index) ((uint32_t)(index) << 8) /* 0 … 7: which entry of IA32_PAT */
#define PAGING_PAT_MASK   PAGING_PAT(7)

enum paging_result {
    PAGING_OK,
    PAGING_NO_MEMORY,     /* no page for a table; a part may be mapped already */
    PAGING_MISALIGNED,    /* not a multiple of 4096 */
    PAGING_NOT_CANONICAL, /* empty, or not within one half of the canonical addresses */
    PAGING_BAD_PHYSICAL,  /* reaches past 2^52 */
    PAGING_NOT_MAPPED,
};

/* A set of tables, and where more of them come from. The caller fills it in. */
struct page_tables {
    uint64_t root;          /* physical, of the PML4 table, which the caller gives zeroed */
    bool pages_of_1gib;     /* CPUID.80000001H:EDX[26] */
    bool always_executable; /* there is no execute disable: mm/execute_disable.h */
    /* One zeroed page; physical address, 0 for none. */
    uint64_t (*table_alloc)(struct page_tables *tables);
    /* Where the table at this physical address can be read and written. */
    uint64_t *(*table_pointer)(const struct page_tables *tables, uint64_t physical);
};

/* One page of 4 KiB, 2 MiB or 1 GiB as the tables have it. */
struct paging_leaf {
    uint64_t virtual_base;
    uint64_t physical_base;
    uint64_t size; /* bytes */
    uint32_t flags;
};

/*
 * Maps `bytes` from `virt` on to `physical`, with the largest pages that fit. What was mapped there
 * before is replaced; a large page of which only a part is replaced is split. Tables, once made,
 * stay.
 */
enum paging_result paging_map(struct page_tables *tables, uint64_t virt, uint64_t physical,
                              uint64_t bytes, uint32_t flags);

/* Gives a mapped area new flags, all of them; changes nothing when PAGING_NOT_MAPPED. */
enum paging_result paging_protect(struct page_tables *tables, uint64_t virt, uint64_t bytes,
                                  uint32_t flags);

/* Unmaps; what is not mapped stays so, without an error. */
enum paging_result paging_unmap(struct page_tables *tables, uint64_t virt, uint64_t bytes);

/* The page that `virt` lies in, with the flags that all levels together give; false for none. */
bool paging_walk(const struct page_tables *tables, uint64_t virt, struct paging_leaf *leaf);

/* Calls `visit` for every page that is mapped, in ascending order of virtual addresses (unsigned).
 */
void paging_for_each(const struct page_tables *tables,
                     void (*visit)(const struct paging_leaf *leaf, void *context), void *context);

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

#endif
