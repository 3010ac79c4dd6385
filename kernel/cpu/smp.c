#include "kernel/cpu/smp.h"

#include <stdatomic.h>

#include "boot/boot.h"
#include "lib/host/apic.h"
#include "lib/host/clock.h"
#include "kernel/console/console.h"
#include "kernel/report/report.h"
#include "mm/memory.h"
#include "kernel/cpu/stop.h"
#include "lib/string.h"
#include "lib/x86.h"

_Static_assert(offsetof(struct ap_start, state) == AP_START_STATE &&
                   offsetof(struct ap_start, cpu) == AP_START_CPU &&
                   offsetof(struct ap_start, stack) == AP_START_STACK &&
                   sizeof(struct ap_start) == AP_START_SIZE,
               "as the trampoline has it");

/* After this time the CPUs that are waited for are printed; then after twice as long, and so on. */
enum { PATIENCE_US = 1000000 };

/* One for each CPU that is to be started. */
static struct ap_start starts[CPUS_MAX];
static uint32_t start_count;

/* One round of work for everyone; `done` holds the last round that a CPU has finished. */
static void (*current_work)(struct cpu *cpu);
static _Atomic(uint32_t) current_round;
static _Atomic(uint32_t) done[CPUS_MAX];

/*
 * What a started CPU does for the rest of its life. Interrupts are off except in
 * wait_for_interrupt(), where STI takes effect only with HLT: a wake-up sent after the look at
 * current_round is still pending then and ends the HLT at once.
 */
_Noreturn void smp_started(struct cpu *cpu)
{
    uint32_t seen = atomic_load(&current_round);
    enum cpu_phase expected = CPU_STARTING;

    cpu_init_this(cpu);
    apic_init_this();
    /* It may have been given up while it was starting, and later at its work. */
    atomic_compare_exchange_strong(&cpu->phase, &expected, CPU_READY);
    while (atomic_load(&cpu->phase) == CPU_READY && !stop_elsewhere()) {
        uint32_t round = atomic_load(&current_round);

        if (round == seen) {
            wait_for_interrupt();
            continue;
        }
        seen = round;
        current_work(cpu);
        atomic_store(&done[cpu->index], round);
    }
    machine_halt();
}

static void make_starts(const uint32_t *apic_ids, uint32_t count)
{
    start_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct cpu *cpu = cpu_create(apic_ids[i]);

        if (cpu == NULL)
            return;
        if (!apic_reaches(cpu->apic_id)) {
            atomic_store(&cpu->phase, CPU_UNREACHABLE);
            continue;
        }
        atomic_store(&cpu->phase, CPU_STARTING);
        starts[start_count++] = (struct ap_start){
            .state = AP_START_CLOSED, .apic_id = cpu->apic_id, .cpu = cpu, .stack = cpu->stack_top};
    }
}

