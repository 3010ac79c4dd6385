/*
 * A kernel that only says MESSAGE on COM1 and then powers off (QEMU's q35: ACPI's PM1a control
 * register stands at port 0x604), hangs (HANG) or triple-faults (SILENT): it shows that tools/run
 * tells the ends of a boot apart.
 */
#define MULTIBOOT2_MAGIC 0xe85250d6
#define COM1             0x3f8
#define PM1A_CONTROL     0x604
#define SLEEP_S5         0x2000

    .section .text
    .code32
    .align 8
header:
    .long MULTIBOOT2_MAGIC, 0, header_end - header, -(MULTIBOOT2_MAGIC + header_end - header)
    .word 0, 0
    .long 8
header_end:

    .global _start
_start:
    mov $message, %esi
next:
    lodsb
    test %al, %al
    jz end
    mov %al, %bl
    mov $(COM1 + 5), %dx
wait:
    in %dx, %al
    test $0x20, %al
    jz wait
    mov $COM1, %dx
    mov %bl, %al
    out %al, %dx
    jmp next
end:
#ifdef SILENT
    lidt no_idt
    int3
#endif
#ifndef HANG
    mov $PM1A_CONTROL, %dx
    mov $SLEEP_S5, %ax
    out %ax, %dx
#endif
    hlt
    jmp end

message:
    .asciz MESSAGE
no_idt:
    .word 0
    .long 0
