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
#ifndef LIB_X86_H
#define LIB_X86_H

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

/* The x87's extended format. */
struct __attribute__((packed)) x87_number {
    uint64_t significand;
    uint16_t sign_exponent;
};

/* The segment registers' visible parts, and where the descriptors are. */
struct x86_segments {
    uint16_t es, cs, ss, ds, fs, gs, ldtr, tr;
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

#if __STDC_HOSTED__

struct cpuid_registers cpuid(uint32_t leaf, uint32_t subleaf);
uint64_t rdtsc(void);
uint64_t rdmsr(uint32_t msr);
uint8_t rdmsr_safe(uint32_t msr, uint64_t *value);
uint8_t wrmsr_safe(uint32_t msr, uint64_t value);
uint64_t read_cr0(void);
void write_cr2(uint64_t value);
uint64_t read_cr3(void);
uint64_t read_cr4(void);
uint8_t write_cr0_safe(uint64_t value);
uint8_t write_cr4_safe(uint64_t value);
struct x86_segments x86_segments(void);
uint64_t read_dr(unsigned number);
void write_dr(unsigned number, uint64_t value);
uint8_t xsetbv_safe(uint32_t number, uint64_t value);
uint32_t rdpkru(void);
struct x87_number x87_sine_of_pi(void);
void take_interrupt(void);
void int_nmi(void);
void int_machine_check(void);
void out8(uint16_t port, uint8_t value);
uint8_t in8(uint16_t port);
void cpu_relax(void);

#else

#define X86_FIXUP(fault, landing)      \
    ".pushsection .fixup, \"a\"\n\t"   \
    ".balign 8\n\t"                    \
    ".quad " fault ", " landing "\n\t" \
    ".popsection\n\t"

static inline struct cpuid_registers cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_registers r;

