/*
 * Guests that wait for what comes from outside: timers, interrupts, windows, injected events.
 */
#include "vm/guests/guest.inc"

#define TIMER_FIRST (GUEST_DATA + 16) /* struct timer_notes */

    guest   timer
    sti /* QUIRK_INTERRUPTS_WAIT_FOR_IF */
    hypercall CALL_TIMER_NOW
place timer_now
    mov     $TIMER_TICKS, %ecx
    hypercall VM_CALL_TIMER
1:  rdtsc
    cmpl    $0, TIMER_FIRST
    jne     2f
    mov     %eax, TIMER_FIRST
    mov     %edx, TIMER_FIRST + 4
2:  cmpl    $TIMER_EXITS, GUEST_DATA /* the hypervisor counts */
    jb      1b
    end_call timer

    guest   interrupt
    sti
    hypercall CALL_INTERRUPT
1:  cmpl    $0, GUEST_DATA
    je      1b
    end_call interrupt

    guest   nmi_window
    hypercall CALL_NMI
place nmi_window_open
    end_call
    handler 2
    cmpl    $0, EVENTS
    jne     1f
    hypercall CALL_NMI_WINDOW /* the window opens at IRET, not before */
    nop
1:  incl    EVENTS
    iretq
    end_guest nmi_window

/* The window opens one instruction after STI. */
    guest   window
    nop
    nop
    sti
    nop
place window_open
    nop
    end_call window

/* Into these events are injected. */
    guest   inject
    sti
    xor     %ecx, %ecx
1:  hypercall CALL_INJECT
place inject_behind
    inc     %ecx
    cmp     $INJECTIONS, %ecx
    jb      1b
    end_call inject

/* A fault whose gate is empty, and a handler for what comes of that. */
    guest   double
    xor     %ecx, %ecx
    raise   double_here, div %ecx
    end_call
    handler 8 /* the recorder of the guest before is out of reach: this is the only event */
    popq    GUEST_ARRAY
    popq    GUEST_ARRAY + 8
    mov     RESUME, %rax
    push    %rax
    iretq
    end_guest double
