/*
 * The last words of a machine that cannot go on.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdint.h>

/* As the stubs push it; SDM Vol. 3, "64-Bit Mode Stack Frame". */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

/*
 * "PANIC: …", the registers of here, a back trace with function names; then machine_stop().
 * Other CPUs are stopped: kernel/cpu/stop.h.
 */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for an exception: its name, its error code in words, all registers. */
_Noreturn void panic_trap(const struct trap_frame *frame);

#endif
