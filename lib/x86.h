/*
 * The seam between what decides and the processor.
 *
 * A freestanding build has these functions as inline assembly. A hosted build has them declared
 * only: tests/host/model_cpu.c supplies a processor that follows the SDM's pseudo-code.
 *
 * Where an instruction may fault and the caller wants to know, the exception-fixup table takes it:
 * the trap handler finds the faulting address there, puts the vector into RAX and continues at the
 * landing address (kernel/trap/traps.c). Vector 0 (#DE) never comes from these instructions, so 0
 * says "no fault".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86_registers.h"

struct cpuid_registers {
    uint32_t eax, ebx, ecx, edx;
};

/* What LGDT and LIDT take. */
struct __attribute__((packed)) x86_table {
    uint16_t limit;
    uint64_t base;
};

/* The segment registers' visible parts, and where the descriptors are. */
struct x86_segments {
    uint16_t es, cs, ss, ds, fs, gs, tr;
    struct x86_table gdt, idt;
    uint64_t tr_base; /* from the TSS descriptor that TR selects */
};

/*
 * For what cannot be unless the code is wrong. As Linux's BUG_ON(): UD2, at which the trap handler
 * panics with the function's name and how it was reached.
 */
#define BUG_ON(condition)                       \
    do {                                        \
        if (__builtin_expect(!!(condition), 0)) \
            __builtin_trap();                   \
    } while (0)

/*
 * Declares a function in a hosted build, or for another machine; else defines it. Below: those that
 * are alike but for their name. X86_DO: without operand; X86_GET, X86_SET: of one register; X86_IN,
 * X86_OUT: of a port; X86_GET_AT, X86_SET_AT_SAFE: EDX:EAX of what ECX selects. What ends with
 * _safe returns 0, or the vector of the fault.
 */
#if __STDC_HOSTED__ || !defined(__x86_64__)
#define X86_FUNCTION(declaration, ...) declaration;
#else
#define X86_FUNCTION(declaration, ...) static inline declaration __VA_ARGS__
#endif

#define X86_FIXUP(fault, landing)      \
    ".pushsection .fixup, \"a\"\n\t"   \
    ".balign 8\n\t"                    \
    ".quad " fault ", " landing "\n\t" \
    ".popsection\n\t"

/* Executes `text`; 0, or the vector of the fault. */
#define X86_TRY(text, ...)                          \
    ({                                              \
        uint64_t vector_;                           \
        asm volatile("1: " text "\n\t"              \
                     "xor %%eax, %%eax\n\t"         \
                     "2:\n\t" X86_FIXUP("1b", "2b") \
                     : "=&a"(vector_)               \
                     : __VA_ARGS__                  \
                     : "cc", "memory");             \
        (uint8_t) vector_;                          \
    })

#define X86_DO(name, text) X86_FUNCTION(void name(void), { asm volatile(text : : : "memory"); })
#define X86_GET(name, text)                            \
    X86_FUNCTION(uint64_t name(void), {                \
        uint64_t value;                                \
                                                       \
        asm volatile(text : "=r"(value) : : "memory"); \
        return value;                                  \
    })
#define X86_SET(name, text) \
    X86_FUNCTION(void name(uint64_t value), { asm volatile(text : : "r"(value) : "memory"); })
#define X86_SET_SAFE(name, text) \
    X86_FUNCTION(uint8_t name(uint64_t value), { return X86_TRY(text, "r"(value)); })
#define X86_IN(name, type, text)                                  \
    X86_FUNCTION(type name(uint16_t port), {                      \
        type value;                                               \
                                                                  \
        asm volatile(text : "=a"(value) : "Nd"(port) : "memory"); \
        return value;                                             \
    })
#define X86_OUT(name, type, text)                                 \
    X86_FUNCTION(void name(uint16_t port, type value), {          \
        asm volatile(text : : "a"(value), "Nd"(port) : "memory"); \
    })
#define X86_GET_AT(name, text)                                               \
    X86_FUNCTION(uint64_t name(uint32_t number), {                           \
        uint32_t low, high;                                                  \
                                                                             \
        asm volatile(text : "=a"(low), "=d"(high) : "c"(number) : "memory"); \
        return (uint64_t)high << 32 | low;                                   \
    })
#define X86_SET_AT_SAFE(name, text)                                       \
    X86_FUNCTION(uint8_t name(uint32_t number, uint64_t value), {         \
        return X86_TRY(text, "0"((uint64_t)(uint32_t)value), "c"(number), \
                       "d"((uint32_t)(value >> 32)));                     \
    })

