/*
 * Guests that wait for what comes from outside: timers, interrupts, windows, injected events.
 */
#include "vm/guests/guest.inc"
#include "vm/guests/events/events.h"

#define TIMER_FIRST (GUEST_DATA + 16) /* struct timer_notes */

    guest   timer
    sti /* Bochs would keep a hypervisor below from its own interrupts otherwise */
    mov     $CALL_TIMER_NOW, %eax
    vmcall
place timer_now
    mov     $GUEST_CALL_TIMER, %eax
    mov     $TIMER_TICKS, %ecx
    vmcall
1:  rdtsc
    cmpl    $0, TIMER_FIRST
    jne     2f
    mov     %eax, TIMER_FIRST
    mov     %edx, TIMER_FIRST + 4
2:  cmpl    $TIMER_EXITS, GUEST_DATA /* the hypervisor counts */
    jb      1b
    end_call
    end_guest timer

    guest   interrupt
    sti
    mov     $CALL_INTERRUPT, %eax
    vmcall
1:  cmpl    $0, GUEST_DATA
    je      1b
    end_call
    end_guest interrupt

    guest   nmi_window
    mov     $CALL_NMI, %eax
    vmcall
place nmi_window_open
    end_call
place nmi_window_on_nmi
    cmpl    $0, EVENTS
    jne     1f
    mov     $CALL_NMI_WINDOW, %eax
    vmcall /* the window opens at IRET, not before */
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
    end_call

    event_entry window_on_interrupt, WINDOW_VECTOR
    recorder_64
    end_guest window
