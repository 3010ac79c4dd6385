/*
 * The processor's names: exception vectors, bits of its registers, addresses of its MSRs, leaves of
 * CPUID. Those of the VMX capability MSRs: vmx/capability/vmx_msr.h. For C and assembly.
 */
#pragma once

#ifdef __ASSEMBLER__
#define X86_BIT(n) (1 << (n))
#else
#define X86_BIT(n) (1ull << (n))

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
#endif

/* SDM Vol. 3, "Control Registers"; tools/capability/features.def has a sentence for each bit. */
#define CR0_PE         X86_BIT(0)
#define CR0_MP         X86_BIT(1)
#define CR0_EM         X86_BIT(2)
#define CR0_TS         X86_BIT(3)
#define CR0_ET         X86_BIT(4)
#define CR0_NE         X86_BIT(5)
#define CR0_WP         X86_BIT(16)
#define CR0_AM         X86_BIT(18)
#define CR0_NW         X86_BIT(29)
#define CR0_CD         X86_BIT(30)
#define CR0_PG         X86_BIT(31)
#define CR4_VME        X86_BIT(0)
#define CR4_PVI        X86_BIT(1)
#define CR4_TSD        X86_BIT(2)
#define CR4_DE         X86_BIT(3)
#define CR4_PSE        X86_BIT(4)
#define CR4_PAE        X86_BIT(5)
#define CR4_MCE        X86_BIT(6)
#define CR4_PGE        X86_BIT(7)
#define CR4_PCE        X86_BIT(8)
#define CR4_OSFXSR     X86_BIT(9)
#define CR4_OSXMMEXCPT X86_BIT(10)
#define CR4_UMIP       X86_BIT(11)
#define CR4_LA57       X86_BIT(12)
#define CR4_VMXE       X86_BIT(13)
#define CR4_SMXE       X86_BIT(14)
#define CR4_FSGSBASE   X86_BIT(16)
#define CR4_PCIDE      X86_BIT(17)
#define CR4_OSXSAVE    X86_BIT(18)
#define CR4_KL         X86_BIT(19)
#define CR4_SMEP       X86_BIT(20)
#define CR4_SMAP       X86_BIT(21)
#define CR4_PKE        X86_BIT(22)
#define CR4_CET        X86_BIT(23)
#define CR4_PKS        X86_BIT(24)
#define CR4_UINTR      X86_BIT(25)
#define CR4_LASS       X86_BIT(27)
#define CR4_LAM_SUP    X86_BIT(28)
#define CR4_FRED       X86_BIT(32)

/* SDM Vol. 1, "EFLAGS Register". */
#define RFLAGS_CF   X86_BIT(0)
#define RFLAGS_PF   X86_BIT(2)
#define RFLAGS_AF   X86_BIT(4)
#define RFLAGS_ZF   X86_BIT(6)
#define RFLAGS_SF   X86_BIT(7)
#define RFLAGS_TF   X86_BIT(8)
#define RFLAGS_IF   X86_BIT(9)
#define RFLAGS_DF   X86_BIT(10)
#define RFLAGS_OF   X86_BIT(11)
#define RFLAGS_NT   X86_BIT(14)
#define RFLAGS_RF   X86_BIT(16)
#define RFLAGS_VM   X86_BIT(17)
#define RFLAGS_AC   X86_BIT(18)
#define RFLAGS_VIF  X86_BIT(19)
#define RFLAGS_VIP  X86_BIT(20)
#define RFLAGS_ID   X86_BIT(21)
#define RFLAGS_IOPL (3ull << 12)

#define RFLAGS_RESERVED (1ull << 1) /* always 1 */
#define DR7_INITIAL     0x400ull

/* SDM Vol. 4, "Model-Specific Registers": the ones outside the VMX capability range. */
#define IA32_TIME_STAMP_COUNTER 0x10
#define IA32_APIC_BASE          0x1b
#define IA32_FEATURE_CONTROL    0x3a
#define IA32_MTRRCAP            0xfe
#define IA32_SYSENTER_CS        0x174
#define IA32_SYSENTER_ESP       0x175
#define IA32_SYSENTER_EIP       0x176
#define IA32_MISC_ENABLE        0x1a0
#define IA32_SMRR_PHYSBASE      0x1f2
#define IA32_SMRR_PHYSMASK      0x1f3
#define IA32_MTRR_PHYSBASE0     0x200
#define IA32_MTRR_PHYSMASK0     0x201
#define IA32_MTRR_FIX64K_00000  0x250
#define IA32_MTRR_FIX16K_80000  0x258
#define IA32_MTRR_FIX16K_A0000  0x259
#define IA32_MTRR_FIX4K_C0000   0x268
#define IA32_PAT                0x277
#define IA32_MTRR_DEF_TYPE      0x2ff
#define IA32_X2APIC_FIRST       0x800
#define IA32_EFER               0xc0000080
#define IA32_STAR               0xc0000081
#define IA32_LSTAR              0xc0000082
#define IA32_CSTAR              0xc0000083
#define IA32_FMASK              0xc0000084
#define IA32_FS_BASE            0xc0000100
#define IA32_GS_BASE            0xc0000101
#define IA32_KERNEL_GS_BASE     0xc0000102
#define IA32_TSC_AUX            0xc0000103
#define APIC_BASE_EXTD          X86_BIT(10) /* x2APIC mode */
#define APIC_BASE_ENABLE        X86_BIT(11)
#define APIC_BASE_ADDRESS       0x000ffffffffff000ull /* in IA32_APIC_BASE: the registers */
#define EFER_SCE                X86_BIT(0)
#define EFER_LME                X86_BIT(8)
#define EFER_LMA                X86_BIT(10)
#define EFER_NXE                X86_BIT(11)
#define MISC_ENABLE_XD_DISABLE  X86_BIT(34)
#define FEATURE_CONTROL_LOCK    X86_BIT(0)
#define FEATURE_CONTROL_VMX_SMX X86_BIT(1) /* VMXON allowed inside SMX operation */
#define FEATURE_CONTROL_VMX     X86_BIT(2) /* VMXON allowed outside SMX operation */

/* SDM Vol. 2, "CPUID". */
#define CPUID_1_ECX_HYPERVISOR     (1u << 31) /* a hypervisor is below; by its makers' agreement */
#define CPUID_EXTENDED             0x80000000 /* EAX: the last leaf of these */
#define CPUID_EXTENDED_FEATURES    0x80000001
#define CPUID_EXTENDED_EDX_NX      X86_BIT(20) /* of leaf 0x80000001 */
#define CPUID_EXTENDED_EDX_SYSCALL X86_BIT(11)
#define CPUID_ADDRESS_SIZES        0x80000008 /* EAX[7:0]: MAXPHYADDR */
