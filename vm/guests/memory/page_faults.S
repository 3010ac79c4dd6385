/*
 * Page faults of two kinds, once for each way to choose among them.
 */
#include "vm/guests/guest.inc"
#include "vm/guests/memory/page_faults.h"

    guest   page_faults
    xor     %ecx, %ecx
    mov     $PAGE_FAULT_ADDRESS, %ebx
1:  mov     $PAGE_FAULT_CALL, %eax /* the choice with the number in ECX */
    vmcall
    resume_at 2f
place page_faults_read
    mov     (%rbx), %eax
2:  resume_at 3f
place page_faults_write
    mov     %eax, (%rbx)
3:  inc     %ecx
    cmp     $PAGE_FAULT_CHOICES, %ecx
    jb      1b
    end_call

    error_entry page_faults_on_pf, 14
    recorder_64
    end_guest page_faults
