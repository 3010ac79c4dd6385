#include "kernel/clock.h"

#include "kernel/clock_math.h"
#include "lib/x86.h"

enum {
    MEASURED_US = 1000,
    PM_TIMER_TICKS = PM_TIMER_HZ / (1000000 / MEASURED_US),
    PIT_TICKS = PIT_HZ / (1000000 / MEASURED_US),

    /* A clock that has not come this far after so many reads does not tick: 0.02 to 1 µs each. */
    READS_MAX = 500000,

    /* 8254 PIT, and the port that has channel 2's gate and output. */
    PIT_CHANNEL_2 = 0x42,
    PIT_COMMAND = 0x43,
    PIT_COMMAND_CHANNEL_2_MODE_0 = 0xb0, /* low byte, then high; output rises at the end */
    PORT_B = 0x61,
    PORT_B_GATE_2 = 1 << 0,
    PORT_B_SPEAKER = 1 << 1,
    PORT_B_OUTPUT_2 = 1 << 5,
};

static uint64_t tsc_per_ms;
static const char *source = "none";

/*
 * In both measurements the TSC is read before the clock at the start and after it at the end. So
 * an interruption (SMI, a hypervisor) can only make the TSC seem faster than it is, and waits
 * longer: never too short.
 */
static uint64_t measure_pm_timer(uint16_t port)
{
    uint64_t tsc = rdtsc();
    uint32_t from = in32(port);

    for (int i = 0; i < READS_MAX; i++) {
        uint32_t elapsed = pm_timer_elapsed(from, in32(port));

        if (elapsed >= PM_TIMER_TICKS)
            return tsc_per_ms_measured(rdtsc() - tsc, elapsed, PM_TIMER_HZ);
    }
    return 0;
}

/* The output must be low first: a port that is not there reads as all ones. */
static uint64_t measure_pit(void)
{
    uint8_t port_b = in8(PORT_B);
    uint64_t result = 0;

    out8(PORT_B, (port_b & ~PORT_B_SPEAKER) | PORT_B_GATE_2);
    out8(PIT_COMMAND, PIT_COMMAND_CHANNEL_2_MODE_0);
    out8(PIT_CHANNEL_2, PIT_TICKS & 0xff);

    uint64_t tsc = rdtsc();

    out8(PIT_CHANNEL_2, PIT_TICKS >> 8);
    if (!(in8(PORT_B) & PORT_B_OUTPUT_2)) {
        for (int i = 0; i < READS_MAX && result == 0; i++) {
            if (in8(PORT_B) & PORT_B_OUTPUT_2)
                result = tsc_per_ms_measured(rdtsc() - tsc, PIT_TICKS, PIT_HZ);
        }
    }
    out8(PORT_B, port_b);
    return result;
}

static uint64_t ask_cpuid(void)
{
    uint32_t highest = cpuid(0, 0).eax;
    struct cpuid_registers none = {0};

    return tsc_per_ms_enumerated(highest >= 0x15 ? cpuid(0x15, 0) : none,
                                 highest >= 0x16 ? cpuid(0x16, 0) : none);
}

bool clock_calibrate(uint16_t pm_timer_port)
{
    if (pm_timer_port != 0)
        tsc_per_ms = measure_pm_timer(pm_timer_port);
    if (tsc_per_ms != 0) {
        source = "ACPI PM timer";
        return true;
    }
    tsc_per_ms = measure_pit();
    if (tsc_per_ms != 0) {
        source = "PIT";
        return true;
    }
    tsc_per_ms = ask_cpuid();
    if (tsc_per_ms != 0)
        source = "CPUID 15h";
    return tsc_per_ms != 0;
}

uint64_t clock_tsc_per_ms(void)
{
    return tsc_per_ms;
}

const char *clock_source(void)
{
    return source;
}

uint64_t clock_deadline(uint64_t microseconds)
{
    return rdtsc() + microseconds_to_tsc(microseconds, tsc_per_ms);
}

bool clock_passed(uint64_t deadline)
{
    return rdtsc() >= deadline;
}

uint64_t clock_microseconds(uint64_t ticks)
{
    return tsc_to_microseconds(ticks, tsc_per_ms);
}
