/*
 * The last thing that the machine does. All CPUs leave VMX operation before.
 */
#include "kernel/cpu/stop.h"

#include <stddef.h>

#include "lib/host/clock.h"
#include "kernel/console/console.h"
#include "lib/x86_vmx.h"

enum {
    HALT_MS = 100, /* how long the other CPUs have to halt: one may be kept by an SMI */
    UNCALIBRATED_TICKS = 500000000,
};

static void (*chosen)(void); /* NULL: halt */

void machine_set_exit(void (*end)(void))
{
    chosen = end;
}

uint64_t stop_ticks(uint64_t ms)
{
    return clock_tsc_per_ms() != 0 ? clock_tsc_per_ms() * ms : UNCALIBRATED_TICKS;
}

static void leave_vmx(void)
{
    if (read_cr4() & CR4_VMXE)
        x86_vmxoff(); /* a fault, outside VMX operation, is caught */
}

_Noreturn void machine_halt(void)
{
    interrupts_off();
    leave_vmx();
    stop_done();
    for (;;)
        asm volatile("hlt");
}

static void leave_vmx_everywhere(void)
{
    uint32_t late;

    stop_call();
    late = stop_wait(stop_ticks(HALT_MS));
    if (late > 0)
        console_print("%u CPUs did not halt: they may still be in VMX operation.\n", late);
    leave_vmx();
}

_Noreturn void machine_stop(void)
{
    interrupts_off();
    if (!stop_claim())
        machine_halt();
    console_drain();
    leave_vmx_everywhere();
    if (chosen != NULL)
        chosen();
    console_drain();
    machine_halt();
}
