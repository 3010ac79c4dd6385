/*
 * struct vmx_flags x86_vm_enter_image(uint64_t host_rip): vmx/selftest_vmentry.h.
 *
 * VMLAUNCH with the VMCS as it is, but for HOST_RSP and, unless `host_rip` is another than 0,
 * HOST_RIP. The guest executes nothing, so that the general registers come back as they went; what a
 * VM exit does not bring back is restored here: RFLAGS and the limits of GDTR and IDTR (SDM Vol. 3,
 * "Loading Host State"). The result is three bytes in EAX: vector, carry, zero.
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

    .section .text.x86_vm_enter_image, "ax", @progbits
    .globl  x86_vm_enter_image
    .type   x86_vm_enter_image, @function
x86_vm_enter_image:
    .cfi_startproc
    push_register rbp
    push_register rbx
    push_register r12
    push_register r13
    push_register r14
    push_register r15
    pushfq
    .cfi_adjust_cfa_offset 8
    grow_stack 32
    sgdt    (%rsp)
    sidt    16(%rsp)

    mov     $HOST_RSP, %eax
    vmx_instruction vmwrite %rsp, %rax
    lea     exited(%rip), %rcx
    test    %rdi, %rdi
    cmovnz  %rdi, %rcx
    mov     $HOST_RIP, %eax
    vmx_instruction vmwrite %rcx, %rax
    vmx_instruction vmlaunch

    mov     $0, %eax /* MOV leaves the flags alone */
    mov     $0, %ecx
    setc    %ah
    setz    %cl
    shl     $16, %ecx
    or      %ecx, %eax
    jmp     return

exited:
    lgdt    (%rsp)
    lidt    16(%rsp)
    xor     %eax, %eax

return:
    shrink_stack 32
    popfq
    .cfi_adjust_cfa_offset -8
    pop_register r15
    pop_register r14
    pop_register r13
    pop_register r12
    pop_register rbx
    pop_register rbp
    ret
    .cfi_endproc
    .size   x86_vm_enter_image, . - x86_vm_enter_image

    .section .note.GNU-stack, "", @progbits
