/*
 * One instruction after another under the monitor trap flag. Each label is where an exit leaves the
 * guest.
 */
#include "vm/guests/guest.inc"

    guest   step
    xor     %eax, %eax
place step_1
    inc     %eax
place step_2
    jmp     step_3
    ud2
place step_3
    push    %rax
place step_4
    pop     %rbx
place step_5
    cpuid
place step_6
    nop
place step_7
    int     $0x40
place step_8
    mov     $VM_CALL_END, %eax
place step_return
    vmcall
    handler 0x40
place step_handler
    iretq
    end_guest step
