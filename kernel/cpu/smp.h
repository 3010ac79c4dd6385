/*
 * Starting the other CPUs, all at once, and giving work to all of them.
 *
 * SDM Vol. 3, "Multiple-Processor (MP) Initialization".
 */
#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/host/cpu.h"

/*
 * Starts the CPUs with these APIC ids (the boot CPU's own is passed over), INIT-SIPI-SIPI for all
 * at once; `trampoline_page` is a free page below 1 MiB. A CPU that does not answer within the
 * deadline gets the phase CPU_SILENT and takes no part in anything. Returns how many answered.
 */
uint32_t smp_start(const uint32_t *apic_ids, uint32_t count, uint64_t trampoline_page);

/* What a CPU that has been started does, on its own stack, for the rest of its life. */
_Noreturn void smp_started(struct cpu *cpu);

/*
 * Runs `work` on every CPU that is ready, in parallel, the caller's own included. Returns when all
 * are done, or after `microseconds`: then a CPU that is not done becomes CPU_SILENT. False if any
 * did.
 */
bool smp_run(void (*work)(struct cpu *cpu), uint64_t microseconds);

#endif
