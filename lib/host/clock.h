/*
 * Time from the TSC, whose rate is measured against another clock: the PIT, or what a room knows.
 * The arithmetic is in clock_math.c and pure.
 */
#pragma once

#include "lib/format.h"
#include "lib/set.h"
#include "lib/x86.h"

/* Ticks of a counter in a millisecond. */
struct tsc_rate {
    uint64_t per_ms;    /* 0: there is no such rate */
    const char *source; /* "PIT", "CPUID 15h"; or "none" */
    bool confirmed;     /* two measurements agree, or it is not measured but known */
};

/* What is known of the TSC's rate. */
struct clock {
    struct tsc_rate rate;
    /* What contradicts it: another source and its rate. The source is NULL where nothing does. */
    struct tsc_rate doubt;
};

/* A room that knows more clocks than the PIT. */
typedef void clock_room(struct clock *clock);
SET_DECLARE(clocks, clock_room);

/* By the PIT's channel 2. */
struct tsc_rate clock_by_pit(void);

/*
 * On the boot CPU, once. Where no clock ticks, the rate is 0, and neither deadlines nor
 * microseconds may be used.
 */
const struct clock *clock_calibrate(void);

uint64_t clock_tsc_per_ms(void);

/* A TSC value that lies `microseconds` ahead. */
uint64_t clock_deadline(uint64_t microseconds);

static inline bool clock_passed(uint64_t deadline)
{
    return rdtsc() >= deadline;
}

/* So many ticks of a counter passed, from before to after so many of the clock. */
struct clock_window {
    uint64_t ticks;
    uint64_t clock_ticks;
};

enum { CLOCK_WINDOW_US = 200, CLOCK_READS_MAX = 500000 }; /* a read takes 0.02 to 1 µs */

/*
 * Measures in windows of 0.2 ms against a clock of `hertz` until two agree. `fill` reads the TSC
 * before the clock at the window's start and after it at its end; false: the clock does not tick,
 * for CLOCK_READS_MAX reads did not see it come so far.
 */
struct tsc_rate clock_measure(bool (*fill)(struct clock_window *window), uint64_t hertz);

/* 0 when it cannot be: no tick, or a counter slower than 1 MHz or faster than 100 GHz. */
uint64_t rate_measured(uint64_t ticks, uint64_t clock_ticks, uint64_t hertz);

/*
 * The least rate that another window confirms: what comes between the reading of counter and clock
 * (an SMI, another virtual machine's turn) makes a window's rate too high, by another amount in
 * each, and never too low. A rate that is too low comes of a clock that was read wrong, once. Where
 * no two agree, the least that can be.
 */
struct tsc_rate rate_of_windows(const struct clock_window *windows, unsigned count, uint64_t hertz);

/* TSC ticks of so many microseconds, rounded up; and the reverse, rounded down. */
uint64_t microseconds_to_tsc(uint64_t microseconds, uint64_t tsc_per_ms);
uint64_t tsc_to_microseconds(uint64_t tsc, uint64_t tsc_per_ms);
