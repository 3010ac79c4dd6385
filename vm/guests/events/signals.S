/*
 * A guest that waits for INIT or SIPI, and what SIPI starts.
 */
#include "vm/guests/guest.inc"

/* Interrupts are on: QUIRK_INTERRUPTS_WAIT_FOR_IF. */
    guest   signals
    sti
    movl    $1, SIGNALS_ENTERED
1:  pause
    cmpl    $0, SIGNALS_STARTED
    je      1b
    end_call signals

/* In real mode, as the other processors of a machine start. All segments but CS begin at 0. */
    guest   signals_real, 16
    mov     %cs, %ax
    inc     %ax
    mov     %ax, SIGNALS_STARTED
    end_call signals_real
