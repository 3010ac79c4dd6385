/*
 * Guests into which events are injected.
 */
#include "vm/guests/guest.inc"
#include "vm/guests/events/events.h"

    guest   inject
    sti
    xor     %ecx, %ecx
1:  mov     $CALL_INJECT, %eax
    vmcall
place inject_behind
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
    end_guest inject

/* A fault whose gate is empty, and a handler for what comes of that. */
    guest   double
    resume_at 1f
    xor     %ecx, %ecx
place double_here
    div     %ecx
1:  end_call
place double_on_df /* the recorder of the guest before is out of reach: this is the only event */
    popq    GUEST_ARRAY
    popq    GUEST_ARRAY + 8
    mov     RESUME, %rax
    push    %rax
    iretq
    end_guest double
