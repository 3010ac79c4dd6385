#include "vm/host/alarm.h"

uint32_t timer_count(uint64_t tsc, uint64_t tsc_per_ms, uint64_t timer_per_ms)
{
    uint64_t whole = tsc / tsc_per_ms;
    uint64_t count;

    if (whole > UINT32_MAX / timer_per_ms)
        return UINT32_MAX;
    count = whole * timer_per_ms + tsc % tsc_per_ms * timer_per_ms / tsc_per_ms + 1;
    return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}
