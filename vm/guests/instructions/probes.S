/*
 * The code of guests made of probes (vm/guests/probe.h): instructions that are tried one by one, the
 * whole register file written down before and after each.
 */
#include "vm/guests/guest.inc"
#include "vm/guests/probe.h"
#include "lib/x86_registers.h"

#define PROBES(label)                      probes label
#define CODE(...)                          __VA_ARGS__;
#define PROBE(text, code, ...)             probe UNQUOTED code;
#define UNQUOTED(...)                      __VA_ARGS__
#define END(place, label, ...)             end_probes label

    .macro  probes name
    guest   probe_\name
    movl    $GUEST_ARRAY, PROBE_NEXT
    set_flags
    .endm

    .macro  set_flags value=PROBE_FLAGS
    pushq   $\value
    popfq
    .endm

    .macro  take_snapshot /* CALL GUEST_SUPPORT, in the guest's memory */
    .byte   0xe8
    .long   GUEST_SUPPORT - (GUEST_CODE + (78f - 77b))
78:
    .endm

    .macro  probe instruction:vararg /* an exception in it ends it */
    movl    $(GUEST_CODE + (79f - 77b)), PROBE_RESUME
    take_snapshot
    \instruction
79:
    take_snapshot
    .endm

    .macro  quiet
    hypercall PROBE_CALL_QUIET
    .endm

    .macro  end_probes name
    end_call probe_\name
    .endm

    .macro  edx_eax value
    mov     $(\value), %eax
    mov     $0, %edx
    .endm

    .macro  ones_in_rdx_rax
    mov     $-1, %rax
    mov     $-1, %rdx
    .endm

#include "vm/guests/events/apic.def"
#include "vm/guests/instructions/control.def"
#include "vm/guests/instructions/instructions.def"
#include "vm/guests/instructions/io.def"
#include "vm/guests/instructions/msr.def"
#include "vm/guests/instructions/operands.def"
#include "vm/guests/instructions/optional.def"
#include "vm/guests/instructions/time.def"

/* Too many to be probed. */
    guest   pause_loop
    mov     $10000, %ecx
0:  pause
    dec     %ecx
    jnz     0b
    end_call pause_loop
