#include "vm/access/guest_paging.h"

#include <stddef.h>

#include "lib/x86_rooms.h"

/* Bits of an entry. */
#define ENTRY_PRESENT  (1ull << 0)
#define ENTRY_WRITE    (1ull << 1)
#define ENTRY_USER     (1ull << 2)
#define ENTRY_ACCESSED (1ull << 5)
#define ENTRY_DIRTY    (1ull << 6)
#define ENTRY_PAGE     (1ull << 7) /* PS: above the page table, it maps a page */
#define ENTRY_ADDRESS  0x000ffffffffff000ull
#define ENTRY_KEY      59 /* and three bits above */
#define ENTRY_XD       (1ull << 63)

enum { LEVEL_PT = 1, LEVEL_PD, LEVEL_PDPT, LEVEL_PML4, LEVEL_PML5, LEVELS = LEVEL_PML5 };

/* What a paging mode looks like. */
struct layout {
    int top;        /* the level where the walk begins */
    int index_bits; /* of the linear address at each level */
    unsigned entry_bytes;
    uint64_t root;
};

/* A walk in progress. */
struct walk {
    const struct guest_paging *paging;
    struct layout layout;
    uint64_t linear;
    int level; /* of the last entry; in the end the leaf */
    uint64_t at[LEVELS + 1], entry[LEVELS + 1];
    uint64_t rights; /* ENTRY_WRITE and ENTRY_USER of all entries together, ENTRY_XD of any */
};

/* Bits `high` to `low`; none where `high` is below. */
static uint64_t bits(int high, int low)
{
    return high < low ? 0 : (UINT64_MAX >> (63 - high)) & (UINT64_MAX << low);
}

static bool is_long(const struct guest_paging *paging)
{
    return (paging->efer & EFER_LMA) != 0;
}

static bool has_xd(const struct guest_paging *paging)
{
    return (paging->efer & EFER_NXE) != 0 && (paging->cr4 & CR4_PAE) != 0;
}

static struct layout layout_of(const struct guest_paging *paging, uint64_t linear)
{
    if (is_long(paging))
        return (struct layout){(paging->cr4 & CR4_LA57) != 0 ? LEVEL_PML5 : LEVEL_PML4, 9, 8,
                               paging->cr3 & ENTRY_ADDRESS};
    if ((paging->cr4 & CR4_PAE) != 0)
        return (struct layout){LEVEL_PD, 9, 8, paging->pdpte[linear >> 30 & 3] & ENTRY_ADDRESS};
    return (struct layout){LEVEL_PD, 10, 4, paging->cr3 & 0xfffff000};
}

static int shift_of(const struct walk *walk, int level)
{
    return 12 + walk->layout.index_bits * (level - LEVEL_PT);
}

static bool is_leaf(const struct walk *walk, uint64_t entry)
{
    bool has_pages = walk->layout.entry_bytes == 8 || (walk->paging->cr4 & CR4_PSE) != 0;

    return walk->level == LEVEL_PT || (has_pages && (entry & ENTRY_PAGE) != 0);
}

/* "32-Bit Paging": with PSE-36 bits 20:13 of a large page are address bits 39:32, as far as there
 * are so many. */
static int pse_width(const struct guest_paging *paging)
{
    int width = paging->physical_address_width < 40 ? paging->physical_address_width : 40;

    return paging->pse36 ? width : 32;
}

/* The bits that must be 0 in an entry of this level. */
static uint64_t reserved_bits(const struct walk *walk, uint64_t entry)
{
    const struct guest_paging *paging = walk->paging;
    bool large = walk->level > LEVEL_PT && is_leaf(walk, entry);
    uint64_t reserved;

    if (walk->layout.entry_bytes == 4)
        return large ? bits(21, pse_width(paging) - 19) : 0;
    reserved = (has_xd(paging) ? 0 : ENTRY_XD) |
               bits(is_long(paging) ? 51 : 62, paging->physical_address_width);
    if (walk->level > LEVEL_PDPT || (walk->level == LEVEL_PDPT && !paging->pages_1g))
        return reserved | ENTRY_PAGE;
    return large ? reserved | bits(shift_of(walk, walk->level) - 1, 13) : reserved;
}

