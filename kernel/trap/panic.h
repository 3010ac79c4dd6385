/*
 * The last words of a machine that cannot go on.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/set.h"

/* As the stubs push it; SDM Vol. 3, "64-Bit Mode Stack Frame". */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* In the place of a vector: panic() was called. Of the frame only RIP, RSP, RBP and so on count. */
#define PANIC_CALLED UINT64_MAX

/* Something to say about a panic. */
struct panic_section {
    /* What the exception is, after "PANIC: "; NULL: nothing to say about it. */
    void (*name)(const struct trap_frame *frame);

    /* Lines below the first; `nested`: of a panic within the panic, which is reported in short. */
    void (*print)(const struct trap_frame *frame, bool nested);
};
SET_DECLARE(panic_sections, const struct panic_section);
#define PANIC_SECTION(place, section) \
    SET_MEMBER(panic_sections, place, const struct panic_section, section)

/* "PANIC: …", what the sections say; then machine_stop(), which stops the other CPUs, too. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void panic_trap(const struct trap_frame *frame);

#endif
