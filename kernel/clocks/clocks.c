#include "kernel/clocks/clocks.h"

#include "kernel/power/power.h"
#include "lib/x86_rooms.h"

enum { PM_TIMER_TICKS = PM_TIMER_HZ / (1000000 / CLOCK_WINDOW_US) };

/* One reading of the TSC and, after it, of the PM timer. */
struct reading {
    uint64_t tsc;
    uint32_t count;
};

static struct reading first, from; /* where the first window began, and where the next one does */
static struct clock_window row;    /* from the first one's beginning on */

static struct reading read_pm_timer(void)
{
    struct reading reading = {rdtsc(), 0};

    reading.count = in32(machine_fadt.pm_timer_port);
    return reading;
}

static struct clock_window window_since(struct reading start, uint32_t count)
{
    return (struct clock_window){rdtsc() - start.tsc, pm_timer_elapsed(start.count, count)};
}

static bool fill_by_pm_timer(struct clock_window *window)
{
    for (int i = 0; i < CLOCK_READS_MAX; i++) {
        struct reading now = read_pm_timer();

        if (pm_timer_elapsed(from.count, now.count) >= PM_TIMER_TICKS) {
            *window = window_since(from, now.count);
            row = window_since(first, now.count);
            from = now;
            return true;
        }
    }
    return false;
}

static struct tsc_rate rate_by_pm_timer(void)
{
    struct tsc_rate rate = {0};

    if (machine_fadt.pm_timer_port != 0) {
        first = from = read_pm_timer();
        rate = rate_of_row(clock_measure(fill_by_pm_timer, PM_TIMER_HZ), row, PM_TIMER_HZ);
    }
    rate.source = "ACPI PM timer";
    return rate;
}

static struct tsc_rate rate_by_cpuid(void)
{
    uint32_t highest = cpuid(0, 0).eax;
    struct cpuid_clock reported = {0};

    if (highest >= 0x15)
        reported.leaf15 = cpuid(0x15, 0);
    if (highest >= 0x16)
        reported.leaf16 = cpuid(0x16, 0);
    if ((cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR) && cpuid(0x40000000, 0).eax >= 0x40000010)
        reported.leaf40000010 = cpuid(0x40000010, 0);
    return tsc_rate_enumerated(&reported);
}

static void calibrate(struct clock *clock)
{
    clock_choose(clock, rate_by_pm_timer());
    if (clock->rate.per_ms == 0)
        clock_choose(clock, clock_by_pit());
    clock_choose(clock, rate_by_cpuid());
}

SET_MEMBER(clocks, 0, clock_room, calibrate);
