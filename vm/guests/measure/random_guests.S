/*
 * What each random guest has: handlers that go on one byte after what faulted, so that it lasts
 * longer. The random bytes follow.
 */
#include "vm/guests/guest.inc"

    guest   random_16, 16
    jmp     random_16_end
place random_16_on_event
    push    %bp
    mov     %sp, %bp
    incw    2(%bp)
    pop     %bp
    iretw
    end_guest random_16

    guest   random_32, 32
    jmp     random_32_end
place random_32_on_error
    add     $4, %esp
place random_32_on_event
    incl    (%esp)
    iret
    end_guest random_32

    guest   random_64
    jmp     random_64_end
place random_64_on_error
    add     $8, %rsp
place random_64_on_event
    incq    (%rsp)
    iretq
    end_guest random_64
