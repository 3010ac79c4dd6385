#include "vm/host/alarm.h"

#include "lib/host/apic_timer.h"
#include "lib/host/clock.h"
#include "lib/host/nmi_cause.h"
#include "vm/host/io_apic.h"
#include "vmx/quirks.h"

enum {
    TICK_US = 1000,

    /* 8254 PIT, data sheet "Control Word Format" and "Mode 2: Rate Generator". */
    PIT_HZ = 1193182,
    PIT_CHANNEL_0 = 0x40,
    PIT_COMMAND = 0x43,
    PIT_COMMAND_CHANNEL_0_MODE_0 = 0x30, /* low byte, then high */
    PIT_COMMAND_CHANNEL_0_MODE_2 = 0x34,
    PIT_COUNT = PIT_HZ / (1000000 / TICK_US),

    EVERY_CPU = 0xff, /* as the destination of an I/O APIC's input */
};

static volatile uint32_t *io_apic; /* NULL: no NMIs from here */
static uint32_t input, destination;
static uint64_t tsc_per_ms, timer_per_ms; /* 0: not measured yet */

void alarm_prepare(uint32_t io_apic_address, uint32_t timer_input, uint32_t cpus_named)
{
    uint32_t ready = cpus_ready();

    if (io_apic_address == 0 || apic_registers() == NULL || !quirk(QUIRK_INTERRUPTS_WAIT_FOR_IF))
        return;
    if (ready == 1)
        destination = apic_id();
    else if (ready == cpus_named)
        destination = EVERY_CPU;
    else
        return;
    io_apic = io_apic_map(io_apic_address);
    input = timer_input;
}

/* The local APIC's timer against the TSC, read in the order that clock_measure() wants. */
static bool fill_by_tsc(struct clock_window *window)
{
    uint64_t from = apic_timer_left();
    uint64_t tsc = rdtsc(), now = tsc;
    uint64_t deadline = clock_deadline(CLOCK_WINDOW_US);

    while (now < deadline) {
        cpu_relax();
        now = rdtsc();
    }
    *window = (struct clock_window){from - apic_timer_left(), now - tsc};
    return true;
}

/* Without a clock to compare with, as if both ran at one speed: the alarm then comes late. */
static void measure_timer(void)
{
    tsc_per_ms = clock_tsc_per_ms();
    if (tsc_per_ms != 0) {
        apic_timer_start(UINT32_MAX);
        timer_per_ms = clock_measure(fill_by_tsc, tsc_per_ms * 1000).per_ms;
        apic_timer_start(0);
    }
    if (timer_per_ms == 0)
        tsc_per_ms = timer_per_ms = 1;
}

void alarm_begin(void)
{
    if (timer_per_ms == 0)
        measure_timer();
    if (io_apic == NULL)
        return;
    nmi_expect(true);
    out8(PIT_COMMAND, PIT_COMMAND_CHANNEL_0_MODE_2);
    out8(PIT_CHANNEL_0, PIT_COUNT & 0xff);
    out8(PIT_CHANNEL_0, PIT_COUNT >> 8);
    io_apic_redirect(io_apic, input, IO_APIC_DELIVERY_NMI, destination);
}

/* The last NMI may be under way: it is given a tick's time to come. */
void alarm_end(void)
{
    uint64_t deadline = clock_deadline(TICK_US);

    if (io_apic == NULL)
        return;
    io_apic_redirect(io_apic, input, IO_APIC_MASKED, destination);
    out8(PIT_COMMAND, PIT_COMMAND_CHANNEL_0_MODE_0); /* stands still until it gets a count */
    while (!clock_passed(deadline))
        cpu_relax();
    nmi_expect(false);
}

/* IRET does (SDM Vol. 3, "Handling Multiple NMIs"): the spurious vector does nothing else. */
static void let_nmis_come(void)
{
    asm volatile("int %0" : : "i"(VECTOR_SPURIOUS) : "memory");
}

void alarm_set(uint64_t tsc_ticks)
{
    if (tsc_ticks != 0 && quirk(QUIRK_NMIS_BLOCKED_AFTER_SIPI))
        let_nmis_come();
    apic_timer_start(tsc_ticks != 0 ? timer_count(tsc_ticks, tsc_per_ms, timer_per_ms) : 0);
}
