/*
 * Guests that reach for memory which extended page tables do not give them, or not so.
 */
#include "vm/guests/recorder.inc"
#include "vm/guests/memory/memory.h"

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  violations_start, violations_end, violations_read
    .globl  violations_write
violations_start: /* the first fetch walks through a table that is not there */
    mov     $VIOLATION_READ, %ebx
violations_read:
    mov     (%rbx), %eax
    mov     %eax, GUEST_DATA
    mov     $VIOLATION_WRITE, %ebx
    mov     (%rbx), %eax /* allowed */
    mov     $VIOLATION_VALUE, %eax
violations_write:
    mov     %eax, (%rbx)
    mov     $VIOLATION_FETCH, %ebx
    movb    $0xc3, (%rbx) /* allowed: RET */
    call    *%rbx
    end_call
violations_end:

    .globl  beyond_start, beyond_end, beyond_read
beyond_start:
    mov     GUEST_DATA, %rbx
beyond_read:
    mov     (%rbx), %eax
    end_call
beyond_end:

    .globl  misconfigured_start, misconfigured_end
    .globl  misconfigured_1, misconfigured_2, misconfigured_3
misconfigured_start:
    mov     $MISCONFIGURED_BASE, %ebx
misconfigured_1:
    mov     0x0000(%rbx), %eax
misconfigured_2:
    mov     0x1000(%rbx), %eax
misconfigured_3:
    mov     0x2000(%rbx), %eax
    end_call
misconfigured_end:

    .section .note.GNU-stack, "", @progbits
