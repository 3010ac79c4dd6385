#include "vm/guests/measure/bench.h"

/* From BENCH_CPUID on: what they are called, and need of the CPU. */
static const char *const names[BENCH_ROWS] = {
    "cpuid", "vmcall", "rdmsr", "wrmsr", "out", "hlt", "cr", "ept-touch", "preemption-timer"};
static const uint8_t needs[BENCH_ROWS] = {[BENCH_TOUCH - BENCH_CPUID] = BENCH_HAS_TOUCH,
                                          [BENCH_TIMER - BENCH_CPUID] = BENCH_HAS_TIMER};

/* Shell's sort: a few lines, and quick enough for a thousand. */
static void sort(uint32_t *values, uint32_t count)
{
    for (uint32_t gap = count / 2; gap > 0; gap /= 2) {
        for (uint32_t i = gap; i < count; i++) {
            uint32_t value = values[i], at = i;

            for (; at >= gap && values[at - gap] > value; at -= gap)
                values[at] = values[at - gap];
            values[at] = value;
        }
    }
}

static uint32_t median(const uint32_t *sorted)
{
    return sorted[BENCH_SAMPLES / 2];
}

static uint32_t less(uint32_t value, uint32_t overhead)
{
    return value > overhead ? value - overhead : 0;
}

void bench_evaluate(uint32_t *samples, uint32_t has, struct bench *bench)
{
    uint32_t loop;

    for (uint32_t kind = 0; kind < BENCH_KINDS; kind++)
        sort(samples + kind * BENCH_SAMPLES, BENCH_SAMPLES);
    bench->empty = median(samples + BENCH_EMPTY * BENCH_SAMPLES);
    loop = median(samples + BENCH_LOOP * BENCH_SAMPLES);
    for (uint32_t i = 0; i < BENCH_ROWS; i++) {
        const uint32_t *sorted = samples + (BENCH_CPUID + i) * BENCH_SAMPLES;
        uint32_t overhead = BENCH_CPUID + i == BENCH_TIMER ? loop : bench->empty;

        bench->row[i] = (struct bench_row){
            .name = names[i],
            .measured = (needs[i] & ~has) == 0,
            .min = less(sorted[0], overhead),
            .median = less(median(sorted), overhead),
            .max = less(sorted[BENCH_SAMPLES - 1], overhead),
        };
    }
}
