/*
 * Extended page tables in ordinary memory, read back by the test's own processor
 * (tests/host/ept_machine.h). SDM Vol. 3, "The Extended Page Table Mechanism (EPT)".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/host/ept_machine.h"

#define RW  (EPT_READ | EPT_WRITE)
#define RX  (EPT_READ | EPT_EXECUTE)
#define WB  MEMORY_TYPE_WB
#define UC  MEMORY_TYPE_UC
#define END (1ull << 48) /* of guest-physical addresses */

#define PAGE_BIT (1ull << 7)

static void the_largest_page_there_is(void **state)
{
    (void)state;
    for (int has = 0; has < 4; has++) {
        struct vmx_capability capability = everything;
        uint64_t middle = has & 1 ? MIB2 : KIB4;
        uint64_t top = has == 3 ? GIB : middle; /* 1 GiB must be splittable */
        struct machine machine;

        capability.ept_2m_pages = has & 1;
        capability.ept_1g_pages = has & 2;
        machine_init(&machine, &capability);
        /* 4 KiB pages, then 2 MiB, then 1 GiB, and down again; physical 4 GiB above */
        assert_int_equal(ept_map(&machine.ept, GIB - MIB2 - KIB4, 5 * GIB - MIB2 - KIB4,
                                 GIB + 2 * MIB2 + 2 * KIB4, RW, WB),
                         MAP_OK);
        assert_unseen(&machine, GIB - MIB2 - KIB4 - 1);
        assert_seen(&machine, GIB - MIB2 - 1, 5 * GIB - MIB2 - 1, KIB4, RW, WB);
        assert_seen(&machine, GIB - 1, 5 * GIB - 1, middle, RW, WB);
        assert_seen(&machine, GIB, 5 * GIB, top, RW, WB);
        assert_seen(&machine, 2 * GIB - 1, 6 * GIB - 1, top, RW, WB);
        assert_seen(&machine, 2 * GIB, 6 * GIB, middle, RW, WB);
        assert_seen(&machine, 2 * GIB + MIB2, 6 * GIB + MIB2, KIB4, RW, WB);
        assert_unseen(&machine, 2 * GIB + MIB2 + KIB4);
        machine_end(&machine);
    }
}

/* "EPT Paging-Structure Entries": a PML4 entry maps no page, however much is mapped at once. */
static void no_page_is_larger_than_1_gib(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, &everything);
    assert_int_equal(ept_map(&machine.ept, 0, 0, 1024 * GIB, RW, WB), MAP_OK);
    assert_seen(&machine, 0, 0, GIB, RW, WB);
    assert_seen(&machine, 1024 * GIB - 1, 1024 * GIB - 1, GIB, RW, WB);
    machine_end(&machine);
}

/* Pages are large only where both addresses are aligned to them. */
static void alignment_of_both_addresses(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, &everything);
    assert_int_equal(ept_map(&machine.ept, 4 * GIB, 4 * GIB + MIB2, GIB, RW, WB), MAP_OK);
    assert_seen(&machine, 4 * GIB, 4 * GIB + MIB2, MIB2, RW, WB);
    assert_int_equal(ept_map(&machine.ept, 8 * GIB, 4 * GIB + KIB4, 2 * MIB2, RW, WB), MAP_OK);
    assert_seen(&machine, 8 * GIB + MIB2, 4 * GIB + KIB4 + MIB2, KIB4, RW, WB);
    machine_end(&machine);
}

