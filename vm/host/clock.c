#include "vm/host/clock.h"

#include "vm/host/clock_math.h"
#include "lib/x86.h"

enum {
    WINDOW_US = 200,
    PM_TIMER_TICKS = PM_TIMER_HZ / (1000000 / WINDOW_US),
    PIT_TICKS = PIT_HZ / (1000000 / WINDOW_US),

    /* Windows at least, and at most where no two agree: a loaded host may need more. */
    WINDOWS_LEAST = 4,
    WINDOWS_MOST = 16,

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

static struct tsc_rate rate = {0, "none"};
static struct tsc_rate doubt;

/* One reading of a counter and, after it, of the clock. */
struct reading {
    uint64_t tsc;
    uint32_t count;
};

/* A clock to measure against. */
struct reference {
    const char *name;
    uint32_t hertz;
    /*
     * Fills the window; the TSC is read before the clock at its start and after it at its end.
     * `from`: where it begins, and then where the next one does, for a clock that runs on.
     */
    bool (*measure)(uint16_t port, struct reading *from, struct clock_window *window);
};

static struct reading read_pm_timer(uint16_t port)
{
    struct reading reading = {rdtsc(), 0};

    reading.count = in32(port);
    return reading;
}

static bool measure_pm_timer(uint16_t port, struct reading *from, struct clock_window *window)
{
    for (int i = 0; i < READS_MAX; i++) {
        struct reading now = read_pm_timer(port);
        uint32_t elapsed = pm_timer_elapsed(from->count, now.count);

        if (elapsed >= PM_TIMER_TICKS) {
            *window = (struct clock_window){rdtsc() - from->tsc, elapsed};
            *from = now;
            return true;
        }
    }
    return false;
}

/* The output must be low first: a port that is not there reads as all ones. */
static bool measure_pit(uint16_t port, struct reading *from, struct clock_window *window)
{
    uint8_t port_b = in8(PORT_B);
    bool result = false;

    (void)port;
    (void)from;
    out8(PORT_B, (port_b & ~PORT_B_SPEAKER) | PORT_B_GATE_2);
    out8(PIT_COMMAND, PIT_COMMAND_CHANNEL_2_MODE_0);
    out8(PIT_CHANNEL_2, PIT_TICKS & 0xff);

    uint64_t tsc = rdtsc();

    out8(PIT_CHANNEL_2, PIT_TICKS >> 8);
    if (!(in8(PORT_B) & PORT_B_OUTPUT_2)) {
        for (int i = 0; i < READS_MAX && !result; i++)
            result = (in8(PORT_B) & PORT_B_OUTPUT_2) != 0;
        *window = (struct clock_window){rdtsc() - tsc, PIT_TICKS};
    }
    out8(PORT_B, port_b);
    return result;
}

static const struct reference pm_timer = {"ACPI PM timer", PM_TIMER_HZ, measure_pm_timer};
static const struct reference pit = {"PIT", PIT_HZ, measure_pit};

static struct clock_rate measure(const struct reference *clock, uint16_t port)
{
    struct clock_window windows[WINDOWS_MOST];
    struct clock_window row = {0, 0};
    struct clock_rate measured = {0, false};
    struct reading from = {0, 0};

    if (port != 0)
        from = read_pm_timer(port);

    struct reading first = from;

    for (unsigned count = 0; count < WINDOWS_MOST && !measured.confirmed; count++) {
        if (!clock->measure(port, &from, &windows[count]))
            break;
        if (port != 0)
            row = (struct clock_window){rdtsc() - first.tsc,
                                        pm_timer_elapsed(first.count, from.count)};
        if (count + 1 >= WINDOWS_LEAST)
            measured = rate_of_windows(windows, count + 1, row, clock->hertz);
    }
    return measured;
}

static struct tsc_rate ask_cpuid(void)
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

bool clock_calibrate(uint16_t pm_timer_port)
{
    const struct reference *clock = &pm_timer;
    struct tsc_rate enumerated = ask_cpuid();
    struct clock_rate measured = {0, false};

    if (pm_timer_port != 0)
        measured = measure(clock, pm_timer_port);
    if (measured.per_ms == 0) {
        clock = &pit;
        measured = measure(clock, 0);
    }
    rate = tsc_rate_decide(measured, clock->name, enumerated);
    if (measured.per_ms != 0 && !measured.confirmed)
        doubt = (struct tsc_rate){enumerated.per_ms, "no two measurements agree"};
    else if (measured.confirmed && enumerated.per_ms != 0 &&
             rates_differ(measured.per_ms, enumerated.per_ms))
        doubt = enumerated;
    return rate.per_ms != 0;
}

uint64_t clock_tsc_per_ms(void)
{
    return rate.per_ms;
}

const char *clock_source(void)
{
    return rate.source;
}

struct tsc_rate clock_doubt(void)
{
    return doubt;
}

uint64_t clock_deadline(uint64_t microseconds)
{
    return rdtsc() + microseconds_to_tsc(microseconds, rate.per_ms);
}

bool clock_passed(uint64_t deadline)
{
    return rdtsc() >= deadline;
}

uint64_t clock_microseconds(uint64_t ticks)
{
    return tsc_to_microseconds(ticks, rate.per_ms);
}
