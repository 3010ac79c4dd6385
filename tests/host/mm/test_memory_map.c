/* The memory map against a model that keeps one kind for each 256 bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mm/memory_use.h"
#include "tests/host/random.h"

static struct memory_map map;

static int empty_map(void **state)
{
    (void)state;
    memset(&map, 0, sizeof(map));
    return 0;
}

static void assert_range(uint32_t i, uint64_t base, uint64_t end, enum memory_kind kind)
{
    assert_true(i < map.count);
    assert_int_equal(map.range[i].base, base);
    assert_int_equal(map.range[i].end, end);
    assert_int_equal(map.range[i].kind, kind);
}

/* The i-th free or RAM span is this one. */
typedef bool next_span(const struct memory_map *, uint32_t *, uint64_t *, uint64_t *);

static void assert_spans(next_span *next_of, const uint64_t (*spans)[2], unsigned count)
{
    uint64_t base, end;
    uint32_t next = 0;

    for (unsigned i = 0; i < count; i++) {
        assert_true(next_of(&map, &next, &base, &end));
        assert_int_equal(base, spans[i][0]);
        assert_int_equal(end, spans[i][1]);
    }
    assert_false(next_of(&map, &next, &base, &end));
    assert_false(next_of(&map, &next, &base, &end));
}

static void assert_non_ram_spans(const uint64_t (*spans)[2], unsigned count)
{
    uint64_t base, end, next = 0;

    for (unsigned i = 0; i < count; i++) {
        assert_true(memory_map_next_non_ram(&map, &next, &base, &end));
        assert_int_equal(base, spans[i][0]);
        assert_int_equal(end, spans[i][1]);
    }
    assert_false(memory_map_next_non_ram(&map, &next, &base, &end));
    assert_false(memory_map_next_non_ram(&map, &next, &base, &end));
}

static void nothing_in_nothing_out(void **state)
{
    (void)state;
    assert_spans(memory_map_next_free, NULL, 0);
    assert_spans(memory_map_next_ram, NULL, 0);
    assert_int_equal(memory_map_low_page(&map), 0);
    {
        uint64_t base = 1, end = 0, next = 0;

        assert_true(memory_map_next_non_ram(&map, &next, &base, &end)); /* nothing is RAM */
        assert_int_equal(base, 0);
        assert_int_equal(end, 1ull << 52);
    }
    memory_map_add(&map, MEMORY_AVAILABLE, 0x100000, 0);
    assert_int_equal(map.count, 0);
}

/* What GRUB passes on under QEMU with 128 MiB, entered backwards. */
static void a_usual_pc(void **state)
{
    static const uint64_t free_spans[][2] = {{0x100000, 0x7fe0000}};
    static const uint64_t ram[][2] = {{0, 0xa0000}, {0x100000, 0x7fe0000}};
    static const uint64_t non_ram[][2] = {{0xa0000, 0x100000}, {0x7fe0000, 1ull << 52}};

    (void)state;
    memory_map_add(&map, MEMORY_RESERVED, 0xfffc0000, 0x40000);
    memory_map_add(&map, MEMORY_RESERVED, 0x7fe0000, 0x20000);
    memory_map_add(&map, MEMORY_AVAILABLE, 0x100000, 0x7ee0000);
    memory_map_add(&map, MEMORY_RESERVED, 0xf0000, 0x10000);
    memory_map_add(&map, MEMORY_RESERVED, 0x9fc00, 0x400);
    memory_map_add(&map, MEMORY_AVAILABLE, 0, 0x9fc00);
    assert_int_equal(map.count, 6);
    assert_range(0, 0, 0x9fc00, MEMORY_AVAILABLE);
    assert_range(1, 0x9fc00, 0xa0000, MEMORY_RESERVED);
    assert_int_equal(memory_map_low_page(&map), 0x10000);
    memory_map_add(&map, MEMORY_TAKEN, 0, 0x100000);
    assert_int_equal(memory_map_low_page(&map), 0);
    assert_spans(memory_map_next_free, free_spans, 1);
    assert_spans(memory_map_next_ram, ram, 2);
    assert_non_ram_spans(non_ram, 2);
}

