/*
 * Extended page tables (EPT): how guest-physical addresses become physical ones.
 *
 * SDM Vol. 3, "The Extended Page Table Mechanism (EPT)", four levels; mm/radix.h has what is common
 * with page tables. Nothing here touches the processor's caches: vmx/vmx_result.h says when one has
 * to. The guest must not run on another CPU meanwhile, or accessed and dirty flags that the
 * processor sets may be lost; but where nothing was mapped a page may be added.
 *
 * The processor never meets a misconfigured entry here ("EPT Misconfigurations"): what would be
 * one is refused.
 */
#ifndef VM_EPT_H
#define VM_EPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm/memory_type.h"
#include "vm/memory/ept_entry.h"
#include "vmx/capability/vmx_capability.h"

struct ept {
    struct radix radix;
    struct ept_capability capability;
    uint64_t recent_2m;     /* guest-physical address >> 21 that recent_table maps */
    uint64_t *recent_table; /* the page table that ept_page_entry() went to last */
};

/* What a range of memory is to be cached as: the guest sees it through EPT, not through MTRRs. */
struct ept_memory_types {
    /*
     * The type of every byte of [physical, physical + bytes), or MEMORY_TYPE_MIXED;
     * memory_type_mtrr() with the CPU's MTRRs as `context`, for one.
     */
    enum memory_type (*type)(const void *context, uint64_t physical, uint64_t bytes);
    const void *context;
};

/* What ept_walk() finds for a guest-physical address. */
struct ept_walk {
    bool mapped;
    enum ept_misconfiguration misconfiguration; /* of `entry`, which then ends the walk */
    int level;                                  /* of `entry`: LEVEL_PT … LEVEL_PML4 */
    uint64_t entry; /* the one that decides: the leaf, or one that is not present */

    /* Of the page of that level; but for guest_physical and size only when mapped. */
    uint64_t guest_physical; /* its first byte */
    uint64_t size;           /* bytes */
    uint64_t physical;       /* where its first byte is */
    uint32_t permissions;    /* as all levels together give them: EPT_READ … */
    enum memory_type type;
    bool accessed, dirty; /* always false where the processor does not keep them */
};

/* An empty hierarchy, whose tables come from `cache`, or NULL: from the pool. */
enum map_result ept_init(struct ept *ept, const struct ept_capability *capability,
                         struct page_cache *cache);

/*
 * The EPTP for the VMCS: walk length 4, memory type WB where the processor can, accessed and dirty
 * flags where it has them. SDM Vol. 3, "Extended-Page-Table Pointer (EPTP)".
 */
uint64_t ept_pointer(const struct ept *ept);

/*
 * Maps `bytes` from `guest_physical` on to `physical`, with the largest pages that the processor
 * has and the alignment allows (of 1 GiB only where it has those of 2 MiB, too). `permissions` are
 * EPT_READ … What was mapped there before is replaced; a large page of which only a part is
 * replaced is split.
 */
enum map_result ept_map(struct ept *ept, uint64_t guest_physical, uint64_t physical, uint64_t bytes,
                        uint32_t permissions, enum memory_type type);

/*
 * As ept_map(), each part with its own memory type: a page is large only where all of it has one
 * type. What has no defined type even within 4 KiB is UC, which is never wrong.
 */
enum map_result ept_map_by_type(struct ept *ept, uint64_t guest_physical, uint64_t physical,
                                uint64_t bytes, uint32_t permissions,
                                const struct ept_memory_types *types);

/*
 * Gives a mapped area new permissions; where it lies and its memory type stay, and so do accessed
 * and dirty flags. Changes nothing when MAP_NOT_MAPPED.
 */
enum map_result ept_protect(struct ept *ept, uint64_t guest_physical, uint64_t bytes,
                            uint32_t permissions);

/* Unmaps; what is not mapped stays so, without an error. */
enum map_result ept_unmap(struct ept *ept, uint64_t guest_physical, uint64_t bytes);

/* As the processor would translate it, whatever the tables hold. */
struct ept_walk ept_walk(const struct ept *ept, uint64_t guest_physical);

/* What an entry that maps a page of the guest's RAM has beside its address. */
#define EPT_RAM (EPT_ALL | (uint64_t)MEMORY_TYPE_WB << EPT_MEMORY_TYPE_SHIFT)

/* ept_page_entry() for another table than the last. */
uint64_t *ept_visit_table(struct ept *ept, uint64_t guest_physical);

/*
 * The entry of the page of 4 KiB that `guest_physical` (of any byte) lies in, to be written by an
 * EPT violation that maps a fresh page: at once where the page before was of the same 2 MiB. INVEPT
 * is not needed when the entry was 0. NULL: no memory for a table, or an address beyond all tables.
 */
static inline uint64_t *ept_page_entry(struct ept *ept, uint64_t guest_physical)
{
    return __builtin_expect(guest_physical >> radix_shift(LEVEL_PD) == ept->recent_2m, 1)
               ? &ept->recent_table[radix_index(guest_physical, LEVEL_PT)]
               : ept_visit_table(ept, guest_physical);
}

#endif
