/*
 * Instructions and bits that only rooms have a use for, with the same seam as all others:
 * lib/x86.h.
 */
#pragma once

#include "lib/x86.h"

#define RFLAGS_STATUS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

#define CR3_LAM_U57  X86_BIT(61)
#define CR3_LAM_U48  X86_BIT(62)
#define CR3_LAM      (CR3_LAM_U48 | CR3_LAM_U57)
#define CR3_NO_FLUSH X86_BIT(63) /* of a value to be written, with CR4.PCIDE */

/* SDM Vol. 3, "PAE Paging", table "Format of a PAE Page-Directory-Pointer-Table Entry". */
#define PDPTE_PRESENT  (1ull << 0)
#define PDPTE_RESERVED 0x1e6ull /* 8:5 and 2:1 */

#define DR6_INITIAL        0xffff0ff0ull
#define DR6_BREAKPOINTS    0xfull
#define DR6_BLD            (1ull << 11) /* 0: a bus lock */
#define DR6_BD             (1ull << 13) /* access to a debug register */
#define DR6_BS             (1ull << 14) /* single step */
#define DR6_RTM            (1ull << 16) /* 0: within a transactional region */
#define DR7_GENERAL_DETECT (1ull << 13)
#define DR7_ZERO           0xd000ull /* always 0; bit 10 is always 1 */

/* SDM Vol. 2, "CPUID": of leaf 1, and of leaf 0x80000001. */
#define CPUID_1_ECX_XSAVE     (1u << 26)
#define CPUID_1_EDX_PSE36     (1u << 17)
#define CPUID_EXTENDED_EDX_1G (1u << 26)

/* DR0 to DR3 and DR6 (4 is another name of 6); DR7 is the VMCS's while a guest runs. */
#define X86_EACH_DR(DR) DR(0) DR(1) DR(2) DR(3) DR(6)
#define X86_WRITE_DR(n) \
    if (number == (n))  \
        asm volatile("mov %0, %%db" #n : : "r"(value));
X86_FUNCTION(void write_dr(unsigned number, uint64_t value), {X86_EACH_DR(X86_WRITE_DR)})
#define X86_READ_DR(n) \
    if (number == (n)) \
        asm volatile("mov %%db" #n ", %0" : "=r"(value));
X86_FUNCTION(uint64_t read_dr(unsigned number), {
    uint64_t value = 0;

    X86_EACH_DR(X86_READ_DR)
    return value;
})

/* The rights of protection keys; CR4.PKE must be set, or it is #UD. */
X86_FUNCTION(uint32_t rdpkru(void), {
    uint32_t value;

    asm volatile("rdpkru" : "=a"(value) : "c"(0) : "rdx");
    return value;
})

/* The x87 and SSE state, from 512 bytes aligned to 16. CR4.OSFXSR must be set. */
X86_FUNCTION(void fxrstor(const void *area), {
    asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
})

/* All the state that XCR0 names, from an XSAVE area aligned to 64. CR4.OSXSAVE must be set. */
X86_FUNCTION(void xrstor(const void *area), {
    asm volatile("xrstor64 (%0)" : : "r"(area), "a"(UINT32_MAX), "d"(UINT32_MAX) : "memory");
})

X86_SET(write_cr2, "mov %0, %%cr2")

/* An extended control register; CR4.OSXSAVE must be set, or it is #UD. */
X86_SET_AT_SAFE(xsetbv_safe, "xsetbv")

X86_IN(in16, uint16_t, "inw %1, %0")
X86_IN(in32, uint32_t, "inl %1, %0")
X86_OUT(out16, uint16_t, "outw %0, %1")
X86_OUT(out32, uint32_t, "outl %0, %1")

X86_DO(wbinvd, "wbinvd")
