/*
 * What the guests made of chance are sure to have: handlers that go on one byte after what
 * faulted, so that it takes longer until all is lost. The random bytes follow.
 */
    .section .rodata.guests, "a", @progbits
    .globl  random_16_start, random_16_end, random_16_on_event
    .code16
random_16_start:
    jmp     random_16_end
random_16_on_event:
    push    %bp
    mov     %sp, %bp
    incw    2(%bp)
    pop     %bp
    iretw
random_16_end:

    .globl  random_32_start, random_32_end, random_32_on_event, random_32_on_error
    .code32
random_32_start:
    jmp     random_32_end
random_32_on_error:
    add     $4, %esp
random_32_on_event:
    incl    (%esp)
    iret
random_32_end:

    .globl  random_64_start, random_64_end, random_64_on_event, random_64_on_error
    .code64
random_64_start:
    jmp     random_64_end
random_64_on_error:
    add     $8, %rsp
random_64_on_event:
    incq    (%rsp)
    iretq
random_64_end:

    .section .note.GNU-stack, "", @progbits
