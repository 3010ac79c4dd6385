/*
 * struct vmx_flags x86_vm_enter(bool resume): lib/x86.h.
 *
 * A VM entry that succeeds does not return: the processor goes on at the guest's RIP, and after the
 * VM exit at the host's. The guest leaves all general registers as they are, because its CPUID
 * exits before it does anything. What a VM exit does not bring back is restored here: RFLAGS and
 * the limits of GDTR and IDTR (SDM Vol. 3, "Loading Host State").
 *
 * The result is three bytes in EAX: vector, carry, zero. A fault comes in through the fixup table
 * with the vector in RAX.
 */
#include "lib/frame.inc"

#define GUEST_RSP 0x681c
#define GUEST_RIP 0x681e
#define HOST_RSP  0x6c14
#define HOST_RIP  0x6c16

    .macro vmx_instruction text:vararg
7:  \text
    .pushsection .fixup, "a"
    .balign 8
    .quad 7b, return
    .popsection
    .endm

    .macro write_field field, register
    mov     $\field, %eax
    vmx_instruction vmwrite \register, %rax
    .endm

    .section .text.x86_vm_enter, "ax", @progbits
    .globl  x86_vm_enter
    .type   x86_vm_enter, @function
x86_vm_enter:
    .cfi_startproc
    pushfq
    .cfi_adjust_cfa_offset 8
    grow_stack 32
    sgdt    (%rsp)
    sidt    16(%rsp)

    /* Without a current VMCS these fail, and so does the entry: that one's flags are what counts. */
    write_field HOST_RSP, %rsp
    write_field GUEST_RSP, %rsp
    lea     exited(%rip), %rcx
    write_field HOST_RIP, %rcx
    lea     guest(%rip), %rcx
    write_field GUEST_RIP, %rcx

    test    %dil, %dil
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
    lgdt    (%rsp)
    lidt    16(%rsp)
    xor     %eax, %eax

return:
    shrink_stack 32
    popfq
    .cfi_adjust_cfa_offset -8
    ret
    .cfi_endproc
    .size   x86_vm_enter, . - x86_vm_enter

    .type   guest, @function
guest:
    cpuid
    jmp     guest
    .size   guest, . - guest

    .section .note.GNU-stack, "", @progbits
