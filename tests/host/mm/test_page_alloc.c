/* The page pool, against owners of pages who write their names into what they were given. */
#define _GNU_SOURCE /* memfd_create() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mm/page_alloc.h"
#include "tests/host/random.h"

#define MIB 0x100000ull
#define GIB 0x40000000ull

/* Physical memory from 0 on; what nobody touches costs nothing. */
#define MEMORY_BYTES (4 * GIB)
static uint8_t *memory;
static uint64_t memory_base; /* where it begins */

void *phys_to_virt(uint64_t physical)
{
    assert_true(physical >= memory_base && physical - memory_base < MEMORY_BYTES);
    return memory + (physical - memory_base);
}

static int map_memory(void **state)
{
    (void)state;
    memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED;
}

/* There is one pool: each test leaves it as it was found, without a page. */
static int drained(void **state)
{
    (void)state;
    while (pages_alloc(0) != 0)
        ;
    return pages_free_bytes() != 0;
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
    assert_int_equal(get_order(4 * MIB), 10);
    assert_int_equal(get_order(4 * MIB + 1), 11);
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
    (void)state;
    for (int order = -1; order <= PAGE_ORDER_MAX + 1; order++)
        assert_int_equal(pages_alloc(order), 0);
    assert_int_equal(pages_alloc(get_order(0)), 0);
    pages_add(4 * MIB, 4 * MIB);
    assert_int_equal(pages_free_bytes(), 0);
    assert_int_equal(pages_alloc(0), 0);
}

/* 1 MiB … 8 MiB: blocks of 1 MiB (order 8), 2 MiB (9) and 4 MiB (10), as addresses align. */
static void range_is_cut_into_the_largest_blocks(void **state)
{
    (void)state;
    pages_add(1 * MIB, 8 * MIB);
    assert_int_equal(pages_free_bytes(), 7 * MIB);
    assert_int_equal(pages_alloc(11), 0);
    assert_int_equal(pages_alloc(10), 4 * MIB);
    assert_int_equal(pages_alloc(10), 0);
    assert_int_equal(pages_alloc(9), 2 * MIB);
    assert_int_equal(pages_alloc(9), 0);
    assert_int_equal(pages_alloc(8), 1 * MIB);
    assert_int_equal(pages_free_bytes(), 0);
}

static void lowest_block_comes_first(void **state)
{
    (void)state;
    pages_add(4 * MIB, 12 * MIB);
    assert_int_equal(pages_alloc(10), 4 * MIB);
    assert_int_equal(pages_alloc(0), 8 * MIB);
    assert_int_equal(pages_alloc(0), 8 * MIB + PAGE_SIZE);
    assert_int_equal(pages_alloc(1), 8 * MIB + 2 * PAGE_SIZE);
    assert_int_equal(pages_free_bytes(), 4 * MIB - 4 * PAGE_SIZE);
}

/* Of two free blocks, the smaller one is cut. */
static void smallest_block_that_is_large_enough(void **state)
{
    (void)state;
    pages_add(2 * MIB, 3 * MIB);
    pages_add(4 * MIB, 8 * MIB);
    assert_int_equal(pages_alloc(7), 2 * MIB);
    assert_int_equal(pages_alloc(10), 4 * MIB);
}

/* 1 GiB is one block; what is cut from it touches no more of it than it has to. */
static void largest_order_is_1_gib(void **state)
{
    struct rusage before, after;

    (void)state;
    getrusage(RUSAGE_SELF, &before);
    pages_add(1 * GIB, 3 * GIB);
    assert_int_equal(pages_free_bytes(), 2 * GIB);
    assert_int_equal(pages_alloc(0), 1 * GIB);
    assert_int_equal(pages_alloc(17), 1 * GIB + GIB / 2);
    getrusage(RUSAGE_SELF, &after);
    assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 600 * 1024);
    assert_int_equal(pages_alloc(19), 0);
    assert_int_equal(pages_free_bytes(), 2 * GIB - PAGE_SIZE - GIB / 2);
    madvise(memory, MEMORY_BYTES, MADV_DONTNEED);
}

static void what_comes_back_is_zeroed_and_given_again(void **state)
{
    uint64_t block;

    (void)state;
    pages_add(16 * MIB, 17 * MIB);
    for (int order = 8; order >= 0; order--) {
        block = pages_alloc(order);
        assert_int_equal(block, 16 * MIB);
        for (uint64_t i = 0; i < PAGE_SIZE << order; i++)
            assert_int_equal(memory[block + i], 0);
        memset(memory + block, 0xa5, PAGE_SIZE << order);
        pages_free(block, order);
        assert_int_equal(pages_free_bytes(), 1 * MIB);
    }
}

