/*
 * How control arrives: from GRUB's 32-bit protected mode, at whatever address the image was loaded,
 * to C in long mode at the address it was linked for.
 *
 * Multiboot2 Specification, "I386 machine state":
 *   in:  EAX = magic, EBX = physical address of the Multiboot2 information,
 *        CS/DS/ES/SS flat 4 GiB segments, paging off, interrupts off, A20 on, no stack.
 *   out: kernel_main(RDI = physical address of the information, RSI = physical load address,
 *        RDX = the TSC at the first instruction, RCX = the magic), on the boot stack, with boot page tables that
 *        map the first 4 GiB twice (where they are, and at DIRECT_MAP) and the image at KERNEL_BASE.
 *
 * These tables are writable and executable throughout; mm/memory.c replaces them before
 * anything else happens.
 */
#include "boot/boot.h"
#include "lib/frame.inc"
#include "lib/x86_registers.h"

#define CPUID_EDX_LM      (1 << 29)
#define PTE_PRESENT       (1 << 0)
#define PTE_WRITE         (1 << 1)
#define PTE_LARGE         (1 << 7)
#define PTE_TABLE         (PTE_PRESENT | PTE_WRITE)
#define PTE_LARGE_PAGE    (PTE_PRESENT | PTE_WRITE | PTE_LARGE)
#define PML4_DIRECT_MAP   256 /* bits 47:39 of DIRECT_MAP */
#define PML4_KERNEL       511 /* bits 47:39 of KERNEL_BASE */
#define PDPT_KERNEL       510 /* bits 38:30 of KERNEL_BASE */
#define SELECTOR_CODE     0x08
#define SELECTOR_DATA     0x10
#define LINE_STATUS       5 /* a register of a UART, from its port on */
#define LINE_STATUS_EMPTY (1 << 5)
#define EGA_TEXT          0xb8000
#define EGA_WHITE_ON_RED  0x4f

/* An image symbol's distance from the load address, which EBP holds. */
#define HERE(symbol) (symbol - KERNEL_BASE)(%ebp)

    .section .boot, "ax"
    .code32
    .global entry32
entry32:
    cli
    cld
    mov %eax, %edi /* the magic, out of RDTSC's way */
    rdtsc
    mov %eax, %ecx
    mov %edx, %esi

    /*
     * Where am I? CALL needs four bytes of stack; the only memory known to be ours is the
     * information's second field, which is reserved and reads as zero.
     */
    cmp $MULTIBOOT2_BOOT_MAGIC, %edi
    jne not_multiboot2
    lea 8(%ebx), %esp
    call 1f
1:  pop %ebp
    sub $(1b - KERNEL_BASE), %ebp
    movl $0, 4(%ebx)

    /*
     * From here on any boot protocol: EDI = its magic, EBX = its information, EBP = load address,
     * ESI:ECX = the TSC at the first instruction; segments as above.
     */
    .global entry32_placed
entry32_placed:
    lea HERE(boot_stack_top), %esp
    push %ebx
    push %edi
    push %esi
    push %ecx

    mov $CPUID_EXTENDED, %eax
    cpuid
    cmp $CPUID_EXTENDED_FEATURES, %eax
    jb no_long_mode
    mov $CPUID_EXTENDED_FEATURES, %eax
    cpuid
    test $CPUID_EDX_LM, %edx
    jz no_long_mode

    /* The first 4 GiB in pages of 2 MiB, for the identity and the direct map. */
    lea HERE(boot_pd), %edi
    mov $PTE_LARGE_PAGE, %eax
    mov $2048, %ecx
