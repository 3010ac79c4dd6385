/*
 * What interrupts a guest when its time is up, on CPUs without the VMX-preemption timer.
 *
 * The timer of each CPU's local APIC does: an external interrupt makes a guest exit whether it has
 * interrupts on or not (SDM Vol. 3, "Other Causes of VM Exits"). Where it waits instead
 * (QUIRK_INTERRUPTS_WAIT_FOR_IF) an NMI exits all the same; so there the PIT sends one to every CPU
 * each millisecond, by way of the I/O APIC, and each looks at its clock. That needs every CPU of
 * the machine to be ours, or only the boot CPU: others would take the NMI through whatever firmware
 * left them.
 */
#pragma once

#include <stdint.h>

/*
 * On the boot CPU, when the others have been started: the PIT's way to all CPUs, of which the
 * machine has `cpus_named` (0: that is not known). `io_apic_address` is 0 where nobody knows it.
 */
void alarm_prepare(uint32_t io_apic_address, uint32_t timer_input, uint32_t cpus_named);

/* On the boot CPU, around the guests' time. Measures the APIC timer for about a millisecond. */
void alarm_begin(void);
void alarm_end(void);

/* This CPU is interrupted in so many TSC ticks; 0: not any more. */
void alarm_set(uint64_t tsc_ticks);

/*
 * What a 32-bit timer counts down from to be over when `tsc` ticks have passed, from what both
 * count in a millisecond: rounded up, at least 1, and at most what the timer holds. 1 each: as if
 * alike.
 */
static inline uint32_t timer_count(uint64_t tsc, uint64_t tsc_per_ms, uint64_t timer_per_ms)
{
    uint64_t whole = tsc / tsc_per_ms;
    uint64_t count;

    if (whole > UINT32_MAX / timer_per_ms)
        return UINT32_MAX;
    count = whole * timer_per_ms + tsc % tsc_per_ms * timer_per_ms / tsc_per_ms + 1;
    return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}
