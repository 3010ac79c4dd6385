/* The buddy allocator against a model that knows only which page belongs to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/page_alloc.h"
#include "tests/host/random.h"

#define MIB 0x100000ull
#define GIB 0x40000000ull

/* A pool over [base, end) whose metadata starts as garbage, as it does in real memory. */
static void *make_pool(struct page_alloc *pool, uint64_t base, uint64_t end)
{
    uint64_t bytes = page_alloc_metadata_bytes(base, end);
    void *metadata = malloc(bytes);

    assert_non_null(metadata);
    memset(metadata, 0xa5, bytes);
    page_alloc_init(pool, base, end, metadata);
    return metadata;
}

static void assert_counts(const struct page_alloc *pool, const uint64_t *expected)
{
    for (int order = 0; order < PAGE_ORDERS; order++)
        assert_int_equal(pool->free_blocks[order], expected[order]);
}

/*
 * Linux's definition, include/asm-generic/getorder.h: the smallest order with 2^order pages of 4
 * KiB holding the size; size 0 undefined there, 52 both from its constant and its run-time form.
 */
static void get_order_is_linux_s(void **state)
{
    (void)state;
    assert_int_equal(get_order(1), 0);
    assert_int_equal(get_order(1024), 0);
    assert_int_equal(get_order(4095), 0);
    assert_int_equal(get_order(4096), 0);
    assert_int_equal(get_order(4097), 1);
    assert_int_equal(get_order(8191), 1);
    assert_int_equal(get_order(8192), 1);
    assert_int_equal(get_order(8193), 2);
    assert_int_equal(get_order(16384), 2);
    assert_int_equal(get_order(4 * MIB), PAGE_ORDER_MAX);
    assert_int_equal(get_order(4 * MIB + 1), PAGE_ORDER_MAX + 1);
    assert_int_equal(get_order(1ull << 63), 51);
    assert_int_equal(get_order(UINT64_MAX), 52);
    assert_int_equal(get_order(0), 52);
    for (int order = 1; order < 52; order++) {
        assert_int_equal(get_order(PAGE_SIZE << order), order);
        assert_int_equal(get_order((PAGE_SIZE << order) + 1), order + 1);
        assert_int_equal(get_order((PAGE_SIZE << (order - 1)) + 1), order);
    }
}

static void empty_pool_gives_nothing(void **state)
{
    struct page_alloc pool;
    void *metadata = make_pool(&pool, 0, 64 * MIB);

    (void)state;
    for (int order = -1; order <= PAGE_ORDER_MAX + 1; order++)
        assert_int_equal(page_alloc(&pool, order), 0);
    assert_int_equal(page_alloc(&pool, get_order(0)), 0);
    assert_int_equal(page_alloc_free_pages(&pool), 0);
    assert_int_equal(page_free(&pool, 8 * MIB, 0), PAGE_FREE_BAD_ADDRESS);
    free(metadata);

    metadata = make_pool(&pool, 0, 0);
    assert_int_equal(page_alloc(&pool, 0), 0);
    assert_int_equal(page_free(&pool, 4096, 0), PAGE_FREE_BAD_ADDRESS);
    assert_false(page_alloc_add_range(&pool, 4096, 8192));
    free(metadata);
}

static void ranges_that_cannot_be_added(void **state)
{
    static const uint64_t nothing[PAGE_ORDERS] = {0};
    struct page_alloc pool;
    void *metadata = make_pool(&pool, 16 * MIB, 64 * MIB);

    (void)state;
    assert_false(page_alloc_add_range(&pool, 20 * MIB, 20 * MIB));
    assert_false(page_alloc_add_range(&pool, 24 * MIB, 20 * MIB));
    assert_false(page_alloc_add_range(&pool, 20 * MIB + 1, 24 * MIB));
    assert_false(page_alloc_add_range(&pool, 20 * MIB, 24 * MIB - 1));
    assert_false(page_alloc_add_range(&pool, 12 * MIB, 20 * MIB));
    assert_false(page_alloc_add_range(&pool, 60 * MIB, 65 * MIB));
    assert_false(page_alloc_add_range(&pool, 68 * MIB, 72 * MIB));
    assert_counts(&pool, nothing);
    free(metadata);

    metadata = make_pool(&pool, 0, 64 * MIB);
    assert_false(page_alloc_add_range(&pool, 0, 4 * MIB));
    assert_counts(&pool, nothing);
    free(metadata);
}

