/*
 * Guests for what interrupts them: timers, interrupts, windows, injected events, exceptions, single
 * steps, task switches, INIT and SIPI, an APIC in memory.
 */
#include "vm/guests/guest.inc"
#include "lib/x86_registers.h"

#define TIMER_FIRST (GUEST_DATA + 16) /* struct timer_notes */

    guest   timer
    sti /* QUIRK_INTERRUPTS_WAIT_FOR_IF */
    hypercall CALL_TIMER_NOW
place timer_now
    mov     $TIMER_TICKS, %ecx
    hypercall VM_CALL_TIMER
1:  rdtsc
    cmpl    $0, TIMER_FIRST
    jne     2f
    mov     %eax, TIMER_FIRST
    mov     %edx, TIMER_FIRST + 4
2:  cmpl    $TIMER_EXITS, GUEST_DATA /* the hypervisor counts */
    jb      1b
    end_call timer

    guest   interrupt
    sti
    hypercall CALL_INTERRUPT
1:  cmpl    $0, GUEST_DATA
    je      1b
    end_call interrupt

    guest   nmi_window
    hypercall CALL_NMI
place nmi_window_open
    end_call
    handler 2
    cmpl    $0, EVENTS
    jne     1f
    hypercall CALL_NMI_WINDOW /* the window opens at IRET, not before */
    nop
1:  incl    EVENTS
    iretq
    end_guest nmi_window

/* The window opens one instruction after STI. */
    guest   window
    nop
    nop
    sti
    nop
place window_open
    nop
    end_call window

/* Into these events are injected. */
    guest   inject
    sti
    xor     %ecx, %ecx
1:  hypercall CALL_INJECT
place inject_behind
    inc     %ecx
    cmp     $INJECTIONS, %ecx
    jb      1b
    end_call inject

/* A fault whose gate is empty, and a handler for what comes of that. */
    guest   double
    xor     %ecx, %ecx
    raise   double_here, div %ecx
    end_call
    handler 8 /* the recorder of the guest before is out of reach: this is the only event */
    popq    GUEST_ARRAY
    popq    GUEST_ARRAY + 8
    mov     RESUME, %rax
    push    %rax
    iretq
    end_guest double

/* Every exception that 64-bit code can raise in ring 0 by itself, one after another. Each label
 * is the address that the exception's handler is to return to. */
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

/* One instruction after another. Each label is where an exit leaves the guest. */
    guest   step
    xor     %eax, %eax
place step_1
    inc     %eax
place step_2
    jmp     step_3
    ud2
place step_3
    push    %rax
place step_4
    pop     %rbx
place step_5
    cpuid
place step_6
    nop
place step_7
    int     $0x40
place step_8
    mov     $VM_CALL_END, %eax
place step_return
    vmcall
    handler 0x40
place step_handler
    iretq
    end_guest step

/* The four ways to switch tasks. The first three are let pass as if they were nothing; the last one
 * is done. */
#define FLAGS_NT     0x4000
#define TYPE_BUSY    0x8b
#define TYPE_FREE    0x89
#define TASK_TYPE    (GUEST_GDT + TASK_SELECTOR + 5)
#define TASK_GATE    (GUEST_IDT + TASK_VECTOR * 8)

    guest   task, 32
    movl    $(TASK_TSS & 0xffff) << 16 | 0x67, GUEST_GDT + TASK_SELECTOR
    movl    $TYPE_FREE << 8 | TASK_TSS >> 16, GUEST_GDT + TASK_SELECTOR + 4
    movl    $TASK_SELECTOR << 16, TASK_GATE
    movl    $0x8500, TASK_GATE + 4
    movl    $GUEST_CODE + (task_new - task_start), TASK_TSS + TSS_EIP
    movl    $2, TASK_TSS + TSS_EFLAGS
    movl    $TASK_VALUE, TASK_TSS + TSS_EAX
    movl    $TASK_STACK, TASK_TSS + TSS_ESP
place task_call
    lcall   $TASK_SELECTOR, $0
place task_int
    int     $TASK_VECTOR
    movb    $TYPE_BUSY, TASK_TYPE
    movw    $TASK_SELECTOR, GUEST_TSS /* the link to the task before */
    pushf
    orl     $FLAGS_NT, (%esp)
    popf
place task_iret
    iret
    pushf
    andl    $~FLAGS_NT, (%esp)
    popf
    movb    $TYPE_FREE, TASK_TYPE
place task_jmp
    ljmp    $TASK_SELECTOR, $0
    ud2
task_new:
    mov     %eax, GUEST_DATA
    mov     %esp, GUEST_DATA + 4
    str     %eax
    mov     %eax, GUEST_DATA + 8
    end_call task

/* A guest that waits for INIT or SIPI, and what SIPI starts. */
    guest   signals
    sti /* QUIRK_INTERRUPTS_WAIT_FOR_IF */
    movl    $1, SIGNALS_ENTERED
1:  pause
    cmpl    $0, SIGNALS_STARTED
    je      1b
    end_call signals

/* In real mode, as the other processors of a machine start. All segments but CS begin at 0. */
    guest   signals_real, 16
    mov     %cs, %ax
    inc     %ax
    mov     %ax, SIGNALS_STARTED
    end_call signals_real

    guest   apic
    mov     $APIC_PAGE, %ebx
place apic_read
    mov     APIC_TPR(%rbx), %ecx
    hypercall APIC_AGAIN
    mov     $APIC_SVR_VALUE, %ecx
place apic_write
    mov     %ecx, APIC_SVR(%rbx)
    hypercall APIC_AGAIN
    lea     APIC_STACK(%rbx), %rsp
place apic_push
    int     $APIC_VECTOR
    mov     $GUEST_STACK_TOP, %esp
    end_call
    handler APIC_VECTOR
    incl    GUEST_DATA
    iretq
    end_guest apic
