#include "vm/host/clock_math.h"

#define PM_TIMER_MASK 0xffffffu
#define PER_MS_MIN    1000ull
#define PER_MS_MAX    100000000ull

uint32_t pm_timer_elapsed(uint32_t from, uint32_t to)
{
    return (to - from) & PM_TIMER_MASK;
}

static uint64_t plausible(uint64_t per_ms)
{
    return per_ms >= PER_MS_MIN && per_ms <= PER_MS_MAX ? per_ms : 0;
}

uint64_t rate_measured(uint64_t ticks, uint64_t clock_ticks, uint64_t hertz)
{
    if (clock_ticks == 0 || ticks > UINT64_MAX / hertz)
        return 0;
    return plausible(ticks * hertz / (clock_ticks * 1000));
}

static uint64_t rate_of(const struct clock_window *window, uint64_t hertz)
{
    return rate_measured(window->ticks, window->clock_ticks, hertz);
}

/* Another window's rate that is as high, or higher by 1 in 64 at most. */
static bool confirmed(const struct clock_window *windows, unsigned count, unsigned index,
                      uint64_t hertz)
{
    uint64_t rate = rate_of(&windows[index], hertz);

    for (unsigned i = 0; i < count; i++) {
        uint64_t other = rate_of(&windows[i], hertz);

        if (i != index && other >= rate && other - rate <= rate / 64)
            return true;
    }
    return false;
}

struct clock_rate rate_of_windows(const struct clock_window *windows, unsigned count,
                                  struct clock_window row, uint64_t hertz)
{
    uint64_t exact = rate_of(&row, hertz);
    struct clock_rate best = {0, false};

    for (unsigned i = 0; i < count; i++) {
        struct clock_rate rate = {rate_of(&windows[i], hertz), false};

        if (rate.per_ms == 0)
            continue;
        rate.confirmed = confirmed(windows, count, i, hertz);
        if (rate.confirmed == best.confirmed ? best.per_ms == 0 || rate.per_ms < best.per_ms
                                             : rate.confirmed)
            best = rate;
    }
    if (best.confirmed && exact < best.per_ms && best.per_ms - exact <= best.per_ms / 64)
        best.per_ms = exact;
    return best;
}

struct tsc_rate tsc_rate_enumerated(const struct cpuid_clock *leaves)
{
    const struct cpuid_registers *crystal = &leaves->leaf15;
    uint64_t hertz = 0;

    if (plausible(leaves->leaf40000010.eax) != 0)
        return (struct tsc_rate){leaves->leaf40000010.eax, "CPUID 40000010h"};
    if (crystal->eax != 0)
        hertz = (uint64_t)crystal->ecx * crystal->ebx / crystal->eax;
    if (plausible(hertz / 1000) != 0)
        return (struct tsc_rate){hertz / 1000, "CPUID 15h"};
    if (plausible((leaves->leaf16.eax & 0xffff) * 1000ull) != 0)
        return (struct tsc_rate){(leaves->leaf16.eax & 0xffff) * 1000ull, "CPUID 16h"};
    return (struct tsc_rate){0, "none"};
}

struct tsc_rate tsc_rate_decide(struct clock_rate measured, const char *source,
                                struct tsc_rate enumerated)
{
    if (measured.confirmed || (measured.per_ms != 0 && enumerated.per_ms == 0))
        return (struct tsc_rate){measured.per_ms, source};
    return enumerated;
}

void tsc_rate_print(struct tsc_rate rate, struct sink *sink)
{
    if (rate.per_ms == 0)
        print_to(sink, "none: times are told in TSC ticks");
    else
        print_to(sink, "TSC at %llu.%03llu MHz by %s", (unsigned long long)rate.per_ms / 1000,
                 (unsigned long long)rate.per_ms % 1000, rate.source);
}

bool rates_differ(uint64_t a, uint64_t b)
{
    uint64_t difference = a > b ? a - b : b - a;

    return difference > a / 32;
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