/* Every permission with every type and size: the entry to the bit, or the refusal. */
static void every_permission_and_type(void **state)
{
    static const uint64_t sizes[] = {KIB4, MIB2, GIB};

    (void)state;
    for (int execute_only = 0; execute_only < 2; execute_only++) {
        struct vmx_capability capability = everything;
        struct machine machine;

        capability.ept_execute_only = execute_only;
        machine_init(&machine, &capability);
        for (uint32_t permissions = 0; permissions < 40; permissions++)
            for (uint32_t type = 0; type < 40; type++)
                for (int size = 0; size < 3; size++) {
                    bool good_permissions = permissions == 1 || permissions == 3 ||
                                            permissions == 5 || permissions == 7 ||
                                            (permissions == 4 && execute_only);
                    bool good_type = type == 0 || type == 1 || type == 4 || type == 5 || type == 6;
                    uint64_t at = (1 + (uint64_t)size) * 4 * GIB;
                    enum map_result wanted = !good_permissions ? MAP_BAD_PERMISSIONS
                                             : !good_type      ? MAP_BAD_MEMORY_TYPE
                                                               : MAP_OK;

                    assert_int_equal(ept_map(&machine.ept, at, 3 * GIB, sizes[size], permissions,
                                             (enum memory_type)type),
                                     wanted);
                    if (wanted != MAP_OK)
                        continue;
                    assert_seen(&machine, at, 3 * GIB, sizes[size], permissions,
                                (enum memory_type)type);
                    assert_int_equal(processor_walk(&machine, at).entry,
                                     3 * GIB | (size > 0) << 7 | type << 3 | permissions);
                    assert_int_equal(ept_unmap(&machine.ept, at, sizes[size]), MAP_OK);
                    assert_int_equal(processor_walk(&machine, at).entry, 0);
                }
        machine_end(&machine);
    }
}

/* A hole of 4 KiB in 1 GiB: split twice; the rest is as it was, accessed and dirty included. */
static void splitting_large_pages(void **state)
{
    const uint64_t hole = 3 * GIB + 5 * MIB2 + 7 * KIB4;
    struct machine machine;
    struct ept_walk walk;

    (void)state;
    machine_init(&machine, &everything);
    assert_int_equal(ept_map(&machine.ept, 3 * GIB, 0, GIB, RX, MEMORY_TYPE_WT), MAP_OK);
    walk = ept_walk(&machine.ept, 3 * GIB);
    assert_false(walk.accessed || walk.dirty);
    /* the processor sets bits 8 and 9 of the PDPTE, which is in the second table, entry 3 */
    machine.memory[512 + 3] |= 1u << 8 | 1u << 9;

    assert_int_equal(ept_unmap(&machine.ept, hole, KIB4), MAP_OK);
    assert_unseen(&machine, hole);
    assert_seen(&machine, hole - 1, hole - 1 - 3 * GIB, KIB4, RX, MEMORY_TYPE_WT);
    assert_seen(&machine, hole + KIB4, hole + KIB4 - 3 * GIB, KIB4, RX, MEMORY_TYPE_WT);
    assert_int_equal(processor_walk(&machine, hole + KIB4).entry,
                     (hole + KIB4 - 3 * GIB) | 1 << 9 | 1 << 8 | 4 << 3 | 5);
    assert_seen(&machine, 3 * GIB + 4 * MIB2, 4 * MIB2, MIB2, RX, MEMORY_TYPE_WT);
    assert_seen(&machine, 4 * GIB - 1, GIB - 1, MIB2, RX, MEMORY_TYPE_WT);
    walk = ept_walk(&machine.ept, hole + KIB4);
    assert_true(walk.accessed && walk.dirty);
    walk = ept_walk(&machine.ept, 3 * GIB);
    assert_true(walk.accessed && walk.dirty);

    assert_int_equal(ept_protect(&machine.ept, 4 * GIB - KIB4, KIB4, EPT_READ), MAP_OK);
    assert_seen(&machine, 4 * GIB - 1, GIB - 1, KIB4, EPT_READ, MEMORY_TYPE_WT);
    walk = ept_walk(&machine.ept, 4 * GIB - 1);
    assert_true(walk.accessed && walk.dirty);
    assert_seen(&machine, 4 * GIB - KIB4 - 1, GIB - KIB4 - 1, KIB4, RX, MEMORY_TYPE_WT);
    assert_int_equal(ept_map(&machine.ept, 3 * GIB, 9 * GIB, KIB4, RW, UC), MAP_OK);
    assert_seen(&machine, 3 * GIB, 9 * GIB, KIB4, RW, UC);
    assert_false(ept_walk(&machine.ept, 3 * GIB).dirty);
    assert_seen(&machine, 3 * GIB + KIB4, KIB4, KIB4, RX, MEMORY_TYPE_WT);
    machine_end(&machine);
}

