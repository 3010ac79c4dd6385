/*
 * Control registers: guest/host masks, read shadows, CR3-target values, and the debug registers.
 */
#include "vm/guests/probe.inc"

    probes  cr0
    probe mov %cr0, %rax
    mov     %rax, %rbx
    bts     $18, %rbx /* CR0.AM: the guest's own */
    probe mov %rbx, %cr0
    probe mov %cr0, %rcx
    bts     $3, %rbx /* CR0.TS: the host's */
    probe mov %rbx, %cr0
    probe mov %cr0, %rcx
    probe clts
    probe clts /* CR0.TS is 0 for the guest: nothing to do */
    mov     $0x000b, %eax /* TS, MP, PE */
    probe lmsw %ax
    probe smsw %cx
    movw    $0x0003, PROBE_SCRATCH /* MP, PE */
    probe lmsw PROBE_SCRATCH
    probe lmsw PROBE_SCRATCH /* no change of what is the host's */
    probe mov %cr0, %rdx
    movabs  $0x100000000, %rbx
    or      %rdx, %rbx
    probe mov %rbx, %cr0 /* upper half must be 0 */
    end_probes cr0

    probes  cr3
    mov     %rbx, %rsi
    xor     $0x18, %rsi /* PWT, PCD */
    mov     %rbp, %rdi
    probe mov %rbx, %cr3 /* a CR3-target value */
    probe mov %rsi, %cr3
    probe mov %cr3, %r9
    probe mov %rdi, %cr3
    probe mov %cr3, %r10
    end_probes cr3

    probes  cr4
    probe mov %cr4, %rax
    mov     %rax, %rbx
    bts     $2, %rbx /* CR4.TSD: the guest's own */
    probe mov %rbx, %cr4
    probe mov %cr4, %rcx
    bts     $3, %rbx /* CR4.DE: the host's */
    probe mov %rbx, %cr4
    probe mov %cr4, %rcx
    mov     %rbx, %r12
    bts     $13, %r12 /* CR4.VMXE: not for a guest */
    probe mov %r12, %cr4
    mov     %rbx, %r12
    bts     $14, %r12 /* CR4.SMXE: no guest gets it */
    probe mov %r12, %cr4
    mov     %rbx, %r12
    bts     $23, %r12 /* CR4.CET: no guest gets it */
    probe mov %r12, %cr4
    mov     %rbx, %r12
    btr     $5, %r12 /* CR4.PAE: long mode needs it */
    probe mov %r12, %cr4
    probe mov %cr4, %rcx
    end_probes cr4

    probes  cr8
    mov     $5, %ebx
    mov     $-1, %rcx
    mov     $16, %r14d
    probe mov %rbx, %cr8
    probe mov %cr8, %rcx
    probe mov %r14, %cr8
    probe mov %cr8, %r15
    end_probes cr8

    probes  dr
    movabs  $0x123456789a, %rbx
    mov     $0x701, %r8d /* DR7: breakpoint 0 is on, for this task */
    movabs  $0x100000400, %r9
    probe mov %rbx, %dr0
    probe mov %dr0, %r10
    probe mov %rbx, %dr3
    probe mov %dr3, %rcx
    probe mov %r8, %dr7
    probe mov %dr7, %rcx
    probe mov %r9, %dr7 /* upper half must be 0 */
    probe mov %r9, %dr6
    quiet
    probe mov %dr0, %r10
    probe mov %rbx, %dr2
    probe mov %dr7, %r11
    end_probes dr
