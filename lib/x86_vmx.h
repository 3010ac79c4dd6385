/* The VMX instructions, with the same seam as all others: lib/x86.h. */
#pragma once

#include "lib/x86.h"

/*
 * What a VMX instruction left: a fault's vector, or 0 and the two flags. vmx/vmx_result.h
 * makes the one result type of it.
 */
struct vmx_flags {
    uint8_t vector;
    bool carry; /* VMfailInvalid */
    bool zero;  /* VMfailValid */
};

/*
 * The physical-address operand of VMXON and its kin is memory that holds the
 * address, hence "m" and the memory clobber. The flags are read before XOR changes them.
 */
#define X86_VMX_INSTRUCTION(text, ...)                                                      \
    ({                                                                                      \
        uint64_t vector_;                                                                   \
        struct vmx_flags flags_ = {0};                                                      \
        asm volatile("1: " text "\n\t"                                                      \
                     "setc %[carry]\n\t"                                                    \
                     "setz %[zero]\n\t"                                                     \
                     "xor %%eax, %%eax\n\t"                                                 \
                     "2:\n\t" X86_FIXUP("1b", "2b")                                         \
                     : "=&a"(vector_), [carry] "+m"(flags_.carry), [zero] "+m"(flags_.zero) \
                     : __VA_ARGS__                                                          \
                     : "cc", "memory");                                                     \
        flags_.vector = (uint8_t)vector_;                                                   \
        flags_;                                                                             \
    })

#define X86_VMX_REGION(name, text)                       \
    X86_FUNCTION(struct vmx_flags name(uint64_t region), \
                 { return X86_VMX_INSTRUCTION(text " %[region]", [region] "m"(region)); })

X86_FUNCTION(struct vmx_flags x86_vmxoff(void), { return X86_VMX_INSTRUCTION("vmxoff", "i"(0)); })

/* The instruction writes through the pointer. NOLINTNEXTLINE(readability-non-const-parameter) */
X86_FUNCTION(struct vmx_flags x86_vmptrst(uint64_t *region),
             { return X86_VMX_INSTRUCTION("vmptrst (%[region])", [region] "r"(region)); })

/* As above. NOLINTNEXTLINE(readability-non-const-parameter) */
X86_FUNCTION(struct vmx_flags x86_vmread(uint64_t field, uint64_t *value), {
    return X86_VMX_INSTRUCTION(
        "vmread %[field], (%[value])", [field] "r"(field), [value] "r"(value));
})

X86_FUNCTION(struct vmx_flags x86_vmwrite(uint64_t field, uint64_t value), {
    return X86_VMX_INSTRUCTION(
        "vmwrite %[value], %[field]", [field] "r"(field), [value] "r"(value));
})

/*
 * The instruction alone, for fields that are known to exist while there is a current VMCS: no other
 * failure is left for VMREAD and VMWRITE to have. vmx/vmcs_field.h.
 */
X86_FUNCTION(uint64_t x86_vmread_bare(uint64_t field), {
    uint64_t value;

    asm volatile("vmread %[field], %[value]" : [value] "=r"(value) : [field] "r"(field) : "cc");
    return value;
})

X86_FUNCTION(void x86_vmwrite_bare(uint64_t field, uint64_t value), {
    asm volatile("vmwrite %[value], %[field]" : : [value] "r"(value), [field] "r"(field) : "cc");
})

/* SDM Vol. 3, "INVEPT Descriptor", "INVVPID Descriptor"; some of their types. */
enum { INVEPT_ALL_CONTEXTS = 2 };
enum { INVVPID_SINGLE_CONTEXT = 1, INVVPID_ALL_CONTEXTS = 2 };

X86_FUNCTION(struct vmx_flags x86_invept(uint64_t type, uint64_t eptp), {
    const uint64_t descriptor[2] = {eptp, 0};

    return X86_VMX_INSTRUCTION(
        "invept %[descriptor], %[type]", [descriptor] "m"(descriptor), [type] "r"(type));
})

X86_FUNCTION(struct vmx_flags x86_invvpid(uint64_t type, uint64_t vpid, uint64_t linear), {
    const uint64_t descriptor[2] = {vpid, linear};

    return X86_VMX_INSTRUCTION(
        "invvpid %[descriptor], %[type]", [descriptor] "m"(descriptor), [type] "r"(type));
})

X86_VMX_REGION(x86_vmxon, "vmxon")
X86_VMX_REGION(x86_vmclear, "vmclear")
X86_VMX_REGION(x86_vmptrld, "vmptrld")
