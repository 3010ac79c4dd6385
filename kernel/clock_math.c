#include "kernel/clock_math.h"

#define PM_TIMER_MASK  0xffffffu
#define TSC_PER_MS_MIN 1000ull
#define TSC_PER_MS_MAX 100000000ull

uint32_t pm_timer_elapsed(uint32_t from, uint32_t to)
{
    return (to - from) & PM_TIMER_MASK;
}

static uint64_t plausible(uint64_t tsc_per_ms)
{
    return tsc_per_ms >= TSC_PER_MS_MIN && tsc_per_ms <= TSC_PER_MS_MAX ? tsc_per_ms : 0;
}

uint64_t tsc_per_ms_measured(uint64_t tsc, uint32_t ticks, uint32_t hertz)
{
    if (ticks == 0 || tsc > UINT64_MAX / hertz)
        return 0;
    return plausible(tsc * hertz / ((uint64_t)ticks * 1000));
}

uint64_t tsc_per_ms_enumerated(struct cpuid_registers leaf15, struct cpuid_registers leaf16)
{
    if (leaf15.eax != 0 && leaf15.ebx != 0 && leaf15.ecx != 0)
        return plausible((uint64_t)leaf15.ecx * leaf15.ebx / leaf15.eax / 1000);
    return plausible((uint64_t)(leaf16.eax & 0xffff) * 1000);
}

/* In two parts, so that the product of a long time and a fast TSC does not overflow. */
uint64_t microseconds_to_tsc(uint64_t microseconds, uint64_t tsc_per_ms)
{
    return microseconds / 1000 * tsc_per_ms + (microseconds % 1000 * tsc_per_ms + 999) / 1000;
}

uint64_t tsc_to_microseconds(uint64_t tsc, uint64_t tsc_per_ms)
{
    return tsc / tsc_per_ms * 1000 + tsc % tsc_per_ms * 1000 / tsc_per_ms;
}

uint32_t timer_count(uint64_t tsc, uint64_t tsc_per_ms, uint64_t timer_per_ms)
{
    uint64_t whole = tsc / tsc_per_ms;
    uint64_t count;

    if (whole > UINT32_MAX / timer_per_ms)
        return UINT32_MAX;
    count = whole * timer_per_ms + tsc % tsc_per_ms * timer_per_ms / tsc_per_ms + 1;
    return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}
