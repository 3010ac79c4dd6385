#include "kernel/cpu/stop.h"

#include <stdatomic.h>
#include <stddef.h>

#include "lib/host/apic.h"
#include "lib/host/cpu.h"
#include "vmx/vmx_cpu.h"
#include "lib/x86.h"

#define NOBODY UINT64_MAX

static _Atomic uint64_t owner = NOBODY; /* an APIC id, which a CPU has before any data of its own */

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

static uint32_t missing(const struct cpu *self)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < cpu_count; i++)
        count += has_to_stop(cpus[i], self);
    return count;
}

uint32_t stop_wait(uint64_t ticks)
{
    const struct cpu *self = cpu_here();
    uint64_t start = rdtsc();

    while (missing(self) > 0 && rdtsc() - start < ticks)
        cpu_relax();
    return missing(self);
}

void stop_done(void)
{
    struct cpu *cpu = cpu_here();

    if (cpu != NULL)
        atomic_store(&cpu->halted, true);
}
