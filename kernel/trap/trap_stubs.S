/*
 * The entry of each of the 256 vectors.
 *
 * On entry: as the processor left it (SDM Vol. 3, "64-Bit Mode Stack Frame"): it aligned RSP to 16
 * bytes, then pushed SS, RSP, RFLAGS, CS, RIP and, for some vectors, an error code. Interrupts are
 * off: every gate is an interrupt gate.
 * To trap_handle(): RDI = a struct trap_frame, which is the stack itself; RSP aligned to 16 bytes.
 * On return: every register as trap_handle() left it in the frame.
 * GS is not touched: the kernel has no other GS base to swap.
 */

/* Vectors with an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP, #VC, #SX. */
#define HAS_ERROR_CODE 0x60227d00

#include "lib/frame.inc"

/* What the processor pushed, RIP, CS, RFLAGS, RSP and SS, below `more` bytes: the frame interrupted. */
    .macro interrupted more
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa %rsp, 40 + \more
    .cfi_offset %rip, -40
    .cfi_offset %rsp, -16
    .endm

/* A vector less this fits into a byte with a sign. */
#define VECTOR_BIAS 128

    .section .text.trap_stubs, "ax"

/* The vector is on the stack: an error code of 0 gets below it. */
trap_without_error:
    interrupted 8
    push (%rsp)
    .cfi_adjust_cfa_offset 8
    movq $0, 8(%rsp)
trap_common:
    addq $VECTOR_BIAS, (%rsp)
    .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    push_register \register
    .endr
    cld
    mov %rsp, %rdi
    call trap_handle
    .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
    pop_register \register
    .endr
    shrink_stack 16     /* the vector and the error code */
    iretq
    .cfi_endproc
    .type trap_without_error, @function
    .size trap_without_error, . - trap_without_error

/*
 * One stub for each vector, TRAP_STUB_BYTES (kernel/cpu/cpu_setup.c) apart: two bytes of PUSH,
 * which extends the byte that it has by its sign, and five of JMP.
 */
    .balign 8
    .globl trap_stubs
trap_stubs:
    .set .Lvector, 0
    .rept 256
    .balign 8
    .set .Lpushes_zero, 1
    .if .Lvector < 32
    .set .Lpushes_zero, !(HAS_ERROR_CODE >> .Lvector & 1)
    .endif
    interrupted (8 * !.Lpushes_zero)
    push $(.Lvector - VECTOR_BIAS)
    .cfi_adjust_cfa_offset 8
    .if .Lpushes_zero
    jmp trap_without_error
    .else
    jmp trap_common
    .endif
    .cfi_endproc
    .set .Lvector, .Lvector + 1
    .endr
    .type trap_stubs, @function
    .size trap_stubs, . - trap_stubs
