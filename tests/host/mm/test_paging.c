/* Page tables built in ordinary memory, with every expectation written down, and their audit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/host/paging_machine.h"

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
                         MAP_OK);
        assert_unseen(&machine, HIGH + GIB - MIB2 - KIB4 - 1);
        assert_seen(&machine, HIGH + GIB - MIB2 - 1, GIB - MIB2 - 1, KIB4, PAGING_WRITE);
        assert_seen(&machine, HIGH + GIB - 1, GIB - 1, MIB2, PAGING_WRITE);
        assert_seen(&machine, HIGH + GIB, GIB, top, PAGING_WRITE);
        assert_seen(&machine, HIGH + 2 * GIB - 1, 2 * GIB - 1, top, PAGING_WRITE);
        assert_seen(&machine, HIGH + 2 * GIB, 2 * GIB, MIB2, PAGING_WRITE);
        assert_seen(&machine, HIGH + 2 * GIB + MIB2, 2 * GIB + MIB2, KIB4, PAGING_WRITE);
        assert_unseen(&machine, HIGH + 2 * GIB + MIB2 + KIB4);
        machine_end(&machine);
    }
}

/* Pages are large only where virtual and physical address are both aligned to them. */
static void alignment_of_both_addresses(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, 4 * GIB, 4 * GIB + MIB2, GIB, 0), MAP_OK);
    assert_seen(&machine, 4 * GIB, 4 * GIB + MIB2, MIB2, 0);
    assert_int_equal(paging_map(&machine.tables, 8 * GIB, 4 * GIB + KIB4, 2 * MIB2, 0), MAP_OK);
    assert_seen(&machine, 8 * GIB + MIB2, 4 * GIB + KIB4 + MIB2, KIB4, 0);
    machine_end(&machine);
}

/* A map of 8 GiB is cheap in tables: PML4, PDPT, and a PD for each GiB where there must be. */
static void tables_of_a_direct_map(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, HIGH, 0, 8 * GIB, PAGING_WRITE), MAP_OK);
    assert_int_equal(machine.used, 2);
    machine_end(&machine);
    machine_init(&machine, false);
    assert_int_equal(paging_map(&machine.tables, HIGH, 0, 8 * GIB, PAGING_WRITE), MAP_OK);
    assert_int_equal(machine.used, 10);
    machine_end(&machine);
}

/* SDM, "4-Level Paging": a PML4 entry maps no page, however much is mapped at once. */
static void no_page_is_larger_than_1_gib(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, HIGH, 0, 1024 * GIB, PAGING_WRITE), MAP_OK);
    assert_seen(&machine, HIGH, 0, GIB, PAGING_WRITE);
    assert_seen(&machine, HIGH + 1024 * GIB - 1, 1024 * GIB - 1, GIB, PAGING_WRITE);
    assert_int_equal(machine.used, 3);
    machine_end(&machine);
}

/* SDM: PAT is bit 7 of a PTE, bit 12 of a PDE or PDPTE that maps a page; bit 7 is PS there. */
static void bits_of_the_entries(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, GIB, 2 * GIB, GIB,
                                PAGING_PAT(4) | PAGING_WRITE | PAGING_EXECUTE),
                     MAP_OK);
    assert_int_equal(processor_walk(&machine, GIB).entry, 2 * GIB | 1u << 12 | 1u << 7 | 3);
    assert_int_equal(
        paging_map(&machine.tables, 2 * GIB, MIB2, MIB2, PAGING_PAT(5) | PAGING_EXECUTE), MAP_OK);
    assert_int_equal(processor_walk(&machine, 2 * GIB).entry,
                     MIB2 | 1u << 12 | 1u << 7 | 1u << 3 | 1);
    assert_int_equal(paging_map(&machine.tables, 3 * GIB, 0x5000, KIB4,
                                PAGING_PAT(6) | PAGING_EXECUTE | PAGING_GLOBAL),
                     MAP_OK);
    assert_int_equal(processor_walk(&machine, 3 * GIB).entry,
                     0x5000u | 1u << 8 | 1u << 7 | 1u << 4 | 1);
    assert_int_equal(paging_map(&machine.tables, 3 * GIB, 0x5000, KIB4, 0), MAP_OK);
    assert_int_equal(processor_walk(&machine, 3 * GIB).entry, 1ull << 63 | 0x5000u | 1);
    for (unsigned pat = 0; pat < 8; pat++) {
        assert_int_equal(paging_map(&machine.tables, 0, 0, KIB4, PAGING_PAT(pat)), MAP_OK);
        assert_seen(&machine, 0, 0, KIB4, PAGING_PAT(pat));
        assert_int_equal(paging_map(&machine.tables, 4 * GIB, 0, MIB2, PAGING_PAT(pat)), MAP_OK);
        assert_seen(&machine, 4 * GIB, 0, MIB2, PAGING_PAT(pat));
    }
    machine_end(&machine);
}