static void the_more_restrictive_kind_wins(void **state)
{
    (void)state;
    for (int low = 0; low < MEMORY_KIND_COUNT; low++) {
        for (int high = low + 1; high < MEMORY_KIND_COUNT; high++) {
            for (int order = 0; order < 2; order++) {
                memset(&map, 0, sizeof(map));
                memory_map_add(&map, MEMORY_AVAILABLE, 0x1000, 0x5000);
                if (order == 0)
                    memory_map_add(&map, (enum memory_kind)low, 0x1000, 0x5000);
                memory_map_add(&map, (enum memory_kind)high, 0x3000, 0x1000);
                if (order == 1)
                    memory_map_add(&map, (enum memory_kind)low, 0x1000, 0x5000);
                assert_int_equal(map.count, 3);
                assert_range(0, 0x1000, 0x3000, (enum memory_kind)low);
                assert_range(1, 0x3000, 0x4000, (enum memory_kind)high);
                assert_range(2, 0x4000, 0x6000, (enum memory_kind)low);
            }
        }
    }
}

static void neighbours_of_one_kind_are_one(void **state)
{
    (void)state;
    memory_map_add(&map, MEMORY_AVAILABLE, 0x1000, 0x1000);
    memory_map_add(&map, MEMORY_AVAILABLE, 0x3000, 0x1000);
    assert_int_equal(map.count, 2);
    memory_map_add(&map, MEMORY_AVAILABLE, 0x2000, 0x1000);
    assert_int_equal(map.count, 1);
    assert_range(0, 0x1000, 0x4000, MEMORY_AVAILABLE);
    memory_map_add(&map, MEMORY_RESERVED, 0x1800, 0x800);
    memory_map_add(&map, MEMORY_RESERVED, 0x1000, 0x3000);
    assert_int_equal(map.count, 1);
    assert_range(0, 0x1000, 0x4000, MEMORY_RESERVED);
}

/* RAM that ends or begins inside a page is free up to that page only, but mapped with it. */
static void spans_are_whole_pages(void **state)
{
    static const uint64_t free_spans[][2] = {{0x2000, 0x5000}, {0x7000, 0x8000}};
    static const uint64_t ram[][2] = {{0x1000, 0x9000}, {0xa000, 0xb000}};

    (void)state;
    memory_map_add(&map, MEMORY_AVAILABLE, 0x1800, 0x3900); /* … 0x5100 */
    memory_map_add(&map, MEMORY_AVAILABLE, 0x5900, 0x200);  /* no whole page */
    memory_map_add(&map, MEMORY_AVAILABLE, 0x6001, 0x2000); /* … 0x8001 */
    memory_map_add(&map, MEMORY_ACPI_NVS, 0x8001, 1);
    memory_map_add(&map, MEMORY_RESERVED, 0x9000, 0x1000);
    memory_map_add(&map, MEMORY_ACPI_RECLAIMABLE, 0xa000, 1);
    assert_spans(memory_map_next_free, free_spans, 2);
    assert_spans(memory_map_next_ram, ram, 2);
}

/* What is in use leaves the free pages, by whole pages, and stays RAM. */
static void holes(void **state)
{
    static const uint64_t free_spans[][2] = {{0x100000, 0x1ff000}, {0x305000, 0x800000}};
    static const uint64_t ram[][2] = {{0x100000, 0x900000}};

    (void)state;
    memory_map_add(&map, MEMORY_AVAILABLE, 0x100000, 0x800000);
    memory_map_add(&map, MEMORY_TAKEN, 0x800000, 0x40);
    memory_map_add(&map, MEMORY_TAKEN, 0x1fffff, 2);
    memory_map_add(&map, MEMORY_TAKEN, 0x200000, 0x104001);
    memory_map_add(&map, MEMORY_TAKEN, 0x801000, 0x200000); /* past the end of the RAM */
    memory_map_add(&map, MEMORY_TAKEN, 0, 0x10000);         /* where no RAM is */
    assert_spans(memory_map_next_free, free_spans, 2);
    assert_spans(memory_map_next_ram, ram, 1);
}

