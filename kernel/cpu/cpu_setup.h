/*
 * How a CPU becomes one of ours: its data, its stacks, the registers that all have alike.
 */
#ifndef KERNEL_CPU_SETUP_H
#define KERNEL_CPU_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/host/cpu.h"

/* Selectors in every CPU's GDT. */
enum { SELECTOR_CODE = 0x08, SELECTOR_DATA = 0x10, SELECTOR_TSS = 0x18 };

/*
 * Makes the boot CPU cpus[0], on stacks of the image: before there is memory to allocate, so that
 * an exception can be reported from the start; builds the IDT, one for all CPUs. cpu_boot_finish()
 * gives it guarded interrupt stacks and its APIC id; false if memory has run out.
 */
void cpu_boot_init(void);
bool cpu_boot_finish(uint32_t apic_id);

/*
 * Allocates another CPU's data and its guarded stacks, and enters it in cpus[]. Boot CPU only.
 * Returns NULL when memory or cpus[] is full.
 */
struct cpu *cpu_create(uint32_t apic_id);

/*
 * Makes the CPU that runs this its own: GDT, TSS, IDT, GS base, CR0/CR4/EFER bits, PAT.
 */
void cpu_init_this(struct cpu *cpu);

#endif
