#include "kernel/clocks/clocks.h"

#define PM_TIMER_MASK 0xffffffu

uint32_t pm_timer_elapsed(uint32_t from, uint32_t to)
{
    return (to - from) & PM_TIMER_MASK;
}

struct tsc_rate rate_of_row(struct tsc_rate measured, struct clock_window row, uint64_t hertz)
{
    uint64_t exact = rate_measured(row.ticks, row.clock_ticks, hertz);

    if (measured.confirmed && exact < measured.per_ms &&
        measured.per_ms - exact <= measured.per_ms / 64)
        measured.per_ms = exact;
    return measured;
}

struct tsc_rate tsc_rate_enumerated(const struct cpuid_clock *leaves)
{
    const struct cpuid_registers *crystal = &leaves->leaf15;
    uint64_t hertz = crystal->eax != 0 ? (uint64_t)crystal->ecx * crystal->ebx / crystal->eax : 0;
    const struct tsc_rate reported[] = {
        {rate_measured(leaves->leaf40000010.eax, 1, 1000), "CPUID 40000010h", true},
        {rate_measured(hertz, 1, 1), "CPUID 15h", true},
        {rate_measured(leaves->leaf16.eax & 0xffff, 1, 1000000), "CPUID 16h", true},
    };

    for (unsigned i = 0; i < sizeof(reported) / sizeof(reported[0]); i++) {
        if (reported[i].per_ms != 0)
            return reported[i];
    }
    return (struct tsc_rate){0, "none", false};
}

static bool rates_differ(uint64_t a, uint64_t b)
{
    uint64_t difference = a > b ? a - b : b - a;

    return difference > a / 32;
}

void clock_choose(struct clock *clock, struct tsc_rate found)
{
    if (found.per_ms == 0)
        return;
    if (clock->rate.confirmed) {
        if (rates_differ(clock->rate.per_ms, found.per_ms))
            clock->doubt = found;
        return;
    }
    if (clock->rate.per_ms != 0)
        clock->doubt.per_ms = found.per_ms;
    else if (!found.confirmed)
        clock->doubt.source = "no two measurements agree";
    clock->rate = found;
}
