#include "kernel/trap/panic.h"

#include <stddef.h>

#include "kernel/console/console.h"
#include "kernel/cpu/stop.h"
#include "lib/host/cpu.h"
#include "lib/x86.h"

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
    console_print("PANIC: ");
}

static void print_cpu(const struct trap_frame *frame, bool nested)
{
    const struct cpu *cpu = cpu_here();

    (void)frame;
    if (nested)
        return;
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

static void print_registers(const struct trap_frame *frame, bool nested)
{
    const struct named_value state[] = {
        {"RIP", frame->rip},       {"RSP", frame->rsp},        {"RBP", frame->rbp},
        {"RFLAGS", frame->rflags}, {"CS", frame->cs},          {"SS", frame->ss},
        {"CR0", read_cr0()},       {"CR2", read_cr2()},        {"CR3", read_cr3()},
        {"CR4", read_cr4()},       {"EFER", rdmsr(IA32_EFER)},
    };
    const struct named_value general[] = {
        {"RAX", frame->rax}, {"RBX", frame->rbx}, {"RCX", frame->rcx}, {"RDX", frame->rdx},
        {"RSI", frame->rsi}, {"RDI", frame->rdi}, {"R8", frame->r8},   {"R9", frame->r9},
        {"R10", frame->r10}, {"R11", frame->r11}, {"R12", frame->r12}, {"R13", frame->r13},
        {"R14", frame->r14}, {"R15", frame->r15},
    };

    print_values(state, sizeof(state) / sizeof(state[0]));
    if (!nested && frame->vector != PANIC_CALLED)
        print_values(general, sizeof(general) / sizeof(general[0]));
}

static const struct panic_section cpu_section = {.print = print_cpu};
static const struct panic_section register_section = {.print = print_registers};
PANIC_SECTION(10, cpu_section);
PANIC_SECTION(30, register_section);

static _Noreturn void finish(const struct trap_frame *frame)
{
    console_print("\n");
    SET_FOR_EACH(panic_sections, section)
        (*section)->print(frame, depth > 1);
    machine_stop();
}

_Noreturn void panic_trap(const struct trap_frame *frame)
{
    bool named = false;

    enter();
    SET_FOR_EACH(panic_sections, section) {
        if ((*section)->name != NULL) {
            (*section)->name(frame);
            named = true;
        }
    }
    if (!named)
        console_print("exception %lu, error code 0x%lx", frame->vector, frame->error_code);
    finish(frame);
}

_Noreturn void panic(const char *format, ...)
{
    struct trap_frame here = {.vector = PANIC_CALLED};
    va_list arguments;

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
    va_start(arguments, format);
    vprint_to(console_sink(), format, arguments);
    va_end(arguments);
    finish(&here);
}
