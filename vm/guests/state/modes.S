/*
 * The processor's modes: what marks each of them, and the way from the first to the last.
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
