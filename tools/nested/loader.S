/*
 * The first two sectors of the disk that the outer machine (Bochs) boots.
 *
 * The BIOS loads the first sector. It fetches the rest of the loader with the BIOS, asks the BIOS
 * for its memory map, switches to 32-bit protected mode without paging and calls load_and_start(),
 * which reads Linux and its initramfs by programmed I/O. GRUB would do the same for 13 instructions
 * a byte; `rep insl` does it for a quarter of one, and an emulator counts every one of them.
 */
    .set LOADER_SECTORS, 15 /* what follows the boot sector */
    .set STACK, 0x7000
    .set SMAP, 0x534d4150

    .code16
    .section .boot, "ax"
    .globl boot_sector
boot_sector:
    ljmp $0, $1f
1:  xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $STACK, %sp
    cld
    mov $variables, %di
    mov $variables_size, %cx
    xor %al, %al
    rep stosb

    /* INT 13h function 42h: extended read of the rest, right after this sector. */
    mov $disk_address_packet, %si
    mov $0x42, %ah
    int $0x13
    jc stop

    /* INT 15h function E820h, one entry a call, until EBX comes back as zero. */
    xor %ebx, %ebx
    mov $memory_map, %di
2:  mov $0xe820, %eax
    mov $24, %ecx
    mov $SMAP, %edx
    int $0x15
    jc 3f
    cmp $SMAP, %eax
    jne 3f
    add $24, %di
    incl memory_map_entries
    test %ebx, %ebx
    jz 3f
    cmp $memory_map_end, %di
    jb 2b
3:
    /* Address line 20 by the fast gate, then protected mode with flat segments. */
    in $0x92, %al
    or $2, %al
    out %al, $0x92
    cli
    lgdt gdt_pointer
    mov %cr0, %eax
    or $1, %eax
    mov %eax, %cr0
    ljmp $8, $protected_mode
stop:
    cli
    hlt
    jmp stop

    .align 4
disk_address_packet:
    .byte 16, 0
    .word LOADER_SECTORS
    .word 0x7e00, 0
    .quad 1

    .align 8
gdt:
    .quad 0
    .quad 0x00cf9a000000ffff /* code, base 0, limit 4 GiB */
    .quad 0x00cf92000000ffff /* data, base 0, limit 4 GiB */
gdt_pointer:
    .word . - gdt - 1
    .long gdt

    .code32
protected_mode:
    mov $16, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    call load_and_start

    .org 510
    .word 0xaa55

    .section .bss
    .globl memory_map, memory_map_entries
    .align 8
memory_map:
    .skip 24 * 64
memory_map_end:
memory_map_entries:
    .skip 4
