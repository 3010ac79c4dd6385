#include "kernel/cpu/smp.h"

/*
 * The last wait of each round ends as soon as all are ready. It is long because a virtual CPU
 * arrives when its host gives it time: on a loaded host hundreds of milliseconds later. Many of
 * them come one after another, so the last wait begins anew with each.
 */
static const struct {
    enum start_action action;
    uint32_t wait_us;
} steps[] = {
    {START_INIT, 10},    {START_STARTUP, 10},  {START_STARTUP, 20000},
    {START_INIT, 10000}, {START_STARTUP, 200}, {START_STARTUP, 1000000},
};

enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

enum start_action start_plan_next(struct start_plan *plan, uint64_t now, uint32_t unready)
{
    if (unready == 0)
        return START_OVER;
    if (plan->step == STEPS && unready < plan->unready)
        plan->until = now + steps[STEPS - 1].wait_us;
    plan->unready = unready;
    if (now < plan->until)
        return START_WAIT;
    if (plan->step == STEPS)
        return START_OVER;
    plan->until = now + steps[plan->step].wait_us;
    return steps[plan->step++].action;
}
