/*
 * Guests that reach for memory which extended page tables do not give them, or not so; and guests
 * that do what no guest should.
 */
#include "vm/guests/guest.inc"
#include "lib/x86_registers.h"

    guest   violations /* the first fetch walks through a table that is not there */
    mov     $VIOLATION_READ, %ebx
place violations_read
    mov     (%rbx), %eax
    mov     %eax, GUEST_DATA
    mov     $VIOLATION_WRITE, %ebx
    mov     (%rbx), %eax /* allowed */
    mov     $VIOLATION_VALUE, %eax
place violations_write
    mov     %eax, (%rbx)
    mov     $VIOLATION_FETCH, %ebx
    movb    $0xc3, (%rbx) /* allowed: RET */
    call    *%rbx
    end_call violations

    guest   beyond
    mov     GUEST_DATA, %rbx
place beyond_read
    mov     (%rbx), %eax
    end_call beyond

    guest   misconfigured
    mov     $MISCONFIGURED_BASE, %ebx
place misconfigured_1
    mov     0x0000(%rbx), %eax
place misconfigured_2
    mov     0x1000(%rbx), %eax
place misconfigured_3
    mov     0x2000(%rbx), %eax
    end_call misconfigured

/* Writes that the processor watches. */
    guest   log
    mov     $LOG_FIRST, %ebx
    mov     $LOG_PAGES, %ecx
0:  movl    $LOG_VALUE, 0x40(%rbx)
    add     $0x1000, %ebx
    dec     %ecx
    jnz     0b
    end_call log

    guest   parts
    mov     $PARTS_PAGE, %ebx
    mov     $PARTS_VALUE, %eax
place parts_write
    mov     %eax, 0x80(%rbx)
    end_call parts

    guest   lock
    mov     $LOCK_SPLIT, %ebx
    lock incl (%rbx)
place lock_behind
    end_call lock

/* Page faults of two kinds, once for each way to choose among them. */
    guest   page_faults
    xor     %ecx, %ecx
    mov     $NOT_MAPPED, %ebx
0:  hypercall PAGE_FAULT_CALL /* the choice with the number in ECX */
    raise   page_faults_read, mov (%rbx), %eax
    raise   page_faults_write, mov %eax, (%rbx)
    inc     %ecx
    cmp     $PAGE_FAULT_CHOICES, %ecx
    jb      0b
    end_call page_faults

    guest   spin
    jmp     spin_start
    end_guest spin

    guest   spin_enabled
    sti
1:  jmp     1b
    end_guest spin_enabled

/* Asks for all the time there is, for little of it often, and anew. */
    guest   greedy
    mov     $0xffffffff, %ecx
    hypercall VM_CALL_TIMER
    mov     $100, %ecx
    hypercall VM_CALL_TIMER
    mov     $1000, %ecx
1:  loop    1b
    jmp     greedy_start
    end_guest greedy

    guest   endless
    cpuid
    jmp     endless_start
    end_guest endless

    guest   triple
    push    $0
    push    $0
    lidt    (%rsp) /* limit 0: no exception can be delivered */
place triple_here
    ud2
    end_guest triple

    guest   nowhere
    mov     $0x20000000, %eax /* the guest's page tables have it, the guest's memory does not */
    jmp     *%rax
    end_guest nowhere

/* The handler of #AC runs in ring 3, as the guest does, and on the same odd stack. */
#define GATE_SELECTOR  (GUEST_IDT + 17 * 8 + 2)

    guest   recursion, 32
    ring_3_segments
    movw    $SELECTOR_CODE3 + 3, GATE_SELECTOR
    set_bits cr0, CR0_AM, eax
    to_ring_3 recursion_on_ac, (GUEST_STACK_TOP - 0x1001), (RFLAGS_AC + 2)
    handler 17
recursion_on_ac:
    push    %eax
    end_guest recursion

/* The stack of the #DB handler begins at the same place each time, and a breakpoint is on the first
 * push: the delivery of one raises the next. */
#define TSS_IST1   (GUEST_TSS + 36)
#define GATE_IST   (GUEST_IDT + 1 * 16 + 4)
#define DR7_WRITES 0x90401 /* of the 8 bytes at DR0, in this task */

    guest   recursion_debug
    movl    $GUEST_ARRAY, TSS_IST1
    movb    $1, GATE_IST
    mov     $GUEST_ARRAY - 8, %eax
    mov     %rax, %dr0
    mov     $DR7_WRITES, %ecx
    mov     %rcx, %dr7
    mov     %rax, (%rax)
    handler 1
    jmp     .
    end_guest recursion_debug

/* All linear addresses from 4 MiB on are one page, so that one instruction takes very long. */
#define PDE_TABLE  (GUEST_ARRAY + 3) /* present, writable */
#define PTE_PAGE   (GUEST_DATA + 3)

    guest   spin_repeat, 32
    mov     $GUEST_ARRAY, %edi
    mov     $PTE_PAGE, %eax
    mov     $1024, %ecx
    rep stosl
    mov     $GUEST_PAGE_TABLES + 4, %edi
    mov     $PDE_TABLE, %eax
    mov     $1023, %ecx
    rep stosl
    mov     %cr3, %eax
    mov     %eax, %cr3
    mov     $0x400000, %esi
    mov     $0xfff00000, %ecx
    rep lodsb
    end_guest spin_repeat

/* Every port, in and out, in each width. */
    guest   ports
    xor     %edx, %edx
1:  .irp    width, %al, %ax, %eax
    in      (%dx), \width
    out     \width, (%dx)
    .endr
    inc     %dx
    jnz     1b
    end_call ports

/* Every MSR of both ranges that MSR bitmaps know, and as many on from 0x40000000: read, written
 * with 0, with all ones, and with what was read. A fault goes on after the instruction. */
    guest   msrs
    xor     %ecx, %ecx
    call    range
    mov     $0x40000000, %ecx
    call    range
    mov     $0xc0000000, %ecx
    call    range
    end_call
range:
    mov     $0x2000, %ebp
1:  rdmsr
    mov     %eax, %esi
    mov     %edx, %edi
    xor     %eax, %eax
    xor     %edx, %edx
    wrmsr
    dec     %eax
    dec     %edx
    wrmsr
    mov     %esi, %eax
    mov     %edi, %edx
    wrmsr
    inc     %ecx
    dec     %ebp
    jnz     1b
    ret
    handler 13 /* RDMSR and WRMSR have two bytes */
    add     $8, %rsp
    addq    $2, (%rsp)
    iretq
    end_guest msrs
