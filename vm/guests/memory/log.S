/*
 * Guests whose writes the processor watches.
 */
#include "vm/guests/guest.inc"
#include "vm/guests/memory/log.h"

    guest   log
    mov     $LOG_FIRST, %ebx
    mov     $LOG_PAGES, %ecx
0:  movl    $LOG_VALUE, 0x40(%rbx)
    add     $0x1000, %ebx
    dec     %ecx
    jnz     0b
    end_call
    end_guest log

    guest   parts
    mov     $PARTS_PAGE, %ebx
    mov     $PARTS_VALUE, %eax
place parts_write
    mov     %eax, 0x80(%rbx)
    end_call
    end_guest parts

    guest   lock
    mov     $LOCK_SPLIT, %ebx
    lock incl (%rbx)
place lock_behind
    end_call
    end_guest lock
