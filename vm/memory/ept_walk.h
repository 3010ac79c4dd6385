/*
 * Extended page tables beyond what every VM needs: what is mapped is changed, and looked at as the
 * processor walks it, misconfigured entries included.
 *
 * SDM Vol. 3, "EPT Translation Mechanism", the tables of entry formats; "EPT Misconfigurations".
 */
#pragma once

#include "vm/memory/ept.h"

#define EPT_IGNORE_PAT (1ull << 6) /* of an entry that maps a page: the guest's PAT has no say */
#define EPT_ACCESSED   (1ull << 8)
#define EPT_DIRTY      (1ull << 9)

/* SDM Vol. 3, table "Exit Qualification for EPT Violations". */
enum {
    EPT_VIOLATION_READ = 1 << 0, /* the access, by bits 2:0 */
    EPT_VIOLATION_WRITE = 1 << 1,
    EPT_VIOLATION_FETCH = 1 << 2,
    EPT_VIOLATION_READABLE = 1 << 3, /* what EPT allows there, bits 5:3 */
    EPT_VIOLATION_WRITABLE = 1 << 4,
    EPT_VIOLATION_EXECUTABLE = 1 << 5,
    EPT_VIOLATION_ALLOWED = 7 << 3,
    EPT_VIOLATION_GVA_IS_VALID = 1 << 7,   /* a linear address was translated */
    EPT_VIOLATION_GVA_TRANSLATED = 1 << 8, /* of it; otherwise of a paging-structure entry */
    EPT_VIOLATION_NMI_UNBLOCKING = 1 << 12,
};

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

/* As the processor would translate it, whatever the tables hold. */
struct ept_walk ept_walk(const struct ept *ept, uint64_t guest_physical);

/*
 * Gives a mapped area new permissions; where it lies and its memory type stay, and so do accessed
 * and dirty flags. Changes nothing when MAP_NOT_MAPPED.
 */
enum map_result ept_protect(struct ept *ept, uint64_t guest_physical, uint64_t bytes,
                            uint32_t permissions);

/* Unmaps; what is not mapped stays so, without an error. */
enum map_result ept_unmap(struct ept *ept, uint64_t guest_physical, uint64_t bytes);

/* What an entry that maps a page of the guest's RAM has beside its address. */
#define EPT_RAM (EPT_ALL | (uint64_t)MEMORY_TYPE_WB << EPT_MEMORY_TYPE_SHIFT)

/* The page table that the last page was put into, and guest-physical address >> 21 that it maps. */
struct ept_recent {
    uint64_t number;
    uint64_t *table;
};
#define EPT_NOTHING_RECENT \
    {                      \
        UINT64_MAX, NULL   \
    }

/* ept_page_entry() for another table than the last. */
uint64_t *ept_visit_table(struct ept *ept, struct ept_recent *recent, uint64_t guest_physical);

/*
 * The entry of the page of 4 KiB that `guest_physical` (of any byte) lies in, to be written by an
 * EPT violation that maps a fresh page: at once where the page before was of the same 2 MiB. INVEPT
 * is not needed when the entry was 0. NULL: no memory for a table, or an address beyond all tables.
 */
static inline uint64_t *ept_page_entry(struct ept *ept, struct ept_recent *recent,
                                       uint64_t guest_physical)
{
    return __builtin_expect(guest_physical >> radix_shift(LEVEL_PD) == recent->number, 1)
               ? &recent->table[radix_index(guest_physical, LEVEL_PT)]
               : ept_visit_table(ept, recent, guest_physical);
}

/* `level` is LEVEL_PT … LEVEL_PML4; an entry that is not present is never misconfigured. */
enum ept_misconfiguration ept_entry_misconfigured(uint64_t entry, int level,
                                                  const struct vmx_capability *capability,
                                                  unsigned physical_address_width);

/*
 * The entry of a page of 4 KiB, made one that this processor refuses. Ways 0 and 1 are the same on
 * all processors, way 2 is what this one has reserved: with 52 bits of physical address no address
 * is too high, and some have execute-only translations. For those who want a misconfiguration.
 */
enum { EPT_WAYS_TO_MISCONFIGURE = 3 };
uint64_t ept_misconfigure(uint64_t entry, unsigned way, const struct vmx_capability *capability,
                          unsigned physical_address_width);

/* A sentence without its full stop: "it allows writes but not reads". */
const char *ept_misconfiguration_text(enum ept_misconfiguration misconfiguration);
