/* What is known about this machine and what was done with it: everything that the report prints. */
#pragma once

#include "boot/boot_info.h"
#include "kernel/acpi/acpi.h"
#include "lib/host/clock.h"
#include "kernel/command_line.h"
#include "lib/host/cpu.h"
#include "mm/memory.h"
#include "vmx/finding.h"
#include "vmx/capability/vmx_capability.h"

/* The TSC of the boot CPU at the steps of the way; 0 for a step that was not reached. */
struct timing {
    uint64_t entry_tsc;        /* the kernel's first instruction */
    uint64_t memory_tsc;       /* page pool and page tables stand */
    uint64_t cpus_started_tsc; /* every CPU that answers has answered */
    uint64_t vmx_on_all_tsc;   /* every CPU is where `stop=` lets it be */
    struct tsc_rate tsc;
};

struct machine {
    uint64_t load_address; /* physical */
    struct boot_info boot;
    struct command_line options;
    enum vmx_check check;   /* what `check=` came to */
    bool virtual_registers; /* CPUID says that a hypervisor is below */
    struct memory_sizes memory;
    uint64_t used_bytes; /* of the page pool, when the report is made */
    bool x2apic;
    bool runs_guests;                /* a room does; else the core shows that it can */
    bool knows_nmis;                 /* a room has said where they came from */
    const struct firmware *firmware; /* NULL: not read yet */
    struct timing timing;
    struct findings findings;         /* about the machine as a whole, and CPUs from outside */
    uint64_t findings_of[CPUS_MAX];   /* by CPU: bit i stands for the finding of that number */
    struct vmx_capability capability; /* of the boot CPU */
    struct cpu *const *cpus;
    uint32_t cpu_count;
};

/* A finding about the machine as a whole, or about a CPU from outside; `detail` must stay. */
void machine_add(struct machine *machine, enum rule rule, uint32_t cpu, const char *detail);
void machine_add_finding(struct machine *machine, struct finding finding);

/* Which CPUs the finding of that number is about, until the next call. */
const bool *machine_finding_cpus(const struct machine *machine, uint32_t number);

/* What each CPU has found joins them; what several CPUs have alike stands once. For the report. */
void machine_gather_findings(struct machine *machine);

/*
 * The decisions on the way to VMX: each adds its findings to machine->findings. First: words that
 * were not understood; what is `wrong` (NULL: nothing) with the loader's information.
 */
void check_command_line(struct machine *machine);
void check_boot_information(struct machine *machine, const char *wrong);

/* `ready`: the page pool and the page tables stand. The TSC's rate, and what is doubtful of it. */
void check_memory(struct machine *machine, bool ready);
void check_clock(struct machine *machine, const struct clock *clock);

/*
 * The APIC ids of the CPUs that are to be started besides the boot CPU, which `cpus=N` counts as
 * well; at most ACPI_CPUS_MAX. Returns how many; 0 without what it takes to start them: a clock,
 * and `has_page`, a free page below 1 MiB. From machine->firmware and machine->timing.
 */
uint32_t machine_choose_cpus(struct machine *machine, bool has_page, uint32_t *apic_ids);

/* After `chosen` CPUs were to be started: those without data, and those without an answer. */
void check_started_cpus(struct machine *machine, uint32_t chosen);

/* Values overridden for a CPU that is not there. */
void check_overrides(struct machine *machine);

/* CPUs that have not come back from a round of work. */
void check_round(struct machine *machine);

/* At the end: NMIs that nobody here has sent. */
void check_nmis(struct machine *machine);

/* Any refusal, of the machine as a whole or of one of its CPUs. */
bool machine_refused(const struct machine *machine);

/* Does every CPU that takes part have its VMCS loaded, so that it can run guests? */
bool machine_all_loaded(const struct machine *machine);

/* Among the gathered findings is none of what the command line asks for and could not be done. */
bool machine_followed_command_line(const struct machine *machine);

/*
 * kernel/vmx_all.c: the boot CPU's capabilities are checked first, as what the others must match;
 * then every CPU checks its own and goes as far as `stop=` says, all at once. If any of them
 * refuses, all leave VMX operation. What happened stands in each CPU's struct vmx_cpu.
 */
void vmx_all_enable(struct machine *machine);

/* Gives work to every CPU that is ready; one that is not back in time is a refusal by name. */
void vmx_all_run(struct machine *machine, void (*work)(struct cpu *cpu), uint64_t microseconds);

/* kernel/hello.c: the core's own guest on every CPU; one that fails is a finding. */
void hello_run_all(struct machine *machine);
