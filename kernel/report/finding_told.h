/*
 * What was found alike on several CPUs is one finding with a set of CPUs.
 */
#ifndef KERNEL_FINDING_TOLD_H
#define KERNEL_FINDING_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/machine.h"

/* A finding, and where it was found: a flag for each of the machine's CPUs, one at least is set. */
typedef void (*finding_visitor)(void *context, const struct finding *finding, const bool *set);

/* Each once: those of the machine as a whole, then those of its CPUs, by the first that has it. */
void machine_each_finding(const struct machine *machine, finding_visitor visit, void *context);

/* How many did not fit, on all CPUs. */
uint32_t machine_findings_lost(const struct machine *machine);

#endif
