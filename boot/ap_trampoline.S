/*
 * Where a CPU wakes up after INIT and SIPI: real mode, at the beginning of a page below 1 MiB.
 *
 *   in:  CS = page / 16, IP = 0; nothing else is known. SDM Vol. 3, "MP Initialization Protocol
 *        Algorithm for MP Systems".
 *   out: main(RDI = its struct cpu) in long mode, on its own stack, with the kernel's page tables.
 *
 * All CPUs come through here at the same time, so none writes to the page and none has a stack
 * until it has found its own by its APIC id. The page is mapped read-only anyway: the descriptors
 * have their accessed bits set, since the processor would set them.
 *
 * There is no IDT here: a fault shuts the processor down. So nothing is done that could fault with
 * what the boot CPU has itself: long mode, the same tables.
 */
#include "boot/boot.h"
#include "lib/x86_registers.h"

#define MSR_X2APIC_ID     0x802
#define XAPIC_ID          0x20
#define XAPIC_ID_SHIFT    24
#define XD_DISABLE_HIGH   (1 << 2) /* bit 34: of EDX */
#define SELECTOR_CODE_64  0x08
#define SELECTOR_DATA     0x10
#define SELECTOR_CODE_32  0x18

/* Of the page. */
#define HERE(symbol) (symbol - ap_trampoline)

    .section .trampoline, "a"
    .balign 16
    .global ap_trampoline

    .code16
ap_trampoline:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    movzwl %ax, %ebx
    shl $4, %ebx /* the page's address, from here to the end */
    lidtl HERE(no_idt)
    lgdtl HERE(ap_gdt)
    /* INIT leaves the caches as they were, or off where firmware never had this CPU. */
    mov $(CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
    mov %eax, %cr0
    ljmpl *HERE(ap_far_32)

    .code32
protected_mode:
    mov $SELECTOR_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs

    /*
     * The tables have the NX bit if the boot CPU has it. What firmware took away on this CPU by
     * IA32_MISC_ENABLE[34] is given back (mm/radix.h); one that has none stays out.
     */
    mov HERE(ap_efer)(%ebx), %esi
    mov %ebx, %edi
    test $EFER_NXE, %esi
    jz 2f
    mov $CPUID_EXTENDED_FEATURES, %eax
    cpuid
    test $CPUID_EXTENDED_EDX_NX, %edx
    jnz 2f
    mov $IA32_MISC_ENABLE, %ecx
    rdmsr
    and $~XD_DISABLE_HIGH, %edx
    wrmsr
    mov $CPUID_EXTENDED_FEATURES, %eax
    cpuid
    test $CPUID_EXTENDED_EDX_NX, %edx
    jz left_out
2:  mov %edi, %ebx

    /* SDM, "Initializing IA-32e Mode": PAE, CR3, LME, and paging last. */
    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov HERE(ap_cr3)(%ebx), %eax
    mov %eax, %cr3
    mov $IA32_EFER, %ecx
    mov %esi, %eax
    xor %edx, %edx
    wrmsr
    mov $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
    mov %eax, %cr0
    ljmpl *HERE(ap_far_64)(%ebx)

    .code64
long_mode:
    mov %ebx, %ebx /* the upper half is undefined after the change of mode */

    /*
     * The id as the local APIC has it, since that is what IPIs are sent to. In x2APIC mode it is
     * wider than xAPIC mode could report, so the mode comes first.
     */
    mov HERE(ap_apic)(%rbx), %rdi
    test %rdi, %rdi
    jnz 2f
    mov $IA32_APIC_BASE, %ecx
    rdmsr
    test $APIC_BASE_EXTD, %eax
    jnz 1f
    or $(APIC_BASE_EXTD | APIC_BASE_ENABLE), %eax
    wrmsr
1:  mov $MSR_X2APIC_ID, %ecx
    rdmsr
    jmp 3f
2:  mov XAPIC_ID(%rdi), %eax
    shr $XAPIC_ID_SHIFT, %eax

3:  mov HERE(ap_starts)(%rbx), %rsi
    mov HERE(ap_start_count)(%rbx), %ecx
4:  cmp %eax, AP_START_APIC_ID(%rsi)
    je 5f
    add $AP_START_SIZE, %rsi
    dec %ecx
    jnz 4b
    jmp left_out

5:  mov $AP_START_OPEN, %eax
    mov $AP_START_TAKEN, %edx
    lock cmpxchg %edx, AP_START_STATE(%rsi)
    je 6f
    cmp $AP_START_CLOSED, %eax
    jne left_out
    pause
    jmp 5b
6:  mov AP_START_STACK(%rsi), %rsp
    mov AP_START_CPU(%rsi), %rdi
    jmp *HERE(ap_main)(%rbx)

left_out:
    cli
    hlt
    jmp left_out

    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* 64-bit code */
    .quad 0x00cf93000000ffff /* data */
    .quad 0x00cf9b000000ffff /* 32-bit code */
gdt_end:

no_idt:
    .word 0
    .long 0

/*
 * What the boot CPU fills in, in its copy (boot/boot.h); to the last three, which hold distances from
 * the beginning, it adds the page's address.
 */
    .global ap_cr3, ap_efer, ap_start_count, ap_starts, ap_apic, ap_main
    .global ap_gdt_base, ap_far_32, ap_far_64, ap_trampoline_end
ap_cr3:
    .long 0
ap_efer:
    .long 0
ap_start_count:
    .long 0
    .balign 8
ap_starts:
    .quad 0
ap_apic:
    .quad 0
ap_main:
    .quad 0
ap_gdt:
    .word gdt_end - gdt - 1
ap_gdt_base:
    .long HERE(gdt)
ap_far_32:
    .long HERE(protected_mode)
    .word SELECTOR_CODE_32
ap_far_64:
    .long HERE(long_mode)
    .word SELECTOR_CODE_64
ap_trampoline_end:
