/*
 * Page tables built in ordinary memory, read back by a walker of the test's own, which follows
 * SDM Vol. 3, "4-Level Paging and 5-Level Paging", bit number by bit number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mm/paging.h"
#include "tests/host/random.h"

#define KIB4 0x1000ull
#define MIB2 0x200000ull
#define GIB  0x40000000ull
#define HIGH 0xffff800000000000ull

enum { FIRST_TABLE = 0x100000, TABLES_MAX = 3000 };

struct machine {
    struct page_tables tables;
    uint64_t *memory; /* TABLES_MAX pages, at physical FIRST_TABLE */
    unsigned used, limit;
};

static uint64_t *machine_pointer(const struct page_tables *tables, uint64_t physical)
{
    const struct machine *machine = (const struct machine *)tables;

    assert_in_range(physical, FIRST_TABLE, FIRST_TABLE + machine->used * KIB4 - 1);
    assert_int_equal(physical % KIB4, 0);
    return machine->memory + (physical - FIRST_TABLE) / 8;
}

static uint64_t machine_alloc(struct page_tables *tables)
{
    struct machine *machine = (struct machine *)tables;

    if (machine->used == machine->limit)
        return 0;
    memset(machine->memory + machine->used * 512ull, 0, KIB4);
    return FIRST_TABLE + machine->used++ * KIB4;
}

static void machine_init(struct machine *machine, bool pages_of_1gib)
{
    *machine = (struct machine){.limit = TABLES_MAX};
    machine->memory = malloc(TABLES_MAX * KIB4);
    assert_non_null(machine->memory);
    machine->tables = (struct page_tables){.pages_of_1gib = pages_of_1gib,
                                           .table_alloc = machine_alloc,
                                           .table_pointer = machine_pointer};
    machine->tables.root = machine_alloc(&machine->tables);
}

/* What the processor makes of an address. */
struct seen {
    bool mapped;
    uint64_t physical; /* of the very byte */
    uint64_t size;
    bool write, execute, global;
    unsigned pat;
    uint64_t entry;
};

static struct seen processor_walk(const struct machine *machine, uint64_t virt)
{
    struct seen seen = {.write = true, .execute = true};
    uint64_t table = machine->tables.root;

    for (int bit = 39; bit >= 12; bit -= 9) {
        uint64_t e = machine_pointer(&machine->tables, table)[virt >> bit & 511];
        bool page = bit == 12 || (bit < 39 && (e >> 7 & 1));

        if (!(e & 1))
            return (struct seen){0};
        seen.write = seen.write && (e >> 1 & 1);
        seen.execute = seen.execute && !(e >> 63);
        assert_int_equal(e >> 2 & 1, 0);                /* supervisor */
        assert_int_equal(e & 0x7ff0000000000000ull, 0); /* bits 62:52 */
        if (page) {
            uint64_t offset_mask = (1ull << bit) - 1;

            /* bits (bit - 1):13 of an entry that maps a large page are reserved */
            if (bit > 12)
                assert_int_equal(e & offset_mask & ~0x1fffull, 0);
            seen.mapped = true;
            seen.size = 1ull << bit;
            seen.physical = (e & 0x000ffffffffff000ull & ~offset_mask) | (virt & offset_mask);
            seen.global = e >> 8 & 1;
            seen.pat =
                (unsigned)((e >> 3 & 1) | (e >> 4 & 1) << 1 | (e >> (bit == 12 ? 7 : 12) & 1) << 2);
            seen.entry = e;
            return seen;
        }
        table = e & 0x000ffffffffff000ull;
    }
    fail_msg("not reached");
    return seen;
}

static void assert_seen(const struct machine *machine, uint64_t virt, uint64_t physical,
                        uint64_t size, uint32_t flags)
{
    struct seen seen = processor_walk(machine, virt);
    struct paging_leaf leaf;

    assert_true(seen.mapped);
    assert_int_equal(seen.physical, physical);
    if (size != 0)
        assert_int_equal(seen.size, size);
    assert_int_equal(seen.write, (flags & PAGING_WRITE) != 0);
    assert_int_equal(seen.execute, (flags & PAGING_EXECUTE) != 0);
    assert_int_equal(seen.global, (flags & PAGING_GLOBAL) != 0);
    assert_int_equal(seen.pat, (flags & PAGING_PAT_MASK) >> 8);

    assert_true(paging_walk(&machine->tables, virt, &leaf));
    assert_int_equal(leaf.size, seen.size);
    assert_int_equal(leaf.flags, flags);
    assert_int_equal(leaf.physical_base + (virt - leaf.virtual_base), physical);
    assert_int_equal(leaf.virtual_base % leaf.size, 0);
}

