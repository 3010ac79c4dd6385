#include "kernel/trap/panic.h"

#include <stdbool.h>
#include <stddef.h>

#include "boot/layout.h"
#include "kernel/trap/backtrace.h"
#include "kernel/console/console.h"
#include "vm/host/cpu.h"
#include "vm/host/machine_check.h"
#include "kernel/cpu/stop.h"
#include "kernel/trap/trap_text.h"
#include "lib/x86.h"

enum {
    BACK_TRACE_MOST = 24,
    /* No stack of ours is larger; frames are looked for from RSP up to here. */
    STACK_BYTES_MOST = 64 * 1024,
};

/* From linker.ld. */
extern const uint8_t text_start[];
extern const uint8_t text_end[];
extern const uint8_t symbols_start[];
extern const uint8_t symbols_end[];

static unsigned depth; /* of panics within the panic; the owner's alone */

/*
 * Makes this CPU the one that panics. A CPU that comes second halts and says nothing. A panic
 * within the panic is reported in short, a third not at all.
 */
static void enter(void)
{
    interrupts_off();
    if (!stop_claim())
        machine_halt();
    depth++;
    if (depth > 2)
        machine_halt();
    if (depth == 1)
        stop_call();
    console_seize();
}

static void print_cpu(void)
{
    const struct cpu *cpu = cpu_here();

    if (cpu != NULL)
        console_print("  on CPU %u, APIC id %u\n", cpu->index, cpu_processor_id());
    else
        console_print("  on the CPU with APIC id %u, before it has data of its own\n",
                      cpu_processor_id());
}

struct named_value {
    const char *name;
    uint64_t value;
};

/* Three on a line, which the narrowest screen holds. */
static void print_values(const struct named_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        console_print("  %-6s %016lx%s", values[i].name, values[i].value,
                      i % 3 == 2 || i + 1 == count ? "\n" : "");
}

static void print_registers(const struct trap_frame *frame)
{
    const struct named_value values[] = {
        {"RAX", frame->rax}, {"RBX", frame->rbx}, {"RCX", frame->rcx}, {"RDX", frame->rdx},
        {"RSI", frame->rsi}, {"RDI", frame->rdi}, {"R8", frame->r8},   {"R9", frame->r9},
        {"R10", frame->r10}, {"R11", frame->r11}, {"R12", frame->r12}, {"R13", frame->r13},
        {"R14", frame->r14}, {"R15", frame->r15},
    };

    print_values(values, sizeof(values) / sizeof(values[0]));
}

static void print_state(const struct trap_frame *frame, uint64_t cr2)
{
    const struct named_value values[] = {
        {"RIP", frame->rip},        {"RSP", frame->rsp},
        {"RBP", frame->rbp},        {"RFLAGS", frame->rflags},
        {"CS", frame->cs},          {"SS", frame->ss},
        {"CR0", read_cr0()},        {"CR2", cr2},
        {"CR3", read_cr3()},        {"CR4", read_cr4()},
        {"EFER", rdmsr(IA32_EFER)},
    };

    print_values(values, sizeof(values) / sizeof(values[0]));
}

/* A fault on the way (a guard page, an address that cannot be) ends the walk, not the machine. */
static bool read_stack(void *context, uint64_t address, uint64_t *value)
{
    uint64_t vector, found = 0;

    (void)context;
    asm volatile("1: mov (%[address]), %[found]\n\t"
                 "xor %%eax, %%eax\n\t"
                 "2:\n\t" X86_FIXUP("1b", "2b")
                 : "=&a"(vector), [found] "+&r"(found)
                 : [address] "r"(address)
                 : "cc", "memory");
    *value = found;
    return vector == 0;
}

/* `lookup` lies in the function that is meant: a return address may already be after its end. */
static void print_place(uint64_t address, uint64_t lookup)
{
    struct symbol symbol;

    if (symbols_find(symbols_start, (size_t)(symbols_end - symbols_start), lookup - KERNEL_BASE,
                     &symbol))
        console_print("    %016lx  %s+0x%lx\n", address, symbol.name,
                      symbol.inside + (address - lookup));
    else
        console_print("    %016lx\n", address);
}

static bool in_text(struct address_range text, uint64_t address)
{
    return address >= text.start && address < text.end;
}

static void print_back_trace(const struct trap_frame *frame)
{
    struct address_range text = {(uint64_t)text_start, (uint64_t)text_end};
    struct address_range stack = {frame->rsp, frame->rsp + STACK_BYTES_MOST};
    uint64_t returns[BACK_TRACE_MOST];
    uint64_t top;
    size_t count;

    console_print("  Back trace:\n");
    if (in_text(text, frame->rip))
        print_place(frame->rip, frame->rip);
    else if (read_stack(NULL, frame->rsp, &top) && in_text(text, top))
        print_place(top, top - 1); /* a call to where no code is */
    count = backtrace_walk(frame->rbp, stack, text, read_stack, NULL, returns, BACK_TRACE_MOST);
    for (size_t i = 0; i < count; i++)
        print_place(returns[i], returns[i] - 1);
}

_Noreturn void panic_trap(const struct trap_frame *frame)
{
    uint64_t cr2 = read_cr2();

    enter();
    console_print("PANIC: %s (vector %lu)", trap_name(frame->vector), frame->vector);
    if (trap_has_error_code(frame->vector)) {
        console_print(", error code 0x%lx", frame->error_code);
        trap_explain_error(console_sink(), frame->vector, frame->error_code);
    }
    console_print("\n");
    if (depth == 1)
        print_cpu();
    if (frame->vector == X86_VECTOR_MC)
        machine_check_print(console_sink());
    print_state(frame, cr2);
    if (depth == 1) {
        print_registers(frame);
        print_back_trace(frame);
    }
    machine_stop();
}

_Noreturn void panic(const char *format, ...)
{
    struct trap_frame here = {0};
    va_list arguments;
    uint64_t cr2 = read_cr2();

    here.rbp = (uint64_t)__builtin_frame_address(0);
    asm("lea (%%rip), %[rip]\n\t"
        "mov %%rsp, %[rsp]\n\t"
        "mov %%cs, %[cs]\n\t"
        "mov %%ss, %[ss]\n\t"
        "pushfq\n\t"
        "pop %[rflags]"
        : [rip] "=&r"(here.rip), [rsp] "=&r"(here.rsp), [cs] "=&r"(here.cs), [ss] "=&r"(here.ss),
          [rflags] "=&r"(here.rflags));
    enter();
    console_print("PANIC: ");
    va_start(arguments, format);
    vprint_to(console_sink(), format, arguments);
    va_end(arguments);
    console_print("\n");
    if (depth == 1) {
        print_cpu();
        print_state(&here, cr2);
        print_back_trace(&here);
    }
    machine_stop();
}
