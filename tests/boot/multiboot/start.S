/*
 * Entry of the test kernel in main.c, by the protocol that MODE names: 32 or 64 bits, with a
 * Multiboot header (HEADER: its flags) or flat; or real mode, which is this file alone.
 */
#define MAGIC 0x1badb002
#define COM1  0x3f8

#if MODE == 16
/*
 * A boot sector: says how it was entered and what the BIOS tells of the memory (INT 15h E820h,
 * E801h, 88h; INT 12h), that a function which has nothing to do with it is there (C0h), and what is
 * refused; then it resets the machine. 510 bytes are all that a BIOS loads.
 */
#define SMAP 0x534d4150

    .code16
    .global _start
_start:
    mov %esp, %ecx
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7c00, %esp
    mov %dl, %bl
    mov $COM1 + 3, %dx
    mov $3, %al /* 8 bits */
    out %al, %dx
    mov %cs, %ax
    test %ax, %ax
    jnz wrong
    cmp $0x80, %bl
    jne wrong
    smsw %ax
    test $1, %al
    jnz wrong
    mov $fine, %si
    call say

    xor %ebx, %ebx
range:
    call ask
    jc wrong
    mov $is_range, %si
    call say
    mov buffer + 4, %eax
    call say_number
    mov buffer, %eax
    call say_number
    mov buffer + 12, %eax
    call say_number
    mov buffer + 8, %eax
    call say_number
    mov buffer + 16, %eax
    call say_number
    test %ebx, %ebx
    jnz range

    mov $0x7fffffff, %ebx /* there is no such range */
    call ask
    mov $is_refused, %si
    call say_carry

    mov $0xe801, %ax
    int $0x15
    push %dx
    push %cx
    push %bx
    push %ax
    mov $is_e801, %si
    call say_carry
    mov $4, %bp
1:  pop %ax
    call say_ax
    dec %bp
    jnz 1b

    stc
    mov $0x88, %ah
    int $0x15
    push %ax
    mov $is_88, %si
    call say_carry
    pop %ax
    call say_ax

    int $0x12
    push %ax
    mov $is_12, %si
    call say
    pop %ax
    call say_ax

    mov $0xc0, %ah
    int $0x15
    mov $is_c0, %si
    call say_carry
    mov %es, %ax
    call say_ax
    mov %bx, %ax
    call say_ax
    jmp end

wrong:
    mov $is_wrong, %si
    call say
end:
    mov $is_end, %si
    call say
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

/* The range of EBX, to `buffer`. */
ask:
    mov $0xe820, %eax
    mov $20, %ecx
    mov $SMAP, %edx
    mov $buffer, %di
    int $0x15
    ret

/* The string at SI, and whether the carry flag is set. */
say_carry:
    setc %al
    push %ax
    call say
    pop %ax
    cbw
say_ax:
    movzwl %ax, %eax
/* A space, and EAX. */
say_number:
    push %eax
    mov $' ', %al
    call say_letter
    pop %eax
    mov $8, %cx
1:  rol $4, %eax
    push %eax
    and $15, %al
    cmp $10, %al
    sbb $0x69, %al
    das
    call say_letter
    pop %eax
    loop 1b
    ret
say:
    lodsb
    test %al, %al
    jnz 1f
    ret
1:  call say_letter
    jmp say
say_letter:
    push %dx
    push %ax
    mov $COM1 + 5, %dx
1:  in %dx, %al
    test $0x20, %al
    jz 1b
    mov $COM1, %dx
    pop %ax
    out %al, %dx
    pop %dx
    ret

fine:
    .asciz "guest: real mode as a boot sector finds it"
is_range:
    .asciz "\r\nrange"
is_refused:
    .asciz "\r\nno range"
is_e801:
    .asciz "\r\ne801"
is_88:
    .asciz "\r\n88"
is_12:
    .asciz "\r\n12"
is_c0:
    .asciz "\r\nc0"
is_wrong:
    .asciz "\r\nWRONG"
is_end:
    .asciz "\r\nend\r\n"
    buffer = 0x7000
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
