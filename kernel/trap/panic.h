/* The last words of a machine that cannot go on. */
#pragma once

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

/* What the exception is, after "PANIC: ". */
typedef void trap_name_printer(const struct trap_frame *frame);
SET_DECLARE(trap_names, trap_name_printer);

/* Lines below the first; `nested`: of a panic within the panic, which is reported in short. */
typedef void panic_section(const struct trap_frame *frame, bool nested);
#define PANIC_SECTION(place, print) SET_MEMBER(panic_sections, place, panic_section, print)
SET_DECLARE(panic_sections, panic_section);

/* "PANIC: …", what the sections say; then machine_stop(), which stops the other CPUs, too. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void panic_trap(const struct trap_frame *frame);