static void write_trampoline(uint64_t page)
{
    uint8_t *copy = phys_to_virt(page);

/* What the copy has of the trampoline's `name`. */
#define COPIED(name) (*(__typeof__(name + 0) *)(copy + ((const uint8_t *)&(name)-ap_trampoline)))
    memcpy(copy, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
    COPIED(ap_cr3) = (uint32_t)kernel_tables()->radix.root;
    COPIED(ap_efer) = (uint32_t)(rdmsr(IA32_EFER) & (EFER_LME | EFER_NXE));
    COPIED(ap_start_count) = start_count;
    COPIED(ap_starts) = (uint64_t)starts;
    COPIED(ap_apic) = (uint64_t)apic_registers();
    COPIED(ap_main) = (uint64_t)entry64_started;
    COPIED(ap_gdt_base) += (uint32_t)page;
    COPIED(ap_far_32) += (uint32_t)page;
    COPIED(ap_far_64) += (uint32_t)page;
#undef COPIED
}

/* Keeps the CPU from starting: `state` is AP_START_CLOSED or _LEFT_OUT. False if it has started. */
static bool close_start(struct ap_start *start, uint32_t state)
{
    uint32_t seen = atomic_load(&start->state);

    while (seen != AP_START_TAKEN) {
        if (atomic_compare_exchange_weak(&start->state, &seen, state))
            return true;
    }
    return false;
}

/* INIT only to CPUs that are certainly not in our code: one that arrives now has to wait. */
static void init_missing(void)
{
    for (uint32_t i = 0; i < start_count; i++) {
        if (close_start(&starts[i], AP_START_CLOSED))
            apic_send(starts[i].apic_id, APIC_INIT);
    }
}

static void startup_missing(uint64_t page)
{
    for (uint32_t i = 0; i < start_count; i++) {
        uint32_t expected = AP_START_CLOSED;

        atomic_compare_exchange_strong(&starts[i].state, &expected, AP_START_OPEN);
        if (expected != AP_START_TAKEN)
            apic_send(starts[i].apic_id, APIC_STARTUP | (uint32_t)(page / PAGE_SIZE));
    }
}

static bool is_working(const struct cpu *cpu)
{
    return cpu != this_cpu() && atomic_load(&cpu->phase) == CPU_READY &&
           atomic_load(&done[cpu->index]) != atomic_load(&current_round);
}

/* Prints which CPUs are waited for, after what is held back for the serial line. */
static void print_waiting(void)
{
    static bool late[CPUS_MAX];
    char text[CPUS_TEXT_SIZE];

    for (uint32_t i = 0; i < cpu_count; i++)
        late[i] = atomic_load(&cpus[i]->phase) == CPU_STARTING || is_working(cpus[i]);
    console_release();
    console_print("  waiting for %s ...\n", cpus_name(late, cpu_count, text));
}

static void bring_in(uint64_t page)
{
    struct start_plan plan = {0};
    uint64_t begin = rdtsc();

    for (;;) {
        uint32_t unready = 0;

        for (uint32_t i = 0; i < start_count; i++)
            unready += atomic_load(&starts[i].cpu->phase) != CPU_READY;
        switch (start_plan_next(&plan, tsc_to_microseconds(rdtsc() - begin, clock_tsc_per_ms()),
                                unready)) {
        case START_WAIT:
            cpu_relax();
            break;
        case START_INIT:
            if (plan.step > 1) /* the first round was not enough */
                print_waiting();
            init_missing();
            break;
        case START_STARTUP:
            startup_missing(page);
            break;
        case START_OVER:
            return;
        }
    }
}

/* A CPU that has not answered by now is left out for good. False if one was. */
static bool leave_out_missing(void)
{
    bool all_answered = true;

    for (uint32_t i = 0; i < start_count; i++) {
        enum cpu_phase starting = CPU_STARTING;

        close_start(&starts[i], AP_START_LEFT_OUT);
        all_answered &=
            !atomic_compare_exchange_strong(&starts[i].cpu->phase, &starting, CPU_SILENT);
    }
    return all_answered;
}

void smp_start(const uint32_t *apic_ids, uint32_t count, uint64_t trampoline_page)
{
    make_starts(apic_ids, count);
    if (start_count == 0)
        return;
    write_trampoline(trampoline_page);
    if (identity_map_code(trampoline_page)) /* from here on no name of the page is writable */
        bring_in(trampoline_page);
    /* A late CPU still needs the page, to find that it is left out and stop. */
    if (leave_out_missing())
        identity_unmap_code(trampoline_page);
}

/* How many still work; those that are given up become CPU_LOST. */
static uint32_t count_working(bool give_up)
{
    uint32_t working = 0;

    for (uint32_t i = 0; i < start_count; i++) {
        struct cpu *cpu = starts[i].cpu;

        if (!is_working(cpu))
            continue;
        working++;
        if (give_up)
            atomic_store(&cpu->phase, CPU_LOST);
    }
    return working;
}

bool smp_run(void (*work)(struct cpu *cpu), uint64_t microseconds)
{
    uint64_t deadline, patience = PATIENCE_US, print_at;

    current_work = work;
    atomic_fetch_add(&current_round, 1);
    for (uint32_t i = 0; i < start_count; i++) {
        if (atomic_load(&starts[i].cpu->phase) == CPU_READY)
            apic_send(starts[i].apic_id, APIC_FIXED | VECTOR_WAKE);
    }
    work(this_cpu());
    deadline = clock_deadline(microseconds);
    print_at = clock_deadline(patience);
    while (count_working(false) > 0 && !clock_passed(deadline)) {
        if (clock_passed(print_at)) {
            print_waiting();
            print_at = clock_deadline(patience);
            patience *= 2;
        }
        cpu_relax();
        SET_FOR_EACH(smp_waits, room)
            (*room)();
    }
    return count_working(true) == 0;
}
