#include "tests/host/ept_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mm/page_alloc.h"

const struct vmx_capability everything = {.ept_2m_pages = true,
                                          .ept_1g_pages = true,
                                          .ept_execute_only = true,
                                          .ept_accessed_dirty = true,
                                          .ept_write_back = true};

uint64_t *machine_table(const struct machine *machine, uint64_t physical)
{
    assert_int_equal(physical % KIB4, 0);
    assert_in_range(physical, FIRST_TABLE, FIRST_TABLE + TABLES_MAX * KIB4 - 1);
    assert_true(machine->taken[(physical - FIRST_TABLE) / KIB4]);
    return machine->memory + (physical - FIRST_TABLE) / 8;
}

static struct machine *current;

void *phys_to_virt(uint64_t physical)
{
    current->visits++;
    return machine_table(current, physical);
}

uint64_t pages_alloc(int order)
{
    unsigned i = 0;

    assert_int_equal(order, 0);
    if (current->used >= current->limit)
        return 0;
    while (current->taken[i])
        i++;
    current->taken[i] = true;
    current->used++;
    memset(current->memory + i * 512ull, 0, KIB4);
    return FIRST_TABLE + i * KIB4;
}

void pages_free(uint64_t address, int order)
{
    assert_int_equal(order, 0);
    memset(machine_table(current, address), 0xff, KIB4); /* whoever still looks, fails */
    current->taken[(address - FIRST_TABLE) / KIB4] = false;
    current->used--;
}

void machine_init(struct machine *machine, const struct vmx_capability *capability)
{
    *machine = (struct machine){.limit = TABLES_MAX, .recent = EPT_NOTHING_RECENT};
    machine->memory = malloc(TABLES_MAX * KIB4);
    assert_non_null(machine->memory);
    current = machine;
    assert_int_equal(ept_init(&machine->ept, capability, WIDTH, NULL), MAP_OK);
}

/* Every table goes back, from the leaves up. */
void machine_free_tables(struct machine *machine)
{
    uint64_t physical[LEVEL_PML4 + 1]; /* of the tables on the way, by level */
    unsigned next[LEVEL_PML4 + 1] = {0};
    int level = LEVEL_PML4;

    physical[level] = machine->ept.radix.root;
    while (level <= LEVEL_PML4) {
        uint64_t entry = 0;

        if (level > LEVEL_PT && next[level] < RADIX_ENTRIES)
            entry = machine_table(machine, physical[level])[next[level]++];
        else
            pages_free(physical[level++], 0);
        if (radix_is_table(&ept_format, entry, level)) {
            physical[--level] = entry & RADIX_ADDRESS;
            next[level] = 0;
        }
    }
    machine->ept.radix.root = 0;
}

void machine_end(struct machine *machine)
{
    machine_free_tables(machine);
    assert_int_equal(machine->used, 0);
    assert_int_equal(machine->ept.radix.root, 0);
    free(machine->memory);
}

bool processor_refuses(uint64_t entry, int level, const struct vmx_capability *capability,
                       unsigned width)
{
    bool r = entry & 1, w = entry >> 1 & 1, x = entry >> 2 & 1, page = entry >> 7 & 1;
    unsigned type = entry >> 3 & 7;

    if (!r && !w && !x)
        return false; /* not present: nothing else counts */
    if (!r && (w || !capability->ept_execute_only))
        return true;
    for (unsigned bit = width; bit < 52; bit++)
        if (entry >> bit & 1)
            return true;
    switch (level) {
    case 4: /* PML4E: 7:3 */
        return type || entry >> 6 & 1 || page;
    case 3: /* PDPTE: 6:3 of one for a directory; 29:12 of one for a page */
        if (!page)
            return type || entry >> 6 & 1;
        if (!capability->ept_1g_pages || (entry >> 12 & 0x3ffff))
            return true;
        break;
    case 2: /* PDE: 6:3 of one for a table; 20:12 of one for a page */
        if (!page)
            return type || entry >> 6 & 1;
        if (!capability->ept_2m_pages || (entry >> 12 & 0x1ff))
            return true;
        break;
    default: /* PTE: nothing reserved */
        break;
    }
    return type == 2 || type == 3 || type == 7;
}

struct seen processor_walk(const struct machine *machine, uint64_t guest_physical)
{
    struct seen seen = {.permissions = 7};
    uint64_t table = ept_pointer(&machine->ept) & 0x000ffffffffff000ull;
    int level = 4;

    for (int bit = 39; bit >= 12; bit -= 9, level--) {
        uint64_t e = machine_table(machine, table)[guest_physical >> bit & 511];

        assert_false(processor_refuses(e, level, &machine->ept.capability, WIDTH));
        if (!(e & 7))
            return (struct seen){.entry = e, .size = 1ull << bit};
        seen.permissions &= (unsigned)e & 7;
        if (bit == 12 || (e >> 7 & 1)) {
            uint64_t offset = (1ull << bit) - 1;

            seen.mapped = true;
            seen.size = 1ull << bit;
            seen.physical = (e & 0x000ffffffffff000ull & ~offset) | (guest_physical & offset);
            seen.type = e >> 3 & 7;
            seen.entry = e;
            return seen;
        }
        table = e & 0x000ffffffffff000ull;
    }
    fail_msg("a walk ends at its fourth table");
    return seen;
}

void assert_seen(const struct machine *machine, uint64_t guest_physical, uint64_t physical,
                 uint64_t size, uint32_t permissions, enum memory_type type)
{
    struct seen seen = processor_walk(machine, guest_physical);
    struct ept_walk walk = ept_walk(&machine->ept, guest_physical);

    assert_true(seen.mapped);
    assert_int_equal(seen.physical, physical);
    if (size != 0)
        assert_int_equal(seen.size, size);
    assert_int_equal(seen.permissions, permissions);
    assert_int_equal(seen.type, type);

    assert_true(walk.mapped);
    assert_int_equal(walk.misconfiguration, EPT_WELL_CONFIGURED);
    assert_int_equal(walk.entry, seen.entry);
    assert_int_equal(walk.size, seen.size);
    assert_int_equal(1ull << (12 + 9 * (walk.level - 1)), seen.size);
    assert_int_equal(walk.guest_physical, guest_physical & ~(seen.size - 1));
    assert_int_equal(walk.physical + (guest_physical - walk.guest_physical), physical);
    assert_int_equal(walk.permissions, permissions);
    assert_int_equal(walk.type, type);
}

void assert_unseen(const struct machine *machine, uint64_t guest_physical)
{
    struct seen seen = processor_walk(machine, guest_physical);
    struct ept_walk walk = ept_walk(&machine->ept, guest_physical);

    assert_false(seen.mapped);
    assert_false(walk.mapped);
    assert_int_equal(walk.misconfiguration, EPT_WELL_CONFIGURED);
    assert_int_equal(walk.size, seen.size);
    assert_int_equal(walk.guest_physical, guest_physical & ~(seen.size - 1));
}