/* A page that looks like a free one, as a guest may write it, is not taken for one. */
static void content_is_no_witness(void **state)
{
    uint64_t page, copy[2];

    (void)state;
    pages_add(16 * MIB, 16 * MIB + 2 * PAGE_SIZE);
    page = pages_alloc(0);
    pages_free(page, 0);
    memcpy(copy, memory + page, sizeof copy);
    assert_int_equal(pages_alloc(0), page);
    memcpy(memory + page, copy, sizeof copy);
    pages_free(page, 0);
    assert_int_equal(pages_free_bytes(), 2 * PAGE_SIZE);
}

/* BUG_ON() executes UD2: SIGILL here, a panic with a backtrace in the kernel. */
static void assert_bug(void (*call)(uint64_t, uint64_t), uint64_t first, uint64_t second)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGILL, SIG_DFL); /* cmocka catches it */
        call(first, second);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGILL);
}

static void call_free(uint64_t address, uint64_t order)
{
    pages_free(address, (int)order);
}

static void call_free_twice(uint64_t address, uint64_t order)
{
    pages_free(address, (int)order);
    pages_free(address, (int)order);
}

static void bugs_stop_at_once(void **state)
{
    (void)state;
    pages_add(4 * MIB, 8 * MIB);
    assert_int_equal(pages_alloc(3), 4 * MIB);
    assert_bug(call_free, 4 * MIB, (uint64_t)-1);
    assert_bug(call_free, GIB, PAGE_ORDER_MAX + 1);
    assert_bug(call_free, 0, 0);
    assert_bug(call_free, 4 * MIB + 1, 0);
    assert_bug(call_free, 4 * MIB + PAGE_SIZE, 1);
    assert_bug(call_free, 4 * MIB + 8 * PAGE_SIZE, 3); /* free: the rest of what was cut */
    assert_bug(call_free_twice, 4 * MIB, 3);
    assert_bug(pages_add, 0, 4 * MIB);
    assert_bug(pages_add, 16 * MIB + 1, 17 * MIB);
    assert_bug(pages_add, 16 * MIB, 17 * MIB - 1);
    assert_int_equal(pages_free_bytes(), 4 * MIB - 8 * PAGE_SIZE);
}

/* A block of every order, that was never taken, is known as free. */
static void free_blocks_of_each_order_are_known(void **state)
{
    (void)state;
    for (int order = 0; order <= PAGE_ORDER_MAX; order++) {
        pages_add(PAGE_SIZE << order, PAGE_SIZE << (order + 1));
        assert_bug(call_free, PAGE_SIZE << order, (uint64_t)order);
    }
}

/* SDM Vol. 3, "Paging": addresses have up to 52 bits, so bit 51 may be set, and any below it. */
static void memory_may_lie_anywhere(void **state)
{
    (void)state;
    for (int bit = 32; bit < 52; bit++) {
        memory_base = 1ull << bit;
        pages_add(memory_base, memory_base + MIB);
        assert_int_equal(pages_alloc(8), memory_base);
        pages_free(memory_base, 8);
        assert_bug(call_free, memory_base, 8);
        assert_int_equal(pages_alloc(8), memory_base);
    }
    memory_base = 0;
}

enum { RANDOM_BASE = 5, RANDOM_MIB = 24, BLOCKS = 600 };

struct owned {
    uint64_t address;
    int order;
    uint64_t name;
};

static void write_name(const struct owned *block)
{
    for (uint64_t at = 0; at < PAGE_SIZE << block->order; at += PAGE_SIZE)
        memcpy(memory + block->address + at, &block->name, sizeof block->name);
}

static void assert_name(const struct owned *block)
{
    for (uint64_t at = 0; at < PAGE_SIZE << block->order; at += PAGE_SIZE)
        assert_memory_equal(memory + block->address + at, &block->name, sizeof block->name);
}

/* Takes and gives back by chance; whoever was given a page twice finds another's name in it. */
static uint64_t random_steps(uint64_t seed, unsigned steps)
{
    static const int orders[] = {0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6};
    struct owned *owned = calloc(BLOCKS, sizeof *owned);
    unsigned count = 0;
    uint64_t bytes = 0;

    assert_non_null(owned);
    for (unsigned step = 0; step < steps; step++) {
        if (count < BLOCKS && random_below(&seed, 100) < (step / 500 % 2 == 0 ? 70 : 30)) {
            struct owned *block = &owned[count];

            block->order = orders[random_below(&seed, sizeof orders / sizeof *orders)];
            block->name = random_next(&seed);
            block->address = pages_alloc(block->order);
            if (block->address == 0)
                continue;
            assert_int_equal(block->address % (PAGE_SIZE << block->order), 0);
            assert_in_range(block->address, RANDOM_BASE * MIB,
                            (RANDOM_BASE + RANDOM_MIB) * MIB - (PAGE_SIZE << block->order));
            write_name(block);
            bytes += PAGE_SIZE << block->order;
            count++;
        } else if (count > 0) {
            unsigned which = (unsigned)random_below(&seed, count);

            assert_name(&owned[which]);
            pages_free(owned[which].address, owned[which].order);
            bytes -= PAGE_SIZE << owned[which].order;
            owned[which] = owned[--count];
        }
    }
    for (unsigned i = 0; i < count; i++)
        assert_name(&owned[i]);
    free(owned);
    return bytes;
}

