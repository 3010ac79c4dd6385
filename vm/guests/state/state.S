/*
 * Guests that look at the state in which they are entered and left: the processor's modes, the
 * registers, the machine's memory.
 */
#include "vm/guests/guest.inc"
#include "lib/x86_registers.h"

#define ALIAS       0x00c00000 /* mapped to 0 by the guest's own page tables */
#define SWITCH_PML4 0x20000 /* page tables that the guest makes itself */
#define SWITCH_PDPT 0x21000
#define SWITCH_PD   0x22000

/* Real mode: CS:IP, a segment register loaded as in real mode, an interrupt through the table. */
    guest   real, 16
    xor     %eax, %eax
place real_cpuid
    cpuid
    mov     $GUEST_DATA >> 4, %ax
    mov     %ax, %ds
    movw    %cs, 0
    int     $0x21
    movw    $0x5254, 4 /* back from the handler */
    end_call
    handler 0x21
    movw    $0x494e, 2
    iretw
    end_guest real

/* Paging: the same byte through two linear addresses. */
    .macro  alias name, entry
    guest   \name, 32
    movl    $0x87, GUEST_PAGE_TABLES + \entry /* a large page, physical 0 */
    mov     %cr3, %eax
    mov     %eax, %cr3
    movl    $MODE_MARK, ALIAS + GUEST_DATA
    end_call \name
    .endm

    alias   paged, ((ALIAS >> 22) * 4)
    alias   pae, (0x1000 + (ALIAS >> 21) * 8)

/* Long mode, 32-bit code in it, and back: RAX has 64 bits, then 32, then 64. */
    guest   long
    xor     %eax, %eax
place long_cpuid_64
    cpuid
    pushq   $GUEST_CODE32_SELECTOR
    pushq   $GUEST_CODE + (1f - long_start)
    lretq
    .code32
1:  xor     %eax, %eax
    dec     %eax /* in 64-bit mode a REX prefix: EAX would stay 0 */
    mov     %eax, GUEST_DATA
    xor     %eax, %eax
place long_cpuid_32
    cpuid
    ljmp    $GUEST_CODE_SELECTOR, $GUEST_CODE + (2f - long_start)
    .code64
2:  mov     $MODE_MARK, %eax
    shl     $8, %rax
    shr     $8, %rax
    mov     %eax, GUEST_DATA + 4
    end_call long

/* From real mode over protected mode to long mode; CR0 and IA32_EFER exit on the way. */
    guest   switches, 16
    movl    $0x0000ffff, GUEST_GDT + GUEST_CODE_SELECTOR /* 64-bit code, where 32-bit code was */
    movl    $0x00af9b00, GUEST_GDT + GUEST_CODE_SELECTOR + 4
    lgdtl   %cs:(switches_gdtr - switches_start)
    mov     %cr0, %eax
    or      $CR0_PE, %al
place switches_protect
    mov     %eax, %cr0
    ljmpl   $GUEST_CODE32_SELECTOR, $GUEST_CODE + (1f - switches_start)
    .code32
1:  mov     $GUEST_DATA_SELECTOR, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    mov     $GUEST_STACK_TOP, %esp
    movl    $0x5052, GUEST_DATA
    movl    $SWITCH_PDPT + 7, SWITCH_PML4
    movl    $SWITCH_PD + 7, SWITCH_PDPT
    movl    $0x87, SWITCH_PD
    mov     $SWITCH_PML4, %eax
    mov     %eax, %cr3
    mov     $CR4_PAE, %eax
    mov     %eax, %cr4
    mov     $IA32_EFER, %ecx
    rdmsr
    or      $EFER_LME, %eax
    wrmsr
    mov     %cr0, %eax
    or      $CR0_PG, %eax
place switches_long
    mov     %eax, %cr0
    ljmp    $GUEST_CODE_SELECTOR, $GUEST_CODE + (2f - switches_start)
    .code64
