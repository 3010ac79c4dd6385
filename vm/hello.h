/*
 * The least VM there can be: 64-bit code in 64 KiB of memory under EPT, which asks CPUID who is
 * there and ends by its own call.
 */
#pragma once

/* Guest-physical: three page tables, what CPUID gave the guest, its code; a stack above. */
#define HELLO_PAGE_TABLES 0x3000
#define HELLO_DATA        0x7000
#define HELLO_CODE        0x8000
#define HELLO_BYTES       0x10000

#ifndef __ASSEMBLER__

#include "vm/vcpu.h"

/* vm/hello.S */
extern const uint8_t hello_start[], hello_cpuid[], hello_end[];

/*
 * Runs it on the CPU that calls, which is LOADED, interrupts off; the CPU's own VMCS is current
 * before and after. Gives hello_ok, or what it did otherwise; hello_without_ept: it cannot run.
 */
extern const char hello_ok[], hello_without_ept[];
const char *hello_run(struct vmx_cpu *cpu);

#endif
