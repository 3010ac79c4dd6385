/*
 * The four ways to switch tasks. The first three are let pass as if they were nothing; the last one
 * is done.
 */
#include "vm/guests/guest.inc"

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
