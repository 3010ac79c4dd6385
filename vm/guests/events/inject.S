/*
 * Guests into which events are injected.
 */
#include "vm/guests/recorder.inc"
#include "vm/guests/events/events.h"

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  inject_start, inject_end, inject_behind
    .globl  inject_on_db, inject_on_nmi, inject_on_bp, inject_on_ud, inject_on_gp, inject_on_pf
    .globl  inject_on_interrupt, inject_on_software
inject_start:
    sti
    xor     %ecx, %ecx
1:  mov     $CALL_INJECT, %eax
    vmcall
inject_behind:
    inc     %ecx
    cmp     $INJECTIONS, %ecx
    jb      1b
    end_call

    event_entry inject_on_db, 1
    event_entry inject_on_nmi, 2
    event_entry inject_on_bp, 3
    event_entry inject_on_ud, 6
    error_entry inject_on_gp, 13
    error_entry inject_on_pf, 14
    event_entry inject_on_interrupt, INJECTED_INTERRUPT
    event_entry inject_on_software, INJECTED_SOFTWARE
    recorder_64
inject_end:

/* A fault whose gate is empty, and a handler for what comes of that. */
    .globl  double_start, double_end, double_here, double_on_df
double_start:
    resume_at 1f, double_start
    xor     %ecx, %ecx
double_here:
    div     %ecx
1:  end_call
double_on_df: /* the recorder of the guest before is out of reach: this is the only event */
    popq    GUEST_ARRAY
    popq    GUEST_ARRAY + 8
    mov     RESUME, %rax
    push    %rax
    iretq
double_end:

    .section .note.GNU-stack, "", @progbits
