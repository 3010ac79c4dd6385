/*
 * Instructions that may have their operand in memory.
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

    probes  vmx
    mov     $PROBE_SCRATCH, %ebx
    mov     $0x4000, %esi /* a VMCS field */
    mov     $2, %r9d
    probe vmxon (%rbx)
    probe vmclear 0x10(%rbx)
    probe vmptrld -0x8(%rbx,%r9,8)
    probe vmptrst PROBE_SCRATCH
    probe vmread %rsi, %rdi
    probe vmread %rsi, 0x28(%rbx)
    probe vmwrite %rdi, %rsi
    probe vmlaunch
    probe vmresume
    probe vmxoff
    end_probes vmx

    probes  invept
    mov     $PROBE_SCRATCH, %ebx
    mov     $2, %ecx
    probe invept 0x30(%rbx), %rcx
    end_probes invept

    probes  invvpid
    mov     $PROBE_SCRATCH, %ebx
    mov     $2, %edx
    probe invvpid 0x40(%rbx), %rdx
    end_probes invvpid

    probes  invlpg
    mov     $GUEST_ARRAY, %ebx
    probe invlpg 0x123(%rbx)
    quiet
    probe invlpg 0x123(%rbx)
    end_probes invlpg

    probes  invpcid
    mov     $PROBE_SCRATCH, %ebx
    mov     $2, %edx /* all contexts */
    probe invpcid 0x50(%rbx), %rdx
    quiet
    probe invpcid 0x50(%rbx), %rdx /* "enable INVPCID" is off: no such instruction */
    end_probes invpcid