static uint64_t read_entry(const struct walk *walk, const void *entry)
{
    return walk->layout.entry_bytes == 4
               ? __atomic_load_n((const uint32_t *)entry, __ATOMIC_RELAXED)
               : __atomic_load_n((const uint64_t *)entry, __ATOMIC_RELAXED);
}

static struct guest_translation faults(const struct walk *walk, uint32_t access, uint32_t error)
{
    const struct guest_paging *paging = walk->paging;
    bool tells_fetch = (paging->cr4 & CR4_SMEP) != 0 || has_xd(paging);

    error |= access & (ACCESS_WRITE | ACCESS_USER | (tells_fetch ? ACCESS_FETCH : 0));
    return (struct guest_translation){TRANSLATION_FAULTS, 0, error};
}

/* Down to the leaf. */
static struct guest_translation descend(struct walk *walk, uint32_t access)
{
    uint64_t table = walk->layout.root;

    walk->rights = ENTRY_WRITE | ENTRY_USER;
    for (walk->level = walk->layout.top;; walk->level--) {
        uint64_t index =
            walk->linear >> shift_of(walk, walk->level) & bits(walk->layout.index_bits - 1, 0);
        uint64_t at = table + index * walk->layout.entry_bytes;
        const void *memory = walk->paging->entry(walk->paging, at, false);
        uint64_t entry;

        if (memory == NULL)
            return (struct guest_translation){TRANSLATION_NO_MEMORY, at, 0};
        entry = read_entry(walk, memory);
        if ((entry & ENTRY_PRESENT) == 0)
            return faults(walk, access, 0);
        if ((entry & reserved_bits(walk, entry)) != 0)
            return faults(walk, access, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED);
        walk->at[walk->level] = at;
        walk->entry[walk->level] = entry;
        walk->rights = (walk->rights & (entry | ENTRY_XD)) | (entry & ENTRY_XD);
        if (is_leaf(walk, entry))
            return (struct guest_translation){TRANSLATED, 0, 0};
        table = entry & ENTRY_ADDRESS;
    }
}

/* "Protection Keys": those of user-mode addresses, in IA-32e mode. 0, or PAGE_FAULT_KEY. */
static uint32_t key_forbids(const struct walk *walk, uint32_t access)
{
    const struct guest_paging *paging = walk->paging;
    unsigned key = walk->entry[walk->level] >> ENTRY_KEY & 15;
    bool access_disabled = (paging->pkru >> (2 * key) & 1) != 0;
    bool write_disabled = (paging->pkru >> (2 * key + 1) & 1) != 0;
    bool writes = (access & ACCESS_WRITE) != 0 &&
                  ((access & ACCESS_USER) != 0 || (paging->cr0 & CR0_WP) != 0);

    if (!is_long(paging) || (paging->cr4 & CR4_PKE) == 0 || (walk->rights & ENTRY_USER) == 0 ||
        (access & ACCESS_FETCH) != 0)
        return 0;
    return access_disabled || (write_disabled && writes) ? PAGE_FAULT_KEY : 0;
}

/* What a supervisor-mode access to a user-mode address is refused for: SMEP and SMAP. */
static bool is_kept_from_supervisor(const struct guest_paging *paging, uint32_t access)
{
    bool lets_access = (paging->rflags & RFLAGS_AC) != 0 && (access & ACCESS_IMPLICIT) == 0;

    if ((access & ACCESS_FETCH) != 0)
        return (paging->cr4 & CR4_SMEP) != 0;
    return (paging->cr4 & CR4_SMAP) != 0 && !lets_access;
}

