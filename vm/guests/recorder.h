/*
 * For guests in assembly: handlers that write down each event which reaches the guest, as struct
 * zoo_event (vm/zoo.h), and go on where RESUME says, once; or where the event happened if it is 0.
 */
#ifndef VM_GUESTS_RECORDER_H
#define VM_GUESTS_RECORDER_H

#include "vm/guest.h"

#define EVENTS GUEST_DATA        /* 32 bits: so many were written down */
#define RESUME (GUEST_DATA + 8)  /* 64 bits */

#define EVENT_BYTES_SHIFT 5

/* AC and TF: what one part of a guest turned on must not outlive the event that it provoked. */
#define PROVOKING_FLAGS 0x40100

    /* Where the next event lets the guest go on. `start` is the guest's first label. */
    .macro  resume_at place, start
    movl    $GUEST_CODE + (\place - \start), RESUME
    .endm

    /* An entry for an event without an error code, and for one with. */
    .macro  event_entry name, vector
\name:
    push    $-1
    push    $\vector
    jmp     recorder
    .endm

    .macro  error_entry name, vector
\name:
    push    $\vector
    jmp     recorder
    .endm

    /* 64-bit mode. On the stack: vector, error code, RIP, CS, RFLAGS, RSP, SS. */
    .macro  recorder_64
recorder:
    push    %rax
    push    %rbx
    mov     EVENTS, %ebx
    incl    EVENTS
    shl     $EVENT_BYTES_SHIFT, %ebx
    mov     16(%rsp), %eax
    mov     %eax, GUEST_ARRAY(%rbx)
    mov     24(%rsp), %eax
    mov     %eax, GUEST_ARRAY + 4(%rbx)
    mov     32(%rsp), %rax
    mov     %rax, GUEST_ARRAY + 8(%rbx)
    mov     %cr2, %rax
    mov     %rax, GUEST_ARRAY + 16(%rbx)
    mov     48(%rsp), %rax
    mov     %rax, GUEST_ARRAY + 24(%rbx)
    mov     RESUME, %rax
    test    %rax, %rax
    jz      1f
    mov     %rax, 32(%rsp)
    movq    $0, RESUME
    movq    $GUEST_CODE_SELECTOR, 40(%rsp)
    andq    $~PROVOKING_FLAGS, 48(%rsp)
    movq    $GUEST_DATA_SELECTOR, 64(%rsp)
1:  pop     %rbx
    pop     %rax
    add     $16, %rsp
    iretq
    .endm

    /* 32-bit mode. On the stack: vector, error code, EIP, CS, EFLAGS. */
    .macro  recorder_32
recorder:
    push    %eax
    push    %ebx
    mov     EVENTS, %ebx
    incl    EVENTS
    shl     $EVENT_BYTES_SHIFT, %ebx
    mov     8(%esp), %eax
    mov     %eax, GUEST_ARRAY(%ebx)
    mov     12(%esp), %eax
    mov     %eax, GUEST_ARRAY + 4(%ebx)
    mov     16(%esp), %eax
    mov     %eax, GUEST_ARRAY + 8(%ebx)
    mov     %cs, %eax
    test    $3, %al
    jnz     2f /* a handler in ring 3 cannot read CR2 */
    mov     %cr2, %eax
    mov     %eax, GUEST_ARRAY + 16(%ebx)
2:  mov     24(%esp), %eax
    mov     %eax, GUEST_ARRAY + 24(%ebx)
    mov     RESUME, %eax
    test    %eax, %eax
    jz      1f
    mov     %eax, 16(%esp)
    movl    $0, RESUME
    andl    $~PROVOKING_FLAGS, 24(%esp)
1:  pop     %ebx
    pop     %eax
    add     $8, %esp
    iret
    .endm

    /* The guest is done. */
    .macro  end_call
    mov     $GUEST_CALL_END, %eax
    vmcall
    .endm

#endif