/* Where the processor keeps no such flags, bits 8 and 9 are ignored, not reported. */
static void no_accessed_and_dirty_flags(void **state)
{
    struct vmx_capability capability = everything;
    struct machine machine;

    (void)state;
    capability.ept_accessed_dirty = false;
    machine_init(&machine, &capability);
    assert_int_equal(ept_map(&machine.ept, 3 * GIB, 0, GIB, RX, WB), MAP_OK);
    machine.memory[512 + 3] |= 1u << 8 | 1u << 9;
    assert_false(ept_walk(&machine.ept, 3 * GIB).accessed);
    assert_false(ept_walk(&machine.ept, 3 * GIB).dirty);
    machine_end(&machine);
}

/* Accessed and dirty each from its own bit. */
static void accessed_is_not_dirty(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, &everything);
    assert_int_equal(ept_map(&machine.ept, 3 * GIB, 0, GIB, RX, WB), MAP_OK);
    machine.memory[512 + 3] |= 1u << 8;
    assert_true(ept_walk(&machine.ept, 3 * GIB).accessed);
    assert_false(ept_walk(&machine.ept, 3 * GIB).dirty);
    machine.memory[512 + 3] ^= 3u << 8;
    assert_false(ept_walk(&machine.ept, 3 * GIB).accessed);
    assert_true(ept_walk(&machine.ept, 3 * GIB).dirty);
    machine_end(&machine);
}

/* 8 GiB: PML4, PDPT, and below that what the size of the pages makes necessary. */
static void no_more_tables_than_needed(void **state)
{
    struct vmx_capability capability = everything;
    struct machine machine;

    (void)state;
    machine_init(&machine, &capability);
    assert_int_equal(ept_map(&machine.ept, 0, 0, 8 * GIB, RW, WB), MAP_OK);
    assert_int_equal(machine.used, 2);
    machine_end(&machine);
    capability.ept_1g_pages = false;
    machine_init(&machine, &capability);
    assert_int_equal(ept_map(&machine.ept, 0, 0, 8 * GIB, RW, WB), MAP_OK);
    assert_int_equal(machine.used, 10);
    /* again and with holes: into the same tables, but for the one that the hole needs */
    assert_int_equal(ept_map(&machine.ept, 0, GIB, 8 * GIB, RX, WB), MAP_OK);
    assert_int_equal(machine.used, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ept_unmap(&machine.ept, GIB + KIB4, KIB4), MAP_OK);
        assert_int_equal(ept_map(&machine.ept, GIB, 0, MIB2, RW, WB), MAP_OK);
    }
    assert_int_equal(machine.used, 11);
    assert_seen(&machine, GIB + KIB4, KIB4, KIB4, RW, WB);
    assert_seen(&machine, GIB + MIB2, 2 * GIB + MIB2, MIB2, RX, WB);
    machine_end(&machine);
}

