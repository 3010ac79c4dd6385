/* Per-CPU data, reached through GS; one for each CPU that was started. */
#pragma once

#include <stdatomic.h>

#include "lib/set.h"
#include "mm/radix.h"

struct vmx_cpu; /* vmx/vmx_cpu.h */

enum {
    CPUS_MAX = 512,
};

/* SDM Vol. 3, "Task Management in 64-bit Mode". */
struct __attribute__((packed)) tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7]; /* IST n is ist[n - 1] */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map_base;
};

enum cpu_phase {
    CPU_ABSENT,
    CPU_STARTING,
    CPU_READY,
    CPU_SILENT,      /* it did not answer */
    CPU_LOST,        /* it did not come back from its work */
    CPU_UNREACHABLE, /* nothing could be sent to it */
};

struct cpu {
    struct cpu *self; /* first: GS:0 */
    uint32_t index;
    uint32_t apic_id;
    _Atomic(enum cpu_phase) phase;
    atomic_bool halted; /* for good, outside VMX operation: kernel/cpu/stop.h */
    uint64_t stack_top; /* virtual */
    uint64_t gdt[5];
    struct tss tss;
    enum execute_disable execute_disable;
    /* NMIs that nobody here has sent. As on Linux the boot goes on, and the report prints them. */
    _Atomic(uint32_t) nmis;
    struct vmx_cpu *vmx;
};

/* All CPUs of the machine that we use or tried to; [0] is the boot CPU. */
extern struct cpu *cpus[CPUS_MAX];
extern uint32_t cpu_count;

static inline struct cpu *this_cpu(void)
{
    struct cpu *cpu;

    asm("mov %%gs:0, %0" : "=r"(cpu));
    return cpu;
}

/* The same where GS may not point to it yet: NULL then. */
struct cpu *cpu_here(void);

/* This CPU's APIC id, from CPUID: works before the per-CPU data and the APIC do. */
uint32_t cpu_processor_id(void);

/* How many of them run. */
uint32_t cpus_ready(void);

/* Who may have sent an NMI on this CPU, or whose it is: a guest's that owns the machine. False: not
 * so. */
typedef bool nmi_owner(void);
SET_DECLARE(nmi_owners, nmi_owner);

/* An NMI has come on this CPU. */
static inline void nmi_handle(void)
{
    struct cpu *cpu = cpu_here();

    SET_FOR_EACH(nmi_owners, owner) {
        if ((*owner)())
            return;
    }
    if (cpu)
        atomic_fetch_add(&cpu->nmis, 1);
}
