/* A local APIC that is in memory: the APIC-access page. */
#include "vm/guests/guest.inc"

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