static void assert_unseen(const struct machine *machine, uint64_t virt)
{
    struct paging_leaf leaf;

    assert_false(processor_walk(machine, virt).mapped);
    assert_false(paging_walk(&machine->tables, virt, &leaf));
}

static void the_largest_page_that_fits(void **state)
{
    (void)state;
    for (int large = 0; large < 2; large++) {
        uint64_t top = large ? GIB : MIB2;
        struct machine machine;

        machine_init(&machine, large);
        /* 4 KiB pages, then 2 MiB, then 1 GiB, and down again */
        assert_int_equal(paging_map(&machine.tables, HIGH + GIB - MIB2 - KIB4, GIB - MIB2 - KIB4,
                                    GIB + 2 * MIB2 + 2 * KIB4, PAGING_WRITE),
                         PAGING_OK);
        assert_unseen(&machine, HIGH + GIB - MIB2 - KIB4 - 1);
        assert_seen(&machine, HIGH + GIB - MIB2 - 1, GIB - MIB2 - 1, KIB4, PAGING_WRITE);
        assert_seen(&machine, HIGH + GIB - 1, GIB - 1, MIB2, PAGING_WRITE);
        assert_seen(&machine, HIGH + GIB, GIB, top, PAGING_WRITE);
        assert_seen(&machine, HIGH + 2 * GIB - 1, 2 * GIB - 1, top, PAGING_WRITE);
        assert_seen(&machine, HIGH + 2 * GIB, 2 * GIB, MIB2, PAGING_WRITE);
        assert_seen(&machine, HIGH + 2 * GIB + MIB2, 2 * GIB + MIB2, KIB4, PAGING_WRITE);
        assert_unseen(&machine, HIGH + 2 * GIB + MIB2 + KIB4);
        free(machine.memory);
    }
}

/* Pages are large only where virtual and physical address are both aligned to them. */
static void alignment_of_both_addresses(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, 4 * GIB, 4 * GIB + MIB2, GIB, 0), PAGING_OK);
    assert_seen(&machine, 4 * GIB, 4 * GIB + MIB2, MIB2, 0);
    assert_int_equal(paging_map(&machine.tables, 8 * GIB, 4 * GIB + KIB4, 2 * MIB2, 0), PAGING_OK);
    assert_seen(&machine, 8 * GIB + MIB2, 4 * GIB + KIB4 + MIB2, KIB4, 0);
    free(machine.memory);
}

/* A map of 8 GiB is cheap in tables: PML4, PDPT, and a PD for each GiB where there must be. */
static void tables_of_a_direct_map(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, HIGH, 0, 8 * GIB, PAGING_WRITE), PAGING_OK);
    assert_int_equal(machine.used, 2);
    free(machine.memory);
    machine_init(&machine, false);
    assert_int_equal(paging_map(&machine.tables, HIGH, 0, 8 * GIB, PAGING_WRITE), PAGING_OK);
    assert_int_equal(machine.used, 10);
    free(machine.memory);
}

