/*
 * What VM exits cost, there and back, as the guest itself measures it: vm/guests/measure/bench.S
 * reads the TSC before and after an instruction that exits, BENCH_SAMPLES times for each kind, and
 * leaves the differences in its memory.
 */
#pragma once

/* The kinds by number, shared with the assembly. */
#define BENCH_EMPTY   0 /* two RDTSCs and nothing between them: what every other kind includes */
#define BENCH_LOOP    1 /* the loop that waits for the timer, without one */
#define BENCH_CPUID   2
#define BENCH_VMCALL  3
#define BENCH_RDMSR   4
#define BENCH_WRMSR   5
#define BENCH_OUT     6
#define BENCH_HLT     7
#define BENCH_CR      8
#define BENCH_TOUCH   9
#define BENCH_TIMER   10
#define BENCH_KINDS   11
#define BENCH_SAMPLES 1000

/* In GUEST_DATA, 32 bits: what this CPU can do. */
#define BENCH_HAS_TOUCH 1
#define BENCH_HAS_TIMER 2

/* At GUEST_DATA: 4 bytes of BENCH_HAS_…, then 4 bytes of ticks for the preemption timer. */
#define BENCH_DATA_TICKS 4

#ifndef __ASSEMBLER__

#include "vm/guests/guest.h"

/* Of one kind, in TSC ticks, less the empty pair of RDTSC. */
struct bench_row {
    const char *name; /* "cpuid" … */
    bool measured;
    uint32_t min, median, max;
};

enum { BENCH_ROWS = BENCH_KINDS - BENCH_CPUID };

struct bench {
    uint32_t empty; /* the median of the empty pair */
    struct bench_row row[BENCH_ROWS];
};

extern const struct guest guest_bench;

/* Works out the rows. `samples` is BENCH_KINDS times BENCH_SAMPLES differences, by kind; they are
 * sorted in place. `has`: BENCH_HAS_TOUCH … */
void bench_evaluate(uint32_t *samples, uint32_t has, struct bench *bench);

#endif