static void ranges_added_twice(void **state)
{
    struct page_alloc pool;
    void *metadata = make_pool(&pool, 0, 64 * MIB);
    uint64_t page;

    (void)state;
    assert_true(page_alloc_add_range(&pool, 5 * MIB, 23 * MIB));
    assert_false(page_alloc_add_range(&pool, 5 * MIB, 5 * MIB + PAGE_SIZE));
    assert_false(page_alloc_add_range(&pool, 4 * MIB, 8 * MIB));
    assert_false(page_alloc_add_range(&pool, 4 * MIB, 5 * MIB + PAGE_SIZE));
    assert_false(page_alloc_add_range(&pool, 12 * MIB, 16 * MIB));
    assert_false(page_alloc_add_range(&pool, 13 * MIB, 14 * MIB));
    assert_false(page_alloc_add_range(&pool, 23 * MIB - PAGE_SIZE, 40 * MIB));
    assert_false(page_alloc_add_range(&pool, 1 * MIB, 60 * MIB));
    assert_int_equal(page_alloc_free_pages(&pool), 18 * MIB / PAGE_SIZE);

    /* also what is handed out counts as added */
    do {
        page = page_alloc(&pool, 0);
        assert_true(page != 0);
    } while (page_alloc_free_pages(&pool) > 0);
    assert_false(page_alloc_add_range(&pool, page, page + PAGE_SIZE));
    assert_false(page_alloc_add_range(&pool, 4 * MIB, 8 * MIB));
    assert_false(page_alloc_add_range(&pool, 8 * MIB, 12 * MIB));

    /* the gaps beside it are still open */
    assert_true(page_alloc_add_range(&pool, 4 * MIB, 5 * MIB));
    assert_true(page_alloc_add_range(&pool, 23 * MIB, 40 * MIB));
    assert_int_equal(page_alloc_free_pages(&pool), 18 * MIB / PAGE_SIZE);
    free(metadata);
}

/* 1 MiB … 8 MiB: blocks of 1 MiB (order 8), 2 MiB (9) and 4 MiB (10), as addresses align. */
static void range_is_cut_into_the_largest_blocks(void **state)
{
    static const uint64_t expected[PAGE_ORDERS] = {[8] = 1, [9] = 1, [10] = 1};
    static const uint64_t grown[PAGE_ORDERS] = {[0] = 1, [8] = 1, [9] = 1, [10] = 1};
    static const uint64_t joined[PAGE_ORDERS] = {[8] = 1, [9] = 1, [10] = 2};
    struct page_alloc pool;
    void *metadata = make_pool(&pool, 0, 16 * MIB);

    (void)state;
    assert_true(page_alloc_add_range(&pool, 1 * MIB, 8 * MIB));
    assert_counts(&pool, expected);
    assert_true(page_alloc_add_range(&pool, 12 * MIB - PAGE_SIZE, 12 * MIB));
    assert_counts(&pool, grown);
    assert_true(page_alloc_add_range(&pool, 8 * MIB, 12 * MIB - PAGE_SIZE));
    assert_counts(&pool, joined);
    free(metadata);
}

