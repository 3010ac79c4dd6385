/* The demonstration: asks CPUID who is there, and ends by its own call. */
#include "vm/hello.h"
#include "vm/vm.h"

    .section .rodata.guests, "a", @progbits
    .code64
    .globl  hello_start, hello_end, hello_bytes, hello_cpuid
hello_start:
    xor     %eax, %eax
hello_cpuid:
    cpuid
    .set    number, 0 /* one for each register that CPUID leaves alone */
    .irp    register, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    .set    number, number + 1
    mov     $number, %\register
    .endr
    mov     $0x40000000, %eax
    xor     %ecx, %ecx /* CPUID left its own there: the subleaf is to be 0 */
    cpuid
    mov     %ebx, HELLO_DATA
    mov     %ecx, HELLO_DATA + 4
    mov     %edx, HELLO_DATA + 8
    xor     %eax, %eax
    .irp    register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp
    sub     $number, %\register
    or      %\register, %rax
    .set    number, number - 1
    .endr
    setnz   HELLO_DATA + 12 /* the 0 that ends the signature, unless one came back changed */
    mov     $VM_CALL_END, %eax
    vmcall
hello_end:
    .set    hello_bytes, hello_end - hello_start

    .section .note.GNU-stack, "", @progbits
