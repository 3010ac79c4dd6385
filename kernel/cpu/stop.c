#include "kernel/cpu/stop.h"

#include <stdatomic.h>

#include "kernel/console/console.h"
#include "lib/host/apic.h"
#include "lib/host/clock.h"
#include "lib/host/cpu.h"
#include "lib/x86_vmx.h"
#include "vmx/vmx_cpu.h"

#define NOBODY UINT64_MAX

enum {
    HALT_MS = 100, /* how long the other CPUs have to halt: one may be kept by an SMI */
    UNCALIBRATED_TICKS = 500000000,
};

static _Atomic uint64_t owner = NOBODY; /* an APIC id, which a CPU has before any data of its own */
static void (*chosen_end)(void);        /* NULL: halt */

bool stop_claim(void)
{
    uint64_t me = cpu_processor_id();
    uint64_t seen = NOBODY;

    return atomic_compare_exchange_strong(&owner, &seen, me) || seen == me;
}

bool stop_elsewhere(void)
{
    uint64_t seen = atomic_load(&owner);

    return seen != NOBODY && seen != cpu_processor_id();
}

/* One that was given up may still be in VMX operation: what it runs is ours. */
static bool has_to_stop(struct cpu *cpu, const struct cpu *self)
{
    return cpu != self && !atomic_load(&cpu->halted) &&
           (atomic_load(&cpu->phase) == CPU_READY || cpu->vmx->state != VMX_CPU_OFF);
}

void stop_call(void)
{
    const struct cpu *self = cpu_here();

    for (uint32_t i = 0; i < cpu_count; i++) {
        if (has_to_stop(cpus[i], self)) {
            apic_send(cpus[i]->apic_id, APIC_NMI);
            apic_send(cpus[i]->apic_id, APIC_FIXED | VECTOR_WAKE);
        }
    }
}

uint32_t stop_wait(uint64_t ticks)
{
    const struct cpu *self = cpu_here();
    uint64_t start = rdtsc();

    for (;;) {
        uint32_t missing = 0;

        for (uint32_t i = 0; i < cpu_count; i++)
            missing += has_to_stop(cpus[i], self);
        if (missing == 0 || rdtsc() - start >= ticks)
            return missing;
        cpu_relax();
    }
}

uint64_t stop_ticks(uint64_t ms)
{
    return clock_tsc_per_ms() != 0 ? clock_tsc_per_ms() * ms : UNCALIBRATED_TICKS;
}

void machine_set_exit(void (*end)(void))
{
    chosen_end = end;
}

static void leave_vmx(void)
{
    if (read_cr4() & CR4_VMXE)
        x86_vmxoff(); /* a fault, outside VMX operation, is caught */
}

_Noreturn void machine_halt(void)
{
    struct cpu *cpu = cpu_here();

    interrupts_off();
    leave_vmx();
    if (cpu != NULL)
        atomic_store(&cpu->halted, true);
    for (;;)
        asm volatile("hlt");
}

_Noreturn void machine_stop(void)
{
    uint32_t late;

    interrupts_off();
    if (!stop_claim())
        machine_halt();
    console_drain();
    stop_call();
    late = stop_wait(stop_ticks(HALT_MS));
    if (late > 0)
        console_print("%u CPUs did not halt: they may still be in VMX operation.\n", late);
    leave_vmx();
    if (chosen_end != NULL)
        chosen_end();
    console_drain();
    machine_halt();
}