    asm volatile("cpuid"
                 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                 : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;

    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* For MSRs that every processor with long mode has: a fault here is a panic. */
static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    asm volatile("wrmsr"
                 :
                 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                 : "memory");
}

/* Returns 0, or the vector of the fault and a value of 0. */
static inline uint8_t rdmsr_safe(uint32_t msr, uint64_t *value)
{
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
}

/* Returns 0, or the vector of the fault. */
static inline uint8_t wrmsr_safe(uint32_t msr, uint64_t value)
{
    uint64_t vector = (uint32_t)value;

    asm volatile("1: wrmsr\n\t"
                 "xor %%eax, %%eax\n\t"
                 "2:\n\t" X86_FIXUP("1b", "2b")
                 : "+a"(vector)
                 : "c"(msr), "d"((uint32_t)(value >> 32))
                 : "cc", "memory");
    return (uint8_t)vector;
}

static inline uint64_t read_cr0(void)
{
    uint64_t value;

    asm volatile("mov %%cr0, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint64_t read_cr2(void)
{
    uint64_t value;

    asm volatile("mov %%cr2, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint64_t read_cr3(void)
{
    uint64_t value;

    asm volatile("mov %%cr3, %0" : "=r"(value) : : "memory");
    return value;
}

static inline void write_cr3(uint64_t value)
{
    asm volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint64_t read_cr4(void)
{
    uint64_t value;

    asm volatile("mov %%cr4, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint8_t write_cr0_safe(uint64_t value)
{
    uint64_t vector;

    asm volatile("1: mov %[value], %%cr0\n\t"
                 "xor %%eax, %%eax\n\t"
                 "2:\n\t" X86_FIXUP("1b", "2b")
                 : "=&a"(vector)
                 : [value] "r"(value)
                 : "cc", "memory");
    return (uint8_t)vector;
}

static inline uint8_t write_cr4_safe(uint64_t value)
{
    uint64_t vector;

    asm volatile("1: mov %[value], %%cr4\n\t"
                 "xor %%eax, %%eax\n\t"
                 "2:\n\t" X86_FIXUP("1b", "2b")
                 : "=&a"(vector)
                 : [value] "r"(value)
                 : "cc", "memory");
    return (uint8_t)vector;
}

static inline struct x86_segments x86_segments(void)
{
    struct x86_segments s;
    const uint64_t *descriptor;

    asm volatile("mov %%es, %0" : "=rm"(s.es));
    asm volatile("mov %%cs, %0" : "=rm"(s.cs));
    asm volatile("mov %%ss, %0" : "=rm"(s.ss));
    asm volatile("mov %%ds, %0" : "=rm"(s.ds));
    asm volatile("mov %%fs, %0" : "=rm"(s.fs));
    asm volatile("mov %%gs, %0" : "=rm"(s.gs));
    asm volatile("sldt %0" : "=rm"(s.ldtr));
    asm volatile("str %0" : "=rm"(s.tr));
    asm volatile("sgdt %0" : "=m"(s.gdt));
    asm volatile("sidt %0" : "=m"(s.idt));

    /* SDM Vol. 3, "TSS Descriptor in 64-bit mode": 16 bytes, the base in four pieces. */
    descriptor = (const uint64_t *)(s.gdt.base + (s.tr & ~7u));
    s.tr_base =
        (descriptor[0] >> 16 & 0xffffff) | (descriptor[0] >> 56 & 0xff) << 24 | descriptor[1] << 32;
    return s;
}

static inline void out8(uint16_t port, uint8_t value)
{
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(uint16_t port, uint16_t value)
{
    asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;

    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint16_t in16(uint16_t port)
{
    uint16_t value;

    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t value;

    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void cpu_relax(void)
{
    asm volatile("pause" : : : "memory");
}

static inline void invlpg(uint64_t address)
{
    asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void write_cr2(uint64_t value)
{
    asm volatile("mov %0, %%cr2" : : "r"(value) : "memory");
}

/* DR0 to DR3 and DR6 (4 is another name of 6); DR7 is the VMCS's while a guest runs. */
static inline uint64_t read_dr(unsigned number)
{
    uint64_t value;

    switch (number) {
    case 0:
        asm volatile("mov %%db0, %0" : "=r"(value));
        break;
    case 1:
        asm volatile("mov %%db1, %0" : "=r"(value));
        break;
    case 2:
        asm volatile("mov %%db2, %0" : "=r"(value));
        break;
    case 3:
        asm volatile("mov %%db3, %0" : "=r"(value));
        break;
    default:
        asm volatile("mov %%db6, %0" : "=r"(value));
        break;
    }
    return value;
}

static inline void write_dr(unsigned number, uint64_t value)
{
    switch (number) {
    case 0:
        asm volatile("mov %0, %%db0" : : "r"(value));
        break;
    case 1:
        asm volatile("mov %0, %%db1" : : "r"(value));
        break;
    case 2:
        asm volatile("mov %0, %%db2" : : "r"(value));
        break;
    case 3:
        asm volatile("mov %0, %%db3" : : "r"(value));
        break;
    default:
        asm volatile("mov %0, %%db6" : : "r"(value));
        break;
    }
}

/* Extended control registers; CR4.OSXSAVE must be set, or both are #UD. */
static inline uint64_t xgetbv(uint32_t number)
{
    uint32_t low, high;

    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

/* Returns 0, or the vector of the fault. */
static inline uint8_t xsetbv_safe(uint32_t number, uint64_t value)
{
    uint64_t vector = (uint32_t)value;

    asm volatile("1: xsetbv\n\t"
                 "xor %%eax, %%eax\n\t"
                 "2:\n\t" X86_FIXUP("1b", "2b")
                 : "+a"(vector)
                 : "c"(number), "d"((uint32_t)(value >> 32))
                 : "cc", "memory");
    return (uint8_t)vector;
}

/* The rights of protection keys; CR4.PKE must be set, or it is #UD. */
static inline uint32_t rdpkru(void)
{
    uint32_t value;

    asm volatile("rdpkru" : "=a"(value) : "c"(0) : "rdx");
    return value;
}

/* Leaves the x87 as FNINIT does. CR0.EM and CR0.TS must be 0. */
static inline struct x87_number x87_sine_of_pi(void)
{
    struct x87_number sine;

    asm volatile("fninit\n\t"
                 "fldpi\n\t"
                 "fsin\n\t"
                 "fstpt %0\n\t"
                 "fninit"
                 : "=m"(sine));
    return sine;
}

/* The x87 and SSE state, from 512 bytes aligned to 16. CR4.OSFXSR must be set. */
static inline void fxrstor(const void *area)
{
    asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

/* All the state that XCR0 names, from an XSAVE area aligned to 64. CR4.OSXSAVE must be set. */
static inline void xrstor(const void *area)
{
    asm volatile("xrstor64 (%0)" : : "r"(area), "a"(UINT32_MAX), "d"(UINT32_MAX) : "memory");
}

/* An interrupt that waits is taken here, and only here. */
static inline void take_interrupt(void)
{
    asm volatile("sti\n\tnop\n\tcli" : : : "memory");
}

/* An NMI or a machine check as if it came now; the handler's IRET lets further NMIs come. */
static inline void int_nmi(void)
{
    asm volatile("int %0" : : "i"(X86_VECTOR_NMI) : "memory");
}

static inline void int_machine_check(void)
{
    asm volatile("int %0" : : "i"(X86_VECTOR_MC) : "memory");
}

static inline void interrupts_off(void)
{
    asm volatile("cli" : : : "memory");
}

/* Waits for an interrupt with the window open; interrupts are off again on return. */
static inline void wait_for_interrupt(void)
{
    asm volatile("sti\n\thlt\n\tcli" : : : "memory");
}

#endif

#endif
