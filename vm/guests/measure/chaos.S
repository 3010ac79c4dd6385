/*
 * What the guests made of chance are sure to have: handlers that go on one byte behind what
 * faulted, so that it takes longer until all is lost. The random bytes follow.
 */
    .section .rodata.guests, "a", @progbits
    .globl  chaos_16_start, chaos_16_end, chaos_16_on_event
    .code16
chaos_16_start:
    jmp     chaos_16_end
chaos_16_on_event:
    push    %bp
    mov     %sp, %bp
    incw    2(%bp)
    pop     %bp
    iretw
chaos_16_end:

    .globl  chaos_32_start, chaos_32_end, chaos_32_on_event, chaos_32_on_error
    .code32
chaos_32_start:
    jmp     chaos_32_end
chaos_32_on_error:
    add     $4, %esp
chaos_32_on_event:
    incl    (%esp)
    iret
chaos_32_end:

    .globl  chaos_64_start, chaos_64_end, chaos_64_on_event, chaos_64_on_error
    .code64
chaos_64_start:
    jmp     chaos_64_end
chaos_64_on_error:
    add     $8, %rsp
chaos_64_on_event:
    incq    (%rsp)
    iretq
chaos_64_end:

    .section .note.GNU-stack, "", @progbits
