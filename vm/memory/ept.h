/*
 * Extended page tables (EPT): how guest-physical addresses become physical ones.
 *
 * SDM Vol. 3, "The Extended Page Table Mechanism (EPT)", four levels; mm/radix.h has what is common
 * with page tables. The "mode-based execute control for EPT" is taken to be 0, and so are the
 * controls that give a meaning to bits 57 to 63. Nothing here touches the processor's caches:
 * vmx/vmx_result.h says when one has to. The guest must not run on another CPU meanwhile, or
 * accessed and dirty flags that the processor sets may be lost; but where nothing was mapped a page
 * may be added.
 *
 * The processor never meets a misconfigured entry here ("EPT Misconfigurations"): what would be
 * one is refused.
 */
#ifndef VM_EPT_H
#define VM_EPT_H

#include <stdbool.h>
#include <stdint.h>

#include "mm/memory_type.h"
#include "mm/radix.h"
#include "vmx/capability/vmx_capability.h"

#define EPT_READ    (1u << 0)
#define EPT_WRITE   (1u << 1)
#define EPT_EXECUTE (1u << 2)
#define EPT_ALL     (EPT_READ | EPT_WRITE | EPT_EXECUTE)

#define EPT_MEMORY_TYPE_SHIFT 3 /* bits 5:3, of an entry that maps a page */
#define EPT_MEMORY_TYPE       (7ull << EPT_MEMORY_TYPE_SHIFT)

static const struct radix_format ept_format = {
    .present = EPT_ALL, .table = EPT_ALL, .half_bits = RADIX_BITS, /* from 0 up to 2^48 */
};

struct ept {
    struct radix radix;
    struct vmx_capability capability; /* of the processors that walk it */
};

/* What a range of memory is to be cached as: the guest sees it through EPT, not through MTRRs. */
struct ept_memory_types {
    /* The type of every byte of [physical, physical + bytes), or MEMORY_TYPE_MIXED. */
    enum memory_type (*type)(const void *context, uint64_t physical, uint64_t bytes);
    const void *context;
};

/* Of RAM: what MTRRs and a PAT entry of WB give, `context` being a CPU's memory types. */
enum memory_type ept_ram_type(const void *context, uint64_t physical, uint64_t bytes);

/* Has the processor EPT as it is used here: a walk of four levels, and a memory type for it? */
static inline bool ept_is_usable(const struct vmx_capability *capability)
{
    return capability->ept_page_walk_4 &&
           (capability->ept_write_back || capability->ept_uncacheable);
}

/* An empty hierarchy, whose tables come from `cache`, or NULL: from the pool. */
enum map_result ept_init(struct ept *ept, const struct vmx_capability *capability,
                         unsigned physical_address_width, struct page_cache *cache);

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

/* May an entry that maps something have these permissions? */
static inline bool ept_permissions_allowed(uint32_t permissions,
                                           const struct vmx_capability *capability)
{
    /* a set of values: all with EPT_READ */
    uint32_t allowed = 1u << EPT_READ | 1u << (EPT_READ | EPT_WRITE) |
                       1u << (EPT_READ | EPT_EXECUTE) | 1u << EPT_ALL;

    if (capability->ept_execute_only)
        allowed |= 1u << EPT_EXECUTE;
    return permissions <= EPT_ALL && (allowed >> permissions & 1) != 0;
}

/* May it have this memory type? */
static inline bool ept_memory_type_allowed(enum memory_type type)
{
    const uint32_t allowed = 1u << MEMORY_TYPE_UC | 1u << MEMORY_TYPE_WC | 1u << MEMORY_TYPE_WT |
                             1u << MEMORY_TYPE_WP | 1u << MEMORY_TYPE_WB;

    return type <= MEMORY_TYPE_WB && (allowed >> type & 1) != 0;
}

#endif
