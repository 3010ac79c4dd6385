/*
 * A guest's budget of time, in ticks of the VMX-preemption timer, and how much of it the timer is
 * loaded with. Pure.
 *
 * Whatever the guest asks for, all that the timer is ever loaded with adds up to the budget. What
 * is not in the timer is in reserve: loading takes it from there, asking anew puts back what is
 * left. SDM Vol. 3, "VMX-Preemption Timer".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct time_budget {
    uint32_t reserve;
    uint32_t period; /* the timer is loaded with so much at a time; never 0 */
};

/* TSC ticks of so many microseconds. A rate that is not known, 0, is taken to be 4 GHz: a budget
 * that is too long only makes a bad guest last longer, one that is too short ends a good one. */
static inline uint64_t time_budget_ticks(uint32_t microseconds, uint64_t tsc_per_ms)
{
    return microseconds * (tsc_per_ms ?: 4000000) / 1000;
}

/* From TSC ticks: the timer ticks each time bit `shift` of the TSC changes (shift below 32).
 * Rounded up, and at most what the timer can hold; `ticks` of 0 is still one. */
static inline struct time_budget time_budget_of(uint64_t ticks, unsigned shift)
{
    uint64_t whole = ticks >> shift;

    return (struct time_budget){whole < UINT32_MAX ? (uint32_t)whole + 1 : UINT32_MAX, UINT32_MAX};
}

/* Takes a whole period out of reserve; false, and nothing is taken, where there is none. */
static inline bool time_budget_renew(struct time_budget *budget)
{
    if (__builtin_expect(budget->reserve < budget->period, 0))
        return false;
    budget->reserve -= budget->period;
    return true;
}

/* What to load the timer with when it is over or new; 0: the budget is used up. */
static inline uint32_t time_budget_load(struct time_budget *budget)
{
    uint32_t ticks = budget->period;

    if (!time_budget_renew(budget)) {
        ticks = budget->reserve;
        budget->reserve = 0;
    }
    return ticks;
}

/* The guest wants an exit every `period` ticks, 0: none; `unused` is what the timer still has. */
static inline void time_budget_ask(struct time_budget *budget, uint32_t unused, uint32_t period)
{
    budget->reserve += unused;
    budget->period = period ?: UINT32_MAX;
}
