/*
 * The time-stamp counter, random numbers, and waiting.
 */
#include "vm/guests/probe.inc"

#define IA32_TIME_STAMP_COUNTER 0x10
#define IA32_TSC_AUX            0xc0000103

    probes  tsc_offset
    probe rdtsc
    mov     $IA32_TIME_STAMP_COUNTER, %ecx
    probe rdmsr
    end_probes tsc_offset

    probes  rdtsc
    mov     $-1, %rax
    mov     $-1, %rdx
    probe rdtsc
    quiet
    probe rdtsc
    end_probes rdtsc

    probes  rdtscp
    mov     $IA32_TSC_AUX, %ecx
    mov     $0x5a5a, %eax
    mov     $0, %edx
    wrmsr
    mov     $-1, %rcx
    probe rdtscp
    quiet
    probe rdtscp /* "enable RDTSCP" is off: no such instruction */
    end_probes rdtscp

    probes  rdrand
    mov     $-1, %r11
    probe rdrand %r11d
    quiet
    probe rdrand %rbx
    end_probes rdrand

    probes  rdseed
    mov     $-1, %rdi
    probe rdseed %rdi
    quiet
    probe rdseed %rbx
    end_probes rdseed

    probes  pause
    probe pause
    quiet
    probe pause
    end_probes pause

    probes  pause_loop
    mov     $10000, %ecx
0:  pause
    dec     %ecx
    jnz     0b
    end_probes pause_loop

    probes  monitor
    mov     $PROBE_SCRATCH, %eax
    probe monitor
    probe mwait
    end_probes monitor

    probes  mwait
    mov     $PROBE_SCRATCH, %eax
    probe monitor
    probe mwait
    end_probes mwait
