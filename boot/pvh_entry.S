/*
 * The second way in, which QEMU's -kernel takes. Xen's "x86/HVM direct boot ABI":
 *   in:  EBX = physical address of the start info, CS/DS/ES flat 4 GiB segments, paging and
 *        interrupts off, no stack; the image at the physical addresses of its program headers.
 *   out: boot/entry.S's entry32_placed.
 */
#include "boot/boot.h"
#include "boot/pvh.h"

#define TABLE_ENTRIES 2048 /* of the four tables that hold physical addresses in the image */

    /* A loader of 64-bit files takes the address for 64 bits wide. */
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, PVH_NOTE_ENTRY
    .asciz "Xen"
    .quad pvh_entry32 - KERNEL_BASE + IMAGE_LOAD_ADDRESS

    .section .boot, "ax"
    .code32
pvh_entry32:
    cli
    cld
    mov %ds, %eax
    mov %eax, %ss
    rdtsc
    mov %eax, %ecx
    mov %edx, %esi
    mov $IMAGE_LOAD_ADDRESS, %ebp
    mov $PVH_MAGIC, %edi
    jmp entry32_placed

    .text
    .code64
/*
 * image_move(RDI = from, RSI = to), boot/pvh.h. The boot page tables are part of the image: in the
 * copy each address in them moves with it. From the copy on nothing is written before CR3 has
 * changed, the stack not either, for that would be lost.
 */
    .global image_move
image_move:
    mov %rsi, %rdx
    sub %rdi, %rdx /* how far it moves */
    mov $boot_pml4, %r8
    sub $KERNEL_BASE, %r8
    add %rsi, %r8 /* the tables in the copy, physical */

    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rax, %rsi
    mov $image_end, %rcx
    sub $KERNEL_BASE, %rcx
    shr $3, %rcx
    rep movsq

    mov %r8, %rdi
    mov $TABLE_ENTRIES, %ecx
1:  testb $1, (%rdi)
    jz 2f
    add %rdx, (%rdi)
2:  add $8, %rdi
    dec %ecx
    jnz 1b
    mov %r8, %cr3
    ret