static void bad_frees_are_told_apart(void **state)
{
    struct page_alloc pool;
    void *metadata = make_pool(&pool, 4 * MIB, 32 * MIB);
    uint64_t block, whole;
    uint64_t counts[PAGE_ORDERS];

    (void)state;
    assert_true(page_alloc_add_range(&pool, 4 * MIB, 16 * MIB));
    block = page_alloc(&pool, 3);
    whole = page_alloc(&pool, 10);
    assert_true(block != 0 && whole != 0);
    memcpy(counts, pool.free_blocks, sizeof(counts));

    assert_int_equal(page_free(&pool, block, -1), PAGE_FREE_BAD_ORDER);
    assert_int_equal(page_free(&pool, block, 11), PAGE_FREE_BAD_ORDER);
    assert_int_equal(page_free(&pool, block + 1, 3), PAGE_FREE_MISALIGNED);
    assert_int_equal(page_free(&pool, block + PAGE_SIZE, 3), PAGE_FREE_MISALIGNED);
    assert_int_equal(page_free(&pool, block, 0), PAGE_FREE_WRONG_ORDER);
    assert_int_equal(page_free(&pool, block, 2), PAGE_FREE_WRONG_ORDER);
    assert_int_equal(page_free(&pool, whole, 4), PAGE_FREE_WRONG_ORDER);
    assert_int_equal(page_free(&pool, block + PAGE_SIZE, 0), PAGE_FREE_BAD_ADDRESS);
    assert_int_equal(page_free(&pool, whole + PAGE_SIZE, 0), PAGE_FREE_BAD_ADDRESS);
    assert_int_equal(page_free(&pool, 0, 0), PAGE_FREE_BAD_ADDRESS);
    assert_int_equal(page_free(&pool, 20 * MIB, 10), PAGE_FREE_BAD_ADDRESS);
    assert_int_equal(page_free(&pool, 32 * MIB, 0), PAGE_FREE_BAD_ADDRESS);
    assert_int_equal(page_free(&pool, 1ull << 50, 0), PAGE_FREE_BAD_ADDRESS);
    assert_memory_equal(counts, pool.free_blocks, sizeof(counts));

    assert_int_equal(page_free(&pool, block, 3), PAGE_FREE_OK);
    assert_int_equal(page_free(&pool, block, 3), PAGE_FREE_DOUBLE);
    assert_int_equal(page_free(&pool, block, 0), PAGE_FREE_DOUBLE);
    assert_int_equal(page_free(&pool, whole, 10), PAGE_FREE_OK);
    assert_int_equal(page_free(&pool, whole, 10), PAGE_FREE_DOUBLE);
    assert_int_equal(page_free(&pool, whole + 5 * PAGE_SIZE, 0), PAGE_FREE_DOUBLE);

    /* an address whose upper part is free, while its lower part is in use, in one chunk */
    block = page_alloc(&pool, 0);
    assert_int_equal(page_free(&pool, block + PAGE_SIZE, 0), PAGE_FREE_DOUBLE);
    assert_int_equal(page_free(&pool, block, 0), PAGE_FREE_OK);
    assert_int_equal(pool.free_blocks[10], 3);
    free(metadata);
}

/* Every order can be had to the last block, aligned, and comes back as it was. */
static void every_order_to_the_end(void **state)
{
    struct page_alloc pool;
    void *metadata = make_pool(&pool, 0, 32 * MIB);
    uint64_t before[PAGE_ORDERS];
    uint64_t *given = calloc(8192, sizeof(*given));

    (void)state;
    assert_non_null(given);
    assert_true(page_alloc_add_range(&pool, 1 * MIB, 27 * MIB));
    memcpy(before, pool.free_blocks, sizeof(before));
    for (int order = 0; order <= PAGE_ORDER_MAX; order++) {
        uint64_t bytes = PAGE_SIZE << order;
        uint64_t room = 27 * MIB / bytes - (1 * MIB + bytes - 1) / bytes;
        uint64_t count = 0;

        while ((given[count] = page_alloc(&pool, order)) != 0) {
            assert_int_equal(given[count] % bytes, 0);
            assert_in_range(given[count], 1 * MIB, 27 * MIB - bytes);
            count++;
        }
        assert_int_equal(count, room);
        while (count-- > 0)
            assert_int_equal(page_free(&pool, given[count], order), PAGE_FREE_OK);
        assert_counts(&pool, before);
    }
    free(given);
    free(metadata);
}

