/*
 * The bench's statistics. Expected values are worked out by hand from samples of known shape.
 */
#include "vm/guests/measure/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/random.h"

enum { ALL = BENCH_HAS_TOUCH | BENCH_HAS_TIMER };

static uint32_t samples[BENCH_KINDS][BENCH_SAMPLES];

static void fill(unsigned kind, uint32_t value)
{
    for (unsigned i = 0; i < BENCH_SAMPLES; i++)
        samples[kind][i] = value;
}

static void prepare(void)
{
    for (unsigned kind = 0; kind < BENCH_KINDS; kind++)
        fill(kind, 100 * kind);
    fill(BENCH_EMPTY, 3);
    fill(BENCH_LOOP, 7);
}

static const struct bench_row *row_of(const struct bench *bench, const char *name)
{
    for (unsigned i = 0; i < BENCH_ROWS; i++) {
        if (strcmp(bench->row[i].name, name) == 0)
            return &bench->row[i];
    }
    fail_msg("there is no row %s", name);
    return NULL;
}

static void every_kind_has_its_name_and_its_own_samples(void **state)
{
    static const char *const names[] = {"cpuid", "vmcall", "rdmsr",     "wrmsr",           "out",
                                        "hlt",   "cr",     "ept-touch", "preemption-timer"};
    struct bench bench;

    (void)state;
    prepare();
    bench_evaluate(samples[0], ALL, &bench);
    assert_int_equal(bench.empty, 3);
    assert_int_equal(sizeof(names) / sizeof(names[0]), BENCH_ROWS);
    for (unsigned i = 0; i < BENCH_ROWS; i++) {
        uint32_t overhead = i == BENCH_ROWS - 1 ? 7 : 3; /* the timer is waited for in a loop */
        const struct bench_row *row = row_of(&bench, names[i]);

        assert_true(row->measured);
        assert_int_equal(row->min, 100 * (2 + i) - overhead);
        assert_int_equal(row->median, 100 * (2 + i) - overhead);
        assert_int_equal(row->max, 100 * (2 + i) - overhead);
    }
}

/* The numbers 1000 to 1999 in any order: the middle one of the upper half is 1500. */
static void order_does_not_matter(void **state)
{
    struct bench bench;
    uint64_t random = 1;

    (void)state;
    prepare();
    for (unsigned i = 0; i < BENCH_SAMPLES; i++)
        samples[BENCH_CPUID][i] = 1000 + i;
    for (unsigned i = BENCH_SAMPLES - 1; i > 0; i--) {
        unsigned other = (unsigned)(random_next(&random) % (i + 1));
        uint32_t value = samples[BENCH_CPUID][i];

        samples[BENCH_CPUID][i] = samples[BENCH_CPUID][other];
        samples[BENCH_CPUID][other] = value;
    }
    bench_evaluate(samples[0], ALL, &bench);
    assert_int_equal(row_of(&bench, "cpuid")->min, 997);
    assert_int_equal(row_of(&bench, "cpuid")->median, 1497);
    assert_int_equal(row_of(&bench, "cpuid")->max, 1996);
}

static void one_outlier_moves_only_the_maximum(void **state)
{
    struct bench bench;

    (void)state;
    prepare();
    fill(BENCH_HLT, 50);
    samples[BENCH_HLT][17] = 1000000;
    bench_evaluate(samples[0], ALL, &bench);
    assert_int_equal(row_of(&bench, "hlt")->min, 47);
    assert_int_equal(row_of(&bench, "hlt")->median, 47);
    assert_int_equal(row_of(&bench, "hlt")->max, 999997);
}

static void less_than_nothing_is_nothing(void **state)
{
    struct bench bench;

    (void)state;
    prepare();
    fill(BENCH_OUT, 2);
    bench_evaluate(samples[0], ALL, &bench);
    assert_int_equal(row_of(&bench, "out")->min, 0);
    assert_int_equal(row_of(&bench, "out")->max, 0);
}

static void what_the_cpu_lacks_is_not_measured(void **state)
{
    struct bench bench;

    (void)state;
    prepare();
    bench_evaluate(samples[0], BENCH_HAS_TIMER, &bench);
    assert_false(row_of(&bench, "ept-touch")->measured);
    assert_true(row_of(&bench, "preemption-timer")->measured);
    bench_evaluate(samples[0], BENCH_HAS_TOUCH, &bench);
    assert_true(row_of(&bench, "ept-touch")->measured);
    assert_false(row_of(&bench, "preemption-timer")->measured);
    bench_evaluate(samples[0], 0, &bench); /* every other kind needs nothing */
    for (unsigned i = 0; i < BENCH_ROWS; i++)
        assert_int_equal(bench.row[i].measured, i < BENCH_ROWS - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_name_and_its_own_samples),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(one_outlier_moves_only_the_maximum),
        cmocka_unit_test(less_than_nothing_is_nothing),
        cmocka_unit_test(what_the_cpu_lacks_is_not_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
