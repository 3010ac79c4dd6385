/*
 * Built-in guests on every CPU, all at once; what they did; what an exit costs.
 */
#ifndef KERNEL_GUESTS_H
#define KERNEL_GUESTS_H

#include "kernel/machine.h"

/*
 * Runs the chosen guests one after another on every CPU, the CPUs in parallel. Nothing happens
 * unless every CPU has its VMCS loaded. Results are in machine->guests; a guest that differs or
 * died is a finding.
 */
void guests_run_all(struct machine *machine);

/* Measures what VM exits cost, on the boot CPU alone; results in machine->bench. */
void guests_bench(struct machine *machine);

#endif