/* Without execute disable, bit 63 is reserved in every entry, after a split and a change too. */
static void without_execute_disable_no_entry_has_bit_63(void **state)
{
    struct machine machine;

    (void)state;
    machine_init(&machine, true);
    machine.tables.always_executable = true;
    assert_int_equal(paging_map(&machine.tables, HIGH, 0, GIB, PAGING_WRITE), MAP_OK);
    assert_int_equal(paging_protect(&machine.tables, HIGH + MIB2, KIB4, PAGING_GLOBAL), MAP_OK);
    assert_seen(&machine, HIGH, 0, MIB2, PAGING_WRITE | PAGING_EXECUTE);
    assert_seen(&machine, HIGH + MIB2, MIB2, KIB4, PAGING_GLOBAL | PAGING_EXECUTE);
    for (unsigned i = 0; i < machine.used * 512u; i++)
        assert_int_equal(machine.memory[i] >> 63, 0);
    machine_end(&machine);
}

/* A hole of 4 KiB in a page of 1 GiB: split twice, all the rest as it was, PAT index included. */
static void splitting_large_pages(void **state)
{
    const uint64_t flags = PAGING_WRITE | PAGING_GLOBAL | PAGING_PAT(5);
    const uint64_t hole = 3 * GIB + 5 * MIB2 + 7 * KIB4;
    struct machine machine;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, 3 * GIB, 0, GIB, flags), MAP_OK);
    assert_int_equal(paging_unmap(&machine.tables, hole, KIB4), MAP_OK);
    assert_unseen(&machine, hole);
    assert_seen(&machine, hole - 1, hole - 1 - 3 * GIB, KIB4, flags);
    assert_seen(&machine, hole + KIB4, hole + KIB4 - 3 * GIB, KIB4, flags);
    assert_seen(&machine, 3 * GIB + 4 * MIB2, 4 * MIB2, MIB2, flags);
    assert_seen(&machine, 4 * GIB - 1, GIB - 1, MIB2, flags);

    assert_int_equal(paging_protect(&machine.tables, 4 * GIB - KIB4, KIB4, PAGING_EXECUTE), MAP_OK);
    assert_seen(&machine, 4 * GIB - 1, GIB - 1, KIB4, PAGING_EXECUTE);
    assert_seen(&machine, 4 * GIB - KIB4 - 1, GIB - KIB4 - 1, KIB4, flags);
    assert_int_equal(paging_map(&machine.tables, 3 * GIB, 9 * GIB, KIB4, 0), MAP_OK);
    assert_seen(&machine, 3 * GIB, 9 * GIB, KIB4, 0);
    assert_seen(&machine, 3 * GIB + KIB4, KIB4, KIB4, flags);
    machine_end(&machine);
}

/* What is mapped anew over tables goes into these tables: none is lost, however often. */
static void tables_are_kept(void **state)
{
    struct machine machine;
    unsigned used;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, 0, 0, 4 * MIB2, 0), MAP_OK);
    assert_int_equal(paging_unmap(&machine.tables, 2 * MIB2 + KIB4, KIB4), MAP_OK);
    used = machine.used;
    assert_int_equal(paging_map(&machine.tables, 0, GIB, 4 * MIB2, PAGING_WRITE), MAP_OK);
    assert_seen(&machine, 2 * MIB2 - 1, GIB + 2 * MIB2 - 1, MIB2, PAGING_WRITE);
    assert_seen(&machine, 2 * MIB2 + KIB4, GIB + 2 * MIB2 + KIB4, KIB4, PAGING_WRITE);
    assert_seen(&machine, 3 * MIB2, GIB + 3 * MIB2, MIB2, PAGING_WRITE);
    assert_int_equal(paging_map(&machine.tables, 0, 0, GIB, PAGING_WRITE), MAP_OK);
    assert_int_equal(paging_unmap(&machine.tables, 2 * MIB2 + KIB4, KIB4), MAP_OK);
    assert_int_equal(machine.used, used);
    machine_end(&machine);
}

