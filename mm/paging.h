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

#include "mm/radix.h"

/*
 * Execute disable (XD, NX): page tables that say where nothing may be executed.
 *
 * SDM Vol. 4, "IA32_MISC_ENABLE", bit 34 (XD Bit Disable): firmware can set it, and then CPUID
 * shows no XD, IA32_EFER.NXE is reserved, and so is bit 63 of every paging-structure entry. The bit
 * can be cleared at any time, as Linux does.
 */
enum execute_disable {
    EXECUTE_DISABLE_ABSENT,    /* this CPU has none: bit 63 must stay 0 */
    EXECUTE_DISABLE_ON,        /* IA32_EFER.NXE is set */
    EXECUTE_DISABLE_TURNED_ON, /* likewise, after IA32_MISC_ENABLE[34] was cleared */
};

/* On the CPU that asks; boot/ap_trampoline.S does the same before it can call this. */
enum execute_disable execute_disable_enable(void);

/*
 * Flags of a mapping, which is readable always: the bits of a large page's entry, but for EXECUTE,
 * which is execute disable inverted.
 */
#define PAGING_WRITE   (1ull << 1)
#define PAGING_GLOBAL  (1ull << 8)
#define PAGING_EXECUTE (1ull << 63)

/* 0 … 7: which entry of IA32_PAT, by PWT, PCD and PAT. */
#define PAGING_PAT(index) \
    (((index)&1ull) << 3 | ((index) >> 1 & 1ull) << 4 | ((index) >> 2 & 1ull) << 12)
#define PAGING_PAT_MASK PAGING_PAT(7)

struct page_tables {
    struct radix radix;
    bool always_executable; /* there is no execute disable: execute_disable_enable() */
};

/* One page of 4 KiB, 2 MiB or 1 GiB as the tables have it. */
struct paging_leaf {
    uint64_t virtual_base;
    uint64_t physical_base;
    uint64_t size; /* bytes */
    uint64_t flags;
};

/*
 * Empty tables, whose pages come from `cache`, or NULL: from the pool; false: no memory. Pages of
 * 1 GiB: CPUID.80000001H:EDX[26].
 */
bool paging_init(struct page_tables *tables, bool pages_of_1gib, bool always_executable,
                 struct page_cache *cache);

/* As radix_map(). The address must be canonical, the physical one below 2^52. */
enum map_result paging_map(struct page_tables *tables, uint64_t virt, uint64_t physical,
                           uint64_t bytes, uint64_t flags);

/* The page that `virt` lies in, with the flags that all levels together give; false for none. */
bool paging_walk(const struct page_tables *tables, uint64_t virt, struct paging_leaf *leaf);

/*
 * The next page that is mapped, in ascending order of virtual addresses (unsigned); false: no more.
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

#endif
