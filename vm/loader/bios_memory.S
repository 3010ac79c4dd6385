/*
 * INT 15h of a guest in real mode: vm/loader/bios_memory.h. It is a guest's instructions, at offset
 * 0 of their segment, with the answers behind them. Registers are as the functions have them; the
 * carry flag is that of the FLAGS that IRET gives back.
 */
#define NEXT       %cs:(bios_memory_code_end - bios_memory_code)
#define EXTENDED   %cs:(bios_memory_code_end - bios_memory_code + 4)
#define BELOW_16   %cs:(bios_memory_code_end - bios_memory_code + 6)
#define ABOVE_16   %cs:(bios_memory_code_end - bios_memory_code + 8)
#define COUNT      %cs:(bios_memory_code_end - bios_memory_code + 10)
#define RANGES     (bios_memory_code_end - bios_memory_code + 12)
#define RANGE_SIZE 20

#define SMAP          0x534d4150
#define NOT_SUPPORTED 0x86
#define FLAGS_CARRY   1

    .section .rodata.bios_memory, "a", @progbits
    .code16
    .globl  bios_memory_code, bios_memory_code_end
bios_memory_code:
    cmp     $0xe820, %ax
    je      next_range
    cmp     $0xe801, %ax
    je      two_sizes
    cmp     $0x88, %ah
    je      one_size
    ljmp    *NEXT

/* EBX: which one, 0 the first; ES:DI, ECX: where it goes to. EBX gives the next, 0: none. */
next_range:
    cmp     $SMAP, %edx
    jne     refuse
    cmp     $RANGE_SIZE, %ecx
    jb      refuse
    movzwl  COUNT, %eax
    cmp     %eax, %ebx
    jae     refuse
    push    %ds
    push    %si
    push    %di
    push    %cs
    pop     %ds
    imul    $RANGE_SIZE, %bx, %si
    add     $RANGES, %si
    mov     $RANGE_SIZE, %ecx
    cld
    rep movsb
    pop     %di
    pop     %si
    pop     %ds
    inc     %ebx
    cmp     %eax, %ebx
    jb      1f
    xor     %ebx, %ebx
1:  mov     $RANGE_SIZE, %ecx
    mov     %edx, %eax
    jmp     succeed

two_sizes:
    mov     BELOW_16, %ax
    mov     ABOVE_16, %bx
    mov     %ax, %cx
    mov     %bx, %dx
    jmp     succeed

one_size:
    mov     EXTENDED, %ax
succeed:
    push    %bp
    mov     %sp, %bp
    andb    $~FLAGS_CARRY, 6(%bp)
    pop     %bp
    iret

refuse:
    mov     $NOT_SUPPORTED, %ah
    push    %bp
    mov     %sp, %bp
    orb     $FLAGS_CARRY, 6(%bp)
    pop     %bp
    iret

    .balign 4
bios_memory_code_end:

    .section .note.GNU-stack, "", @progbits
