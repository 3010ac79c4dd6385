/*
 * RDMSR and WRMSR.
 */
#include "vm/guests/probe.inc"

#define IA32_SYSENTER_CS  0x174
#define IA32_SYSENTER_ESP 0x175
#define IA32_SYSENTER_EIP 0x176
#define IA32_PAT          0x277
#define IA32_EFER         0xc0000080
#define IA32_LSTAR        0xc0000082
#define IA32_KERNEL_GS_BASE 0xc0000102
#define NO_MSR_LOW        0x1fff     /* the last of each half of the bitmap */
#define NO_MSR_HIGH       0xc0001fff
#define NO_MSR_BETWEEN    0x40000000 /* in neither half; kept for software */

    .macro write value
    mov     $(\value), %eax
    mov     $0, %edx
    probe wrmsr
    .endm

    .macro read
    mov     $-1, %rax
    mov     $-1, %rdx
    probe rdmsr
    .endm

    probes  msr
    mov     $IA32_SYSENTER_CS, %ecx
    write 0x1238
    read
    mov     $IA32_SYSENTER_ESP, %ecx
    write 0x2000
    read
    mov     $IA32_SYSENTER_EIP, %ecx
    write 0x3000
    read
    mov     $IA32_LSTAR, %ecx
    write 0x4000
    read
    mov     $IA32_KERNEL_GS_BASE, %ecx /* not IA32_SYSENTER_ESP: QUIRK_SYSENTER_MADE_CANONICAL */
    mov     $0, %eax
    mov     $0x80000000, %edx
    probe wrmsr /* not canonical */
    mov     $NO_MSR_LOW, %ecx
    probe rdmsr
    probe wrmsr
    mov     $NO_MSR_HIGH, %ecx
    probe rdmsr
    probe wrmsr
    mov     $NO_MSR_BETWEEN, %ecx
    probe rdmsr
    probe wrmsr
    end_probes msr

    probes  msr_all
    mov     $IA32_LSTAR, %ecx
    write 0x4000
    read
    mov     $NO_MSR_LOW, %ecx
    probe rdmsr
    end_probes msr_all

    probes  msr_own
    mov     $IA32_PAT, %ecx
    mov     $0x00070406, %eax
    mov     $0x00070406, %edx
    probe wrmsr
    read
    mov     $2, %eax /* a reserved type */
    probe wrmsr
    mov     $IA32_EFER, %ecx
    read
    mov     $0, %edx
    mov     $0x401, %eax /* LMA and SCE, without LME: not while paging */
    probe wrmsr
    mov     $0x501, %eax
    probe wrmsr
    read
    end_probes msr_own
