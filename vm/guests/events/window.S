/*
 * The interrupt window opens one instruction after STI.
 */
#include "vm/guests/guest.inc"
#include "vm/guests/events/events.h"

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
