/*
 * Extended page tables against a list of pages: whatever sequence of calls made them, each page of
 * 4 KiB is what the last call about it said. And memory types: from the MTRRs, and by chance.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mm/memory_use.h"
#include "tests/host/ept_machine.h"
#include "tests/host/random.h"

#define RW (EPT_READ | EPT_WRITE)

/* The window of guest-physical memory that all happens in: around 1 GiB, which is one page. */
#define WINDOW (GIB - 8 * MIB2)

enum { PAGES = 2 * 8 * 512 + 512 * 512, OPERATIONS = 400, SAMPLES = 60 };

struct page {
    uint64_t physical;
    uint8_t permissions, type; /* permissions 0: not mapped */
};

static struct page pages[PAGES];

static const struct {
    uint64_t seed;
    struct vmx_capability capability;
} runs[] = {
    {0x9e3779b97f4a7c15, {}},
    {0xbf58476d1ce4e5b9, {.ept_2m_pages = true}},
    {0x94d049bb133111eb, {.ept_1g_pages = true, .ept_execute_only = true}},
    {0x2545f4914f6cdd1d,
     {.ept_2m_pages = true,
      .ept_1g_pages = true,
      .ept_execute_only = true,
      .ept_accessed_dirty = true,
      .ept_write_back = true}},
};

static const enum memory_type types[] = {MEMORY_TYPE_UC, MEMORY_TYPE_WC, MEMORY_TYPE_WT,
                                         MEMORY_TYPE_WP, MEMORY_TYPE_WB};

/*
 * Physical memory by turns of 64 MiB: one type, a type for each 2 MiB, one for each 4 KiB; and
 * among the latter some that have none.
 */
static enum memory_type type_of_page(uint64_t physical)
{
    switch (physical >> 26 & 3) {
    case 0:
    case 1:
        return MEMORY_TYPE_WB;
    case 2:
        return types[(physical >> 21) * 7 % 5];
    default:
        return physical >> 12 & 31 ? types[(physical >> 12) % 5] : MEMORY_TYPE_UNDEFINED;
    }
}

static const struct memory_types_state by_turns_state; /* which it is asked about */

static enum memory_type type_of_range(const struct memory_types_state *state, uint64_t physical,
                                      uint64_t bytes)
{
    enum memory_type type = type_of_page(physical);

    assert_ptr_equal(state, &by_turns_state);
    assert_int_equal(physical % bytes, 0);
    for (uint64_t at = 0; at < bytes; at += KIB4)
        if (type_of_page(physical + at) != type)
            return MEMORY_TYPE_MIXED;
    return type;
}

static const struct ept_memory_types by_turns = {type_of_range, &by_turns_state};

static void assert_page(const struct machine *machine, uint64_t index)
{
    uint64_t at = WINDOW + index * KIB4;

    if (pages[index].permissions == 0)
        assert_unseen(machine, at + index % KIB4);
    else
        assert_seen(machine, at + index % KIB4, pages[index].physical + index % KIB4, 0,
                    pages[index].permissions, (enum memory_type)pages[index].type);
}

static uint32_t some_permissions(uint64_t *seed, const struct vmx_capability *capability)
{
    static const uint32_t all[] = {1, 3, 5, 7, 4};

    return all[random_below(seed, capability->ept_execute_only ? 5 : 4)];
}

/* All 1 GiB, so that there are the largest pages to begin with. */
static void map_all(struct machine *machine)
{
    assert_int_equal(ept_map(&machine->ept, GIB, GIB, GIB, RW, MEMORY_TYPE_WT), MAP_OK);
    for (uint64_t i = (GIB - WINDOW) / KIB4; i < (2 * GIB - WINDOW) / KIB4; i++)
        pages[i] = (struct page){WINDOW + i * KIB4, RW, MEMORY_TYPE_WT};
}

/* A range in the window: small, or of whole large pages, or all of 1 GiB. */
static void some_range(uint64_t *seed, uint64_t *first, uint64_t *count)
{
    uint64_t kind = random_below(seed, 10);

    if (kind == 0) {
        *first = 8 * 512;
        *count = 512 * 512;
    } else if (kind < 5) {
        *first = random_below(seed, PAGES / 512) * 512;
        *count = (1 + random_below(seed, 4)) * 512;
    } else {
        *first = random_below(seed, PAGES);
        *count = 1 + random_below(seed, 1300);
    }
    if (*count > PAGES - *first)
        *count = PAGES - *first;
}

