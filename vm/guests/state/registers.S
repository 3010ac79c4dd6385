/*
 * Two guests: one leaves a value in every register that VM exits leave alone, the other one, which
 * runs after it on the same CPU, writes down what it finds there.
 */
#include "vm/guests/guest.inc"
#include "lib/x86_registers.h"

#define CPUID_XSAVE_BIT     26 /* leaf 1, ECX */
#define CPUID_AVX_BIT       28
#define CPUID_STATE_LEAF    0xd
#define MXCSR_LEFT          0x9fc0 /* flush to zero, denormals are zeroes */

    /* XCR0 = all that there is. Jumps to `without` where there is no XSAVE. */
    .macro  enable_extended_state without
    mov     $1, %eax
    cpuid
    bt      $CPUID_XSAVE_BIT, %ecx
    jnc     \without
    mov     %ecx, %r15d
    set_bits cr4, CR4_OSXSAVE
    .endm

    .macro  name_all_state
    mov     $CPUID_STATE_LEAF, %eax
    xor     %ecx, %ecx
    cpuid
    xor     %ecx, %ecx
    xsetbv
    .endm

    guest   registers_left
    set_bits cr4, CR4_OSFXSR
    movabs  $LEFT_VALUE, %rbx
    mov     %rbx, %cr2
    mov     $5, %eax
    mov     %rax, %cr8
    .irp    number, 0, 1, 2, 3
    mov     %rbx, %dr\number
    .endr
    mov     $0xffff0fff, %eax
    mov     %rax, %dr6
    mov     $IA32_KERNEL_GS_BASE, %ecx
    mov     %ebx, %eax
    mov     %rbx, %rdx
    shr     $32, %rdx
    wrmsr

    fninit
    .rept   8
    fldpi
    .endr
    movl    $MXCSR_LEFT, GUEST_DATA
    ldmxcsr GUEST_DATA
    .irp    number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movq    %rbx, %xmm\number
    .endr
    enable_extended_state 1f
    name_all_state
    movabs  $LEFT_VALUE, %rbx
    bt      $CPUID_AVX_BIT, %r15d
    jnc     1f
    mov     %rbx, GUEST_DATA
    .irp    number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vbroadcastsd GUEST_DATA, %ymm\number
    .endr
1:  end_call
    end_guest registers_left

    guest   registers_found
    .irp    register, %rcx, %rdx, %rbx, %rbp, %rsi, %rdi, %r8, %r9, %r10, %r11, %r12, %r13, %r14, \
            %r15
    or      \register, %rax
    .endr
    mov     %rax, FOUND_GENERAL
    mov     %cr2, %rax
    mov     %rax, FOUND_CR2
    mov     %cr8, %rax
    mov     %rax, FOUND_CR8
    .irp    number, 0, 1, 2, 3
    mov     %dr\number, %rax
    mov     %rax, FOUND_DR0 + 8 * \number
    .endr
    mov     %dr6, %rax
    mov     %rax, FOUND_DR6
    mov     %dr7, %rax
    mov     %rax, FOUND_DR7
    mov     $IA32_KERNEL_GS_BASE, %ecx
    rdmsr
    mov     %eax, FOUND_GS_KERNEL
    mov     %edx, FOUND_GS_KERNEL + 4

    set_bits cr4, CR4_OSFXSR
    fxsave64 FOUND_FXSAVE
    enable_extended_state 1f
    xor     %ecx, %ecx
    xgetbv
    mov     %eax, FOUND_XCR0
    mov     %edx, FOUND_XCR0 + 4
    name_all_state
    mov     $-1, %eax
    mov     $-1, %edx
    xsave64 FOUND_XSAVE
1:  end_call
    end_guest registers_found