/* SDM: PAT is bit 7 of a PTE, bit 12 of a PDE or PDPTE that maps a page; bit 7 is PS there. */
static void bits_of_the_entries(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, GIB, 2 * GIB, GIB,
                                PAGING_PAT(4) | PAGING_WRITE | PAGING_EXECUTE),
                     PAGING_OK);
    assert_int_equal(processor_walk(&machine, GIB).entry, 2 * GIB | 1u << 12 | 1u << 7 | 3);
    assert_int_equal(
        paging_map(&machine.tables, 2 * GIB, MIB2, MIB2, PAGING_PAT(5) | PAGING_EXECUTE),
        PAGING_OK);
    assert_int_equal(processor_walk(&machine, 2 * GIB).entry,
                     MIB2 | 1u << 12 | 1u << 7 | 1u << 3 | 1);
    assert_int_equal(paging_map(&machine.tables, 3 * GIB, 0x5000, KIB4,
                                PAGING_PAT(6) | PAGING_EXECUTE | PAGING_GLOBAL),
                     PAGING_OK);
    assert_int_equal(processor_walk(&machine, 3 * GIB).entry,
                     0x5000u | 1u << 8 | 1u << 7 | 1u << 4 | 1);
    assert_int_equal(paging_map(&machine.tables, 3 * GIB, 0x5000, KIB4, 0), PAGING_OK);
    assert_int_equal(processor_walk(&machine, 3 * GIB).entry, 1ull << 63 | 0x5000u | 1);
    for (unsigned pat = 0; pat < 8; pat++) {
        assert_int_equal(paging_map(&machine.tables, 0, 0, KIB4, PAGING_PAT(pat)), PAGING_OK);
        assert_seen(&machine, 0, 0, KIB4, PAGING_PAT(pat));
        assert_int_equal(paging_map(&machine.tables, 4 * GIB, 0, MIB2, PAGING_PAT(pat)), PAGING_OK);
        assert_seen(&machine, 4 * GIB, 0, MIB2, PAGING_PAT(pat));
    }
    free(machine.memory);
}

/* A hole of 4 KiB in a page of 1 GiB: split twice, all the rest as it was, PAT index included. */
static void splitting_large_pages(void **state)
{
    const uint32_t flags = PAGING_WRITE | PAGING_GLOBAL | PAGING_PAT(5);
    const uint64_t hole = 3 * GIB + 5 * MIB2 + 7 * KIB4;
    struct machine machine;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, 3 * GIB, 0, GIB, flags), PAGING_OK);
    assert_int_equal(paging_unmap(&machine.tables, hole, KIB4), PAGING_OK);
    assert_unseen(&machine, hole);
    assert_seen(&machine, hole - 1, hole - 1 - 3 * GIB, KIB4, flags);
    assert_seen(&machine, hole + KIB4, hole + KIB4 - 3 * GIB, KIB4, flags);
    assert_seen(&machine, 3 * GIB + 4 * MIB2, 4 * MIB2, MIB2, flags);
    assert_seen(&machine, 4 * GIB - 1, GIB - 1, MIB2, flags);

    assert_int_equal(paging_protect(&machine.tables, 4 * GIB - KIB4, KIB4, PAGING_EXECUTE),
                     PAGING_OK);
    assert_seen(&machine, 4 * GIB - 1, GIB - 1, KIB4, PAGING_EXECUTE);
    assert_seen(&machine, 4 * GIB - KIB4 - 1, GIB - KIB4 - 1, KIB4, flags);
    assert_int_equal(paging_map(&machine.tables, 3 * GIB, 9 * GIB, KIB4, 0), PAGING_OK);
    assert_seen(&machine, 3 * GIB, 9 * GIB, KIB4, 0);
    assert_seen(&machine, 3 * GIB + KIB4, KIB4, KIB4, flags);
    free(machine.memory);
}

/* What is mapped anew over tables goes into these tables: none is lost, however often. */
static void tables_are_kept(void **state)
{
    struct machine machine;
    unsigned used;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, 0, 0, 4 * MIB2, 0), PAGING_OK);
    assert_int_equal(paging_unmap(&machine.tables, 2 * MIB2 + KIB4, KIB4), PAGING_OK);
    used = machine.used;
    assert_int_equal(paging_map(&machine.tables, 0, GIB, 4 * MIB2, PAGING_WRITE), PAGING_OK);
    assert_seen(&machine, 2 * MIB2 - 1, GIB + 2 * MIB2 - 1, MIB2, PAGING_WRITE);
    assert_seen(&machine, 2 * MIB2 + KIB4, GIB + 2 * MIB2 + KIB4, KIB4, PAGING_WRITE);
    assert_seen(&machine, 3 * MIB2, GIB + 3 * MIB2, MIB2, PAGING_WRITE);
    assert_int_equal(paging_map(&machine.tables, 0, 0, GIB, PAGING_WRITE), PAGING_OK);
    assert_int_equal(paging_unmap(&machine.tables, 2 * MIB2 + KIB4, KIB4), PAGING_OK);
    assert_int_equal(machine.used, used);
    free(machine.memory);
}