2:  mov     $IA32_EFER, %ecx
    rdmsr
    mov     %eax, GUEST_DATA + 4
    mov     $1 << 40, %rax
    shr     $40, %rax
    mov     %eax, GUEST_DATA + 8
    end_call
switches_gdtr:
    .word   0xff
    .long   GUEST_GDT
    end_guest switches

/* Reads the machine's memory where it is, tries to write and to execute there, and reaches for the
 * hypervisor's. */
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

/* Two guests: one leaves a value in every register that VM exits leave alone, the other one, which
 * runs after it on the same CPU, writes down what it finds there. */
#define CPUID_XSAVE_BIT     26 /* leaf 1, ECX */
#define CPUID_AVX_BIT       28
#define CPUID_STATE_LEAF    0xd
#define MXCSR_LEFT          0x9fc0 /* flush to zero, denormals are zeroes */

    /* XCR0 = all that there is. Jumps to `without` where there is no XSAVE. */
    .macro  enable_extended_state without
    mov     $1, %eax
    cpuid
    bt      $CPUID_XSAVE_BIT, %ecx
    jnc     \without
    mov     %ecx, %r15d
    set_bits cr4, CR4_OSXSAVE
    .endm

    .macro  name_all_state
    mov     $CPUID_STATE_LEAF, %eax
    xor     %ecx, %ecx
    cpuid
    xor     %ecx, %ecx
    xsetbv
    .endm

    guest   registers_left
    set_bits cr4, CR4_OSFXSR
    movabs  $LEFT_VALUE, %rbx
    mov     %rbx, %cr2
    mov     $5, %eax
    mov     %rax, %cr8
    .irp    number, 0, 1, 2, 3
    mov     %rbx, %dr\number
    .endr
    mov     $0xffff0fff, %eax
    mov     %rax, %dr6
    mov     $IA32_KERNEL_GS_BASE, %ecx
    mov     %ebx, %eax
    mov     %rbx, %rdx
    shr     $32, %rdx
    wrmsr

    fninit
    .rept   8
    fldpi
    .endr
    movl    $MXCSR_LEFT, GUEST_DATA
    ldmxcsr GUEST_DATA
    .irp    number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movq    %rbx, %xmm\number
    .endr
    enable_extended_state 1f
    name_all_state
    movabs  $LEFT_VALUE, %rbx
    bt      $CPUID_AVX_BIT, %r15d
    jnc     1f
    mov     %rbx, GUEST_DATA
    .irp    number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vbroadcastsd GUEST_DATA, %ymm\number
    .endr
1:  end_call
    end_guest registers_left

    guest   registers_found
    .irp    register, %rcx, %rdx, %rbx, %rbp, %rsi, %rdi, %r8, %r9, %r10, %r11, %r12, %r13, %r14, \
            %r15
    or      \register, %rax
    .endr
    mov     %rax, FOUND_GENERAL
    mov     %cr2, %rax
    mov     %rax, FOUND_CR2
    mov     %cr8, %rax
    mov     %rax, FOUND_CR8
    .irp    number, 0, 1, 2, 3
    mov     %dr\number, %rax
    mov     %rax, FOUND_DR0 + 8 * \number
    .endr
    mov     %dr6, %rax
    mov     %rax, FOUND_DR6
    mov     %dr7, %rax
    mov     %rax, FOUND_DR7
    mov     $IA32_KERNEL_GS_BASE, %ecx
    rdmsr
    mov     %eax, FOUND_GS_KERNEL
    mov     %edx, FOUND_GS_KERNEL + 4

    set_bits cr4, CR4_OSFXSR
    fxsave64 FOUND_FXSAVE
    enable_extended_state 1f
    xor     %ecx, %ecx
    xgetbv
    mov     %eax, FOUND_XCR0
    mov     %edx, FOUND_XCR0 + 4
    name_all_state
    mov     $-1, %eax
    mov     $-1, %edx
    xsave64 FOUND_XSAVE
1:  end_call
    end_guest registers_found
