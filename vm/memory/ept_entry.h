/*
 * One entry of the extended page tables: its bits, and whether the processor accepts it.
 *
 * SDM Vol. 3, "EPT Translation Mechanism", the tables of entry formats; "EPT Misconfigurations".
 * The "mode-based execute control for EPT" is taken to be 0, and so are the controls that give a
 * meaning to bits 57 to 63.
 */
#ifndef VM_EPT_ENTRY_H
#define VM_EPT_ENTRY_H

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
#define EPT_IGNORE_PAT        (1ull << 6) /* likewise: the guest's PAT has no say */
#define EPT_ACCESSED          (1ull << 8)
#define EPT_DIRTY             (1ull << 9)

static const struct radix_format ept_format = {
    .present = EPT_ALL, .table = EPT_ALL, .half_bits = RADIX_BITS, /* from 0 up to 2^48 */
};

/* What a processor's EPT can do. */
struct ept_capability {
    bool pages_2m, pages_1g;
    bool execute_only;
    bool accessed_dirty;
    bool write_back; /* the tables may be WB memory; otherwise they are UC */
    uint8_t physical_address_width;
};

/* Has the processor EPT as it is used here: a walk of four levels, and a memory type for it? */
bool ept_is_usable(const struct vmx_capability *capability);

struct ept_capability ept_capability_derive(const struct vmx_capability *capability,
                                            unsigned physical_address_width);

/* What makes an entry one that the processor refuses: exit reason 49. */
enum ept_misconfiguration {
    EPT_WELL_CONFIGURED,
    EPT_WRITE_WITHOUT_READ,
    EPT_EXECUTE_ONLY,  /* and the processor has no such translations */
    EPT_RESERVED_BIT,  /* one that is reserved at this level */
    EPT_BEYOND_WIDTH,  /* an address beyond the physical-address width */
    EPT_RESERVED_TYPE, /* memory type 2, 3 or 7 */
    EPT_MISCONFIGURATION_COUNT,
};

/* `level` is LEVEL_PT … LEVEL_PML4; an entry that is not present is never misconfigured. */
enum ept_misconfiguration ept_entry_misconfigured(uint64_t entry, int level,
                                                  const struct ept_capability *capability);

/*
 * The entry of a page of 4 KiB, made one that this processor refuses. Ways 0 and 1 are the same on
 * all processors, way 2 is what this one has reserved: with 52 bits of physical address no address
 * is too high, and some have execute-only translations. For those who want a misconfiguration.
 */
enum { EPT_WAYS_TO_MISCONFIGURE = 3 };
uint64_t ept_misconfigure(uint64_t entry, unsigned way, const struct ept_capability *capability);

/* A sentence without its full stop: "it allows writes but not reads". */
const char *ept_misconfiguration_text(enum ept_misconfiguration misconfiguration);

/* May an entry that maps something have these permissions? */
static inline bool ept_permissions_allowed(uint32_t permissions,
                                           const struct ept_capability *capability)
{
    /* a set of values: all with EPT_READ */
    uint32_t allowed = 1u << EPT_READ | 1u << (EPT_READ | EPT_WRITE) |
                       1u << (EPT_READ | EPT_EXECUTE) | 1u << EPT_ALL;

    if (capability->execute_only)
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