static void errors(void **state)
{
    struct machine machine;
    struct page_tables *tables = &machine.tables;
    struct paging_leaf leaf;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(tables, 1, 0, KIB4, 0), PAGING_MISALIGNED);
    assert_int_equal(paging_map(tables, 0, 1, KIB4, 0), PAGING_MISALIGNED);
    assert_int_equal(paging_map(tables, 0, 0, KIB4 + 1, 0), PAGING_MISALIGNED);
    assert_int_equal(paging_map(tables, 0, 0, 0, 0), PAGING_NOT_CANONICAL);
    assert_int_equal(paging_map(tables, 1ull << 47, 0, KIB4, 0), PAGING_NOT_CANONICAL);
    assert_int_equal(paging_map(tables, (1ull << 47) - KIB4, 0, 2 * KIB4, 0), PAGING_NOT_CANONICAL);
    assert_int_equal(paging_map(tables, HIGH - KIB4, 0, 2 * KIB4, 0), PAGING_NOT_CANONICAL);
    assert_int_equal(paging_map(tables, 0 - KIB4, 0, 2 * KIB4, 0), PAGING_NOT_CANONICAL);
    assert_int_equal(paging_map(tables, KIB4, 0, 0 - 2 * KIB4, 0), PAGING_NOT_CANONICAL);
    assert_int_equal(paging_map(tables, 0, (1ull << 52) - KIB4, 2 * KIB4, 0), PAGING_BAD_PHYSICAL);
    assert_int_equal(paging_map(tables, 0, 1ull << 53, KIB4, 0), PAGING_BAD_PHYSICAL);
    assert_int_equal(paging_protect(tables, 1, KIB4, 0), PAGING_MISALIGNED);
    assert_int_equal(paging_unmap(tables, 1ull << 47, KIB4), PAGING_NOT_CANONICAL);
    assert_int_equal(machine.used, 1);
    assert_false(paging_walk(tables, 1ull << 47, &leaf));

    /* the very ends of what there is */
    assert_int_equal(paging_map(tables, 0 - KIB4, (1ull << 52) - KIB4, KIB4, 0), PAGING_OK);
    assert_seen(&machine, UINT64_MAX, (1ull << 52) - 1, KIB4, 0);
    assert_int_equal(paging_map(tables, (1ull << 47) - KIB4, 0, KIB4, 0), PAGING_OK);
    assert_int_equal(paging_unmap(tables, HIGH, 1ull << 47), PAGING_OK);
    assert_unseen(&machine, UINT64_MAX);

    assert_int_equal(paging_map(tables, 0, 0, 2 * MIB2, PAGING_WRITE), PAGING_OK);
    assert_int_equal(paging_protect(tables, MIB2, MIB2 + KIB4, 0), PAGING_NOT_MAPPED);
    assert_seen(&machine, MIB2, MIB2, MIB2, PAGING_WRITE);
    free(machine.memory);
}

static void running_out_of_tables(void **state)
{
    struct machine machine;

    (void)state;
    for (unsigned limit = 1; limit < 4; limit++) {
        machine_init(&machine, true);
        machine.limit = limit;
        assert_int_equal(paging_map(&machine.tables, GIB, 0, KIB4, 0), PAGING_NO_MEMORY);
        assert_unseen(&machine, GIB);
        machine.limit = 4;
        assert_int_equal(paging_map(&machine.tables, GIB, 0, KIB4, 0), PAGING_OK);
        free(machine.memory);
    }
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, GIB, 0, GIB, 0), PAGING_OK);
    machine.limit = 3;
    assert_int_equal(paging_unmap(&machine.tables, GIB, KIB4), PAGING_NO_MEMORY);
    assert_int_equal(paging_protect(&machine.tables, GIB, KIB4, PAGING_WRITE), PAGING_NO_MEMORY);
    assert_seen(&machine, GIB + 5, 5, MIB2, 0); /* still mapped as it was, split once */
    free(machine.memory);
}