/* "Determination of Access Rights", but for protection keys. */
static bool rights_forbid(const struct walk *walk, uint32_t access)
{
    const struct guest_paging *paging = walk->paging;
    bool user = (access & ACCESS_USER) != 0, user_page = (walk->rights & ENTRY_USER) != 0;

    if (user ? !user_page : user_page && is_kept_from_supervisor(paging, access))
        return true;
    if ((access & ACCESS_FETCH) != 0)
        return has_xd(paging) && (walk->rights & ENTRY_XD) != 0;
    return (access & ACCESS_WRITE) != 0 && (walk->rights & ENTRY_WRITE) == 0 &&
           (user || (paging->cr0 & CR0_WP) != 0);
}

/* False: the entry is not any more what it was; nothing is changed. */
static bool exchange(const struct walk *walk, void *memory, uint64_t entry, uint64_t value)
{
    uint32_t entry_32 = (uint32_t)entry;

    if (walk->layout.entry_bytes == 4)
        return __atomic_compare_exchange_n((uint32_t *)memory, &entry_32, (uint32_t)value, false,
                                           __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    return __atomic_compare_exchange_n((uint64_t *)memory, &entry, value, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

enum marked { MARKED, MARK_AGAIN, MARK_NO_MEMORY };

/*
 * "Accessed and Dirty Flags": accessed in every entry that was used, dirty in the leaf of a write;
 * not before the access is known to be allowed. Other CPUs may change the entries meanwhile.
 */
static enum marked mark(const struct walk *walk, uint32_t access, uint64_t *at)
{
    for (int level = walk->layout.top; level >= walk->level; level--) {
        bool dirty = level == walk->level && (access & ACCESS_WRITE) != 0;
        uint64_t value = walk->entry[level] | ENTRY_ACCESSED | (dirty ? ENTRY_DIRTY : 0);
        void *memory;

        if (value == walk->entry[level])
            continue;
        *at = walk->at[level];
        memory = walk->paging->entry(walk->paging, *at, true);
        if (memory == NULL)
            return MARK_NO_MEMORY;
        if (!exchange(walk, memory, walk->entry[level], value))
            return MARK_AGAIN;
    }
    return MARKED;
}

static uint64_t physical_of(const struct walk *walk)
{
    uint64_t entry = walk->entry[walk->level];
    uint64_t offset = bits(shift_of(walk, walk->level) - 1, 0);
    uint64_t base = entry & ENTRY_ADDRESS & ~offset;

    if (walk->layout.entry_bytes == 4 && walk->level == LEVEL_PD)
        base |= (entry >> 13 & bits(pse_width(walk->paging) - 33, 0)) << 32;
    return base | (walk->linear & offset);
}

static struct guest_translation translate_paged(const struct guest_paging *paging, uint64_t linear,
                                                uint32_t access)
{
    struct walk walk = {.paging = paging, .layout = layout_of(paging, linear), .linear = linear};
    struct guest_translation translation;
    enum marked marked = MARK_AGAIN;
    uint32_t key;

    if (!is_long(paging) && (paging->cr4 & CR4_PAE) != 0 &&
        (paging->pdpte[linear >> 30 & 3] & PDPTE_PRESENT) == 0)
        return faults(&walk, access, 0);
    while (marked == MARK_AGAIN) {
        translation = descend(&walk, access);
        if (translation.result != TRANSLATED)
            return translation;
        key = key_forbids(&walk, access);
        if (key != 0 || rights_forbid(&walk, access))
            return faults(&walk, access, PAGE_FAULT_PRESENT | key);
        marked = mark(&walk, access, &translation.physical);
    }
    if (marked == MARK_NO_MEMORY)
        translation.result = TRANSLATION_NO_MEMORY;
    else
        translation.physical = physical_of(&walk);
    return translation;
}

struct guest_translation guest_translate(const struct guest_paging *paging, uint64_t linear,
                                         uint32_t access)
{
    if ((paging->cr0 & CR0_PG) == 0)
        return (struct guest_translation){TRANSLATED, linear, 0};
    return translate_paged(paging, linear, access);
}
