/*
 * Code that guests share (struct guest_code, at GUEST_SUPPORT): handlers that write down each event
 * which reaches the guest, and what probes need.
 */
#include "vm/guests/guest.inc"
#include "vm/guests/probe.h"

#define EVENT_BYTES_SHIFT 5

/* AC and TF: what one part of a guest turned on must not outlive the event that it provoked. */
#define PROVOKING_FLAGS 0x40100

    /* Handlers of events; `code` is "none" for those without an error code. */
    .macro  record code, vectors:vararg
    .irp    vector, \vectors
    handler \vector
    .ifc    \code, none
    push    $-1
    .endif
    push    $\vector
    jmp     76f
    .endr
    .endm

    /* Both recorders, of registers and stack entries of \w bytes. */
    .macro  recorder a, b, sp, w, return
76: /* on the stack: vector, error code, RIP, CS, RFLAGS */
    push    %\a
    push    %\b
    mov     EVENTS, %ebx
    incl    EVENTS
    shl     $EVENT_BYTES_SHIFT, %ebx
    mov     2 * \w(%\sp), %eax
    mov     %eax, GUEST_ARRAY(%\b)
    mov     3 * \w(%\sp), %eax
    mov     %eax, GUEST_ARRAY + 4(%\b)
    mov     4 * \w(%\sp), %\a
    mov     %\a, GUEST_ARRAY + 8(%\b)
    mov     %cs, %eax
    test    $3, %al
    jnz     2f /* a handler in ring 3 cannot read CR2 */
    mov     %cr2, %\a
    mov     %\a, GUEST_ARRAY + 16(%\b)
2:  mov     6 * \w(%\sp), %\a
    mov     %\a, GUEST_ARRAY + 24(%\b)
    mov     RESUME, %\a
    test    %\a, %\a
    jz      1f
    mov     %\a, 4 * \w(%\sp)
    movl    $0, RESUME
    andl    $~PROVOKING_FLAGS, 6 * \w(%\sp)
1:  pop     %\b
    pop     %\a
    add     $2 * \w, %\sp
    \return
    .endm

    guest   recorder_64
    record  none, 0, 1, 2, 3, 6, 7, 16, 19, 0x40, 0x50, 0x60
    record  any, 11, 12, 13, 14
    recorder rax, rbx, rsp, 8, iretq
    end_guest recorder_64

    guest   recorder_32, 32
    record  none, 4, 5, 0x30
    record  any, 10, 17
    recorder eax, ebx, esp, 4, iret
    end_guest recorder_32

    guest   probe_support
/* The snapshot, in the order of struct probe_snapshot; changes no register and no flag. */
    pushfq
    .irp    register, %r15, %r14, %r13, %r12, %r11, %r10, %r9, %r8, %rdi, %rsi, %rbp, %rsp, %rbx, \
            %rdx, %rcx, %rax
    push    \register
    .endr
    mov     PROBE_NEXT, %rdi
    mov     %rsp, %rsi
    mov     $18, %ecx
    cld
    rep movsq
    mov     $PROBE_FAULT, %esi
    mov     $3, %ecx
    rep movsq
    mov     %rdi, PROBE_NEXT
    movq    $0, PROBE_FAULT
    .irp    register, %rax, %rcx, %rdx, %rbx, %rbp, %rbp, %rsi, %rdi, %r8, %r9, %r10, %r11, %r12, \
            %r13, %r14, %r15
    pop     \register /* RSP's value goes to RBP and is gone with the next */
    .endr
    popfq
    ret

    handler 6 /* as if it had an error code of 0 */
    pushq   $0
    movl    $6, PROBE_FAULT
    jmp     80f
    handler 13
    movl    $13, PROBE_FAULT
80: /* on the stack: error code, RIP, CS, RFLAGS, RSP, SS */
    btl     $16, 24(%rsp) /* RF, which every fault saves as 1 */
    adcb    $0, PROBE_FAULT + 1
    popq    PROBE_ERROR
    push    %rax
    mov     8(%rsp), %rax
    mov     %rax, PROBE_AT
    mov     PROBE_RESUME, %rax
    mov     %rax, 8(%rsp)
    pop     %rax
    iretq
    end_guest probe_support

/* Of the core's demonstration, vm/hello.S. */
    .section .rodata.guest_codes
    .globl  code_hello
code_hello:
    .quad   hello_start
    .word   hello_bytes
    .byte   0