/* RAM at 1 MiB, at 4 GiB and at 1 TiB in one sparse span; its metadata stays at 1/8000 of it. */
static void sparse_and_high_memory(void **state)
{
    uint64_t bytes = page_alloc_metadata_bytes(0, 1024 * GIB + 4 * MIB);
    struct page_alloc pool;
    void *metadata = make_pool(&pool, 0, 1024 * GIB + 4 * MIB);
    uint64_t pages = 0;
    bool seen_high = false;

    (void)state;
    assert_true(bytes < 1024 * GIB / 8000);
    assert_true(page_alloc_add_range(&pool, 1 * MIB, 2 * MIB));
    assert_true(page_alloc_add_range(&pool, 4 * GIB, 8 * GIB));
    assert_true(page_alloc_add_range(&pool, 1024 * GIB + 2 * MIB, 1024 * GIB + 3 * MIB));
    assert_int_equal(pool.free_blocks[10], 4 * GIB / (4 * MIB));
    assert_int_equal(page_alloc_free_pages(&pool), (4 * GIB + 2 * MIB) / PAGE_SIZE);
    for (uint64_t page; (page = page_alloc(&pool, 8)) != 0; pages += 256)
        seen_high = seen_high || page == 1024 * GIB + 2 * MIB;
    assert_true(seen_high);
    assert_int_equal(pages, (4 * GIB + 2 * MIB) / PAGE_SIZE);
    free(metadata);
}

/* The model: each page of the span has an owner; 0 is free RAM, -1 is no RAM. */
enum { MODEL_BASE_PAGE = 0x300, MODEL_PAGES = 6144, MODEL_BLOCKS = 3000 };

struct model {
    int owner[MODEL_PAGES];
    struct {
        uint64_t address;
        int order;
    } block[MODEL_BLOCKS]; /* owner is the index plus 1 */
    int blocks;
};

static bool model_free_block(const struct model *model, uint64_t page, int order)
{
    for (uint64_t i = page; i < page + (1ull << order); i++) {
        if (i < MODEL_BASE_PAGE || i - MODEL_BASE_PAGE >= MODEL_PAGES ||
            model->owner[i - MODEL_BASE_PAGE] != 0)
            return false;
    }
    return true;
}

/*
 * Buddies that are both free are always joined, so the free pages alone determine the blocks: the
 * largest aligned one around each free page.
 */
static void model_counts(const struct model *model, uint64_t *counts)
{
    memset(counts, 0, PAGE_ORDERS * sizeof(*counts));
    for (uint64_t page = MODEL_BASE_PAGE; page < MODEL_BASE_PAGE + MODEL_PAGES;) {
        int order = PAGE_ORDER_MAX;

        if (model->owner[page - MODEL_BASE_PAGE] != 0) {
            page++;
            continue;
        }
        while (page % (1u << order) != 0 || !model_free_block(model, page, order))
            order--;
        counts[order]++;
        page += 1ull << order;
    }
}

static void model_take(struct model *model, uint64_t address, int order)
{
    uint64_t page = address / PAGE_SIZE;

    assert_int_equal(address % (PAGE_SIZE << order), 0);
    assert_true(model_free_block(model, page, order));
    for (uint64_t i = 0; i < 1ull << order; i++)
        model->owner[page - MODEL_BASE_PAGE + i] = model->blocks + 1;
    model->block[model->blocks].address = address;
    model->block[model->blocks].order = order;
    model->blocks++;
}

static void model_give_back(struct model *model, int which)
{
    uint64_t page = model->block[which].address / PAGE_SIZE - MODEL_BASE_PAGE;

    for (uint64_t i = 0; i < 1ull << model->block[which].order; i++)
        model->owner[page + i] = 0;
    model->block[which] = model->block[--model->blocks];
    if (which < model->blocks) {
        page = model->block[which].address / PAGE_SIZE - MODEL_BASE_PAGE;
        for (uint64_t i = 0; i < 1ull << model->block[which].order; i++)
            model->owner[page + i] = which + 1;
    }
}

