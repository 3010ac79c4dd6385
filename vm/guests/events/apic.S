/*
 * A local APIC that is in memory: the task priority, and the pages of APIC virtualization.
 */
#include "vm/guests/probe.inc"
#include "vm/guests/events/events.h"

    probes  tpr
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
    end_probes tpr

    probes  apic_write
    mov     $APIC_PAGE, %ebx
    mov     $APIC_SVR_VALUE, %eax
    mov     $APIC_ICR_VALUE, %ebp
    mov     $-1, %rcx
    mov     $-1, %rdx
    probe mov APIC_LVT_TIMER(%rbx), %ecx
    probe mov %eax, APIC_SVR(%rbx)
    probe mov APIC_SVR(%rbx), %edx
    probe mov %ebp, APIC_ICR_HIGH(%rbx)
    end_probes apic_write

    probes  eoi
    mov     $APIC_PAGE, %ebx
    xor     %eax, %eax
    probe mov %eax, APIC_EOI(%rbx)
    probe mov %eax, APIC_EOI(%rbx)
    end_probes eoi

    .macro  again
    mov     $APIC_AGAIN, %eax
    vmcall
    .endm

    guest   apic
    mov     $APIC_PAGE, %ebx
place apic_read
    mov     APIC_TPR(%rbx), %ecx
    again
    mov     $APIC_SVR_VALUE, %ecx
place apic_write
    mov     %ecx, APIC_SVR(%rbx)
    again
    lea     APIC_STACK(%rbx), %rsp
place apic_push
    int     $APIC_VECTOR
    mov     $GUEST_STACK_TOP, %esp
    end_call
place apic_handler
    incl    GUEST_DATA
    iretq
    end_guest apic
