#include "lib/host/cpu.h"

#include <stddef.h>

#include "lib/x86.h"

enum { CPUID_FEATURES = 1, CPUID_TOPOLOGY = 0xb };

struct cpu *cpus[CPUS_MAX];
uint32_t cpu_count;

struct cpu *cpu_here(void)
{
    uint64_t base = rdmsr(IA32_GS_BASE);

    for (uint32_t i = 0; i < cpu_count; i++) {
        if ((uint64_t)cpus[i] == base)
            return cpus[i];
    }
    return NULL;
}

uint32_t cpu_processor_id(void)
{
    if (cpuid(0, 0).eax >= CPUID_TOPOLOGY) {
        struct cpuid_registers topology = cpuid(CPUID_TOPOLOGY, 0);

        if (topology.ebx != 0)
            return topology.edx;
    }
    return cpuid(CPUID_FEATURES, 0).ebx >> 24;
}

uint32_t cpus_ready(void)
{
    uint32_t ready = 0;

    for (uint32_t i = 0; i < cpu_count; i++)
        ready += atomic_load(&cpus[i]->phase) == CPU_READY;
    return ready;
}
