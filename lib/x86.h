/*
 * The seam between what decides and the processor.
 *
 * A freestanding build has these functions as inline assembly. A hosted build has them declared
 * only: tests/host/model_cpu.c supplies a processor that follows the SDM's pseudo-code.
 *
 * Where an instruction may fault and the caller wants to know, the exception-fixup table takes it:
 * the trap handler finds the faulting address there, puts the vector into RAX and continues at the
 * landing address (kernel/traps.c). Vector 0 (#DE) never comes from these instructions, so 0 says
 * "no fault".
 */
#ifndef LIB_X86_H
#define LIB_X86_H

#include <stdbool.h>
#include <stdint.h>

/* SDM, "Interrupt and Exception Handling", table "Protected-Mode Exceptions and Interrupts". */
enum x86_vector {
    X86_VECTOR_DE = 0,
    X86_VECTOR_DB = 1,
    X86_VECTOR_NMI = 2,
    X86_VECTOR_BP = 3,
    X86_VECTOR_OF = 4,
    X86_VECTOR_BR = 5,
    X86_VECTOR_UD = 6,
    X86_VECTOR_NM = 7,
    X86_VECTOR_DF = 8,
    X86_VECTOR_TS = 10,
    X86_VECTOR_NP = 11,
    X86_VECTOR_SS = 12,
    X86_VECTOR_GP = 13,
    X86_VECTOR_PF = 14,
    X86_VECTOR_MF = 16,
    X86_VECTOR_AC = 17,
    X86_VECTOR_MC = 18,
    X86_VECTOR_XM = 19,
    X86_VECTOR_VE = 20,
    X86_VECTOR_CP = 21,
};

/* SDM, "Control Registers". */
#define CR0_PE         (1ull << 0)
#define CR0_MP         (1ull << 1)
#define CR0_EM         (1ull << 2)
#define CR0_TS         (1ull << 3)
#define CR0_ET         (1ull << 4)
#define CR0_NE         (1ull << 5)
#define CR0_WP         (1ull << 16)
#define CR0_AM         (1ull << 18)
#define CR0_NW         (1ull << 29)
#define CR0_CD         (1ull << 30)
#define CR0_PG         (1ull << 31)
#define CR4_DE         (1ull << 3)
#define CR4_PSE        (1ull << 4)
#define CR4_PAE        (1ull << 5)
#define CR4_MCE        (1ull << 6)
#define CR4_PGE        (1ull << 7)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_LA57       (1ull << 12)
#define CR4_VMXE       (1ull << 13)
#define CR4_SMXE       (1ull << 14)
#define CR4_PCIDE      (1ull << 17)
#define CR4_OSXSAVE    (1ull << 18)
#define CR4_SMEP       (1ull << 20)
#define CR4_SMAP       (1ull << 21)
#define CR4_PKE        (1ull << 22)
#define RFLAGS_CF      (1ull << 0)
#define RFLAGS_ZF      (1ull << 6)
#define RFLAGS_TF      (1ull << 8)
#define RFLAGS_IF      (1ull << 9)
#define RFLAGS_DF      (1ull << 10)
#define RFLAGS_RF      (1ull << 16)
#define RFLAGS_VM      (1ull << 17)

/* SDM Vol. 4, "Model-Specific Registers": the ones outside the VMX capability range. */
#define IA32_TIME_STAMP_COUNTER   0x10u
#define IA32_APIC_BASE            0x1bu
#define IA32_FEATURE_CONTROL      0x3au
#define IA32_MTRRCAP              0xfeu
#define IA32_SYSENTER_CS          0x174u
#define IA32_SYSENTER_ESP         0x175u
#define IA32_SYSENTER_EIP         0x176u
#define IA32_MTRR_PHYSBASE0       0x200u
#define IA32_MTRR_PHYSMASK0       0x201u
#define IA32_MTRR_FIX64K_00000    0x250u
#define IA32_MTRR_FIX16K_80000    0x258u
#define IA32_MTRR_FIX16K_A0000    0x259u
#define IA32_MTRR_FIX4K_C0000     0x268u
#define IA32_PAT                  0x277u
#define IA32_MTRR_DEF_TYPE        0x2ffu
#define IA32_X2APIC_FIRST         0x800u
#define IA32_EFER                 0xc0000080u
#define IA32_STAR                 0xc0000081u
#define IA32_LSTAR                0xc0000082u
#define IA32_CSTAR                0xc0000083u
#define IA32_FMASK                0xc0000084u
#define IA32_FS_BASE              0xc0000100u
#define IA32_GS_BASE              0xc0000101u
#define IA32_KERNEL_GS_BASE       0xc0000102u
#define IA32_TSC_AUX              0xc0000103u
#define EFER_LME                  (1ull << 8)
#define EFER_LMA                  (1ull << 10)
#define EFER_NXE                  (1ull << 11)
#define FEATURE_CONTROL_LOCK      (1ull << 0)
#define FEATURE_CONTROL_VMX_SMX   (1ull << 1) /* VMXON allowed inside SMX operation */
#define FEATURE_CONTROL_VMX       (1ull << 2) /* VMXON allowed outside SMX operation */
#define FEATURE_CONTROL_SENTER    (0x7full << 8)
#define FEATURE_CONTROL_SENTER_EN (1ull << 15)

