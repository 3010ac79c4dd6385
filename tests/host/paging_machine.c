#include "tests/host/paging_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mm/page_alloc.h"
#include "mm/radix_change.h"

enum { FIRST_TABLE = 0x100000, TABLES_MAX = 3000 };

static struct machine *current;

void *phys_to_virt(uint64_t physical)
{
    assert_in_range(physical, FIRST_TABLE, FIRST_TABLE + current->used * KIB4 - 1);
    assert_int_equal(physical % KIB4, 0);
    return current->memory + (physical - FIRST_TABLE) / 8;
}

uint64_t pages_alloc(int order)
{
    assert_int_equal(order, 0);
    if (current->used == current->limit)
        return 0;
    memset(current->memory + current->used * 512ull, 0, KIB4);
    return FIRST_TABLE + current->used++ * KIB4;
}

void pages_free(uint64_t address, int order)
{
    fail_msg("%#lx, order %d: tables, once made, stay", address, order);
}

void machine_init(struct machine *machine, bool pages_of_1gib)
{
    *machine = (struct machine){.limit = TABLES_MAX};
    machine->memory = malloc(TABLES_MAX * KIB4);
    assert_non_null(machine->memory);
    current = machine;
    assert_true(paging_init(&machine->tables, pages_of_1gib, false, NULL));
}

void machine_end(struct machine *machine)
{
    free(machine->memory);
    current = NULL;
}

enum map_result paging_protect(struct page_tables *tables, uint64_t virt, uint64_t bytes,
                               uint64_t flags)
{
    uint64_t no_execute = 1ull << 63;

    return radix_protect(
        &tables->radix, virt, bytes, 0,
        1 | (tables->always_executable ? flags & ~no_execute : flags ^ no_execute));
}

enum map_result paging_unmap(struct page_tables *tables, uint64_t virt, uint64_t bytes)
{
    return radix_unmap(&tables->radix, virt, bytes);
}

struct seen processor_walk(const struct machine *machine, uint64_t virt)
{
    struct seen seen = {.write = true, .execute = true};
    uint64_t table = machine->tables.radix.root;

    for (int bit = 39; bit >= 12; bit -= 9) {
        uint64_t e = ((const uint64_t *)phys_to_virt(table))[virt >> bit & 511];
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

void assert_seen(const struct machine *machine, uint64_t virt, uint64_t physical, uint64_t size,
                 uint64_t flags)
{
    struct seen seen = processor_walk(machine, virt);
    struct paging_leaf leaf;
    uint64_t from = virt & 0xffffffffffff;

    assert_true(seen.mapped);
    assert_int_equal(seen.physical, physical);
    if (size != 0)
        assert_int_equal(seen.size, size);
    assert_int_equal(seen.write, (flags & PAGING_WRITE) != 0);
    assert_int_equal(seen.execute, (flags & PAGING_EXECUTE) != 0);
    assert_int_equal(seen.global, (flags & PAGING_GLOBAL) != 0);
    assert_int_equal(PAGING_PAT(seen.pat), flags & PAGING_PAT_MASK);

    assert_true(paging_is_mapped(&machine->tables, virt));
    assert_true(paging_next(&machine->tables, &from, &leaf));
    assert_int_equal(leaf.size, seen.size);
    assert_int_equal(leaf.flags, flags);
    assert_int_equal(leaf.physical_base + (virt - leaf.virtual_base), physical);
    assert_int_equal(leaf.virtual_base % leaf.size, 0);
}

void assert_unseen(const struct machine *machine, uint64_t virt)
{
    assert_false(processor_walk(machine, virt).mapped);
    assert_false(paging_is_mapped(&machine->tables, virt));
}
