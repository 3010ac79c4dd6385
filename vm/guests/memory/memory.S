/*
 * Guests that reach for memory which extended page tables do not give them, or not so.
 */
#include "vm/guests/guest.inc"

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
    end_call violations

    guest   beyond
    mov     GUEST_DATA, %rbx
place beyond_read
    mov     (%rbx), %eax
    end_call beyond

    guest   misconfigured
    mov     $MISCONFIGURED_BASE, %ebx
place misconfigured_1
    mov     0x0000(%rbx), %eax
place misconfigured_2
    mov     0x1000(%rbx), %eax
place misconfigured_3
    mov     0x2000(%rbx), %eax
    end_call misconfigured

/* Writes that the processor watches. */
    guest   log
    mov     $LOG_FIRST, %ebx
    mov     $LOG_PAGES, %ecx
0:  movl    $LOG_VALUE, 0x40(%rbx)
    add     $0x1000, %ebx
    dec     %ecx
    jnz     0b
    end_call log

    guest   parts
    mov     $PARTS_PAGE, %ebx
    mov     $PARTS_VALUE, %eax
place parts_write
    mov     %eax, 0x80(%rbx)
    end_call parts

    guest   lock
    mov     $LOCK_SPLIT, %ebx
    lock incl (%rbx)
place lock_behind
    end_call lock

/* Page faults of two kinds, once for each way to choose among them. */
    guest   page_faults
    xor     %ecx, %ecx
    mov     $NOT_MAPPED, %ebx
0:  hypercall PAGE_FAULT_CALL /* the choice with the number in ECX */
    raise   page_faults_read, mov (%rbx), %eax
    raise   page_faults_write, mov %eax, (%rbx)
    inc     %ecx
    cmp     $PAGE_FAULT_CHOICES, %ecx
    jb      0b
    end_call page_faults