/* SDM Vol. 3, "Paging": MAXPHYADDR is at most 52. */
static void the_end_of_the_address_space(void **state)
{
    (void)state;
    memory_map_add(&map, MEMORY_AVAILABLE, 0x100000, UINT64_MAX); /* wraps beyond 2^64 */
    memory_map_add(&map, MEMORY_RESERVED, 1ull << 52, 0x1000);
    memory_map_add(&map, MEMORY_RESERVED, UINT64_MAX, UINT64_MAX);
    memory_map_add(&map, MEMORY_RESERVED, (1ull << 52) - 0x1000, 0x2000);
    assert_int_equal(map.count, 2);
    assert_range(0, 0x100000, (1ull << 52) - 0x1000, MEMORY_AVAILABLE);
    assert_range(1, (1ull << 52) - 0x1000, 1ull << 52, MEMORY_RESERVED);
}

static void low_pages(void **state)
{
    (void)state;
    memory_map_add(&map, MEMORY_AVAILABLE, 0, 0xa0000);
    memory_map_add(&map, MEMORY_TAKEN, 0x10000, 0x8001);
    assert_int_equal(memory_map_low_page(&map), 0x19000);
    memory_map_add(&map, MEMORY_TAKEN, 0x10000, 0x8f001);
    assert_int_equal(memory_map_low_page(&map), 0x1000); /* only below 64 KiB; 0x9f000 is touched */
    memory_map_add(&map, MEMORY_RESERVED, 0x1000, 0xefff);
    assert_int_equal(memory_map_low_page(&map), 0); /* page 0 is free, but never given */
    memory_map_add(&map, MEMORY_AVAILABLE, 0xa0000, 0x10000);
    memory_map_add(&map, MEMORY_AVAILABLE, 0x100000, 0x100000);
    assert_int_equal(memory_map_low_page(&map), 0);
}

static void the_last_low_page(void **state)
{
    (void)state;
    memory_map_add(&map, MEMORY_AVAILABLE, 0x9e001, 0x10000);
    assert_int_equal(memory_map_low_page(&map), 0x9f000);
}

/* A map that has lost a range gives nothing: the lost one may have been a reserved one. */
static void a_full_map_says_so(void **state)
{
    uint64_t base, end, next_non_ram = 0;
    uint32_t next = 0;

    (void)state;
    for (uint64_t i = 0; i < MEMORY_RANGES_MAX; i++)
        memory_map_add(&map, MEMORY_AVAILABLE, i * 0x10000, 0x4000);
    memory_map_add(&map, MEMORY_AVAILABLE, 0x1000, 0x1000); /* nothing new: it needs no room */
    assert_false(map.full);
    assert_true(memory_map_next_free(&map, &next, &base, &end));
    memory_map_add(&map, MEMORY_RESERVED, 0x1000, 0x1000);
    assert_true(map.full);
    assert_int_equal(map.count, MEMORY_RANGES_MAX);
    assert_false(memory_map_next_free(&map, &next, &base, &end));
    assert_false(memory_map_next_ram(&map, &next, &base, &end));
    assert_false(memory_map_next_non_ram(&map, &next_non_ram, &base, &end));
    assert_int_equal(memory_map_low_page(&map), 0);
    memory_map_add(&map, MEMORY_AVAILABLE, 0, 0x100000000);
    assert_true(map.full);
}

/* The model: a kind for each unit, or none. */
#define UNIT 256ull
enum { UNITS = 16 * 64, UNITS_PAGE = 4096 / UNIT };

static void assert_map_is(const int *model)
{
    uint32_t i = 0;

    for (unsigned unit = 0; unit < UNITS;) {
        unsigned end = unit;

        while (end < UNITS && model[end] == model[unit])
            end++;
        if (model[unit] >= 0)
            assert_range(i++, unit * UNIT, end * UNIT, (enum memory_kind)model[unit]);
        unit = end;
    }
    assert_int_equal(map.count, i);
}

