/*
 * What each random guest has: handlers that go on one byte after what faulted, so that it lasts
 * longer. The random bytes follow.
 */
#include "vm/guests/guest.inc"

    /* The exceptions with an error code are 8, 10 to 14, 17 and 21. */
    .macro  on_error
    .irp    vector, 8, 10, 11, 12, 13, 14, 17, 21
    handler \vector
    .endr
    .endm

    .macro  on_event
    .irp    vector, 0, 1, 3, 4, 5, 6, 7, 16, 18, 19
    handler \vector
    .endr
    .endm

    guest   random_16, 16
    jmp     random_16_end
    on_error
    on_event
    push    %bp
    mov     %sp, %bp
    incw    2(%bp)
    pop     %bp
    iretw
    end_guest random_16

    guest   random_32, 32
    jmp     random_32_end
    on_error
    add     $4, %esp
    on_event
    incl    (%esp)
    iret
    end_guest random_32

    guest   random_64
    jmp     random_64_end
    on_error
    add     $8, %rsp
    on_event
    incq    (%rsp)
    iretq
    end_guest random_64
