/*
 * Memory for extended page tables, of the machine that was made last, and the processor that walks
 * them: bit number by bit number from SDM Vol. 3, "EPT Translation Mechanism" and "EPT
 * Misconfigurations", with nothing of vm/ in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vm/memory/ept_walk.h"

#define KIB4 0x1000ull
#define MIB2 0x200000ull
#define GIB  0x40000000ull

enum { FIRST_TABLE = 0x100000, TABLES_MAX = 2000, WIDTH = 40 };

struct machine {
    struct ept ept;
    struct ept_recent recent;
    uint64_t *memory;
    bool taken[TABLES_MAX];
    unsigned used, limit;
    unsigned visits; /* how often a table was asked for */
};

/* What the processor makes of an address. */
struct seen {
    bool mapped;
    uint64_t physical; /* of the very byte */
    uint64_t size;
    unsigned permissions; /* bits 2:0 of all entries together */
    unsigned type;        /* bits 5:3 of the last */
    uint64_t entry;
};

/* Everything that EPT can have. */
extern const struct vmx_capability everything;

void machine_init(struct machine *machine, const struct vmx_capability *capability);

/* Gives all tables back. */
void machine_free_tables(struct machine *machine);

/* The same; each page must have come back. */
void machine_end(struct machine *machine);

/* A page as an EPT violation maps it. */
static inline enum map_result store_page(struct machine *machine, uint64_t guest_physical,
                                         uint64_t physical, uint32_t permissions,
                                         enum memory_type type)
{
    uint64_t *entry = ept_page_entry(&machine->ept, &machine->recent, guest_physical);

    if (entry == NULL)
        return MAP_NO_MEMORY;
    *entry = physical | permissions | (uint64_t)type << 3;
    return MAP_OK;
}

/* The entries of the table at a physical address. */
uint64_t *machine_table(const struct machine *machine, uint64_t physical);

/* The reason, bit by bit, why the processor refuses an entry; false when it does not. */
bool processor_refuses(uint64_t entry, int level, const struct vmx_capability *capability,
                       unsigned width);

/* Ends the test at an entry that the processor refuses. */
struct seen processor_walk(const struct machine *machine, uint64_t guest_physical);

/* Both the processor and ept_walk() see this; size 0: any. */
void assert_seen(const struct machine *machine, uint64_t guest_physical, uint64_t physical,
                 uint64_t size, uint32_t permissions, enum memory_type type);
void assert_unseen(const struct machine *machine, uint64_t guest_physical);
