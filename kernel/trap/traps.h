/*
 * Exceptions and interrupts: one IDT for all CPUs, stubs in kernel/trap_stubs.S.
 */
#ifndef KERNEL_TRAPS_H
#define KERNEL_TRAPS_H

#include <stdint.h>

/* As the stubs push it; SDM Vol. 3, "64-Bit Mode Stack Frame". */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Interrupt-stack-table slots in every TSS: exceptions that may come on a bad stack. */
enum { IST_NONE, IST_DF, IST_NMI, IST_MC, IST_COUNT };

/* Builds the IDT once (boot CPU), then loads it on each CPU that calls traps_load(). */
void traps_init(void);
void traps_load(void);

/*
 * From the stubs. Returns only from interrupts and NMIs, whoever sent them, and if the fixup table
 * takes the fault.
 */
void trap_handle(struct trap_frame *frame);

#endif
