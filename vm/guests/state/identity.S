/*
 * Reads the machine's memory where it is, tries to write and to execute there, and reaches for the
 * hypervisor's.
 */
#include "vm/guests/guest.inc"

    guest   identity
    mov     IDENTITY_BIOS_WORDS, %ecx
    test    %ecx, %ecx
    jz      2f
    mov     $VM_BIOS, %ebx
    xor     %eax, %eax
1:  add     (%rbx), %rax
    add     $8, %rbx
    dec     %ecx
    jnz     1b
    mov     %rax, IDENTITY_SUM
    mov     $VM_BIOS, %ebx
place identity_write
    movb    $0, (%rbx)
place identity_written
    jmp     *%rbx
place identity_fetched
2:  mov     $GUEST_ARRAY, %esi
3:  mov     (%rsi), %rbx
    test    %rbx, %rbx
    jz      4f
place identity_read
    mov     (%rbx), %rax
place identity_passed
    mov     %rax, 8(%rsi)
    add     $IDENTITY_ENTRY_BYTES, %esi
    jmp     3b
4:  mov     IDENTITY_LAST, %rbx
place identity_last
    mov     (%rbx), %rax
    end_call identity
