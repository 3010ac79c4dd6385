/*
 * The processor's names: exception vectors, bits of its registers, addresses of its MSRs, leaves of
 * CPUID. Those of the VMX capability MSRs: vmx/vmx_msr.h.
 */
#ifndef LIB_X86_REGISTERS_H
#define LIB_X86_REGISTERS_H

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
#define CR3_LAM        (3ull << 61) /* LAM_U48, LAM_U57 */
#define CR3_NO_FLUSH   (1ull << 63) /* of a value to be written, with CR4.PCIDE */
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
#define RFLAGS_AC      (1ull << 18)

#define RFLAGS_RESERVED (1ull << 1) /* always 1 */
#define DR7_INITIAL     0x400ull

/* SDM Vol. 3, "PAE Paging", table "Format of a PAE Page-Directory-Pointer-Table Entry". */
#define PDPTE_PRESENT  (1ull << 0)
#define PDPTE_RESERVED 0x1e6ull /* 8:5 and 2:1 */

/* SDM Vol. 4, "Model-Specific Registers": the ones outside the VMX capability range. */
#define IA32_TIME_STAMP_COUNTER   0x10u
#define IA32_APIC_BASE            0x1bu
#define IA32_FEATURE_CONTROL      0x3au
#define IA32_MTRRCAP              0xfeu
#define IA32_SYSENTER_CS          0x174u
#define IA32_SYSENTER_ESP         0x175u
#define IA32_SYSENTER_EIP         0x176u
#define IA32_MISC_ENABLE          0x1a0u
#define IA32_SMRR_PHYSBASE        0x1f2u
#define IA32_SMRR_PHYSMASK        0x1f3u
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
#define APIC_BASE_ADDRESS         0x000ffffffffff000ull /* in IA32_APIC_BASE: the registers */
#define EFER_SCE                  (1ull << 0)
#define EFER_LME                  (1ull << 8)
#define EFER_LMA                  (1ull << 10)
#define EFER_NXE                  (1ull << 11)
#define MISC_ENABLE_XD_DISABLE    (1ull << 34)
#define FEATURE_CONTROL_LOCK      (1ull << 0)
#define FEATURE_CONTROL_VMX_SMX   (1ull << 1) /* VMXON allowed inside SMX operation */
#define FEATURE_CONTROL_VMX       (1ull << 2) /* VMXON allowed outside SMX operation */
#define FEATURE_CONTROL_SENTER    (0x7full << 8)
#define FEATURE_CONTROL_SENTER_EN (1ull << 15)

/* SDM Vol. 2, "CPUID". */
#define CPUID_1_ECX_XSAVE       (1u << 26)
#define CPUID_1_ECX_HYPERVISOR  (1u << 31) /* a hypervisor is below; by its makers' agreement */
#define CPUID_1_EDX_PSE36       (1u << 17)
#define CPUID_EXTENDED          0x80000000u /* EAX: the last leaf of these */
#define CPUID_EXTENDED_FEATURES 0x80000001u
#define CPUID_EXTENDED_EDX_NX   (1u << 20) /* of leaf 0x80000001 */
#define CPUID_EXTENDED_EDX_1G   (1u << 26)
#define CPUID_ADDRESS_SIZES     0x80000008u /* EAX[7:0]: MAXPHYADDR */

#endif
