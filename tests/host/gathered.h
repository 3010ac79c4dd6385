/* A machine as the report sees it: with what its CPUs have found. */
#pragma once

#include "kernel/machine.h"

static inline const struct machine *gathered(const struct machine *machine)
{
    static struct machine copy;

    copy = *machine;
    machine_gather_findings(&copy);
    return &copy;
}
