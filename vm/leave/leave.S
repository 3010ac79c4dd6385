/*
 * From the hypervisor's address space, outside of VMX operation, to the guest's next instruction:
 * vm/leave/leave.h. Offsets are those of struct leave_state.
 *
 * leave_code runs at a copy of itself which lies where both the hypervisor's page tables and those in
 * between have it. NMIs are blocked until the IRETQ.
 */
#define BRIDGE     128
#define CR0        136
#define CR4_BEFORE 144
#define CR4        152
#define DR7        160
#define LDTR       168
#define TR         170
#define ES         172
#define DS         174
#define FS         176
#define GS         178
#define MSRS       184
#define MSR_BYTES  12
#define MSR_COUNT  8
#define FRAME      280
#define OWN_GDT    320
#define GDT        330
#define IDT        340

    .section .text.leave_jump, "ax", @progbits
    .globl  leave_jump
    .type   leave_jump, @function
leave_jump:
    mov     %rdi, %cr3
    mov     %rdx, %rdi
    jmp     *%rsi
    .size   leave_jump, . - leave_jump

    .section .text.leave_halt, "ax", @progbits
    .globl  leave_halt
    .type   leave_halt, @function
leave_halt:
    cli
1:  hlt     /* an NMI ends it */
    jmp     1b
    .size   leave_halt, . - leave_halt

    .section .text.leave_code, "ax", @progbits
    .globl  leave_code
leave_code:
    mov     BRIDGE(%rdi), %rax
    mov     %rax, %cr3
    lgdt    OWN_GDT(%rdi)
    mov     ES(%rdi), %es
    mov     DS(%rdi), %ds
    mov     FS(%rdi), %fs
    mov     GS(%rdi), %gs
    lldt    LDTR(%rdi)
    ltr     TR(%rdi)
    lgdt    GDT(%rdi)
    lidt    IDT(%rdi)
    xor     %ebx, %ebx
1:  mov     MSRS(%rdi, %rbx), %ecx
    mov     MSRS + 4(%rdi, %rbx), %eax
    mov     MSRS + 8(%rdi, %rbx), %edx
    wrmsr
    add     $MSR_BYTES, %ebx
    cmp     $MSR_BYTES * MSR_COUNT, %ebx
    jne     1b
    mov     DR7(%rdi), %rax
    mov     %rax, %dr7
    mov     CR0(%rdi), %rax
    mov     %rax, %cr0
    mov     CR4_BEFORE(%rdi), %rax
    mov     %rax, %cr4
    mov     CR4(%rdi), %rax
    mov     %rax, %cr4
    lea     FRAME(%rdi), %rsp
    mov     0(%rdi), %rax
    mov     8(%rdi), %rcx
    mov     16(%rdi), %rdx
    mov     24(%rdi), %rbx
    mov     40(%rdi), %rbp
    mov     48(%rdi), %rsi
    mov     64(%rdi), %r8
    mov     72(%rdi), %r9
    mov     80(%rdi), %r10
    mov     88(%rdi), %r11
    mov     96(%rdi), %r12
    mov     104(%rdi), %r13
    mov     112(%rdi), %r14
    mov     120(%rdi), %r15
    mov     56(%rdi), %rdi
    iretq
    .globl  leave_code_end
leave_code_end:

    .section .note.GNU-stack, "", @progbits
