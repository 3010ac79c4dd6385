/* The arithmetic of the clocks in clocks.c. Pure. */
#pragma once

#include "lib/host/clock.h"

enum { PM_TIMER_HZ = 3579545 }; /* ACPI Specification, "Power Management Timer" */

/*
 * Ticks of the PM timer between two readings. Its 24 low bits are there on every machine; a
 * difference of less than 4.6 seconds needs no more, so a 32-bit timer is read the same way.
 */
uint32_t pm_timer_elapsed(uint32_t from, uint32_t to);

/*
 * A rate measured in windows of which each begins as the one before ends. `row` is the one long
 * window from the beginning of the first to the end of the last: the time that reading takes weighs
 * less in it. It counts where it is lower by no more than that, 1 in 64.
 */
struct tsc_rate rate_of_row(struct tsc_rate measured, struct clock_window row, uint64_t hertz);

/* What CPUID says of the TSC; a leaf that the CPU has not is zeros. */
struct cpuid_clock {
    struct cpuid_registers leaf15, leaf16, leaf40000010;
};

/*
 * The rate as CPUID reports it. A hypervisor's leaf 40000010h has it in kHz. SDM Vol. 3,
 * "Determining the Processor Base Frequency": crystal (leaf 15h ECX, in Hz) times EBX / EAX; where
 * the crystal is not reported, the TSC runs at the base frequency of leaf 16h (EAX, in MHz).
 */
struct tsc_rate tsc_rate_enumerated(const struct cpuid_clock *leaves);

/*
 * Takes a rate, unless a confirmed one is known, which it is then compared with: they may differ by
 * what measuring for less than a millisecond explains (1 in 32). What CPUID reports may be another
 * machine's where the CPU is virtual, so a measurement that is confirmed is right.
 */
void clock_choose(struct clock *clock, struct tsc_rate found);