static bool page_is_free(const int *model, unsigned page)
{
    for (unsigned unit = page * UNITS_PAGE; unit < (page + 1) * UNITS_PAGE; unit++) {
        if (model[unit] != MEMORY_AVAILABLE)
            return false;
    }
    return true;
}

static bool page_has_ram(const int *model, unsigned page)
{
    for (unsigned unit = page * UNITS_PAGE; unit < (page + 1) * UNITS_PAGE; unit++) {
        if (model[unit] >= MEMORY_AVAILABLE && model[unit] <= MEMORY_ACPI_NVS)
            return true;
    }
    return false;
}

static void assert_pages(const int *model, next_span *next_of,
                         bool (*wanted)(const int *model, unsigned page))
{
    bool given[UNITS / UNITS_PAGE] = {false};
    uint64_t base, end, before = 0;
    uint32_t next = 0;

    while (next_of(&map, &next, &base, &end)) {
        assert_true(base < end && before <= base && (base | end) % 4096 == 0);
        for (uint64_t page = base / 4096; page < end / 4096; page++)
            given[page] = true;
        before = end;
    }
    for (unsigned page = 0; page < UNITS / UNITS_PAGE; page++)
        assert_int_equal(given[page], wanted(model, page));
}

static bool page_is_non_ram(const int *model, unsigned page)
{
    for (unsigned unit = page * UNITS_PAGE; unit < (page + 1) * UNITS_PAGE; unit++) {
        if (model[unit] == MEMORY_AVAILABLE || model[unit] == MEMORY_TAKEN ||
            model[unit] == MEMORY_BAD)
            return false;
    }
    return true;
}

/* After the model, where nothing is, all is non-RAM, up to 2^52. */
static void assert_non_ram(const int *model)
{
    uint64_t base, end, next = 0, before = 0;

    while (memory_map_next_non_ram(&map, &next, &base, &end)) {
        assert_true(base < end && (base | end) % 4096 == 0);
        assert_true(base == 0 || base > before); /* what lies between is not non-RAM */
        for (uint64_t page = before / 4096; page < base / 4096; page++)
            assert_false(page_is_non_ram(model, (unsigned)page));
        for (uint64_t page = base / 4096; page < end / 4096 && page < UNITS / UNITS_PAGE; page++)
            assert_true(page_is_non_ram(model, (unsigned)page));
        before = end;
    }
    assert_int_equal(before, 1ull << 52);
}

/* Neighbours of one kind are one range: assert_map_is() has seen that. */
static void assert_found(const int *model)
{
    for (unsigned unit = 0; unit < UNITS; unit++) {
        for (unsigned count = 1; count <= 3 && unit + count <= UNITS; count++) {
            const struct memory_range *range;
            bool same = true, ram = true;

            for (unsigned i = 1; i < count; i++)
                same = same && model[unit + i] == model[unit];
            for (unsigned i = 0; i < count; i++)
                ram = ram && model[unit + i] >= 0 && model[unit + i] < MEMORY_RESERVED;
            assert_int_equal(memory_map_find(&map, unit * UNIT + 1, count * UNIT - 1, &range),
                             same);
            assert_int_equal(memory_map_is_ram(&map, unit * UNIT, count * UNIT), ram);
            assert_int_equal(memory_map_is_ram(&map, unit * UNIT + 1, count * UNIT - 2), ram);
            if (same)
                assert_int_equal(range == NULL ? -1 : (int)range->kind, model[unit]);
            /* From one boundary to another: a range has neither the byte before nor the next. */
            assert_int_equal(memory_map_find(&map, unit * UNIT, count * UNIT, &range), same);
            if (same)
                assert_int_equal(range == NULL ? -1 : (int)range->kind, model[unit]);
        }
    }
}