static void a_fresh_page_is_one_store(void **state)
{
    struct machine machine;
    struct ept *ept = &machine.ept;
    unsigned visits;

    (void)state;
    machine_init(&machine, &everything);
    assert_int_equal(store_page(&machine, GIB + 0x5678, 0x7000, RW, WB), MAP_OK);
    assert_seen(&machine, GIB + 0x5678, 0x7678, KIB4, RW, WB);
    visits = machine.visits;
    assert_int_equal(store_page(&machine, GIB + MIB2 - 1, 0x9000, RX, UC), MAP_OK);
    assert_int_equal(machine.visits, visits); /* no walk */
    assert_seen(&machine, GIB + MIB2 - 1, 0x9fff, KIB4, RX, UC);
    assert_unseen(&machine, GIB + 0x4fff);
    assert_unseen(&machine, GIB + 0x6000);

    /* the neighbours, and the same offset elsewhere */
    assert_int_equal(store_page(&machine, GIB + MIB2, 0xa000, EPT_ALL, WB), MAP_OK);
    assert_seen(&machine, GIB + MIB2, 0xa000, KIB4, EPT_ALL, WB);
    assert_int_equal(store_page(&machine, 5 * GIB + MIB2, 0xb000, EPT_ALL, WB), MAP_OK);
    assert_seen(&machine, 5 * GIB + MIB2, 0xb000, KIB4, EPT_ALL, WB);
    assert_seen(&machine, GIB + MIB2, 0xa000, KIB4, EPT_ALL, WB);
    assert_int_equal(machine.used, 7); /* PML4, PDPT, 2 directories, 3 page tables */

    /* what changed between is no surprise */
    assert_int_equal(ept_unmap(ept, 4 * GIB, 4 * GIB), MAP_OK);
    assert_unseen(&machine, 5 * GIB + MIB2);
    assert_int_equal(ept_map(ept, 5 * GIB, 0, GIB, RW, WB), MAP_OK);
    assert_int_equal(store_page(&machine, 5 * GIB + MIB2 + KIB4, 0xc000, RX, WB), MAP_OK);
    assert_seen(&machine, 5 * GIB + MIB2 + KIB4, 0xc000, KIB4, RX, WB);
    assert_seen(&machine, 5 * GIB + MIB2, MIB2, KIB4, RW, WB);
    /* in the middle of a large page */
    assert_int_equal(ept_map(ept, 8 * GIB, 0, GIB, RW, WB), MAP_OK);
    assert_int_equal(store_page(&machine, 8 * GIB + 3 * MIB2, 0xd000, RX, WB), MAP_OK);
    assert_seen(&machine, 8 * GIB + 3 * MIB2, 0xd000, KIB4, RX, WB);
    assert_seen(&machine, 8 * GIB + 3 * MIB2 + KIB4, 3 * MIB2 + KIB4, KIB4, RW, WB);
    assert_seen(&machine, 8 * GIB, 0, MIB2, RW, WB);

    assert_int_equal(store_page(&machine, END, 0x7000, RW, WB), MAP_NO_MEMORY);
    assert_int_equal(store_page(&machine, UINT64_MAX, 0x7000, RW, WB), MAP_NO_MEMORY);
    assert_seen(&machine, 8 * GIB, 0, MIB2, RW, WB);
    machine.limit = machine.used;
    assert_int_equal(store_page(&machine, 40 * GIB, 0x7000, RW, WB), MAP_NO_MEMORY);
    machine_end(&machine);
}

