/*
 * Instructions that exit by themselves or by one control and have no operand to be decoded.
 */
#include "vm/guests/probe.inc"

#define ONES 0xaaaaaaaa00000000 /* for the upper half of a register that is to become 0 */

    probes  cpuid
    movabs  $(ONES + 1), %rax
    mov     $-1, %rbx
    mov     $-1, %rdx
    probe cpuid
    movabs  $(ONES + 0), %rax
    mov     $-1, %rcx
    probe cpuid
    movabs  $(ONES + 0x40000000), %rax
    probe cpuid
    movabs  $(ONES + 0x400000ff), %rax
    probe cpuid
    movabs  $(ONES + 4), %rax
    movabs  $(ONES + 1), %rcx
    probe cpuid
    end_probes cpuid

    probes  hlt
    sti
    nop
    probe hlt
    probe hlt
    cli
    end_probes hlt

    probes  vmcall
    movabs  $0x123456789, %rax
    mov     $3, %ecx
    probe vmcall
    probe vmcall
    end_probes vmcall

    probes  invd
    probe invd
    end_probes invd

    probes  wbinvd
    probe wbinvd
    probe wbnoinvd /* WBINVD on a processor that does not know it */
    end_probes wbinvd

    probes  rdpmc
    mov     $0x40000000, %ecx
    probe rdpmc
    end_probes rdpmc

    probes  xsetbv
    mov     %cr4, %rax
    or      $(1 << 18), %rax /* CR4.OSXSAVE */
    mov     %rax, %cr4
    pushq   $PROBE_FLAGS
    popfq
    xor     %ecx, %ecx
    mov     $1, %eax
    mov     $0, %edx
    pushq   $PROBE_FLAGS
    popfq
    probe xsetbv /* x87 alone: what every XCR0 must hold */
    mov     $3, %eax
    probe xsetbv
    mov     $2, %eax
    probe xsetbv /* SSE without x87 */
    mov     $0, %eax
    probe xsetbv
    mov     $1, %eax
    mov     $1, %ecx
    probe xsetbv /* XCR1: there is none that can be written */
    mov     $0, %ecx
    probe xgetbv
    end_probes xsetbv

    probes  getsec
    mov     $0, %eax
    probe getsec
    end_probes getsec
