/*
 * Guests whose writes the processor watches.
 */
#include "vm/guests/recorder.inc"
#include "vm/guests/memory/log.h"

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  log_start, log_end
log_start:
    mov     $LOG_FIRST, %ebx
    mov     $LOG_PAGES, %ecx
0:  movl    $LOG_VALUE, 0x40(%rbx)
    add     $0x1000, %ebx
    dec     %ecx
    jnz     0b
    end_call
log_end:

    .globl  parts_start, parts_end, parts_write
parts_start:
    mov     $PARTS_PAGE, %ebx
    mov     $PARTS_VALUE, %eax
parts_write:
    mov     %eax, 0x80(%rbx)
    end_call
parts_end:

    .globl  lock_start, lock_end, lock_behind
lock_start:
    mov     $LOCK_SPLIT, %ebx
    lock incl (%rbx)
lock_behind:
    end_call
lock_end:

    .section .note.GNU-stack, "", @progbits
