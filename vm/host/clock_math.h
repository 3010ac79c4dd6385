/*
 * The arithmetic of calibrating the TSC. Pure.
 */
#ifndef VM_HOST_CLOCK_MATH_H
#define VM_HOST_CLOCK_MATH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format.h"
#include "lib/x86.h"

enum {
    PM_TIMER_HZ = 3579545, /* ACPI, "Power Management Timer" */
    PIT_HZ = 1193182,      /* a third of the PM timer's */
};

/*
 * Ticks of the PM timer between two readings. Its 24 low bits are there on every machine; a
 * difference of less than 4.6 seconds needs no more, so a 32-bit timer is read the same way.
 */
uint32_t pm_timer_elapsed(uint32_t from, uint32_t to);

/*
 * Ticks of a counter in a millisecond, when it made `ticks` while a clock of `hertz` made
 * `clock_ticks`. 0 when that cannot be: no tick, or a counter slower than 1 MHz or faster than
 * 100 GHz.
 */
uint64_t rate_measured(uint64_t ticks, uint64_t clock_ticks, uint64_t hertz);

/* So many ticks of a counter passed, from before to after so many of the clock. */
struct clock_window {
    uint64_t ticks;
    uint64_t clock_ticks;
};

/* What several windows of one clock say. */
struct clock_rate {
    uint64_t per_ms; /* 0: none of them can be */
    bool confirmed;  /* by two windows */
};

/*
 * The least rate that another window confirms: what comes between the reading of counter and clock
 * (an SMI, another virtual machine's turn) makes a window's rate too high, by another amount in
 * each, and never too low. A rate that is too low comes of a clock that was read wrong, once. Where
 * no two agree, the least that can be.
 *
 * `row` is the one long window from the beginning of the first to the end of the last, where each
 * begins as the one before ends; else zeros. The time that reading takes weighs less in it: it
 * counts where it is lower by no more than that.
 */
struct clock_rate rate_of_windows(const struct clock_window *windows, unsigned count,
                                  struct clock_window row, uint64_t hertz);

/* What CPUID says of the TSC; a leaf that the CPU has not is zeros. */
struct cpuid_clock {
    struct cpuid_registers leaf15, leaf16, leaf40000010;
};

/* A rate of the TSC and its source. 0 and "none": there is none. */
struct tsc_rate {
    uint64_t per_ms;
    const char *source;
};

/*
 * The rate as CPUID reports it. A hypervisor's leaf 40000010h has it in kHz. SDM Vol. 3,
 * "Determining the Processor Base Frequency": crystal (leaf 15h ECX, in Hz) times EBX / EAX; where
 * the crystal is not reported, the TSC runs at the base frequency of leaf 16h (EAX, in MHz).
 */
struct tsc_rate tsc_rate_enumerated(const struct cpuid_clock *leaves);

/*
 * What counts: the rate that `source` measured, unless its windows contradict one another and CPUID
 * knows better. A measurement that two windows confirm is right where CPUID's says otherwise: that
 * of a virtual CPU may be another machine's.
 */
struct tsc_rate tsc_rate_decide(struct clock_rate measured, const char *source,
                                struct tsc_rate enumerated);

/* As the report prints it: "TSC at 49.983 MHz by CPUID 15h". */
void tsc_rate_print(struct tsc_rate rate, struct sink *sink);

/* Do two rates differ by more than measuring for less than a millisecond explains (1 in 32)? */
bool rates_differ(uint64_t a, uint64_t b);

/*
 * What a 32-bit timer counts down from to be over when `tsc` ticks have passed, from what both
 * count in a millisecond: rounded up, at least 1, and at most what the timer holds. 1 each: as if
 * alike.
 */
uint32_t timer_count(uint64_t tsc, uint64_t tsc_per_ms, uint64_t timer_per_ms);

/* TSC ticks of so many microseconds, rounded up; and the reverse, rounded down. */
uint64_t microseconds_to_tsc(uint64_t microseconds, uint64_t tsc_per_ms);
uint64_t tsc_to_microseconds(uint64_t tsc, uint64_t tsc_per_ms);

#endif
