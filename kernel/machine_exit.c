#include "kernel/panic.h"

#include "kernel/console.h"
#include "lib/x86.h"

static enum exit_action chosen;

void machine_set_exit(enum exit_action action)
{
    chosen = action;
}

_Noreturn void machine_halt(void)
{
    interrupts_off();
    for (;;)
        asm volatile("hlt");
}

_Noreturn void machine_stop(void)
{
    interrupts_off();
    console_drain();
    machine_halt();
}
