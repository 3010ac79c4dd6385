/*
 * Guests that reach for memory which extended page tables do not give them, or not so.
 */
#include "vm/guests/guest.inc"
#include "vm/guests/memory/memory.h"

    guest   violations /* the first fetch walks through a table that is not there */
    mov     $VIOLATION_READ, %ebx
place violations_read
    mov     (%rbx), %eax
    mov     %eax, GUEST_DATA
    mov     $VIOLATION_WRITE, %ebx
    mov     (%rbx), %eax /* allowed */
    mov     $VIOLATION_VALUE, %eax
place violations_write
    mov     %eax, (%rbx)
    mov     $VIOLATION_FETCH, %ebx
    movb    $0xc3, (%rbx) /* allowed: RET */
    call    *%rbx
    end_call
    end_guest violations

    guest   beyond
    mov     GUEST_DATA, %rbx
place beyond_read
    mov     (%rbx), %eax
    end_call
    end_guest beyond

    guest   misconfigured
    mov     $MISCONFIGURED_BASE, %ebx
place misconfigured_1
    mov     0x0000(%rbx), %eax
place misconfigured_2
    mov     0x1000(%rbx), %eax
place misconfigured_3
    mov     0x2000(%rbx), %eax
    end_call
    end_guest misconfigured