static void nobody_shares_a_page(void **state)
{
    uint64_t taken = 0;

    (void)state;
    pages_add(RANDOM_BASE * MIB, (RANDOM_BASE + RANDOM_MIB) * MIB);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        taken += random_steps(seed * 0x9e3779b97f4a7c15ull, 4000);
        assert_int_equal(pages_free_bytes(), RANDOM_MIB * MIB - taken);
    }
}

static void *one_cpu(void *seed)
{
    return (void *)random_steps((uint64_t)seed, 4000);
}

static void cpus_may_call_at_the_same_time(void **state)
{
    pthread_t cpu[4];
    uint64_t taken = 0;

    (void)state;
    pages_add(RANDOM_BASE * MIB, (RANDOM_BASE + RANDOM_MIB) * MIB);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&cpu[i], NULL, one_cpu, (void *)(i + 77)), 0);
    for (int i = 0; i < 4; i++) {
        void *bytes;

        assert_int_equal(pthread_join(cpu[i], &bytes), 0);
        taken += (uint64_t)bytes;
    }
    assert_int_equal(pages_free_bytes(), RANDOM_MIB * MIB - taken);
}

enum { ADDERS = 4, ADDER_PAGES = 4000 };

static void *add_pages(void *first)
{
    for (uint64_t page = 0; page < ADDER_PAGES; page++)
        pages_add((uint64_t)first + page * PAGE_SIZE, (uint64_t)first + (page + 1) * PAGE_SIZE);
    return NULL;
}

static void cpus_may_add_at_the_same_time(void **state)
{
    pthread_t cpu[ADDERS];

    (void)state;
    for (uint64_t i = 0; i < ADDERS; i++)
        assert_int_equal(pthread_create(&cpu[i], NULL, add_pages, (void *)((i + 1) * 16 * MIB)), 0);
    for (int i = 0; i < ADDERS; i++)
        assert_int_equal(pthread_join(cpu[i], NULL), 0);
    assert_int_equal(pages_free_bytes(), ADDERS * ADDER_PAGES * PAGE_SIZE);
    for (int i = 0; i < ADDERS * ADDER_PAGES; i++)
        assert_int_not_equal(pages_alloc(0), 0);
    assert_int_equal(pages_alloc(0), 0);
}

/* 1 GiB of addresses, of which each 2 MiB are the same memory. */
static bool largest_block_is_zeroed(void)
{
    int file = memfd_create("2 MiB", 0);

    if (file < 0 || ftruncate(file, 2 * MIB) != 0)
        return false;
    for (uint64_t at = GIB; at < 2 * GIB; at += 2 * MIB) {
        if (mmap(memory + at, 2 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) !=
            memory + at)
            return false;
    }
    memset(memory + GIB, 0xa5, 2 * MIB);
    pages_add(GIB, 2 * GIB);
    if (pages_alloc(PAGE_ORDER_MAX) != GIB || pages_free_bytes() != 0)
        return false;
    for (uint64_t at = 0; at < 2 * MIB; at++) {
        if (memory[GIB + at] != 0)
            return false;
    }
    return true;
}

/* In a process of its own, whose memory another test does not count. */
static void the_largest_block_is_given_out(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        _exit(!largest_block_is_zeroed());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_order_is_linux_s),
        cmocka_unit_test_teardown(empty_pool_gives_nothing, drained),
        cmocka_unit_test_teardown(range_is_cut_into_the_largest_blocks, drained),
        cmocka_unit_test_teardown(lowest_block_comes_first, drained),
        cmocka_unit_test_teardown(smallest_block_that_is_large_enough, drained),
        cmocka_unit_test_teardown(what_comes_back_is_zeroed_and_given_again, drained),
        cmocka_unit_test_teardown(content_is_no_witness, drained),
        cmocka_unit_test_teardown(bugs_stop_at_once, drained),
        cmocka_unit_test_teardown(nobody_shares_a_page, drained),
        cmocka_unit_test_teardown(cpus_may_call_at_the_same_time, drained),
        cmocka_unit_test_teardown(memory_may_lie_anywhere, drained),
        cmocka_unit_test_teardown(cpus_may_add_at_the_same_time, drained),
        cmocka_unit_test_teardown(the_largest_block_is_given_out, drained),
        cmocka_unit_test(largest_order_is_1_gib),
        cmocka_unit_test(free_blocks_of_each_order_are_known), /* the last: it leaves 2 GiB */
    };

    return cmocka_run_group_tests(tests, map_memory, NULL);
}