2:  mov %eax, (%edi)
    movl $0, 4(%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 2b

    lea HERE(boot_pdpt), %edi
    lea (boot_pd - KERNEL_BASE + PTE_TABLE)(%ebp), %eax
    mov $4, %ecx
3:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    loop 3b

    /* The image, from the load address on. */
    lea HERE(boot_pd_kernel), %edi
    lea PTE_LARGE_PAGE(%ebp), %eax
    mov $BOOT_IMAGE_PAGES, %ecx
4:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 4b
    lea (boot_pd_kernel - KERNEL_BASE + PTE_TABLE)(%ebp), %eax
    mov %eax, (boot_pdpt_kernel - KERNEL_BASE + 8 * PDPT_KERNEL)(%ebp)

    lea (boot_pdpt - KERNEL_BASE + PTE_TABLE)(%ebp), %eax
    mov %eax, HERE(boot_pml4)
    mov %eax, (boot_pml4 - KERNEL_BASE + 8 * PML4_DIRECT_MAP)(%ebp)
    lea (boot_pdpt_kernel - KERNEL_BASE + PTE_TABLE)(%ebp), %eax
    mov %eax, (boot_pml4 - KERNEL_BASE + 8 * PML4_KERNEL)(%ebp)

    /* SDM, "Initializing IA-32e Mode": PAE, CR3, LME, and paging last. */
    mov $CR4_PAE, %eax
    mov %eax, %cr4
    lea HERE(boot_pml4), %eax
    mov %eax, %cr3
    mov $IA32_EFER, %ecx
    rdmsr
    or $EFER_LME, %eax
    wrmsr
    mov %cr0, %eax
    or $(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE), %eax
    and $~(CR0_EM | CR0_TS), %eax /* the x87 is there to be used */
    mov %eax, %cr0

    pop %ecx
    pop %esi
    pop %edi
    pop %ebx

    /* LGDT takes a linear address that only run time knows: make the operand on the stack. */
    lea HERE(boot_gdt), %eax
    push %eax
    pushw $(boot_gdt_end - boot_gdt - 1)
    lgdt (%esp)
    add $6, %esp
    lea HERE(entry64_low), %eax
    push $SELECTOR_CODE
    push %eax
    lret

not_multiboot2:
    /* Nothing is known, not even where this code is: stop without touching anything. */
5:  hlt
    jmp 5b

no_long_mode:
    lea HERE(no_long_mode_text), %esi

/*
 * ESI = text. Shows it on each of COM1 to COM4 and on the text screen, then halts for good. A UART is
 * waited for with a bound; where there is none, all bits read as ones, and it is not waited for.
 */
    mov $EGA_TEXT, %edi
5:  lodsb
    test %al, %al
    jz 8f
    mov %al, (%edi)
    movb $EGA_WHITE_ON_RED, 1(%edi)
    add $2, %edi
    mov %al, %ah
    lea HERE(com_ports), %ebx
6:  movzwl (%ebx), %edx
    add $2, %ebx
    test %edx, %edx
    jz 5b
    add $LINE_STATUS, %edx
    mov $100000, %ecx
7:  in %dx, %al
    test $LINE_STATUS_EMPTY, %al
    loopz 7b
    sub $LINE_STATUS, %edx
    mov %ah, %al
    out %al, %dx
    jmp 6b
8:  hlt
    jmp 8b

    .code64
entry64_low:
    movabs $entry64, %rax
    jmp *%rax

    /* EDI = magic, EBX = information, EBP = load address, ESI:ECX = the TSC at the first instruction. */
    .global entry64
entry64:
    .cfi_startproc
    .cfi_undefined %rip /* the back trace ends here, */
    mov $SELECTOR_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $boot_stack_top, %rsp
    mov %ecx, %edx
    shl $32, %rsi
    or %rsi, %rdx
    mov %edi, %ecx
    mov %ebx, %edi
    mov %ebp, %esi
    xor %ebp, %ebp /* the kernel's own, too */
    call kernel_main
9:  hlt
    jmp 9b
    .cfi_endproc

    /* Of the other CPUs, from boot/ap_trampoline.S. RDI = its struct cpu, RSP = its stack's top. */
    .global entry64_started
entry64_started:
    .cfi_startproc
    .cfi_undefined %rip
    xor %ebp, %ebp
    call smp_started
10: hlt
    jmp 10b
    .cfi_endproc

com_ports:
    .word 0x3f8, 0x2f8, 0x3e8, 0x2e8, 0
no_long_mode_text:
    .asciz "Rootmode: this processor has no 64-bit mode; VMX needs one that has.\r\n"

    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* 64-bit code */
    .quad 0x00cf93000000ffff /* data */
boot_gdt_end:

    .section .bss.boot_tables, "aw", @nobits
    .balign 4096
    .global boot_pml4
boot_pml4:
    .skip 4096
boot_pdpt:
    .skip 4096
boot_pdpt_kernel:
    .skip 4096
boot_pd_kernel:
    .skip 4096
boot_pd:
    .skip 4 * 4096
