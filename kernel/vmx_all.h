/*
 * All CPUs into VMX operation together, or none of them.
 */
#ifndef KERNEL_VMX_ALL_H
#define KERNEL_VMX_ALL_H

#include "kernel/machine.h"

/*
 * The boot CPU's capabilities are checked first, as what the others must match; then every CPU
 * checks its own and goes as far as `stop=` says, all at once. If any of them refuses, all leave
 * VMX operation. What happened stands in each CPU's struct vmx_cpu and in machine->findings.
 */
void vmx_all_enable(struct machine *machine);

/*
 * Gives work to every CPU that is ready, in parallel; one that is not back after `microseconds` is
 * a refusal by name.
 */
void vmx_all_run(struct machine *machine, void (*work)(struct cpu *cpu), uint64_t microseconds);

/* kernel/hello.c: the core's own guest on every CPU; one that fails is a finding. */
void hello_run_all(struct machine *machine);

/* Every CPU leaves VMX operation. */
void vmx_all_disable(struct machine *machine);

#endif
