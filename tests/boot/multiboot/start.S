/*
 * Entry of the test kernel in main.c, by the protocol that MODE names: 32 or 64 bits, with a
 * Multiboot header (HEADER: its flags) or flat; or real mode, which is this file alone.
 */
#define MAGIC 0x1badb002
#define COM1  0x3f8

#if MODE == 16
/* A boot sector: says how it was entered, asks the BIOS for the memory map, resets the machine. */
    .code16
    .global _start
_start:
    mov %esp, %ecx
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7c00, %esp
    mov $message, %si
    cmpb $0x80, %dl
    jne say
    mov %cs, %ax
    test %ax, %ax
    jnz say
    smsw %ax
    test $1, %al
    jnz say
    mov $0x88, %ah /* INT 15h, "Get Extended Memory Size": KiB above 1 MiB */
    int $0x15
    jc say
    cmp $1024, %ax
    jb say
    mov $fine, %si
say:
    lodsb
    test %al, %al
    jz end
    mov %al, %bl
    mov $COM1 + 5, %dx
wait:
    in %dx, %al
    test $0x20, %al
    jz wait
    mov $COM1, %dx
    mov %bl, %al
    out %al, %dx
    jmp say
end:
    mov $COM1 + 5, %dx
drain:
    in %dx, %al
    test $0x40, %al
    jz drain
    mov $0xfe, %al
    out %al, $0x64
halt:
    hlt
    jmp halt
fine:
    .asciz "guest: real mode as a boot sector finds it\r\n"
message:
    .asciz "guest: WRONG real mode\r\n"
#else

    .section .text.start, "ax"
#if MODE == 64
    .code64
#else
    .code32
#endif
    .global _start
_start:
    jmp begin

#ifdef HEADER
    .balign 4
header:
    .long MAGIC, HEADER, -(MAGIC + HEADER)
    .long header, _start, data_end, bss_end, _start
#endif

begin:
    pushf
#if MODE == 64
    pop %rdx
    mov $stack_end, %rsp
    mov %rax, %rdi
    mov %rbx, %rsi
    call guest_main
#else
    pop %edx
    mov $stack_end, %esp
    push %edx
    push %ebx
    push %eax
    call guest_main
#endif
halt:
    hlt
    jmp halt

    .global interrupt
interrupt:
#if MODE == 64
    push %rax
    incl ticks(%rip)
    mov $0x20, %al
    out %al, $0x20
    pop %rax
    iretq
#else
    push %eax
    incl ticks
    mov $0x20, %al
    out %al, $0x20
    pop %eax
    iret
#endif

/* Another CPU's first instructions, copied to a page of the first MiB. */
    .code16
    .global trampoline, trampoline_end
trampoline:
    xor %ax, %ax
    mov %ax, %ds
    lock incw 0x7ff0
1:
    cli
    hlt
    jmp 1b
trampoline_end:

    .bss
    .balign 16
    .skip 4096
stack_end:
#endif
    .section .note.GNU-stack, "", @progbits
