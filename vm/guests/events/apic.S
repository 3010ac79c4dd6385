/*
 * A local APIC that is in memory: the task priority, and the pages of APIC virtualization.
 */
#include "vm/guests/probe.inc"
#include "vm/guests/recorder.inc"
#include "vm/guests/events/apic.h"

    guest   tpr
    mov     $9, %ebx
    mov     $3, %ebp
    mov     $16, %r14d
    mov     $-1, %rcx
    mov     $-1, %rdx
    probe mov %rbx, %cr8
    probe mov %cr8, %rcx
    probe mov %rbp, %cr8
    probe mov %cr8, %rdx
    probe mov %r14, %cr8
    end_guest tpr

    guest   apic_write
    mov     $APIC_PAGE, %ebx
    mov     $APIC_SVR_VALUE, %eax
    mov     $APIC_ICR_VALUE, %ebp
    mov     $-1, %rcx
    mov     $-1, %rdx
    probe mov APIC_LVT_TIMER(%rbx), %ecx
    probe mov %eax, APIC_SVR(%rbx)
    probe mov APIC_SVR(%rbx), %edx
    probe mov %ebp, APIC_ICR_HIGH(%rbx)
    end_guest apic_write

    guest   eoi
    mov     $APIC_PAGE, %ebx
    xor     %eax, %eax
    probe mov %eax, APIC_EOI(%rbx)
    probe mov %eax, APIC_EOI(%rbx)
    end_guest eoi

    .macro  again
    mov     $APIC_AGAIN, %eax
    vmcall
    .endm

    .globl  apic_start, apic_end, apic_read, apic_write, apic_push, apic_handler
apic_start:
    mov     $APIC_PAGE, %ebx
apic_read:
    mov     APIC_TPR(%rbx), %ecx
    again
    mov     $APIC_SVR_VALUE, %ecx
apic_write:
    mov     %ecx, APIC_SVR(%rbx)
    again
    lea     APIC_STACK(%rbx), %rsp
apic_push:
    int     $APIC_VECTOR
    mov     $GUEST_STACK_TOP, %esp
    end_call
apic_handler:
    incl    GUEST_DATA
    iretq
apic_end:

    .section .note.GNU-stack, "", @progbits
