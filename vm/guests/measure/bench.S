/*
 * What VM exits cost: BENCH_SAMPLES of each kind of vm/guests/measure/bench.h, in TSC ticks of 32 bits each, at
 * GUEST_ARRAY + kind * BENCH_SAMPLES * 4.
 *
 * RDI: where the next difference goes. ESI: the TSC before. R12D: samples to go.
 */
#include "vm/guests/measure/bench.h"
#include "vm/guests/guest.inc"

#define APIC_BASE         0x1b
#define PAT               0x277
#define TOUCHES_A_FILLING 8 /* half of PAGE_CACHE_SIZE: EPT takes pages for itself, too */

    /* These stand in strings, which the C preprocessor leaves alone. */
    .set    PAT_RESET, 0x00070406
    .set    PORT, 0x80

    .macro  begin kind
    mov     $GUEST_ARRAY + \kind * BENCH_SAMPLES * 4, %edi
    mov     $BENCH_SAMPLES, %r12d
    .endm

    .macro  before
    rdtsc
    mov     %eax, %esi
    .endm

    .macro  after
    rdtsc
    sub     %esi, %eax
    mov     %eax, (%rdi)
    add     $4, %rdi
    dec     %r12d
    .endm

    .macro  sample kind, instructions
    begin   \kind
1:  before
    \instructions
    after
    jnz     1b
    .endm

    guest   bench
    sample  BENCH_EMPTY
    sample  BENCH_CPUID, "xor %eax, %eax; cpuid"
    sample  BENCH_VMCALL, "xor %eax, %eax; vmcall"
    mov     $APIC_BASE, %ecx
    sample  BENCH_RDMSR, "rdmsr"
    mov     $PAT, %ecx
    sample  BENCH_WRMSR, "mov $PAT_RESET, %eax; mov %eax, %edx; wrmsr"
    sample  BENCH_OUT, "out %al, $PORT"
    sti
    sample  BENCH_HLT, "hlt"
    mov     %cr3, %rbx
    sample  BENCH_CR, "mov %rbx, %cr3"

    testb   $BENCH_HAS_TOUCH, GUEST_DATA
    jz      timer
    begin   BENCH_TOUCH
    mov     $GUEST_TOUCH_BASE, %ebp
1:  before
    movb    $1, (%rbp)
    after
    jz      timer
    add     $0x1000, %rbp
    test    $TOUCHES_A_FILLING - 1, %r12d
    jnz     1b
    hlt     /* time to fill the page cache */
    jmp     1b

timer:
    begin   BENCH_LOOP
    rdtsc
    mov     %eax, %esi
    xor     %r9d, %r9d /* every difference is taken */
    call    wait
    testb   $BENCH_HAS_TIMER, GUEST_DATA
    jz      done
    mov     GUEST_ARRAY + BENCH_LOOP * BENCH_SAMPLES * 4 + 4, %r9d
    lea     (%r9, %r9, 2), %r9d /* three times what the loop takes undisturbed: there was an exit */
    begin   BENCH_TIMER
    mov     GUEST_DATA + BENCH_DATA_TICKS, %ecx
    hypercall VM_CALL_TIMER
    rdtsc
    mov     %eax, %esi
    call    wait
    xor     %ecx, %ecx
    hypercall VM_CALL_TIMER
done:
    end_call

/* Takes R12D differences between RDTSCs that are at least R9D. */
wait:
    rdtsc
    mov     %eax, %ebx
    sub     %esi, %eax
    mov     %ebx, %esi
    cmp     %r9d, %eax
    jb      wait
    mov     %eax, (%rdi)
    add     $4, %rdi
    dec     %r12d
    jz      1f
    rdtsc
    mov     %eax, %esi
    jmp     wait
1:  ret
    end_guest bench
