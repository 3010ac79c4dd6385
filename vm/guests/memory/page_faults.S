/*
 * Page faults of two kinds, once for each way to choose among them.
 */
#include "vm/guests/recorder.inc"
#include "vm/guests/memory/page_faults.h"

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  page_faults_start, page_faults_end, page_faults_on_pf
    .globl  page_faults_read, page_faults_write
page_faults_start:
    xor     %ecx, %ecx
    mov     $PAGE_FAULT_ADDRESS, %ebx
1:  mov     $PAGE_FAULT_CALL, %eax /* the choice with the number in ECX */
    vmcall
    resume_at 2f, page_faults_start
page_faults_read:
    mov     (%rbx), %eax
2:  resume_at 3f, page_faults_start
page_faults_write:
    mov     %eax, (%rbx)
3:  inc     %ecx
    cmp     $PAGE_FAULT_CHOICES, %ecx
    jb      1b
    end_call

    error_entry page_faults_on_pf, 14
    recorder_64
page_faults_end:

    .section .note.GNU-stack, "", @progbits
