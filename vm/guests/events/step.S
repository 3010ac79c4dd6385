/*
 * One instruction after another under the monitor trap flag. Each label is where an exit leaves the
 * guest.
 */
#include "vm/guest.h"

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  step_start, step_end, step_1, step_2, step_3, step_4, step_5, step_6, step_7, step_8
    .globl  step_handler, step_return
step_start:
    xor     %eax, %eax
step_1:
    inc     %eax
step_2:
    jmp     step_3
    ud2
step_3:
    push    %rax
step_4:
    pop     %rbx
step_5:
    cpuid
step_6:
    nop
step_7:
    int     $0x40
step_8:
    mov     $GUEST_CALL_END, %eax
step_return:
    vmcall
step_handler:
    iretq
step_end:

    .section .note.GNU-stack, "", @progbits
