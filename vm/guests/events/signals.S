/*
 * A guest that waits for INIT or SIPI, and what SIPI starts.
 */
#include "vm/guest.h"
#include "vm/guests/recorder.inc"
#include "vm/guests/events/signals.h"

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  signals_start, signals_end, signals_real, signals_real_end

/* Interrupts are on: Bochs would keep a hypervisor below from its own otherwise. */
signals_start:
    sti
    movl    $1, SIGNALS_ENTERED
1:  pause
    cmpl    $0, SIGNALS_STARTED
    je      1b
    end_call
signals_end:

/* In real mode, as the other processors of a machine start. All segments but CS begin at 0. */
    .code16
signals_real:
    mov     %cs, %ax
    inc     %ax
    mov     %ax, SIGNALS_STARTED
    mov     $GUEST_CALL_END, %eax
    vmcall
signals_real_end:
    .code64

    .section .note.GNU-stack, "", @progbits
