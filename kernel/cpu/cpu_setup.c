#include "kernel/cpu/smp.h"

#include "lib/x86.h"
#include "mm/memory.h"
#include "mm/memory_type.h"
#include "mm/page_alloc.h"
#include "vmx/vmx_cpu.h"

/* SDM Vol. 3, "Segment Descriptors" and "TSS Descriptor in 64-bit mode"; accessed bits set. */
#define DESCRIPTOR_CODE64 0x00af9b000000ffffull
#define DESCRIPTOR_DATA   0x00cf93000000ffffull
#define DESCRIPTOR_TSS64  0x0000890000000000ull

/* SDM Vol. 3, figure "64-Bit IDT Gate Descriptors": present, DPL 0, 64-bit interrupt gate. */
#define GATE_INTERRUPT 0x00008e0000000000ull

enum {
    STACK_PAGES = 4,     /* a CPU's own stack */
    IST_STACK_PAGES = 2, /* each of its interrupt stacks */
    VECTORS = 256,
    TRAP_STUB_BYTES = 8,
};

/* Interrupt-stack-table slots in every TSS: exceptions that may come on a bad stack. */
enum { IST_NONE, IST_DF, IST_NMI, IST_MC, IST_COUNT };

extern const uint8_t trap_stubs[];

static struct cpu boot_cpu;
static struct vmx_cpu boot_vmx;

/* One stack for all interrupt-stack slots until memory can be allocated. */
static uint8_t early_ist_stack[4096] __attribute__((aligned(16)));

static void describe_segments(struct cpu *cpu)
{
    uint64_t base = (uint64_t)&cpu->tss;
    uint64_t limit = sizeof(cpu->tss) - 1;

    cpu->gdt[0] = 0;
    cpu->gdt[SELECTOR_CODE / 8] = DESCRIPTOR_CODE64;
    cpu->gdt[SELECTOR_DATA / 8] = DESCRIPTOR_DATA;
    cpu->gdt[SELECTOR_TSS / 8] =
        DESCRIPTOR_TSS64 | limit | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
    cpu->gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
    cpu->tss.io_map_base = sizeof(cpu->tss);
}

static uint64_t idt[VECTORS][2] __attribute__((aligned(16)));

static const uint8_t ist_of[] = {
    [X86_VECTOR_DF] = IST_DF,
    [X86_VECTOR_NMI] = IST_NMI,
    [X86_VECTOR_MC] = IST_MC,
};

/* What is done about each: kernel/trap/traps.c. */
static void build_idt(void)
{
    for (unsigned vector = 0; vector < VECTORS; vector++) {
        uint64_t stub = (uint64_t)trap_stubs + (uint64_t)vector * TRAP_STUB_BYTES;
        uint64_t ist = vector < sizeof(ist_of) ? ist_of[vector] : IST_NONE;

        idt[vector][0] = GATE_INTERRUPT | (stub & 0xffff) | SELECTOR_CODE << 16 | ist << 32 |
                         (stub >> 16 & 0xffff) << 48;
        idt[vector][1] = stub >> 32;
    }
}

void cpu_boot_init(void)
{
    boot_cpu.self = &boot_cpu;
    boot_cpu.vmx = &boot_vmx;
    boot_cpu.phase = CPU_READY;
    for (unsigned ist = IST_DF; ist < IST_COUNT; ist++)
        boot_cpu.tss.ist[ist - 1] = (uint64_t)early_ist_stack + sizeof(early_ist_stack);
    describe_segments(&boot_cpu);
    cpus[0] = &boot_cpu;
    cpu_count = 1;
    build_idt();
}

/* The interrupt stacks; false if memory has run out. */
static bool create_ist_stacks(struct cpu *cpu)
{
    for (unsigned ist = IST_DF; ist < IST_COUNT; ist++) {
        uint64_t top = stack_create(IST_STACK_PAGES);

        if (top == 0)
            return false;
        cpu->tss.ist[ist - 1] = top;
    }
    return true;
}

bool cpu_boot_finish(uint32_t apic_id)
{
    boot_cpu.apic_id = apic_id;
    return create_ist_stacks(&boot_cpu);
}

struct cpu *cpu_create(uint32_t apic_id)
{
    struct {
        struct cpu cpu;
        struct vmx_cpu vmx;
    } * whole;
    uint64_t page;
    struct cpu *cpu;

    page = cpu_count < CPUS_MAX ? pages_alloc(get_order(sizeof(*whole))) : 0;
    if (page == 0)
        return NULL;
    whole = phys_to_virt(page);
    cpu = &whole->cpu;
    cpu->self = cpu;
    cpu->vmx = &whole->vmx;
    cpu->index = cpu_count;
    cpu->apic_id = apic_id;
    cpu->stack_top = stack_create(STACK_PAGES);
    if (cpu->stack_top == 0 || !create_ist_stacks(cpu))
        return NULL;
    describe_segments(cpu);
    cpus[cpu_count++] = cpu;
    return cpu;
}

static void load_tables(struct cpu *cpu)
{
    struct x86_table gdt = {sizeof(cpu->gdt) - 1, (uint64_t)cpu->gdt};
    struct x86_table idtr = {sizeof(idt) - 1, (uint64_t)idt};

    asm volatile("lgdt %[gdt]\n\t"
                 "pushq %[code]\n\t"
                 "leaq 1f(%%rip), %%rax\n\t"
                 "pushq %%rax\n\t"
                 "lretq\n\t"
                 "1: mov %[data], %%ds\n\t"
                 "mov %[data], %%es\n\t"
                 "mov %[data], %%ss\n\t"
                 "mov %[none], %%fs\n\t"
                 "mov %[none], %%gs\n\t"
                 "ltr %[tss]\n\t"
                 :
                 : [gdt] "m"(gdt), [code] "i"(SELECTOR_CODE), [data] "r"(SELECTOR_DATA),
                   [none] "r"(0), [tss] "r"((uint16_t)SELECTOR_TSS)
                 : "rax", "memory");
    asm volatile("lidt %0" : : "m"(idtr));
}

void cpu_init_this(struct cpu *cpu)
{
    load_tables(cpu);
    wrmsr(IA32_GS_BASE, (uint64_t)cpu);
    cpu->execute_disable = execute_disable_enable();
    write_cr0_safe((read_cr0() | CR0_WP | CR0_NE | CR0_MP) &
                   ~(CR0_EM | CR0_TS | CR0_AM | CR0_CD | CR0_NW));
    /* Without MCE a machine check shuts the processor down unreported. */
    write_cr4_safe(read_cr4() | CR4_PGE | CR4_MCE);
    /* Only entry 0, write-back before and after, is in use here: no cache has to be flushed. */
    wrmsr(IA32_PAT, PAT_ROOTMODE);
}
