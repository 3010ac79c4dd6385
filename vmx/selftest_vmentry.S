/*
 * struct vmx_flags x86_vm_enter_image(uint64_t host_rip): vmx/selftest_vmentry.h.
 *
 * VMLAUNCH with the VMCS as it is, but for HOST_RSP and, unless `host_rip` is another than 0,
 * HOST_RIP. The guest executes nothing, so that the general registers come back as they went; what a
 * VM exit does not bring back is restored here: RFLAGS and the limits of GDTR and IDTR (SDM Vol. 3,
 * "Loading Host State"). The result is three bytes in EAX: vector, carry, zero.
 */
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
    push    %rbp
    push    %rbx
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    pushfq
    sub     $32, %rsp
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
    add     $32, %rsp
    popfq
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbx
    pop     %rbp
    ret
    .size   x86_vm_enter_image, . - x86_vm_enter_image

    .section .note.GNU-stack, "", @progbits
