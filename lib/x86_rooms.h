/*
 * Instructions and bits that only rooms have a use for, with the same seam as all others:
 * lib/x86.h.
 */
#ifndef LIB_X86_ROOMS_H
#define LIB_X86_ROOMS_H

#include "lib/x86.h"

#define RFLAGS_STATUS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

#define DR6_BREAKPOINTS    0xfull
#define DR6_BLD            (1ull << 11) /* 0: a bus lock */
#define DR6_BD             (1ull << 13) /* access to a debug register */
#define DR6_BS             (1ull << 14) /* single step */
#define DR6_RTM            (1ull << 16) /* 0: within a transactional region */
#define DR7_GENERAL_DETECT (1ull << 13)
#define DR7_ZERO           0xd000ull /* always 0; bit 10 is always 1 */

/* SDM Vol. 2, "CPUID": of leaf 1, and of leaf 0x80000001. */
#define CPUID_1_EDX_PSE36     (1u << 17)
#define CPUID_EXTENDED_EDX_1G (1u << 26)

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

X86_IN(in16, uint16_t, "inw %1, %0")
X86_IN(in32, uint32_t, "inl %1, %0")
X86_OUT(out16, uint16_t, "outw %0, %1")
X86_OUT(out32, uint32_t, "outl %0, %1")

X86_DO(wbinvd, "wbinvd")

#endif