/* An entry above the leaf that forbids, forbids for all that is below it. */
static void tables_may_forbid(void **state)
{
    struct machine machine;
    struct paging_audit audit;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, 0, 0, KIB4, PAGING_WRITE | PAGING_EXECUTE),
                     PAGING_OK);
    machine.memory[0] &= ~2ull; /* the PML4's first entry: not writable */
    assert_seen(&machine, 0, 0, KIB4, PAGING_EXECUTE);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.writable, 0);
    machine.memory[0] |= 2 | 1ull << 63;
    assert_seen(&machine, 0, 0, KIB4, PAGING_WRITE);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.executable, 0);
    free(machine.memory);
}

static void audit_of_a_kernel(void **state)
{
    const uint64_t image = 0xffffffff80000000ull;
    struct machine machine;
    struct paging_audit audit;

    (void)state;
    machine_init(&machine, false);
    /* text at 2 MiB of physical memory, data behind it, all RAM but the text writable */
    assert_int_equal(paging_map(&machine.tables, image, MIB2, 8 * KIB4, PAGING_EXECUTE), PAGING_OK);
    assert_int_equal(
        paging_map(&machine.tables, image + 8 * KIB4, MIB2 + 8 * KIB4, 4 * KIB4, PAGING_WRITE),
        PAGING_OK);
    assert_int_equal(paging_map(&machine.tables, HIGH, 0, 16 * MIB2, PAGING_WRITE), PAGING_OK);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.leaves_4k, 12);
    assert_int_equal(audit.leaves_2m, 16);
    assert_int_equal(audit.leaves_1g, 0);
    assert_int_equal(audit.executable, 8);
    assert_int_equal(audit.writable, 20);
    assert_int_equal(audit.writable_executable, 0);
    assert_int_equal(audit.aliased_pages, 8);

    assert_int_equal(paging_protect(&machine.tables, HIGH + MIB2, 8 * KIB4, 0), PAGING_OK);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.leaves_4k, 12 + 512);
    assert_int_equal(audit.leaves_2m, 15);
    assert_int_equal(audit.aliased_pages, 0);

    assert_int_equal(
        paging_protect(&machine.tables, image + 8 * KIB4, KIB4, PAGING_WRITE | PAGING_EXECUTE),
        PAGING_OK);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.writable_executable, 1);
    assert_int_equal(audit.aliased_pages, 2); /* by itself and by the map of all RAM */
    free(machine.memory);
}

/* More executable pieces than the audit looks at in one go, each aliased once. */
static void audit_of_many_pieces(void **state)
{
    struct machine machine;
    struct paging_audit audit;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, HIGH, 0, GIB, PAGING_WRITE), PAGING_OK);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(
            paging_map(&machine.tables, GIB + i * KIB4, i * 2 * KIB4, KIB4, PAGING_EXECUTE),
            PAGING_OK);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.leaves_1g, 1);
    assert_int_equal(audit.executable, 100);
    assert_int_equal(audit.aliased_pages, 100);
    free(machine.memory);
}

/* The model: what was asked for, in order. The last request about an address decides. */
enum { REQUESTS = 60 };

struct request {
    uint64_t virt, physical, bytes;
    enum { MAP, PROTECT, UNMAP } what;
    uint32_t flags;
};

static bool model_walk(const struct request *requests, int count, uint64_t virt, uint64_t *physical,
                       uint32_t *flags)
{
    bool protected = false;

    while (count-- > 0) {
        const struct request *request = &requests[count];

        if (virt < request->virt || virt - request->virt >= request->bytes)
            continue;
        if (request->what == UNMAP)
            return false;
        if (!protected)
            *flags = request->flags;
        *physical = request->physical + (virt - request->virt);
        if (request->what == MAP)
            return true;
        protected = true;
    }
    return false;
}

/* Whether the model has all of the range mapped: it can only change where a request begins or ends.
 */
static bool model_maps_all(const struct request *requests, int count, uint64_t virt, uint64_t bytes)
{
    uint64_t physical;
    uint32_t flags;

    if (!model_walk(requests, count, virt, &physical, &flags))
        return false;
    for (int i = 0; i < count; i++) {
        uint64_t edge[] = {requests[i].virt, requests[i].virt + requests[i].bytes};

        for (int j = 0; j < 2; j++) {
            if (edge[j] > virt && edge[j] - virt < bytes &&
                !model_walk(requests, count, edge[j], &physical, &flags))
                return false;
        }
    }
    return true;
}

