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

/* A vector less this fits into a byte with a sign. */
#define VECTOR_BIAS 128

    .section .text.trap_stubs, "ax"

/* The vector is on the stack: an error code of 0 gets below it. */
trap_without_error:
    push (%rsp)
    movq $0, 8(%rsp)
trap_common:
    addq $VECTOR_BIAS, (%rsp)
    push %rax
    push %rbx
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %rbp
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov %rsp, %rdi
    call trap_handle
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rbp
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rbx
    pop %rax
    add $16, %rsp       /* the vector and the error code */
    iretq
    .type trap_without_error, @function
    .size trap_without_error, . - trap_without_error

/*
 * One stub for each vector, TRAP_STUB_BYTES (kernel/traps.c) apart: two bytes of PUSH, which extends
 * the byte that it has by its sign, and five of JMP.
 */
    .balign 8
    .globl trap_stubs
trap_stubs:
    .set .Lvector, 0
    .rept 256
    .balign 8
    push $(.Lvector - VECTOR_BIAS)
    .set .Lpushes_zero, 1
    .if .Lvector < 32
    .set .Lpushes_zero, !(HAS_ERROR_CODE >> .Lvector & 1)
    .endif
    .if .Lpushes_zero
    jmp trap_without_error
    .else
    jmp trap_common
    .endif
    .set .Lvector, .Lvector + 1
    .endr
    .type trap_stubs, @function
    .size trap_stubs, . - trap_stubs
