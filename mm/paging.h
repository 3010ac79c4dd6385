/*
 * x86-64 page tables with four levels (mm/radix.h): building and changing them. After a change to
 * tables that are in use, the caller invalidates. IA32_EFER.NXE must be set, or
 * `always_executable`. All pages are the supervisor's.
 */
#ifndef MM_PAGING_H
#define MM_PAGING_H

#include "mm/radix.h"

/*
 * Execute disable (XD, NX). SDM Vol. 4, "IA32_MISC_ENABLE", bit 34 (XD Bit Disable): firmware can
 * set it, and then CPUID shows no XD, IA32_EFER.NXE is reserved, and so is bit 63 of every
 * paging-structure entry. The bit can be cleared at any time, as Linux does.
 */
enum execute_disable {
    EXECUTE_DISABLE_ABSENT,    /* this CPU has none: bit 63 must stay 0 */
    EXECUTE_DISABLE_ON,        /* IA32_EFER.NXE is set */
    EXECUTE_DISABLE_TURNED_ON, /* likewise, after IA32_MISC_ENABLE[34] was cleared */
};

/* On the CPU that asks; boot/ap_trampoline.S does the same before it can call this. */
enum execute_disable execute_disable_enable(void);

/* Flags of a mapping: a large page's bits; EXECUTE is execute disable inverted. */
#define PAGING_WRITE     (1ull << 1)
#define PAGING_GLOBAL    (1ull << 8)
#define PAGING_EXECUTE   (1ull << 63)
#define ENTRY_NO_EXECUTE PAGING_EXECUTE
#define ENTRY_PAT_LARGE  (1ull << 12)

/* 0 … 7: which entry of IA32_PAT, by PWT, PCD and PAT. */
#define PAGING_PAT(index) \
    (((index)&1ull) << 3 | ((index) >> 1 & 1ull) << 4 | ((index) >> 2 & 1ull) << 12)

struct page_tables {
    struct radix radix;
    bool always_executable; /* there is no execute disable: execute_disable_enable() */
};

/* Empty tables, whose pages come from `cache`, or NULL: from the pool; false: no memory. */
bool paging_init(struct page_tables *tables, bool pages_of_1gib, bool always_executable,
                 struct page_cache *cache);

/* As radix_map(). The address must be canonical, the physical one below 2^52. */
enum map_result paging_map(struct page_tables *tables, uint64_t virt, uint64_t physical,
                           uint64_t bytes, uint64_t flags);

/* Does a page lie at `virt`, a canonical address? */
bool paging_is_mapped(const struct page_tables *tables, uint64_t virt);

#endif
