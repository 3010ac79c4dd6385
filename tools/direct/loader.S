/*
 * The beginning of a disk that starts a PVH kernel, in Bochs, without GRUB: tools/run --loader direct.
 *
 * tools/machine/direct.py makes the disk, and has done what can be done beforehand: it has read the
 * ELF file, and the start info lies in the disk's first sectors. What only the machine knows is left
 * to be asked here: its memory map (INT 15h, E820h) and where its RSDP is.
 *
 *   in:  the BIOS has put the first sector at 0x7c00; DL = the disk.
 *   out: the kernel's entry as Xen's "x86/HVM direct boot ABI" wants it, EBX = physical address of
 *        the start info, CS/DS/ES flat, CR0 = PE and ET, CR4 = 0, interrupts off, A20 on; TR is not
 *        what it says, for no kernel looks at it.
 */
    /* direct.py has these numbers, too. */
    .set REST, 0x7e00 /* the second sector and what follows it */
    .set REST_SECTORS, 33
    .set PLAN, 0x8000 /* entry, count of pieces, pieces: LBA, bytes of the disk, address, bytes */
    .set START_INFO, 0x9000
    .set MEMORY_MAP, 0xd000

    .set MEMORY_MAP_END, MEMORY_MAP + 24 * 128
    .set PIECE_SIZE, 16
    .set BOUNCE, 0x10000
    .set CHUNK, 64 /* sectors */
    .set SECTOR, 512
    .set SMAP, 0x534d4150
    .set START_INFO_RSDP, START_INFO + 32
    .set START_INFO_MEMORY_COUNT, START_INFO + 48
    .set SELECTOR_CODE, 8
    .set SELECTOR_DATA, 16
    .set CR0_PE_AND_ET, 0x11
    .set COM1, 0x3f8

    .code16
    .globl boot_sector
boot_sector:
    ljmp $0, $1f
1:  xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $boot_sector, %esp
    cld
    mov %dl, disk
    mov $rest_packet, %si
    call read

    jmp rest

/* INT 13h function 42h, extended read: SI = its packet. Other registers stay. */
read:
    pushal
    mov disk, %dl
    mov $0x42, %ah
    int $0x13
    jc failed
    popal
    ret

failed:
    mov $message, %si
6:  lodsb
    test %al, %al
    jz 8f
    mov %al, %ah
    mov $COM1 + 5, %dx
7:  in %dx, %al
    test $0x20, %al
    jz 7b
    mov %ah, %al
    mov $COM1, %dx
    out %al, %dx
    jmp 6b
8:  hlt
    jmp 8b

    .align 4
rest_packet:
    .byte 16, 0
    .word REST_SECTORS, REST, 0
    .quad 1
packet:
    .byte 16, 0
packet_sectors:
    .word 0, 0, BOUNCE >> 4
packet_lba:
    .quad 0

    .align 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff /* code, base 0, limit 4 GiB */
    .quad 0x00cf93000000ffff /* data, base 0, limit 4 GiB */
gdt_pointer:
    .word . - gdt - 1
    .long gdt

disk:
    .byte 0
message:
    .asciz "The disk cannot be read.\r\n"

    .org 510
    .word 0xaa55

/* The second sector. */
rest:
    /* Address line 20 by the fast gate. */
    in $0x92, %al
    or $2, %al
    out %al, $0x92

    /* One entry a call, until EBX comes back as zero. PVH's entries are of the same structure. */
    xor %ebx, %ebx
    mov $MEMORY_MAP, %di
2:  mov $0xe820, %eax
    mov $24, %ecx
    mov $SMAP, %edx
    int $0x15
    jc 3f
    cmp $SMAP, %eax
    jne 3f
    add $24, %di
    incl START_INFO_MEMORY_COUNT
    test %ebx, %ebx
    jz 3f
    cmp $MEMORY_MAP_END, %di
    jb 2b
3:

    /* EBP = the piece. Its LBA and its bytes on the disk change as it is read; EDI = where to. */
    mov $PLAN + 8, %ebp
next_piece:
    mov 8(%ebp), %edi
next_chunk:
    mov 4(%ebp), %ecx
    test %ecx, %ecx
    jz clear_rest
    cmp $CHUNK * SECTOR, %ecx
    jbe 4f
    mov $CHUNK * SECTOR, %ecx
4:  sub %ecx, 4(%ebp)
    lea SECTOR - 1(%ecx), %eax
    shr $9, %eax
    mov %ax, packet_sectors
    mov (%ebp), %edx
    mov %edx, packet_lba
    add %eax, (%ebp)
    mov $packet, %si
    call read
    mov $BOUNCE, %esi
    add $3, %ecx
    shr $2, %ecx
    call make_segments_large
    rep movsl (%esi), %es:(%edi)
    jmp next_chunk
clear_rest:
    mov 8(%ebp), %ecx
    add 12(%ebp), %ecx
    sub %edi, %ecx
    jbe 5f
    add $3, %ecx
    shr $2, %ecx
    call make_segments_large
    xor %eax, %eax
    rep stosl %eax, %es:(%edi)
5:  add $PIECE_SIZE, %ebp
    decl PLAN + 4
    jnz next_piece

    cli
    lgdt gdt_pointer
    mov $CR0_PE_AND_ET, %eax
    mov %eax, %cr0
    ljmp $SELECTOR_CODE, $protected_mode

/* DS and ES reach 4 GiB until the processor is in protected mode again: limits outlast it. */
make_segments_large:
    push %ds
    cli
    lgdt gdt_pointer
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    mov $SELECTOR_DATA, %bx
    mov %bx, %ds
    mov %bx, %es
    and $~1, %al
    mov %eax, %cr0
    pop %ds
    push %ds
    pop %es
    ret

    .code32
protected_mode:
    mov $SELECTOR_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss

    /*
     * ACPI Specification, "Finding the RSDP on IA-PC Systems": on a multiple of 16 in the first KiB
     * of the extended BIOS data area, or in the BIOS's own 128 KiB.
     */
    movzwl 0x40e, %esi
    shl $4, %esi
    mov $1024 / 16, %ecx
    call find_rsdp
    mov $0xe0000, %esi
    mov $0x20000 / 16, %ecx
    call find_rsdp
no_rsdp:
    mov $START_INFO, %ebx
    jmp *PLAN

/* In ECX places from ESI on; does not return where it is there. */
find_rsdp:
    cmpl $0x20445352, (%esi) /* "RSD " */
    jne 10f
    cmpl $0x20525450, 4(%esi) /* "PTR " */
    jne 10f
    xor %eax, %eax
    mov $19, %edx
9:  add (%esi, %edx), %al
    dec %edx
    jns 9b
    test %al, %al
    jnz 10f
    mov %esi, START_INFO_RSDP
    pop %eax
    jmp no_rsdp
10: add $16, %esi
    loop find_rsdp
    ret

    .org PLAN - 0x7c00
