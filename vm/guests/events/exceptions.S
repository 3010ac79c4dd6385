/*
 * Every exception that 64-bit code can raise in ring 0 by itself, one after another. Each label
 * is the address that the exception's handler is to return to.
 */
#include "vm/guests/guest.inc"
#include "lib/x86_registers.h"

#define X87_UNMASK_ZERO  0x37b
#define MXCSR_UNMASK_ZERO 0x1d80
#define SCRATCH          (GUEST_DATA + 0x100)

    guest   exceptions
    mov     $0x00cf13000000ffff, %rax /* data, not present */
    mov     %rax, GUEST_GDT + SELECTOR_ABSENT

    xor     %ecx, %ecx
    raise   exceptions_de, div %ecx
place exceptions_int1
    .byte   0xf1
place exceptions_db
    resume_at 1f
    pushf
    orl     $RFLAGS_TF, (%rsp)
    popf
    nop
place exceptions_step
    nop
1:
place exceptions_int3
    int3
place exceptions_bp
    raise   exceptions_ud, ud2
    set_bits cr0, CR0_TS
    raise   exceptions_nm, fnop
    clts
    mov     $SELECTOR_ABSENT, %eax
    raise   exceptions_np, mov %eax, %fs
    mov     $1 << 62, %rbp
    raise   exceptions_ss, mov (%rbp), %eax
    mov     %rbp, %rbx
    raise   exceptions_gp, mov (%rbx), %eax
    mov     $SELECTOR_BEYOND, %eax
    raise   exceptions_gp_selector, mov %eax, %es
    mov     $NOT_MAPPED, %eax
    raise   exceptions_pf, mov (%rax), %ebx
    fninit
    movw    $X87_UNMASK_ZERO, SCRATCH
    fldcw   SCRATCH
    fld1
    fldz
    fdivrp
    raise   exceptions_mf, fwait
    fninit
    set_bits cr4, (CR4_OSFXSR | CR4_OSXMMEXCPT)
    movl    $MXCSR_UNMASK_ZERO, SCRATCH
    ldmxcsr SCRATCH
    xorps   %xmm1, %xmm1
    mov     $1, %eax
    cvtsi2ss %eax, %xmm0
    raise   exceptions_xm, divss %xmm1, %xmm0
    end_call exceptions

/* Those that 64-bit code in ring 0 cannot raise: in 32-bit code, the last two in ring 3. */
#define TSS_SS0        (GUEST_TSS + 8)
#define GATE_TS        (GUEST_IDT + 10 * 8)

    guest   exceptions_32, 32
    ring_3_segments
    movw    $SELECTOR_CODE3 + 3, GATE_TS + 2
    mov     $0x7fffffff, %eax
    add     $1, %eax
place exceptions_32_into
    into
place exceptions_32_of
    movl    $1, SCRATCH
    movl    $2, SCRATCH + 4
    xor     %eax, %eax
    raise   exceptions_32_br, bound %eax, SCRATCH
    set_bits cr0, CR0_AM, eax
    mov     $SELECTOR_DATA3 + 3, %eax
    mov     %eax, %ds
    resume_at 1f
    to_ring_3 exceptions_32_ac, (GUEST_STACK_TOP - 0x1000), (RFLAGS_AC + 2)
place exceptions_32_ac
    mov     SCRATCH + 1, %eax
1:
    movw    $SELECTOR_STACK, TSS_SS0
    raise   exceptions_32_ts, int $VECTOR_STACK
    end_call exceptions_32
