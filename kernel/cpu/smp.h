/*
 * Sets up a CPU (its data, its stacks, the registers that are alike on all), starts the others, all
 * at once, and gives work to all of them.
 *
 * SDM Vol. 3, "Multiple-Processor (MP) Initialization".
 */
#pragma once

#include "lib/host/cpu.h"

/* Selectors in every CPU's GDT. */
enum { SELECTOR_CODE = 0x08, SELECTOR_DATA = 0x10, SELECTOR_TSS = 0x18 };

/*
 * Makes the boot CPU cpus[0], on stacks of the image: before there is memory to allocate, so that
 * an exception can be reported from the start; builds the IDT, one for all CPUs. cpu_boot_finish()
 * gives it guarded interrupt stacks and its APIC id; false if memory has run out.
 */
void cpu_boot_init(void);
bool cpu_boot_finish(uint32_t apic_id);

/*
 * Allocates another CPU's data and its guarded stacks, and enters it in cpus[]. Boot CPU only.
 * Returns NULL when memory or cpus[] is full.
 */
struct cpu *cpu_create(uint32_t apic_id);

/* Makes the CPU that runs this its own: GDT, TSS, IDT, GS base, CR0/CR4/EFER bits, PAT. */
void cpu_init_this(struct cpu *cpu);

/*
 * Starts the CPUs with these APIC ids, each once, INIT-SIPI-SIPI for all at once; `trampoline_page`
 * is a free page below 1 MiB. A CPU that does not answer within the deadline gets the phase
 * CPU_SILENT and takes no part in anything.
 */
void smp_start(const uint32_t *apic_ids, uint32_t count, uint64_t trampoline_page);

/* What a CPU that has been started does, on its own stack, for the rest of its life. */
_Noreturn void smp_started(struct cpu *cpu);

/*
 * Runs `work` on every CPU that is ready, in parallel, the caller's own included. Returns when all
 * are done, or `microseconds` after the caller's own is: then a CPU that is not done becomes
 * CPU_LOST. False if any did.
 */
bool smp_run(void (*work)(struct cpu *cpu), uint64_t microseconds);

/* What a room does again and again while the boot CPU waits for the others. */
typedef void smp_wait(void);
SET_DECLARE(smp_waits, smp_wait);

/*
 * Who gets which inter-processor interrupt when, while the other CPUs are started. Pure.
 *
 * SDM Vol. 3, "MP Initialization Protocol Algorithm for MP Systems" asks for INIT, 10 ms, SIPI,
 * 200 µs, SIPI. Processors of the last two decades need none of these waits, and Linux uses 10 µs
 * on them (smp_quirk_init_udelay). So the first round is the short one; the CPUs that it did not
 * bring in get a second round by the book, all of them at once.
 */
enum start_action {
    START_WAIT,    /* nothing yet: look again */
    START_INIT,    /* INIT to every CPU that has not arrived */
    START_STARTUP, /* SIPI to every CPU that has not arrived */
    START_OVER,    /* all are ready, or the time is up */
};

struct start_plan {
    unsigned step;    /* the next one */
    uint64_t until;   /* when it may be taken, in microseconds since the beginning */
    uint32_t unready; /* CPUs, when it was asked last */
};

/*
 * What to do `now` (microseconds since the beginning). `unready` CPUs have not finished
 * starting, whether they have arrived in our code or not. Start with a zeroed plan.
 */
enum start_action start_plan_next(struct start_plan *plan, uint64_t now, uint32_t unready);
