/*
 * What several CPUs came to alike is told once, with the CPUs that it is true of.
 */
#ifndef KERNEL_GUEST_TOLD_H
#define KERNEL_GUEST_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/guest.h"

/* Would a person read the same of both? */
bool guest_runs_alike(const struct guest_run *a, const struct guest_run *b);

#endif
