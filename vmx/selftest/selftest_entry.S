/*
 * struct vmx_flags x86_vm_enter(bool resume, uint64_t host_rip, uint64_t registers[16]):
 * vmx/selftest/selftest.h. DIL, RSI, RDX.
 *
 * A VM entry that succeeds does not return: the processor goes on at the guest's RIP, and after the
 * VM exit at the host's. What a VM exit does not bring back is restored here: general registers,
 * RFLAGS, and the limits of GDTR and IDTR (SDM Vol. 3, "Loading Host State").
 *
 * The result is three bytes in EAX: vector, carry, zero. A fault comes in through the fixup table
 * with the vector in RAX.
 */
#include "lib/frame.inc"

#define HOST_RSP 0x6c14
#define HOST_RIP 0x6c16

    .macro vmx_instruction text:vararg
7:  \text
    .pushsection .fixup, "a"
    .balign 8
    .quad 7b, return
    .popsection
    .endm

    /* All but RSP, which the VMCS has, and RDX, which points there. */
    .macro for_each_register op
    \op 0, %rax
    \op 8, %rcx
    \op 24, %rbx
    \op 40, %rbp
    \op 48, %rsi
    \op 56, %rdi
    .irp    n, 8, 9, 10, 11, 12, 13, 14, 15
    \op 8*\n, %r\n
    .endr
    .endm
    .macro save offset, register
    mov     \register, \offset(%rdx)
    .endm
    .macro load offset, register
    mov     \offset(%rdx), \register
    .endm

    .section .text.x86_vm_enter, "ax", @progbits
    .globl  x86_vm_enter
    .type   x86_vm_enter, @function
x86_vm_enter:
    .cfi_startproc
    .irp    register, rbp, rbx, r12, r13, r14, r15
    push_register \register
    .endr
    pushfq
    .cfi_adjust_cfa_offset 8
    grow_stack 32
    sgdt    (%rsp)
    sidt    16(%rsp)
    push_register rdx

    /* Without a current VMCS these fail, and so does the entry: that one's flags are what counts. */
    mov     $HOST_RSP, %eax
    vmx_instruction vmwrite %rsp, %rax
    lea     exited(%rip), %rcx
    test    %rsi, %rsi
    cmovnz  %rsi, %rcx
    mov     $HOST_RIP, %eax
    vmx_instruction vmwrite %rcx, %rax

    test    %dil, %dil
    for_each_register load /* MOV leaves the flags alone */
    mov     16(%rdx), %rdx
    jnz     1f
    vmx_instruction vmlaunch
    jmp     2f
1:  vmx_instruction vmresume

2:  mov     $0, %eax /* MOV leaves the flags alone */
    mov     $0, %ecx
    setc    %ah
    setz    %cl
    shl     $16, %ecx
    or      %ecx, %eax
    jmp     return

exited:
    push    %rdx
    .cfi_adjust_cfa_offset 8
    mov     8(%rsp), %rdx
    for_each_register save
    popq    16(%rdx)
    .cfi_adjust_cfa_offset -8
    lgdt    8(%rsp)
    lidt    24(%rsp)
    xor     %eax, %eax

return:
    shrink_stack 40
    popfq
    .cfi_adjust_cfa_offset -8
    .irp    register, r15, r14, r13, r12, rbx, rbp
    pop_register \register
    .endr
    ret
    .cfi_endproc
    .size   x86_vm_enter, . - x86_vm_enter

    .globl  selftest_guest_code
    .type   selftest_guest_code, @function
selftest_guest_code:
    cpuid
    jmp     selftest_guest_code
    .size   selftest_guest_code, . - selftest_guest_code

    .section .note.GNU-stack, "", @progbits