static void errors(void **state)
{
    struct machine machine;
    struct ept *ept = &machine.ept;

    (void)state;
    machine_init(&machine, &everything);
    assert_int_equal(ept_map(ept, 1, 0, KIB4, RW, WB), MAP_MISALIGNED);
    assert_int_equal(ept_map(ept, 0, 1, KIB4, RW, WB), MAP_MISALIGNED);
    assert_int_equal(ept_map(ept, 0, 0, KIB4 + 1, RW, WB), MAP_MISALIGNED);
    assert_int_equal(ept_map(ept, 0, 0, 0, RW, WB), MAP_BAD_ADDRESS);
    assert_int_equal(ept_map(ept, END, 0, KIB4, RW, WB), MAP_BAD_ADDRESS);
    assert_int_equal(ept_map(ept, END - KIB4, 0, 2 * KIB4, RW, WB), MAP_BAD_ADDRESS);
    assert_int_equal(ept_map(ept, KIB4, 0, 0 - KIB4, RW, WB), MAP_BAD_ADDRESS);
    assert_int_equal(ept_map(ept, 0, (1ull << WIDTH) - KIB4, 2 * KIB4, RW, WB), MAP_BAD_PHYSICAL);
    assert_int_equal(ept_map(ept, 0, 1ull << WIDTH, KIB4, RW, WB), MAP_BAD_PHYSICAL);
    assert_int_equal(ept_map(ept, 0, 0 - KIB4, KIB4, RW, WB), MAP_BAD_PHYSICAL);
    assert_int_equal(ept_protect(ept, 1, KIB4, RW), MAP_MISALIGNED);
    assert_int_equal(ept_protect(ept, 0, KIB4, EPT_WRITE), MAP_BAD_PERMISSIONS);
    assert_int_equal(ept_protect(ept, 0, KIB4, 0), MAP_BAD_PERMISSIONS);
    assert_int_equal(ept_protect(ept, 0, KIB4, RW), MAP_NOT_MAPPED);
    assert_int_equal(ept_unmap(ept, END, KIB4), MAP_BAD_ADDRESS);
    assert_int_equal(machine.used, 1);

    /* the very ends of what there is */
    assert_int_equal(ept_map(ept, END - KIB4, (1ull << WIDTH) - KIB4, KIB4, RW, WB), MAP_OK);
    assert_seen(&machine, END - 1, (1ull << WIDTH) - 1, KIB4, RW, WB);
    assert_int_equal(ept_unmap(ept, 0, END), MAP_OK);
    assert_unseen(&machine, END - 1);

    assert_int_equal(ept_map(ept, 0, 0, 2 * MIB2, RW, WB), MAP_OK);
    assert_int_equal(ept_protect(ept, MIB2, MIB2 + KIB4, EPT_READ), MAP_NOT_MAPPED);
    assert_seen(&machine, MIB2, MIB2, MIB2, RW, WB);
    machine_end(&machine);
}

static void running_out_of_tables(void **state)
{
    struct machine machine;

    (void)state;
    for (unsigned limit = 1; limit < 4; limit++) {
        machine_init(&machine, &everything);
        machine.limit = limit;
        assert_int_equal(ept_map(&machine.ept, GIB, 0, KIB4, RW, WB), MAP_NO_MEMORY);
        assert_unseen(&machine, GIB);
        machine.limit = 4;
        assert_int_equal(ept_map(&machine.ept, GIB, 0, KIB4, RW, WB), MAP_OK);
        machine_end(&machine);
    }
    machine_init(&machine, &everything);
    assert_int_equal(ept_map(&machine.ept, GIB, 0, GIB, RW, WB), MAP_OK);
    machine.limit = 3;
    assert_int_equal(ept_unmap(&machine.ept, GIB, KIB4), MAP_NO_MEMORY);
    assert_int_equal(ept_protect(&machine.ept, GIB, KIB4, RX), MAP_NO_MEMORY);
    assert_seen(&machine, GIB + 5, 5, MIB2, RW, WB); /* still mapped as it was, split once */
    machine_free_tables(&machine);
    machine.limit = 0;
    assert_int_equal(ept_init(&machine.ept, &everything, WIDTH, NULL), MAP_NO_MEMORY);
    machine.limit = 1;
    assert_int_equal(ept_init(&machine.ept, &everything, WIDTH, NULL), MAP_OK);
    machine_end(&machine);
}

/* After ept_init() nothing is remembered of tables that stood before. */
static void a_new_life(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, &everything);
    assert_int_equal(store_page(&machine, 0, GIB, RW, WB), MAP_OK); /* no page before it */
    assert_seen(&machine, 0, GIB, KIB4, RW, WB);
    assert_int_equal(store_page(&machine, GIB, 0, RW, WB), MAP_OK);
    assert_int_equal(machine.used, 6);
    machine_free_tables(&machine);
    assert_int_equal(machine.used, 0);
    assert_int_equal(ept_init(&machine.ept, &everything, WIDTH, NULL), MAP_OK);
    machine.recent = (struct ept_recent)EPT_NOTHING_RECENT;
    assert_unseen(&machine, GIB);
    assert_int_equal(store_page(&machine, GIB + KIB4, 0, RW, WB), MAP_OK);
    assert_seen(&machine, GIB + KIB4, 0, KIB4, RW, WB);
    assert_unseen(&machine, GIB);
    machine_end(&machine);
}