static void map_something(struct machine *machine, uint64_t *seed, bool by_type)
{
    uint32_t permissions = some_permissions(seed, &machine->ept.capability);
    enum memory_type type = types[random_below(seed, 5)];
    /* aligned with the guest's to 1 GiB, 2 MiB or 4 KiB */
    uint64_t shift = random_below(seed, 8) << (12 + 9 * random_below(seed, 3));
    uint64_t first, count;

    some_range(seed, &first, &count);
    if (by_type)
        assert_int_equal(ept_map_by_type(&machine->ept, WINDOW + first * KIB4,
                                         WINDOW + first * KIB4 + shift, count * KIB4, permissions,
                                         &by_turns),
                         MAP_OK);
    else
        assert_int_equal(ept_map(&machine->ept, WINDOW + first * KIB4,
                                 WINDOW + first * KIB4 + shift, count * KIB4, permissions, type),
                         MAP_OK);
    for (uint64_t i = first; i < first + count; i++) {
        uint64_t physical = WINDOW + i * KIB4 + shift;

        if (by_type)
            type = type_of_page(physical);
        if (type == MEMORY_TYPE_UNDEFINED)
            type = MEMORY_TYPE_UC;
        pages[i] = (struct page){physical, (uint8_t)permissions, (uint8_t)type};
    }
}

static void map_page(struct machine *machine, uint64_t *seed)
{
    uint64_t index = random_below(seed, PAGES);

    for (int i = 0; i < 5; i++, index = (index + 1) % PAGES) {
        pages[index] = (struct page){random_below(seed, 1ull << (WIDTH - 12)) * KIB4,
                                     (uint8_t)some_permissions(seed, &machine->ept.capability),
                                     (uint8_t)types[random_below(seed, 5)]};
        assert_int_equal(store_page(machine, WINDOW + index * KIB4 + random_below(seed, KIB4),
                                    pages[index].physical, pages[index].permissions,
                                    (enum memory_type)pages[index].type),
                         MAP_OK);
    }
}

static void protect_or_unmap(struct machine *machine, uint64_t *seed, bool unmap)
{
    uint32_t permissions = unmap ? 0 : some_permissions(seed, &machine->ept.capability);
    enum map_result result, wanted = MAP_OK;
    uint64_t first, count;

    some_range(seed, &first, &count);
    for (uint64_t i = first; !unmap && i < first + count; i++)
        if (pages[i].permissions == 0)
            wanted = MAP_NOT_MAPPED;
    result = unmap ? ept_unmap(&machine->ept, WINDOW + first * KIB4, count * KIB4)
                   : ept_protect(&machine->ept, WINDOW + first * KIB4, count * KIB4, permissions);
    assert_int_equal(result, wanted);
    for (uint64_t i = first; wanted == MAP_OK && i < first + count; i++)
        pages[i].permissions = (uint8_t)permissions;
}

static void any_sequence(void **state)
{
    (void)state;
    for (unsigned run = 0; run < sizeof runs / sizeof *runs; run++) {
        uint64_t seed = runs[run].seed;
        struct machine machine;

        memset(pages, 0, sizeof pages);
        machine_init(&machine, &runs[run].capability);
        map_all(&machine);
        for (int operation = 0; operation < OPERATIONS; operation++) {
            uint64_t kind = random_below(&seed, 8);

            if (kind < 4)
                map_something(&machine, &seed, kind == 0);
            else if (kind == 4)
                map_page(&machine, &seed);
            else
                protect_or_unmap(&machine, &seed, kind == 5);
            for (int i = 0; i < SAMPLES; i++)
                assert_page(&machine, random_below(&seed, PAGES));
        }
        for (uint64_t i = 0; i < PAGES; i++)
            assert_page(&machine, i);
        assert_unseen(&machine, WINDOW - 1);
        assert_unseen(&machine, WINDOW + PAGES * KIB4);
        machine_end(&machine);
    }
}

/*
 * As a PC has it: WB but for 3 to 4 GiB, the legacy screen at 640 KiB (UC) and ROM above it (WP).
 * SDM Vol. 3, "Fixed Range MTRRs": one byte for each 64, 16 or 4 KiB.
 */
