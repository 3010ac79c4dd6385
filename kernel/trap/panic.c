#include "kernel/trap/panic.h"

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

static void print_cpu(void)
{
    const struct cpu *cpu = cpu_here();

    if (cpu != NULL)
        console_print("  on CPU %u, APIC id %u\n", cpu->index, cpu_processor_id());
    else
        console_print("  on the CPU with APIC id %u, before it has data of its own\n",
                      cpu_processor_id());
}

static _Noreturn void finish(const struct trap_frame *frame)
{
    console_print("\n");
    if (depth == 1)
        print_cpu();
    SET_FOR_EACH(panic_sections, section)
        (*section)(frame, depth > 1);
    machine_stop();
}

_Noreturn void panic_trap(const struct trap_frame *frame)
{
    enter();
    SET_FOR_EACH(trap_names, print) {
        (*print)(frame);
        finish(frame);
    }
    console_print("exception %lu, error code 0x%lx, RIP %016lx, CR2 %016lx", frame->vector,
                  frame->error_code, frame->rip, read_cr2());
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