/* SDM: memory type in bits 2:0, walk length less 1 in bits 5:3, bit 6 enables the flags. */
static void pointers(void **state)
{
    struct vmx_capability capability = everything;
    struct machine machine;

    (void)state;
    machine_init(&machine, &capability);
    assert_int_equal(ept_pointer(&machine.ept), FIRST_TABLE | 1 << 6 | 3 << 3 | 6);
    machine_end(&machine);
    capability.ept_accessed_dirty = false;
    machine_init(&machine, &capability);
    assert_int_equal(ept_pointer(&machine.ept), FIRST_TABLE | 3 << 3 | 6);
    machine_end(&machine);
    capability.ept_write_back = false;
    machine_init(&machine, &capability);
    assert_int_equal(ept_pointer(&machine.ept), FIRST_TABLE | 3 << 3);
    machine_end(&machine);
}

/* Tables that others spoiled: the walk ends where the processor's would, and says why. */
static void walks_of_spoiled_tables(void **state)
{
    static const int shifts[] = {0, 12, 21, 30, 39};
    struct machine machine;
    struct ept_walk walk;

    (void)state;
    machine_init(&machine, &everything);
    assert_int_equal(ept_map(&machine.ept, 0, 0x5000, KIB4, EPT_ALL, WB), MAP_OK);
    /* the tables came in this order: PML4, PDPT, PD, PT; entry 0 of each */
    for (unsigned table = 0; table < 4; table++) {
        uint64_t *entry = &machine.memory[table * 512ull];
        uint64_t good = *entry;

        *entry = good & ~4ull; /* it takes execution away */
        assert_seen(&machine, 0, 0x5000, KIB4, RW, WB);
        *entry = good & ~1ull; /* write without read */
        walk = ept_walk(&machine.ept, 0x123);
        assert_false(walk.mapped);
        assert_int_equal(walk.misconfiguration, EPT_WRITE_WITHOUT_READ);
        assert_int_equal(walk.level, 4 - table);
        assert_int_equal(walk.entry, good & ~1ull);
        assert_int_equal(walk.size, 1ull << shifts[4 - table]);
        *entry = good | 1ull << WIDTH;
        assert_int_equal(ept_walk(&machine.ept, 0).misconfiguration, EPT_BEYOND_WIDTH);
        *entry = good & ~7ull;
        assert_unseen(&machine, 0);
        assert_int_equal(ept_walk(&machine.ept, 0).level, 4 - table);
        *entry = good;
    }
    machine.memory[0] |= PAGE_BIT;
    walk = ept_walk(&machine.ept, 0);
    assert_int_equal(walk.misconfiguration, EPT_RESERVED_BIT);
    assert_int_equal(walk.level, 4);
    machine.memory[0] &= ~PAGE_BIT;

    walk = ept_walk(&machine.ept, END); /* the same bits 47:0 as what is mapped */
    assert_false(walk.mapped);
    assert_int_equal(walk.misconfiguration, EPT_WELL_CONFIGURED);
    assert_int_equal(walk.guest_physical, END);
    machine_end(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_page_there_is),
        cmocka_unit_test(no_page_is_larger_than_1_gib),
        cmocka_unit_test(alignment_of_both_addresses),
        cmocka_unit_test(every_permission_and_type),
        cmocka_unit_test(splitting_large_pages),
        cmocka_unit_test(no_accessed_and_dirty_flags),
        cmocka_unit_test(accessed_is_not_dirty),
        cmocka_unit_test(no_more_tables_than_needed),
        cmocka_unit_test(a_fresh_page_is_one_store),
        cmocka_unit_test(errors),
        cmocka_unit_test(running_out_of_tables),
        cmocka_unit_test(a_new_life),
        cmocka_unit_test(pointers),
        cmocka_unit_test(walks_of_spoiled_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
