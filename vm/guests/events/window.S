/*
 * The interrupt window opens one instruction after STI.
 */
#include "vm/guests/recorder.inc"
#include "vm/guests/events/events.h"

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  window_start, window_end, window_open, window_on_interrupt
window_start:
    nop
    nop
    sti
    nop
window_open:
    nop
    end_call

    event_entry window_on_interrupt, WINDOW_VECTOR
    recorder_64
window_end:

    .section .note.GNU-stack, "", @progbits
