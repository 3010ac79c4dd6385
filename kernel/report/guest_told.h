/*
 * What several CPUs came to alike is told once, with the CPUs that it is true of.
 */
#ifndef KERNEL_GUEST_TOLD_H
#define KERNEL_GUEST_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/machine.h"
#include "lib/format.h"

/* Would a person read the same of both? */
bool guest_runs_alike(const struct guest_run *a, const struct guest_run *b);

/* How many runs came to each result: those of one chosen guest, on all its CPUs, or of all. */
struct guest_counts {
    uint32_t of[GUEST_RESULT_COUNT];
};
struct guest_counts guest_counts_of(const struct machine *machine, uint32_t guest);
struct guest_counts guest_counts_all(const struct machine *machine);

/* "154 ok, 2 skipped" */
void guest_counts_print(struct sink *sink, struct guest_counts counts);

#endif
