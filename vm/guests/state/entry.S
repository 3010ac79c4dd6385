/*
 * A guest that should never execute an instruction: its VMCS cannot be entered with.
 */
#include "vm/guest.h"

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  never_start, never_end
never_start:
    mov     $GUEST_CALL_END, %eax
    vmcall
never_end:

    .section .note.GNU-stack, "", @progbits