static struct request random_request(uint64_t *seed)
{
    static const uint64_t units[] = {KIB4, KIB4, MIB2, MIB2, GIB};
    uint64_t unit = units[random_below(seed, 5)];
    struct request request;

    request.what = (int)random_below(seed, 4) % 3;
    request.virt = HIGH + random_below(seed, 6 * GIB / unit) * unit;
    request.bytes = (1 + random_below(seed, unit == GIB ? 2 : 700)) * unit;
    request.physical = random_below(seed, 16 * GIB / unit) * unit;
    request.flags = (uint32_t)random_below(seed, 8) | PAGING_PAT(random_below(seed, 8));
    return request;
}

static void compare_at(const struct machine *machine, const struct request *requests, int count,
                       uint64_t virt)
{
    uint64_t physical = 0;
    uint32_t flags = 0;

    if (model_walk(requests, count, virt, &physical, &flags))
        assert_seen(machine, virt, physical, 0, flags);
    else
        assert_unseen(machine, virt);
}

static void perform(struct machine *machine, struct request *requests, int *count, uint64_t *seed)
{
    struct request request = random_request(seed);

    switch (request.what) {
    case MAP:
        assert_int_equal(paging_map(&machine->tables, request.virt, request.physical, request.bytes,
                                    request.flags),
                         PAGING_OK);
        break;
    case UNMAP:
        assert_int_equal(paging_unmap(&machine->tables, request.virt, request.bytes), PAGING_OK);
        break;
    case PROTECT:
        if (!model_maps_all(requests, *count, request.virt, request.bytes)) {
            assert_int_equal(
                paging_protect(&machine->tables, request.virt, request.bytes, request.flags),
                PAGING_NOT_MAPPED);
            return;
        }
        assert_int_equal(
            paging_protect(&machine->tables, request.virt, request.bytes, request.flags),
            PAGING_OK);
        break;
    }
    requests[(*count)++] = request;
}

/* Every leaf, once and in order, as the processor sees it. */
struct census {
    const struct machine *machine;
    uint64_t end; /* virtual, of the leaf before */
    uint64_t leaves;
};

static void take_census(const struct paging_leaf *leaf, void *context)
{
    struct census *census = context;

    assert_true(leaf->virtual_base >= census->end);
    assert_seen(census->machine, leaf->virtual_base, leaf->physical_base, leaf->size, leaf->flags);
    census->end = leaf->virtual_base + leaf->size;
    census->leaves++;
}

static void random_mappings_agree_with_the_model(void **state)
{
    static struct request requests[REQUESTS];

    (void)state;
    for (uint64_t run = 0; run < 24; run++) {
        uint64_t seed = 0x51ed2701 + run;
        struct machine machine;
        struct census census = {.machine = &machine};
        struct paging_audit audit;
        int count = 0;

        machine_init(&machine, run % 2);
        for (int step = 0; step < REQUESTS; step++)
            perform(&machine, requests, &count, &seed);
        for (int i = 0; i < count; i++) {
            compare_at(&machine, requests, count, requests[i].virt - 1);
            compare_at(&machine, requests, count, requests[i].virt);
            compare_at(&machine, requests, count, requests[i].virt + requests[i].bytes - 1);
            compare_at(&machine, requests, count, requests[i].virt + requests[i].bytes);
        }
        for (int i = 0; i < 3000; i++)
            compare_at(&machine, requests, count, HIGH + random_below(&seed, 9 * GIB));
        paging_for_each(&machine.tables, take_census, &census);
        paging_audit(&machine.tables, &audit);
        assert_int_equal(audit.leaves_4k + audit.leaves_2m + audit.leaves_1g, census.leaves);
        free(machine.memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_page_that_fits),
        cmocka_unit_test(alignment_of_both_addresses),
        cmocka_unit_test(tables_of_a_direct_map),
        cmocka_unit_test(bits_of_the_entries),
        cmocka_unit_test(splitting_large_pages),
        cmocka_unit_test(tables_are_kept),
        cmocka_unit_test(errors),
        cmocka_unit_test(running_out_of_tables),
        cmocka_unit_test(tables_may_forbid),
        cmocka_unit_test(audit_of_a_kernel),
        cmocka_unit_test(audit_of_many_pieces),
        cmocka_unit_test(random_mappings_agree_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
