/*
 * What was found alike on several CPUs is one finding with a set of CPUs.
 */
#ifndef KERNEL_FINDING_TOLD_H
#define KERNEL_FINDING_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/machine.h"
#include "lib/format.h"

/* A finding, and where it was found: a flag for each of the machine's CPUs. */
typedef void (*finding_visitor)(void *context, const struct finding *finding, const bool *set);

/* Each once: those of the machine as a whole, then those of its CPUs, by the first that has it. */
void machine_each_finding(const struct machine *machine, finding_visitor visit, void *context);

/* How many did not fit, on all CPUs. */
uint32_t machine_findings_lost(const struct machine *machine);

/* Bytes that hold the ranges of any set of CPUs: "0,2,4" …, each with its comma. */
enum { CPU_RANGES_SIZE = CPUS_MAX / 2 * 4 };

/* "CPU 3", "CPUs 0-3,5"; a set that takes a line is cut, with the count: "CPUs 1,3,... (256)". */
void cpus_print(struct sink *sink, const bool *set, uint32_t count);

#endif
