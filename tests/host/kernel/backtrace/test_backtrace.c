#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/backtrace/backtrace.h"

enum { WORDS = 32, MOST = 8 };

/* A stack of WORDS words at STACK; words from `readable` on fault. */
#define STACK 0xffffa00000001000ull
#define TEXT  0xffffffff80000000ull

static const struct address_range stack = {STACK, STACK + WORDS * sizeof(uint64_t)};
static const struct address_range text = {TEXT, TEXT + 0x1000};

static uint64_t words[WORDS];
static size_t readable;
static size_t reads;

static uint64_t at(size_t word)
{
    return STACK + word * sizeof(uint64_t);
}

static bool read_word(uint64_t address, uint64_t *value)
{
    size_t word = (address - STACK) / sizeof(uint64_t);

    assert_int_equal(address % sizeof(uint64_t), 0);
    assert_in_range(address, stack.start, stack.end - sizeof(uint64_t));
    reads++;
    if (word >= readable)
        return false;
    *value = words[word];
    return true;
}

static void frame(size_t word, uint64_t next, uint64_t address)
{
    words[word] = next;
    words[word + 1] = address;
}

/* Three frames at words 4, 10 and 20; the last says that nobody called it. */
static int set_up(void **state)
{
    (void)state;
    memset(words, 0, sizeof(words));
    frame(4, at(10), TEXT + 0x10);
    frame(10, at(20), TEXT + 0x20);
    frame(20, 0, TEXT + 0x30);
    readable = WORDS;
    reads = 0;
    return 0;
}

static size_t walk(uint64_t frame_pointer, uint64_t *returns, size_t most)
{
    return backtrace_walk(frame_pointer, stack, text, read_word, returns, most);
}

static void follows_the_chain(void **state)
{
    uint64_t returns[MOST];

    (void)state;
    assert_int_equal(walk(at(4), returns, MOST), 3);
    assert_int_equal(returns[0], TEXT + 0x10);
    assert_int_equal(returns[1], TEXT + 0x20);
    assert_int_equal(returns[2], TEXT + 0x30);
    assert_int_equal(walk(at(4), returns, 2), 2);
    assert_int_equal(walk(at(4), returns, 0), 0);
}

static void a_frame_at_the_very_top_counts(void **state)
{
    uint64_t returns[MOST];

    (void)state;
    frame(WORDS - 2, 0, TEXT);
    assert_int_equal(walk(at(WORDS - 2), returns, MOST), 1);
    assert_int_equal(returns[0], TEXT);
}

/* The lowest words of the stack, and the words right behind a frame, may be a frame. */
static void a_frame_at_the_very_bottom_counts(void **state)
{
    uint64_t returns[MOST];

    (void)state;
    frame(0, at(2), TEXT + 1);
    frame(2, 0, TEXT + 2);
    assert_int_equal(walk(at(0), returns, MOST), 2);
    assert_int_equal(returns[1], TEXT + 2);
}

static void bad_frame_pointers_read_nothing(void **state)
{
    static const uint64_t bad[] = {
        0,
        STACK - 8,
        STACK + 4,
        STACK + (WORDS - 1) * sizeof(uint64_t),
        STACK + WORDS * sizeof(uint64_t),
        UINT64_MAX,
        UINT64_MAX - 7,
        0x8000000000000000ull,
    };
    uint64_t returns[MOST];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(walk(bad[i], returns, MOST), 0);
    assert_int_equal(reads, 0);
}

static void a_loop_ends(void **state)
{
    uint64_t returns[MOST];

    (void)state;
    frame(20, at(4), TEXT + 0x30);
    assert_int_equal(walk(at(4), returns, MOST), 3);
    frame(4, at(4), TEXT + 0x10);
    assert_int_equal(walk(at(4), returns, MOST), 1);
    frame(4, at(5), TEXT + 0x10); /* a frame inside the frame before */
    words[6] = TEXT + 0x20;
    assert_int_equal(walk(at(4), returns, MOST), 1);
}

static void addresses_outside_the_code_end_it(void **state)
{
    uint64_t returns[MOST];

    (void)state;
    words[11] = TEXT - 1;
    assert_int_equal(walk(at(4), returns, MOST), 1);
    words[11] = TEXT + 0x1000;
    assert_int_equal(walk(at(4), returns, MOST), 1);
}

static void a_read_that_faults_ends_it(void **state)
{
    uint64_t returns[MOST];

    (void)state;
    readable = 20;
    assert_int_equal(walk(at(4), returns, MOST), 2);
    readable = 11; /* the frame pointer can be read, the return address cannot */
    assert_int_equal(walk(at(4), returns, MOST), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(follows_the_chain, set_up),
        cmocka_unit_test_setup(a_frame_at_the_very_bottom_counts, set_up),
        cmocka_unit_test_setup(a_frame_at_the_very_top_counts, set_up),
        cmocka_unit_test_setup(bad_frame_pointers_read_nothing, set_up),
        cmocka_unit_test_setup(a_loop_ends, set_up),
        cmocka_unit_test_setup(addresses_outside_the_code_end_it, set_up),
        cmocka_unit_test_setup(a_read_that_faults_ends_it, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
