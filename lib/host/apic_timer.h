/* A room: the timer of this CPU's local APIC. SDM Vol. 3, "APIC Timer". */
#pragma once

#include "lib/host/apic.h"

enum {
    APIC_LVT_TIMER = 0x320,
    APIC_TIMER_INITIAL = 0x380,
    APIC_TIMER_CURRENT = 0x390,
    APIC_TIMER_DIVIDE = 0x3e0,
    APIC_TIMER_DIVIDE_BY_1 = 0xb,
};

/*
 * Counts down once, by its own clock, whose rate nothing reports, and interrupts with VECTOR_ALARM
 * at 0. A count of 0 stops it; an interrupt that it has sent may still wait to be taken.
 */
static inline void apic_timer_start(uint32_t count)
{
    apic_set(APIC_LVT_TIMER, VECTOR_ALARM); /* the mode 0 is one-shot */
    apic_set(APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE_BY_1);
    apic_set(APIC_TIMER_INITIAL, count);
}

static inline uint32_t apic_timer_left(void)
{
    return apic_get(APIC_TIMER_CURRENT);
}
