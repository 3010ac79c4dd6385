/*
 * The exceptions that 64-bit code in ring 0 cannot raise: in 32-bit code, the last two in ring 3.
 */
#include "vm/guests/guest.inc"
#include "lib/x86_registers.h"

#define SELECTOR_CODE3 0x48
#define SELECTOR_DATA3 0x50
#define SELECTOR_STACK 0x60 /* no stack: an empty descriptor */
#define TSS_SS0        (GUEST_TSS + 8)
#define GATE_TS        (GUEST_IDT + 10 * 8)
#define SCRATCH        (GUEST_DATA + 0x100)

    guest   exceptions_32, 32
    movl    $0x0000ffff, GUEST_GDT + SELECTOR_CODE3
    movl    $0x00cffb00, GUEST_GDT + SELECTOR_CODE3 + 4
    movl    $0x0000ffff, GUEST_GDT + SELECTOR_DATA3
    movl    $0x00cff300, GUEST_GDT + SELECTOR_DATA3 + 4
    movw    $SELECTOR_CODE3 + 3, GATE_TS + 2
    mov     $0x7fffffff, %eax
    add     $1, %eax
place exceptions_32_into
    into
place exceptions_32_of
    movl    $1, SCRATCH
    movl    $2, SCRATCH + 4
    xor     %eax, %eax
    resume_at 1f
place exceptions_32_br
    bound   %eax, SCRATCH
1:
    mov     %cr0, %eax
    or      $CR0_AM, %eax
    mov     %eax, %cr0
    mov     $SELECTOR_DATA3 + 3, %eax
    mov     %eax, %ds
    resume_at 1f
    pushl   $SELECTOR_DATA3 + 3
    pushl   $GUEST_STACK_TOP - 0x1000
    pushl   $RFLAGS_AC + 2
    pushl   $SELECTOR_CODE3 + 3
    pushl   $GUEST_CODE + (exceptions_32_ac - exceptions_32_start)
    iret
place exceptions_32_ac
    mov     SCRATCH + 1, %eax
1:
    movw    $SELECTOR_STACK, TSS_SS0
    resume_at 1f
place exceptions_32_ts
    int     $0x30
1:
    end_call

    event_entry exceptions_32_on_of, 4
    event_entry exceptions_32_on_br, 5
    error_entry exceptions_32_on_ts, 10
    error_entry exceptions_32_on_ac, 17
    event_entry exceptions_32_on_int, 0x30
    recorder_32
    end_guest exceptions_32