static void errors(void **state)
{
    struct machine machine;
    struct page_tables *tables = &machine.tables;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(tables, 1, 0, KIB4, 0), MAP_MISALIGNED);
    assert_int_equal(paging_map(tables, 0, 1, KIB4, 0), MAP_MISALIGNED);
    assert_int_equal(paging_map(tables, 0, 0, KIB4 + 1, 0), MAP_MISALIGNED);
    assert_int_equal(paging_map(tables, 0, 0, 0, 0), MAP_BAD_ADDRESS);
    assert_int_equal(paging_map(tables, 1ull << 47, 0, KIB4, 0), MAP_BAD_ADDRESS);
    assert_int_equal(paging_map(tables, HIGH - KIB4, 0, KIB4, 0), MAP_BAD_ADDRESS);
    assert_int_equal(paging_map(tables, (1ull << 47) - KIB4, 0, 2 * KIB4, 0), MAP_BAD_ADDRESS);
    assert_int_equal(paging_map(tables, HIGH - KIB4, 0, 2 * KIB4, 0), MAP_BAD_ADDRESS);
    assert_int_equal(paging_map(tables, 0 - KIB4, 0, 2 * KIB4, 0), MAP_BAD_ADDRESS);
    assert_int_equal(paging_map(tables, KIB4, 0, 0 - 2 * KIB4, 0), MAP_BAD_ADDRESS);
    assert_int_equal(paging_map(tables, HIGH + 2 * KIB4, 0, 0 - KIB4, 0), MAP_BAD_ADDRESS);
    assert_int_equal(paging_map(tables, 0, (1ull << 52) - KIB4, 2 * KIB4, 0), MAP_BAD_PHYSICAL);
    assert_int_equal(paging_map(tables, 0, 1ull << 53, KIB4, 0), MAP_BAD_PHYSICAL);
    assert_int_equal(paging_protect(tables, 1, KIB4, 0), MAP_MISALIGNED);
    assert_int_equal(paging_unmap(tables, 1ull << 47, KIB4), MAP_BAD_ADDRESS);
    assert_int_equal(machine.used, 1);

    /* the very ends of what there is */
    assert_int_equal(paging_map(tables, 0 - KIB4, (1ull << 52) - KIB4, KIB4, 0), MAP_OK);
    assert_seen(&machine, UINT64_MAX, (1ull << 52) - 1, KIB4, 0);
    assert_int_equal(paging_map(tables, (1ull << 47) - KIB4, 0, KIB4, 0), MAP_OK);
    assert_int_equal(paging_unmap(tables, HIGH, 1ull << 47), MAP_OK);
    assert_unseen(&machine, UINT64_MAX);

    assert_int_equal(paging_map(tables, 0, 0, 2 * MIB2, PAGING_WRITE), MAP_OK);
    assert_int_equal(paging_protect(tables, MIB2, MIB2 + KIB4, 0), MAP_NOT_MAPPED);
    assert_seen(&machine, MIB2, MIB2, MIB2, PAGING_WRITE);
    machine_end(&machine);
}

static void running_out_of_tables(void **state)
{
    struct machine machine;

    (void)state;
    for (unsigned limit = 1; limit < 4; limit++) {
        machine_init(&machine, true);
        machine.limit = limit;
        assert_int_equal(paging_map(&machine.tables, GIB, 0, KIB4, 0), MAP_NO_MEMORY);
        assert_unseen(&machine, GIB);
        machine.limit = 4;
        assert_int_equal(paging_map(&machine.tables, GIB, 0, KIB4, 0), MAP_OK);
        machine_end(&machine);
    }
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, GIB, 0, GIB, 0), MAP_OK);
    machine.limit = 3;
    assert_int_equal(paging_unmap(&machine.tables, GIB, KIB4), MAP_NO_MEMORY);
    assert_int_equal(paging_protect(&machine.tables, GIB, KIB4, PAGING_WRITE), MAP_NO_MEMORY);
    assert_seen(&machine, GIB + 5, 5, MIB2, 0); /* still mapped as it was, split once */
    machine_end(&machine);
}

