/*
 * Every exception that 64-bit code can raise in ring 0 by itself, one after another. Each label
 * is the address that the exception's handler is to return to.
 */
#include "vm/guests/recorder.inc"
#include "lib/x86_registers.h"

#define SELECTOR_ABSENT  0x40 /* descriptors that the guest makes itself */
#define SELECTOR_BEYOND  0x800 /* outside of the GDT */
#define NOT_MAPPED       0x40000000
#define X87_UNMASK_ZERO  0x37b
#define MXCSR_UNMASK_ZERO 0x1d80
#define SCRATCH          (GUEST_DATA + 0x100)

    .macro  provoke next
    resume_at \next, exceptions_start
    .endm

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  exceptions_start, exceptions_end
    .globl  exceptions_de, exceptions_db, exceptions_int1, exceptions_step, exceptions_bp
    .globl  exceptions_int3, exceptions_ud, exceptions_nm, exceptions_np, exceptions_ss
    .globl  exceptions_gp, exceptions_gp_selector, exceptions_pf, exceptions_mf
    .globl  exceptions_xm
    .globl  exceptions_on_de, exceptions_on_db, exceptions_on_bp, exceptions_on_ud
    .globl  exceptions_on_nm, exceptions_on_np, exceptions_on_ss, exceptions_on_gp
    .globl  exceptions_on_pf, exceptions_on_mf, exceptions_on_xm
exceptions_start:
    mov     $0x00cf13000000ffff, %rax /* data, not present */
    mov     %rax, GUEST_GDT + SELECTOR_ABSENT

    provoke 1f
    xor     %ecx, %ecx
exceptions_de:
    div     %ecx
1:
exceptions_int1:
    .byte   0xf1
exceptions_db:
    provoke 1f
    pushf
    orl     $RFLAGS_TF, (%rsp)
    popf
    nop
exceptions_step:
    nop
1:
exceptions_int3:
    int3
exceptions_bp:
    provoke 1f
exceptions_ud:
    ud2
1:
    mov     %cr0, %rax
    or      $CR0_TS, %rax
    mov     %rax, %cr0
    provoke 1f
exceptions_nm:
    fnop
1:
    clts
    provoke 1f
    mov     $SELECTOR_ABSENT, %eax
exceptions_np:
    mov     %eax, %fs
1:
    provoke 1f
    mov     $1 << 62, %rbp
exceptions_ss:
    mov     (%rbp), %eax
1:
    provoke 1f
    mov     %rbp, %rbx
exceptions_gp:
    mov     (%rbx), %eax
1:
    provoke 1f
    mov     $SELECTOR_BEYOND, %eax
exceptions_gp_selector:
    mov     %eax, %es
1:
    provoke 1f
    mov     $NOT_MAPPED, %eax
exceptions_pf:
    mov     (%rax), %ebx
1:
    fninit
    movw    $X87_UNMASK_ZERO, SCRATCH
    fldcw   SCRATCH
    fld1
    fldz
    fdivrp
    provoke 1f
exceptions_mf:
    fwait
1:
    fninit
    mov     %cr4, %rax
    or      $(CR4_OSFXSR | CR4_OSXMMEXCPT), %rax
    mov     %rax, %cr4
    movl    $MXCSR_UNMASK_ZERO, SCRATCH
    ldmxcsr SCRATCH
    xorps   %xmm1, %xmm1
    mov     $1, %eax
    cvtsi2ss %eax, %xmm0
    provoke 1f
exceptions_xm:
    divss   %xmm1, %xmm0
1:
    end_call

    event_entry exceptions_on_de, 0
    event_entry exceptions_on_db, 1
    event_entry exceptions_on_bp, 3
    event_entry exceptions_on_ud, 6
    event_entry exceptions_on_nm, 7
    error_entry exceptions_on_np, 11
    error_entry exceptions_on_ss, 12
    error_entry exceptions_on_gp, 13
    error_entry exceptions_on_pf, 14
    event_entry exceptions_on_mf, 16
    event_entry exceptions_on_xm, 19
    recorder_64
exceptions_end:

    .section .note.GNU-stack, "", @progbits
