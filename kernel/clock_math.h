/*
 * The arithmetic of calibrating the TSC. Pure.
 */
#ifndef KERNEL_CLOCK_MATH_H
#define KERNEL_CLOCK_MATH_H

#include <stdint.h>

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
 * TSC ticks per millisecond, when `tsc` ticks passed while a clock of `hertz` ticked `ticks` times.
 * 0 when that cannot be: no tick, or a TSC slower than 1 MHz or faster than 100 GHz.
 */
uint64_t tsc_per_ms_measured(uint64_t tsc, uint32_t ticks, uint32_t hertz);

/*
 * The same as the processor tells it. SDM Vol. 3, "Determining the Processor Base Frequency":
 * crystal (leaf 15h ECX, in Hz) times EBX / EAX; where the crystal is not told, the TSC runs at the
 * base frequency of leaf 16h (EAX, in MHz). A leaf that the CPU has not is passed as zeros. 0 when
 * neither tells it.
 */
uint64_t tsc_per_ms_enumerated(struct cpuid_registers leaf15, struct cpuid_registers leaf16);

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