/* A page that holds the first or last byte of RAM is not non-RAM; the next one is. */
static void non_ram_pages_begin_after_the_last_byte(void **state)
{
    (void)state;
    for (uint64_t end = 0x1ffe; end <= 0x2002; end++) {
        const uint64_t spans[][2] = {{0, 0x1000}, {end <= 0x2000 ? 0x2000 : 0x3000, 1ull << 52}};

        memset(&map, 0, sizeof(map));
        memory_map_add(&map, MEMORY_AVAILABLE, 0x1800, end - 0x1800);
        assert_non_ram_spans(spans, 2);
    }
    for (uint64_t base = 0x2ffe; base <= 0x3002; base++) {
        const uint64_t spans[][2] = {{0, base < 0x3000 ? 0x2000 : 0x3000}, {0x4000, 1ull << 52}};

        memset(&map, 0, sizeof(map));
        memory_map_add(&map, MEMORY_BAD, base, 0x4000 - base);
        assert_non_ram_spans(spans, 2);
    }
}

static void random_maps_agree_with_the_model(void **state)
{
    uint64_t seed = 0x1234567;
    int model[UNITS];

    (void)state;
    for (unsigned run = 0; run < 300; run++) {
        memset(&map, 0, sizeof(map));
        memset(model, 0xff, sizeof(model));
        for (unsigned step = 0; step < 40; step++) {
            int kind = (int)random_below(&seed, MEMORY_KIND_COUNT);
            unsigned base = (unsigned)random_below(&seed, UNITS);
            unsigned length = (unsigned)random_below(&seed, step % 4 == 0 ? 400 : 40);
            unsigned end = base + length < UNITS ? base + length : UNITS;

            memory_map_add(&map, (enum memory_kind)kind, base * UNIT, (end - base) * UNIT);
            for (unsigned unit = base; unit < end; unit++) {
                if (kind != MEMORY_TAKEN || model[unit] >= 0)
                    model[unit] = model[unit] > kind ? model[unit] : kind;
            }
            assert_map_is(model);
        }
        assert_pages(model, memory_map_next_free, page_is_free);
        assert_pages(model, memory_map_next_ram, page_has_ram);
        assert_non_ram(model);
        assert_found(model);
    }
}

/* Nor is it joined with what happens to stand there. */
static void what_stands_behind_the_last_range_does_not_count(void **state)
{
    (void)state;
    map.range[1] = (struct memory_range){0x2000, 0x3000, MEMORY_AVAILABLE};
    memory_map_add(&map, MEMORY_AVAILABLE, 0x1000, 0x1000);
    assert_int_equal(map.count, 1);
    assert_range(0, 0x1000, 0x2000, MEMORY_AVAILABLE);
    assert_spans(memory_map_next_free, (uint64_t[][2]){{0x1000, 0x2000}}, 1);
    assert_spans(memory_map_next_ram, (uint64_t[][2]){{0x1000, 0x2000}}, 1);
    assert_non_ram_spans((uint64_t[][2]){{0, 0x1000}, {0x2000, 1ull << 52}}, 2);
    assert_true(memory_map_is_ram(&map, 0x1000, 0x1000));
    assert_false(memory_map_is_ram(&map, 0x1000, 0x1001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_in_nothing_out, empty_map),
        cmocka_unit_test_setup(a_usual_pc, empty_map),
        cmocka_unit_test_setup(the_more_restrictive_kind_wins, empty_map),
        cmocka_unit_test_setup(neighbours_of_one_kind_are_one, empty_map),
        cmocka_unit_test_setup(spans_are_whole_pages, empty_map),
        cmocka_unit_test_setup(holes, empty_map),
        cmocka_unit_test_setup(the_end_of_the_address_space, empty_map),
        cmocka_unit_test_setup(low_pages, empty_map),
        cmocka_unit_test_setup(the_last_low_page, empty_map),
        cmocka_unit_test_setup(a_full_map_says_so, empty_map),
        cmocka_unit_test_setup(non_ram_pages_begin_after_the_last_byte, empty_map),
        cmocka_unit_test_setup(what_stands_behind_the_last_range_does_not_count, empty_map),
        cmocka_unit_test_setup(random_maps_agree_with_the_model, empty_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