static void types_from_the_mtrrs(void **state)
{
    struct memory_types_state mtrrs = {
        .mtrr = true,
        .physical_width = WIDTH,
        .mtrrcap = MTRRCAP_FIX | 1,
        .def_type = MTRR_DEF_TYPE_E | MTRR_DEF_TYPE_FE | MEMORY_TYPE_WB,
        .physbase = {3 * GIB | MEMORY_TYPE_UC},
        .physmask = {((1ull << WIDTH) - GIB) | MTRR_PHYSMASK_V},
    };
    const struct ept_memory_types from_mtrrs = {memory_type_mtrr, &mtrrs};
    struct machine machine;

    (void)state;
    for (int i = 0; i < MTRR_FIXED_COUNT; i++)
        mtrrs.fixed[i] = i < 2 ? 0x0606060606060606 : i == 2 ? 0 : 0x0505050505050505;
    machine_init(&machine, &everything);
    assert_int_equal(ept_map_by_type(&machine.ept, 0, 0, 6 * GIB, EPT_ALL, &from_mtrrs), MAP_OK);
    assert_seen(&machine, 0x9ffff, 0x9ffff, KIB4, EPT_ALL, MEMORY_TYPE_WB);
    assert_seen(&machine, 0xa0000, 0xa0000, KIB4, EPT_ALL, MEMORY_TYPE_UC);
    assert_seen(&machine, 0xbffff, 0xbffff, KIB4, EPT_ALL, MEMORY_TYPE_UC);
    assert_seen(&machine, 0xc0000, 0xc0000, KIB4, EPT_ALL, MEMORY_TYPE_WP);
    assert_seen(&machine, 0xfffff, 0xfffff, KIB4, EPT_ALL, MEMORY_TYPE_WP);
    assert_seen(&machine, 0x100000, 0x100000, KIB4, EPT_ALL, MEMORY_TYPE_WB);
    assert_seen(&machine, MIB2, MIB2, MIB2, EPT_ALL, MEMORY_TYPE_WB);
    assert_seen(&machine, GIB - 1, GIB - 1, MIB2, EPT_ALL, MEMORY_TYPE_WB);
    assert_seen(&machine, GIB, GIB, GIB, EPT_ALL, MEMORY_TYPE_WB);
    assert_seen(&machine, 3 * GIB, 3 * GIB, GIB, EPT_ALL, MEMORY_TYPE_UC);
    assert_seen(&machine, 4 * GIB, 4 * GIB, GIB, EPT_ALL, MEMORY_TYPE_WB);
    assert_unseen(&machine, 6 * GIB);
    assert_int_equal(machine.used, 4); /* PML4, PDPT, and a PD and a page table for the first GiB */
    machine_end(&machine);
}

static enum memory_type always_mixed(const struct memory_types_state *state, uint64_t physical,
                                     uint64_t bytes)
{
    (void)state;
    (void)physical;
    (void)bytes;
    return MEMORY_TYPE_MIXED;
}

/* MTRRs are no finer than 4 KiB; what has no one type even there is not cached. */
static void what_has_no_one_type_is_uncacheable(void **state)
{
    const struct ept_memory_types mixed = {always_mixed, NULL};
    struct machine machine;

    (void)state;
    machine_init(&machine, &everything);
    assert_int_equal(ept_map_by_type(&machine.ept, 0, 0, 2 * KIB4, EPT_ALL, &mixed), MAP_OK);
    assert_seen(&machine, 0, 0, KIB4, EPT_ALL, MEMORY_TYPE_UC);
    assert_seen(&machine, 2 * KIB4 - 1, 2 * KIB4 - 1, KIB4, EPT_ALL, MEMORY_TYPE_UC);
    machine_end(&machine);
}

static void refusals_come_before_anything_is_mapped(void **state)
{
    struct machine machine;
    struct ept *ept = &machine.ept;
    const uint64_t end = 1ull << WIDTH;

    (void)state;
    machine_init(&machine, &everything);
    assert_int_equal(ept_map_by_type(ept, 1, 0, KIB4, RW, &by_turns), MAP_MISALIGNED);
    assert_int_equal(ept_map_by_type(ept, 0, KIB4 / 2, KIB4, RW, &by_turns), MAP_MISALIGNED);
    assert_int_equal(ept_map_by_type(ept, 0, 0, 0, RW, &by_turns), MAP_BAD_ADDRESS);
    assert_int_equal(ept_map_by_type(ept, 0, 0, KIB4, EPT_WRITE, &by_turns), MAP_BAD_PERMISSIONS);
    assert_int_equal(ept_map_by_type(ept, end - KIB4, end - KIB4, 2 * KIB4, RW, &by_turns),
                     MAP_BAD_PHYSICAL);
    assert_int_equal(machine.used, 1);
    machine.limit = 3;
    assert_int_equal(ept_map_by_type(ept, 0, 0, 5 * GIB, RW, &by_turns), MAP_NO_MEMORY);
    machine_end(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_sequence),
        cmocka_unit_test(types_from_the_mtrrs),
        cmocka_unit_test(what_has_no_one_type_is_uncacheable),
        cmocka_unit_test(refusals_come_before_anything_is_mapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
