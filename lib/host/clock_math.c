#include "lib/host/clock.h"

#define PER_MS_MIN 1000ull
#define PER_MS_MAX 100000000ull

uint64_t rate_measured(uint64_t ticks, uint64_t clock_ticks, uint64_t hertz)
{
    uint64_t per_ms;

    if (clock_ticks == 0 || ticks > UINT64_MAX / hertz)
        return 0;
    per_ms = ticks * hertz / (clock_ticks * 1000);
    return per_ms >= PER_MS_MIN && per_ms <= PER_MS_MAX ? per_ms : 0;
}

static uint64_t rate_of(const struct clock_window *window, uint64_t hertz)
{
    return rate_measured(window->ticks, window->clock_ticks, hertz);
}

struct tsc_rate rate_of_windows(const struct clock_window *windows, unsigned count, uint64_t hertz)
{
    struct tsc_rate best = {0};

    for (unsigned i = 0; i < count; i++) {
        struct tsc_rate rate = {.per_ms = rate_of(&windows[i], hertz)};

        if (rate.per_ms == 0)
            continue;
        for (unsigned j = 0; j < count; j++) {
            uint64_t other = rate_of(&windows[j], hertz);

            /* As high, or higher by 1 in 64 at most. */
            rate.confirmed |=
                j != i && other >= rate.per_ms && other - rate.per_ms <= rate.per_ms / 64;
        }
        if (rate.confirmed == best.confirmed ? best.per_ms == 0 || rate.per_ms < best.per_ms
                                             : rate.confirmed)
            best = rate;
    }
    return best;
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