X86_FUNCTION(struct cpuid_registers cpuid(uint32_t leaf, uint32_t subleaf), {
    struct cpuid_registers r;

    asm volatile("cpuid"
                 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                 : "a"(leaf), "c"(subleaf));
    return r;
})

/* The same, with RAX, RCX, RDX and RBX as a guest has them: bits 63:32 become 0. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the instruction writes it */
X86_FUNCTION(void cpuid_in_place(uint64_t reg[4]), {
    asm volatile("cpuid"
                 : "=a"(reg[0]), "=c"(reg[1]), "=d"(reg[2]), "=b"(reg[3])
                 : "a"(reg[0]), "c"(reg[1]));
})

X86_FUNCTION(uint64_t rdtsc(void), {
    uint32_t low, high;

    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
})

X86_FUNCTION(void wrmsr(uint32_t msr, uint64_t value), {
    uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);

    asm volatile("wrmsr" : : "c"(msr), "a"(low), "d"(high) : "memory");
})

/* Returns 0, or the vector of the fault and a value of 0. */
X86_FUNCTION(uint8_t rdmsr_safe(uint32_t msr, uint64_t *value), {
    uint64_t vector, low = 0, high = 0;

    asm volatile("1: rdmsr\n\t"
                 "mov %%rax, %[low]\n\t"
                 "mov %%rdx, %[high]\n\t"
                 "xor %%eax, %%eax\n\t"
                 "2:\n\t" X86_FIXUP("1b", "2b")
                 : "=&a"(vector), [low] "+r"(low), [high] "+r"(high)
                 : "c"(msr)
                 : "rdx", "cc", "memory");
    *value = high << 32 | low;
    return (uint8_t)vector;
})

X86_FUNCTION(struct x86_segments x86_segments(void), {
    struct x86_segments s;
    const uint64_t *descriptor;

    asm volatile("mov %%es, %0" : "=rm"(s.es));
    asm volatile("mov %%cs, %0" : "=rm"(s.cs));
    asm volatile("mov %%ss, %0" : "=rm"(s.ss));
    asm volatile("mov %%ds, %0" : "=rm"(s.ds));
    asm volatile("mov %%fs, %0" : "=rm"(s.fs));
    asm volatile("mov %%gs, %0" : "=rm"(s.gs));
    asm volatile("str %0" : "=rm"(s.tr));
    asm volatile("sgdt %0" : "=m"(s.gdt));
    asm volatile("sidt %0" : "=m"(s.idt));

    /* SDM Vol. 3, "TSS Descriptor in 64-bit mode": 16 bytes, the base in four pieces. */
    descriptor = (const uint64_t *)(s.gdt.base + (s.tr & ~7u));
    s.tr_base =
        (descriptor[0] >> 16 & 0xffffff) | (descriptor[0] >> 56 & 0xff) << 24 | descriptor[1] << 32;
    return s;
})

X86_SET(invlpg, "invlpg (%0)")

X86_GET(read_cr0, "mov %%cr0, %0")
X86_GET(read_cr2, "mov %%cr2, %0")
X86_GET(read_cr3, "mov %%cr3, %0")
X86_GET(read_cr4, "mov %%cr4, %0")
X86_SET(write_cr3, "mov %0, %%cr3")
X86_SET_SAFE(write_cr0_safe, "mov %1, %%cr0")
X86_SET_SAFE(write_cr4_safe, "mov %1, %%cr4")

/* For MSRs that every processor with long mode has: a fault here is a panic. */
X86_GET_AT(rdmsr, "rdmsr")
X86_SET_AT_SAFE(wrmsr_safe, "wrmsr")

/* Extended control registers; CR4.OSXSAVE must be set, or it is #UD. */
X86_GET_AT(xgetbv, "xgetbv")

X86_IN(in8, uint8_t, "inb %1, %0")
X86_OUT(out8, uint8_t, "outb %0, %1")

X86_DO(cpu_relax, "pause")
X86_DO(interrupts_off, "cli")
X86_DO(take_interrupt, "sti; nop; cli")     /* one that waits is taken here, and only here */
X86_DO(wait_for_interrupt, "sti; hlt; cli") /* the window is open as long as it waits */

/* An NMI or a machine check as if it came now; the handler's IRET lets further NMIs come. */
X86_DO(int_nmi, "int $2")
X86_DO(int_machine_check, "int $18")
