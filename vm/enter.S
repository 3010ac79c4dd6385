/*
 * enum vm_entry vcpu_enter(struct vcpu *vcpu): vm/vcpu.h. Into the guest and back, again and again,
 * until a handler says that it is over.
 *
 * On entry: RDI = vcpu, whose VMCS is current, launched never before, and complete but for HOST_RSP,
 * HOST_RIP and HOST_FS_BASE. Interrupts off.
 * On return: RAX = enum vm_entry. RBX, RBP, R12-R15, RSP, GDTR, IDTR and the base of FS as they were.
 *
 * Saved at a VM exit: the guest's general registers, because C uses them. All else of the guest is
 * in the VMCS, or stays in the processor because the kernel leaves it alone: x87, SSE and AVX
 * registers (the kernel is built without), CR2, DR0 to DR3 and DR6. A VM exit makes FS point to the
 * vCPU, so that no register is needed to save the others with. The kernel's own registers are not saved
 * between two exits: nothing in them is needed any more, and each exit begins anew. RBP is still the
 * guest's then; a back trace takes no frame that is not on the kernel's stack.
 *
 * A VM exit gives GDTR and IDTR the limit 0xffff (SDM Vol. 3, "Loading Host Segment and
 * Descriptor-Table Registers"); that and the base of FS are put right once, at the end.
 */
#include "lib/frame.inc"

#define IA32_FS_BASE 0xc0000100

#define HOST_FS_BASE 0x6c06
#define HOST_RSP     0x6c14
#define HOST_RIP     0x6c16

#define ENTRY_LAUNCH 2 /* VMLAUNCH failed; 2 without a number, 3 with one */
#define ENTRY_RESUME 4 /* VMRESUME failed; 4, 5 likewise */

    /* The registers of struct vcpu but RSP, which the VMCS has; RDI last. */
    .macro for_each_register op
    \op 0, %rax
    \op 8, %rcx
    \op 16, %rdx
    \op 24, %rbx
    \op 40, %rbp
    \op 48, %rsi
    \op 64, %r8
    \op 72, %r9
    \op 80, %r10
    \op 88, %r11
    \op 96, %r12
    \op 104, %r13
    \op 112, %r14
    \op 120, %r15
    \op 56, %rdi
    .endm
    .macro load_first offset, register
    mov     \offset(%rdi), \register
    .endm
    .macro save offset, register
    mov     \register, %fs:\offset
    .endm
    .macro load offset, register
    mov     %fs:\offset, \register
    .endm

    .section .text.vcpu_enter, "ax", @progbits
    .globl  vcpu_enter
    .type   vcpu_enter, @function
vcpu_enter:
    .cfi_startproc
    push_register rbp
    push_register rbx
    push_register r12
    push_register r13
    push_register r14
    push_register r15
    grow_stack 48
    sgdt    (%rsp)
    sidt    16(%rsp)
    mov     $IA32_FS_BASE, %ecx
    rdmsr
    mov     %eax, 32(%rsp)
    mov     %edx, 36(%rsp)
    push_register rdi /* RSP is a multiple of 16 from here on */

    mov     $HOST_FS_BASE, %eax
    vmwrite %rdi, %rax
    mov     $HOST_RSP, %eax
    vmwrite %rsp, %rax
    mov     $HOST_RIP, %eax
    lea     exited(%rip), %rcx
    vmwrite %rcx, %rax
    for_each_register load_first
    vmlaunch
    mov     $ENTRY_LAUNCH, %eax
    jmp     failed

exited:
    for_each_register save
    mov     (%rsp), %rdi
    call    vm_exit
    test    %al, %al /* enum exit_done has 8 bits */
    jz      leave    /* EXIT_ENDED */
    for_each_register load
    vmresume
    mov     $ENTRY_RESUME, %eax

failed: /* neither MOV nor JMP changed the flags: CF VMfailInvalid, ZF VMfailValid */
    jc      leave
    or      $1, %eax

leave:
    pop_register rdi
    lgdt    (%rsp)
    lidt    16(%rsp)
    mov     %eax, %ebx
    mov     $IA32_FS_BASE, %ecx
    mov     32(%rsp), %eax
    mov     36(%rsp), %edx
    wrmsr
    mov     %ebx, %eax
    shrink_stack 48
    pop_register r15
    pop_register r14
    pop_register r13
    pop_register r12
    pop_register rbx
    pop_register rbp
    ret
    .cfi_endproc
    .size   vcpu_enter, . - vcpu_enter

    .section .note.GNU-stack, "", @progbits
