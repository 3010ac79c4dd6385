/*
 * The time-stamp counter, random numbers, and waiting.
 */
#include "vm/guests/probe.inc"

#define IA32_TIME_STAMP_COUNTER 0x10
#define IA32_TSC_AUX            0xc0000103

    guest   tsc_offset
    probe rdtsc
    mov     $IA32_TIME_STAMP_COUNTER, %ecx
    probe rdmsr
    end_guest tsc_offset

    guest   rdtsc
    mov     $-1, %rax
    mov     $-1, %rdx
    probe rdtsc
    quiet
    probe rdtsc
    end_guest rdtsc

    guest   rdtscp
    mov     $IA32_TSC_AUX, %ecx
    mov     $0x5a5a, %eax
    mov     $0, %edx
    wrmsr
    mov     $-1, %rcx
    probe rdtscp
    quiet
    probe rdtscp /* "enable RDTSCP" is off: no such instruction */
    end_guest rdtscp

    guest   rdrand
    mov     $-1, %r11
    probe rdrand %r11d
    quiet
    probe rdrand %rbx
    end_guest rdrand

    guest   rdseed
    mov     $-1, %rdi
    probe rdseed %rdi
    quiet
    probe rdseed %rbx
    end_guest rdseed

    guest   pause
    probe pause
    quiet
    probe pause
    end_guest pause

    guest   pause_loop
    mov     $10000, %ecx
0:  pause
    dec     %ecx
    jnz     0b
    end_guest pause_loop

    guest   monitor
    mov     $PROBE_SCRATCH, %eax
    probe monitor
    probe mwait
    end_guest monitor

    guest   mwait
    mov     $PROBE_SCRATCH, %eax
    probe monitor
    probe mwait
    end_guest mwait

    guest   invlpg
    mov     $GUEST_ARRAY, %ebx
    probe invlpg 0x123(%rbx)
    quiet
    probe invlpg 0x123(%rbx)
    end_guest invlpg

    guest   invpcid
    mov     $PROBE_SCRATCH, %ebx
    mov     $2, %edx /* all contexts */
    probe invpcid 0x50(%rbx), %rdx
    quiet
    probe invpcid 0x50(%rbx), %rdx /* "enable INVPCID" is off: no such instruction */
    end_guest invpcid

    .section .note.GNU-stack, "", @progbits
