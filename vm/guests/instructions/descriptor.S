/*
 * GDTR, IDTR, LDTR and TR, read and written, with descriptor-table exiting and without.
 */
#include "vm/guests/probe.inc"

#define TSS_RIGHTS (GUEST_GDT + GUEST_TSS_SELECTOR + 5) /* the byte with the type */
#define NEW_GDT    (PROBE_SCRATCH + 0x40)
#define NEW_IDT    (PROBE_SCRATCH + 0x50)

    probes  descriptor
    mov     $PROBE_SCRATCH, %ebx
    mov     $2, %r9d
    movw    $0x7f, NEW_GDT
    movl    $GUEST_GDT, NEW_GDT + 2
    movw    $0xeff, NEW_IDT
    movl    $GUEST_IDT, NEW_IDT + 2
    probe sgdt (%rbx)
    probe sidt (%rbx,%r9,8)
    probe lgdt NEW_GDT
    probe lidt NEW_IDT
    probe sgdt 0x20(%rbx)
    probe sidt 0x30(%rbx)
    andb    $~2, TSS_RIGHTS /* available, as LTR wants it */
    pushq   $PROBE_FLAGS
    popfq
    mov     $GUEST_TSS_SELECTOR, %esi
    probe str %rcx
    probe sldt %rdx
    probe lldt %dx
    probe ltr %si
    probe ltr %si /* it is busy now */
    movw    $GUEST_DATA_SELECTOR, 0x60(%rbx)
    probe lldt 0x60(%rbx) /* not of an LDT */
    quiet
    probe sgdt 0x70(%rbx)
    probe sidt 0x80(%rbx)
    probe str %rdi
    end_probes descriptor
