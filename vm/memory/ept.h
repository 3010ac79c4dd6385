/*
 * Extended page tables (EPT): how guest-physical addresses become physical ones. SDM Vol. 3, "The
 * Extended Page Table Mechanism (EPT)", four levels (mm/radix.h). The "mode-based execute control
 * for EPT" is taken to be 0, and so are the controls that give a meaning to bits 57 to 63. The
 * guest must not run on another CPU meanwhile, or accessed and dirty flags that the processor sets
 * may be lost; but where nothing was mapped a page may be added. What would be a misconfigured
 * entry ("EPT Misconfigurations") is refused.
 *
 * Caches are the caller's to invalidate. "Guidelines for Use of the INVEPT Instruction": after an
 * entry that was present changed its address or memory type, lost a permission or its accessed or
 * dirty flag, or was made not present, guest accesses go on as before until INVEPT on every CPU
 * that may have used it. An entry that was not present, or only gains permissions, needs none. An
 * EPTP that is used anew with other tables, and the first use of an EPTP after VMXON, need one too.
 */
#pragma once

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
    /* The type of every byte of [physical, physical + bytes), or MEMORY_TYPE_MIXED: of RAM what
     * the MTRRs give, memory_type_mtrr(). */
    enum memory_type (*type)(const struct memory_types_state *state, uint64_t physical,
                             uint64_t bytes);
    const struct memory_types_state *state; /* a CPU's */
};

/* An empty hierarchy, whose tables come from `cache`, or NULL: from the pool. */
enum map_result ept_init(struct ept *ept, const struct vmx_capability *capability,
                         unsigned physical_address_width, struct page_cache *cache);

/*
 * The EPTP for the VMCS: walk length 4, memory type WB where the processor can, accessed and dirty
 * flags where it has them. SDM Vol. 3, "Extended-Page-Table Pointer (EPTP)".
 */
uint64_t ept_pointer(const struct ept *ept);

/* As radix_map(), with the largest pages that the processor has. `permissions` are EPT_READ … */
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
    return permissions <= EPT_ALL && ((permissions & EPT_READ) != 0 ||
                                      (permissions == EPT_EXECUTE && capability->ept_execute_only));
}
