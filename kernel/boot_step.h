/*
 * The points of the boot (kernel/main.c) at which a room can have something done: it registers a
 * function for one of them.
 */
#pragma once

#include "kernel/machine.h"
#include "lib/set.h"

enum boot_point {
    BOOT_EARLY_CONSOLE, /* the command line is parsed, and nothing is said of it yet */
    BOOT_COMMAND_LINE,  /* what is wrong with it is printed and has its findings */
    BOOT_PLAN_MEMORY,   /* the map of memory is known, and nothing in it is taken yet */
    BOOT_MEMORY_READY,  /* the kernel's own page tables and the page pool are up */
    BOOT_BEFORE_VMX,    /* every CPU has started */
    BOOT_AFTER_VMX,     /* every CPU is where `stop=` lets it be; or one refused, and all are out */
    BOOT_BEFORE_REPORT, /* all is done: what still is to have its findings */
    BOOT_SCREEN_REPORT, /* the report is printed; now its short form, to the screen alone */
};

struct boot_step {
    enum boot_point point;
    void (*run)(struct machine *machine);
};

/* Adds a step; `place`, of three digits, sorts those of a point. */
#define BOOT_STEP(place, ...)                                        \
    static const struct boot_step boot_step_##place = {__VA_ARGS__}; \
    SET_MEMBER(boot_steps, place, const struct boot_step, boot_step_##place)
SET_DECLARE(boot_steps, const struct boot_step);

static inline void boot_steps_run(enum boot_point point, struct machine *machine)
{
    SET_FOR_EACH(boot_steps, step) {
        if ((*step)->point == point)
            (*step)->run(machine);
    }
}
