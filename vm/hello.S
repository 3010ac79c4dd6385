/*
 * The demonstration: asks CPUID who is there, says where it got to, and ends by its own call.
 */
#include "vm/hello.h"
#include "vm/vm.h"

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  hello_start, hello_end, hello_bytes, hello_cpuid
hello_start:
    xor     %eax, %eax
hello_cpuid:
    cpuid
    mov     $0x40000000, %eax
    xor     %ecx, %ecx /* CPUID left its own there: the subleaf is to be 0 */
    cpuid
    mov     %ebx, HELLO_DATA
    mov     %ecx, HELLO_DATA + 4
    mov     %edx, HELLO_DATA + 8
    mov     $VM_CALL_END, %eax
    vmcall
hello_end:
    .set    hello_bytes, hello_end - hello_start

    .section .note.GNU-stack, "", @progbits