static void random_step(struct page_alloc *pool, struct model *model, uint64_t *seed, bool filling)
{
    static const int orders[] = {0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    uint64_t counts[PAGE_ORDERS];

    if (random_below(seed, 100) < (filling ? 70u : 30u) && model->blocks < MODEL_BLOCKS) {
        int order = orders[random_below(seed, sizeof(orders) / sizeof(orders[0]))];
        uint64_t address = page_alloc(pool, order);

        if (address != 0) {
            model_take(model, address, order);
            return;
        }
        model_counts(model, counts);
        for (; order <= PAGE_ORDER_MAX; order++)
            assert_int_equal(counts[order], 0);
    } else if (model->blocks > 0) {
        int which = (int)random_below(seed, (uint64_t)model->blocks);

        assert_int_equal(page_free(pool, model->block[which].address, model->block[which].order),
                         PAGE_FREE_OK);
        model_give_back(model, which);
    }
}

/* Any free that is not the exact inverse of an allocation must be refused. */
static void random_bad_free(struct page_alloc *pool, const struct model *model, uint64_t *seed)
{
    uint64_t page = MODEL_BASE_PAGE + random_below(seed, MODEL_PAGES);
    int order = (int)random_below(seed, PAGE_ORDERS);
    int owner = model->owner[page - MODEL_BASE_PAGE];
    enum page_free_result result;

    if (owner > 0 && model->block[owner - 1].address == page * PAGE_SIZE &&
        model->block[owner - 1].order == order)
        return;
    result = page_free(pool, page * PAGE_SIZE, order);
    if (page % (1u << order) != 0)
        assert_int_equal(result, PAGE_FREE_MISALIGNED);
    else if (owner > 0 && model->block[owner - 1].address == page * PAGE_SIZE)
        assert_int_equal(result, PAGE_FREE_WRONG_ORDER);
    else if (owner == 0)
        assert_int_equal(result, PAGE_FREE_DOUBLE);
    else
        assert_true(result == PAGE_FREE_BAD_ADDRESS || result == PAGE_FREE_DOUBLE);
}

static void random_run(uint64_t seed)
{
    struct page_alloc pool;
    struct model *model = calloc(1, sizeof(*model));
    uint64_t base = MODEL_BASE_PAGE * PAGE_SIZE;
    void *metadata = make_pool(&pool, base, base + MODEL_PAGES * PAGE_SIZE);
    uint64_t before[PAGE_ORDERS], counts[PAGE_ORDERS];

    assert_non_null(model);
    memset(model->owner, 0xff, sizeof(model->owner));
    for (uint64_t page = 0; page < MODEL_PAGES;) {
        uint64_t length = 1 + random_below(&seed, 2000);
        uint64_t end = page + length < MODEL_PAGES ? page + length : MODEL_PAGES;

        assert_true(page_alloc_add_range(&pool, base + page * PAGE_SIZE, base + end * PAGE_SIZE));
        memset(&model->owner[page], 0, (end - page) * sizeof(model->owner[0]));
        page = end + random_below(&seed, 3) * random_below(&seed, 100);
    }
    model_counts(model, before);
    assert_counts(&pool, before);
    for (unsigned step = 0; step < 20000; step++) {
        random_step(&pool, model, &seed, step / 2500 % 2 == 0);
        random_bad_free(&pool, model, &seed);
        if (step % 100 == 0) {
            model_counts(model, counts);
            assert_counts(&pool, counts);
        }
    }
    while (model->blocks > 0) {
        assert_int_equal(page_free(&pool, model->block[0].address, model->block[0].order),
                         PAGE_FREE_OK);
        model_give_back(model, 0);
    }
    assert_counts(&pool, before);
    free(metadata);
    free(model);
}

static void random_runs_agree_with_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++)
        random_run(seed * 0x9e3779b97f4a7c15ull);
}

static void results_have_names(void **state)
{
    (void)state;
    for (int i = PAGE_FREE_OK; i <= PAGE_FREE_DOUBLE; i++)
        assert_true(strlen(page_free_result_name((enum page_free_result)i)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_order_is_linux_s),
        cmocka_unit_test(empty_pool_gives_nothing),
        cmocka_unit_test(ranges_that_cannot_be_added),
        cmocka_unit_test(ranges_added_twice),
        cmocka_unit_test(range_is_cut_into_the_largest_blocks),
        cmocka_unit_test(bad_frees_are_told_apart),
        cmocka_unit_test(every_order_to_the_end),
        cmocka_unit_test(sparse_and_high_memory),
        cmocka_unit_test(random_runs_agree_with_the_model),
        cmocka_unit_test(results_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
