/*
 * Trees of tables with 512 entries each, four levels deep: the form of x86-64 page tables and of
 * extended page tables (EPT). SDM Vol. 3, "4-Level Paging and 5-Level Paging" and "EPT Translation
 * Mechanism"; what differs is in struct radix_format. An entry that points to a table allows
 * everything, so the leaf alone decides. Tables, once made, stay: who gave their pages takes them
 * back. Nothing here touches the processor's caches.
 */
#pragma once

#include <stdbool.h>
#include "mm/page_alloc.h"

#define RADIX_ADDRESS 0x000ffffffffff000ull /* bits 51:12 of an entry */
#define RADIX_PAGE    (1ull << 7)           /* in an entry of level 2 or 3: it maps a page */

enum { LEVEL_PT = 1, LEVEL_PD = 2, LEVEL_PDPT = 3, LEVEL_PML4 = 4 };
enum { RADIX_ENTRIES = 512, RADIX_BITS = 48 }; /* of a table; of an address that is translated */

struct radix_format {
    uint64_t present; /* an entry with any of these maps a page or points to a table */
    uint64_t table;   /* what an entry that points to a table has beside its address */
    uint64_t pat;     /* a bit of large pages whose place in a page of 4 KiB is bit 7; 0: none */
    /* Addresses >> half_bits, as signed numbers, are lowest_half … 0. */
    unsigned half_bits;
    int64_t lowest_half;
};

struct radix {
    const struct radix_format *format;
    struct page_cache *cache; /* where tables come from; NULL: the pool */
    uint64_t root;            /* physical, of the PML4 table */
    uint64_t physical_end;    /* what is mapped lies below */
    int largest;              /* level of the largest pages */
};

/* The entry that decides about an address: a leaf, or one that is not present. */
struct radix_position {
    uint64_t *entry;
    int level;
};

enum map_result {
    MAP_OK,
    MAP_NO_MEMORY,    /* no page for a table; a part may be mapped already */
    MAP_MISALIGNED,   /* not a multiple of 4096 */
    MAP_BAD_ADDRESS,  /* an empty area, or not within one half of the addresses that there are */
    MAP_BAD_PHYSICAL, /* reaches past physical_end */
    MAP_NOT_MAPPED,
    MAP_BAD_PERMISSIONS, /* of EPT: none, write without read, or execute-only where there is none */
    MAP_BAD_MEMORY_TYPE, /* of EPT: not UC, WC, WT, WP or WB */
};

/* How many bits of an address an entry of the level, 1 to 4, leaves to what is below it. */
static inline unsigned radix_shift(int level)
{
    return 12 + 9 * (((unsigned)level - 1) & 3);
}

/* Bytes that one entry of a level stands for. */
static inline uint64_t radix_size(int level)
{
    return 1ull << radix_shift(level);
}

static inline unsigned radix_index(uint64_t address, int level)
{
    return (unsigned)(address >> radix_shift(level)) % RADIX_ENTRIES;
}

static inline bool radix_is_present(const struct radix_format *format, uint64_t entry)
{
    return (entry & format->present) != 0;
}

static inline bool radix_is_table(const struct radix_format *format, uint64_t entry, int level)
{
    return radix_is_present(format, entry) && level > LEVEL_PT && (entry & RADIX_PAGE) == 0;
}

static inline uint64_t radix_physical(uint64_t entry, int level)
{
    return entry & RADIX_ADDRESS & ~(radix_size(level) - 1);
}

/* The entry for an address in the table of `level` that `table`, an entry or a root, points to. */
static inline uint64_t *radix_entry(uint64_t table, uint64_t address, int level)
{
    return (uint64_t *)phys_to_virt(table & RADIX_ADDRESS) + radix_index(address, level);
}

/* Is there room for a page of the level, at both addresses (or-ed together)? */
static inline bool radix_fits(uint64_t addresses, uint64_t bytes, int level)
{
    return addresses % radix_size(level) == 0 && bytes >= radix_size(level);
}

/* Attributes, given as those of a large page, in a leaf of the level. */
static inline uint64_t radix_leaf(const struct radix_format *format, uint64_t attributes, int level)
{
    if (level > LEVEL_PT)
        return attributes | RADIX_PAGE;
    return (attributes & ~(RADIX_PAGE | format->pat)) |
           ((attributes & format->pat) != 0 ? RADIX_PAGE : 0);
}

/* An empty tree, the other members being set; false: no memory. */
bool radix_init(struct radix *radix);

/* Could radix_map() map this? */
enum map_result radix_check(const struct radix *radix, uint64_t address, uint64_t physical,
                            uint64_t bytes);

/*
 * Maps `bytes` from `address` on to `physical`, with the largest pages that there are and that fit,
 * `attributes` being theirs as in a large page, without RADIX_PAGE. What was mapped there before is
 * replaced; a large page of which only a part is replaced is split.
 */
enum map_result radix_map(struct radix *radix, uint64_t address, uint64_t physical, uint64_t bytes,
                          uint64_t attributes);

/* The entry for an address in the table of `level`, tables made down to there; NULL: no memory. */
uint64_t *radix_make(struct radix *radix, uint64_t address, int level);

/* The entry that decides about an address. */
struct radix_position radix_find(const struct radix *radix, uint64_t address);

/*
 * x86-64 page tables with four levels (mm/radix.h): building and changing them. After a change to
 * tables that are in use, the caller invalidates. IA32_EFER.NXE must be set, or
 * `always_executable`. All pages are the supervisor's.
 *
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
