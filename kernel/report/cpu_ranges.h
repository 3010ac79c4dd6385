/*
 * CPUs in words.
 */
#ifndef KERNEL_CPU_RANGES_H
#define KERNEL_CPU_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/console/console.h"
#include "lib/host/cpu.h"
#include "vmx/vmx_cpu.h"
#include "lib/format.h"

/* Bytes that hold the ranges of any set of CPUs: "0,2,4" …, each with its comma. */
enum { CPU_RANGES_SIZE = CPUS_MAX / 2 * 4 };

/* The indices that are set, from 0 to count - 1, as ranges: "0-3,5". */
void cpu_ranges_print(struct sink *sink, const bool *set, uint32_t count);

/* "CPU 3", "CPUs 0-3,5"; a set that takes a line is cut, with the count: "CPUs 1,3,... (256)". */
enum { CPUS_TEXT_SIZE = 64 };
void cpus_print(struct sink *sink, const bool *set, uint32_t count);

/* "off", "root" after VMXON, "loaded" after VMPTRLD. */
const char *vmx_state_name(enum vmx_cpu_state state);

/* The same, or "silent" where it takes no part, "no path" where it could not be asked to. */
const char *cpu_state_name(const struct cpu *cpu);
enum colour cpu_state_colour(const struct cpu *cpu);

#endif
