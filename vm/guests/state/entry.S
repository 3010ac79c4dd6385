/*
 * A guest that should never execute an instruction: its VMCS cannot be entered with.
 */
#include "vm/guests/guest.inc"

    guest   never
    end_call
    end_guest never