/* SDM Vol. 2, "CPUID". */
#define CPUID_1_ECX_HYPERVISOR (1u << 31)  /* a hypervisor is below; by its makers' agreement */
#define CPUID_ADDRESS_SIZES    0x80000008u /* EAX[7:0]: MAXPHYADDR */

struct cpuid_registers {
    uint32_t eax, ebx, ecx, edx;
};

/*
 * What a VMX instruction left behind: a fault's vector, or 0 and the two flags. vmx/vmx_result.h
 * makes the one result type of it.
 */
struct vmx_flags {
    uint8_t vector;
    bool carry; /* VMfailInvalid */
    bool zero;  /* VMfailValid */
};

/* What LGDT and LIDT take. */
struct __attribute__((packed)) x86_table {
    uint16_t limit;
    uint64_t base;
};

/* The segment registers' visible parts, and where the descriptors are. */
struct x86_segments {
    uint16_t es, cs, ss, ds, fs, gs, ldtr, tr;
    struct x86_table gdt, idt;
    uint64_t tr_base; /* from the TSS descriptor that TR selects */
};

/*
 * Enters the guest that the current VMCS describes (VMRESUME if `resume`, else VMLAUNCH) and comes
 * back at its first VM exit. Writes HOST_RSP, HOST_RIP, GUEST_RSP and GUEST_RIP itself: the guest's
 * whole program is CPUID, which always exits. All flags clear: it was entered, or failed to be with
 * a VM exit of its own kind; the exit reason says which. vmx/selftest_entry.S.
 */
struct vmx_flags x86_vm_enter(bool resume);

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
struct vmx_flags x86_vmxon(uint64_t region);
struct vmx_flags x86_vmxoff(void);
struct vmx_flags x86_vmclear(uint64_t region);
struct vmx_flags x86_vmptrld(uint64_t region);
struct vmx_flags x86_vmptrst(uint64_t *region);
struct vmx_flags x86_vmread(uint64_t field, uint64_t *value);
struct vmx_flags x86_vmwrite(uint64_t field, uint64_t value);
struct vmx_flags x86_invept(uint64_t type, uint64_t eptp);
struct vmx_flags x86_invvpid(uint64_t type, uint16_t vpid, uint64_t linear);
uint64_t x86_vmread_bare(uint64_t field);
void x86_vmwrite_bare(uint64_t field, uint64_t value);
struct x86_segments x86_segments(void);
uint64_t read_dr(unsigned number);
void write_dr(unsigned number, uint64_t value);
uint8_t xsetbv_safe(uint32_t number, uint64_t value);
void take_interrupt(void);

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

/*
 * VMX instructions. The physical-address operand of VMXON and its kin is memory that holds the
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

static inline struct vmx_flags x86_vmxon(uint64_t region)
{
    return X86_VMX_INSTRUCTION("vmxon %[region]", [region] "m"(region));
}

static inline struct vmx_flags x86_vmxoff(void)
{
    return X86_VMX_INSTRUCTION("vmxoff", "i"(0));
}

static inline struct vmx_flags x86_vmclear(uint64_t region)
{
    return X86_VMX_INSTRUCTION("vmclear %[region]", [region] "m"(region));
}

static inline struct vmx_flags x86_vmptrld(uint64_t region)
{
    return X86_VMX_INSTRUCTION("vmptrld %[region]", [region] "m"(region));
}

/* The instruction writes through the pointer. NOLINTNEXTLINE(readability-non-const-parameter) */
static inline struct vmx_flags x86_vmptrst(uint64_t *region)
{
    return X86_VMX_INSTRUCTION("vmptrst (%[region])", [region] "r"(region));
}

/* As above. NOLINTNEXTLINE(readability-non-const-parameter) */
static inline struct vmx_flags x86_vmread(uint64_t field, uint64_t *value)
{
    return X86_VMX_INSTRUCTION(
        "vmread %[field], (%[value])", [field] "r"(field), [value] "r"(value));
}

static inline struct vmx_flags x86_vmwrite(uint64_t field, uint64_t value)
{
    return X86_VMX_INSTRUCTION(
        "vmwrite %[value], %[field]", [field] "r"(field), [value] "r"(value));
}

/*
 * The instruction alone, for fields that are known to exist while there is a current VMCS: no other
 * failure is left for VMREAD and VMWRITE to have. vmx/vmcs_access.h.
 */
static inline uint64_t x86_vmread_bare(uint64_t field)
{
    uint64_t value;

    asm volatile("vmread %[field], %[value]" : [value] "=r"(value) : [field] "r"(field) : "cc");
    return value;
}

static inline void x86_vmwrite_bare(uint64_t field, uint64_t value)
{
    asm volatile("vmwrite %[value], %[field]" : : [value] "r"(value), [field] "r"(field) : "cc");
}

/* SDM Vol. 3, "INVEPT Descriptor", "INVVPID Descriptor". */
static inline struct vmx_flags x86_invept(uint64_t type, uint64_t eptp)
{
    const uint64_t descriptor[2] = {eptp, 0};

    return X86_VMX_INSTRUCTION(
        "invept %[descriptor], %[type]", [descriptor] "m"(descriptor), [type] "r"(type));
}

static inline struct vmx_flags x86_invvpid(uint64_t type, uint16_t vpid, uint64_t linear)
{
    const uint64_t descriptor[2] = {vpid, linear};

    return X86_VMX_INSTRUCTION(
        "invvpid %[descriptor], %[type]", [descriptor] "m"(descriptor), [type] "r"(type));
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
