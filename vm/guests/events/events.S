/*
 * Guests that wait for what comes from outside: timers, interrupts, windows, injected events.
 */
#include "vm/guests/recorder.inc"
#include "vm/guests/events/events.h"

#define TIMER_FIRST (GUEST_DATA + 16) /* struct timer_notes */

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  timer_start, timer_end, timer_now
timer_start:
    sti /* Bochs would keep a hypervisor below from its own interrupts otherwise */
    mov     $CALL_TIMER_NOW, %eax
    vmcall
timer_now:
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
timer_end:

    .globl  interrupt_start, interrupt_end
interrupt_start:
    sti
    mov     $CALL_INTERRUPT, %eax
    vmcall
1:  cmpl    $0, GUEST_DATA
    je      1b
    end_call
interrupt_end:

    .globl  nmi_window_start, nmi_window_end, nmi_window_open, nmi_window_on_nmi
nmi_window_start:
    mov     $CALL_NMI, %eax
    vmcall
nmi_window_open:
    end_call
nmi_window_on_nmi:
    cmpl    $0, EVENTS
    jne     1f
    mov     $CALL_NMI_WINDOW, %eax
    vmcall /* the window opens at IRET, not before */
    nop
1:  incl    EVENTS
    iretq
nmi_window_end:

    .section .note.GNU-stack, "", @progbits