/* An entry above the leaf that forbids, forbids for all that is below it. */
static void tables_may_forbid(void **state)
{
    struct machine machine;
    struct paging_audit audit;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, 0, 0, KIB4, PAGING_WRITE | PAGING_EXECUTE),
                     MAP_OK);
    machine.memory[0] &= ~2ull; /* the PML4's first entry: not writable */
    assert_seen(&machine, 0, 0, KIB4, PAGING_EXECUTE);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.writable, 0);
    machine.memory[0] |= 2 | 1ull << 63;
    assert_seen(&machine, 0, 0, KIB4, PAGING_WRITE);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.executable, 0);
    machine_end(&machine);
}

static void audit_of_a_kernel(void **state)
{
    const uint64_t image = 0xffffffff80000000ull;
    struct machine machine;
    struct paging_audit audit;

    (void)state;
    machine_init(&machine, false);
    /* text at 2 MiB of physical memory, data after it, all RAM but the text writable */
    assert_int_equal(paging_map(&machine.tables, image, MIB2, 8 * KIB4, PAGING_EXECUTE), MAP_OK);
    assert_int_equal(
        paging_map(&machine.tables, image + 8 * KIB4, MIB2 + 8 * KIB4, 4 * KIB4, PAGING_WRITE),
        MAP_OK);
    assert_int_equal(paging_map(&machine.tables, HIGH, 0, 16 * MIB2, PAGING_WRITE), MAP_OK);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.leaves_4k, 12);
    assert_int_equal(audit.leaves_2m, 16);
    assert_int_equal(audit.leaves_1g, 0);
    assert_int_equal(audit.executable, 8);
    assert_int_equal(audit.writable, 20);
    assert_int_equal(audit.writable_executable, 0);
    assert_int_equal(audit.aliased_pages, 8);

    assert_int_equal(paging_protect(&machine.tables, HIGH + MIB2, 8 * KIB4, 0), MAP_OK);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.leaves_4k, 12 + 512);
    assert_int_equal(audit.leaves_2m, 15);
    assert_int_equal(audit.aliased_pages, 0);

    assert_int_equal(
        paging_protect(&machine.tables, image + 8 * KIB4, KIB4, PAGING_WRITE | PAGING_EXECUTE),
        MAP_OK);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.writable_executable, 1);
    assert_int_equal(audit.aliased_pages, 2); /* by itself and by the map of all RAM */
    machine_end(&machine);
}

/* Executable pieces none of which follows another one, each aliased once. */
static void audit_of_many_pieces(void **state)
{
    struct machine machine;
    struct paging_audit audit;

    (void)state;
    machine_init(&machine, true);
    assert_int_equal(paging_map(&machine.tables, HIGH, 0, GIB, PAGING_WRITE), MAP_OK);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(
            paging_map(&machine.tables, GIB + i * KIB4, i * 2 * KIB4, KIB4, PAGING_EXECUTE),
            MAP_OK);
    paging_audit(&machine.tables, &audit);
    assert_int_equal(audit.leaves_1g, 1);
    assert_int_equal(audit.executable, 100);
    assert_int_equal(audit.aliased_pages, 100);
    machine_end(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_page_that_fits),
        cmocka_unit_test(alignment_of_both_addresses),
        cmocka_unit_test(tables_of_a_direct_map),
        cmocka_unit_test(no_page_is_larger_than_1_gib),
        cmocka_unit_test(bits_of_the_entries),
        cmocka_unit_test(without_execute_disable_no_entry_has_bit_63),
        cmocka_unit_test(splitting_large_pages),
        cmocka_unit_test(tables_are_kept),
        cmocka_unit_test(errors),
        cmocka_unit_test(running_out_of_tables),
        cmocka_unit_test(tables_may_forbid),
        cmocka_unit_test(audit_of_a_kernel),
        cmocka_unit_test(audit_of_many_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
