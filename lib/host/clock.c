#include "lib/host/clock.h"

enum {
    /* Windows at least, and at most where no two agree: a loaded host may need more. */
    WINDOWS_LEAST = 4,
    WINDOWS_MOST = 16,

    /* 8254 PIT, and the port that has channel 2's gate and output. */
    PIT_HZ = 1193182,
    PIT_TICKS = PIT_HZ / (1000000 / CLOCK_WINDOW_US),
    PIT_CHANNEL_2 = 0x42,
    PIT_COMMAND = 0x43,
    PIT_COMMAND_CHANNEL_2_MODE_0 = 0xb0, /* low byte, then high; output rises at the end */
    PORT_B = 0x61,
    PORT_B_GATE_2 = 1 << 0,
    PORT_B_SPEAKER = 1 << 1,
    PORT_B_OUTPUT_2 = 1 << 5,
};

static struct clock known = {.rate.source = "none"};

struct tsc_rate clock_measure(bool (*fill)(struct clock_window *window), uint64_t hertz)
{
    struct clock_window windows[WINDOWS_MOST];
    struct tsc_rate measured = {0};

    for (unsigned count = 0; count < WINDOWS_MOST && !measured.confirmed; count++) {
        if (!fill(&windows[count]))
            break;
        if (count + 1 >= WINDOWS_LEAST)
            measured = rate_of_windows(windows, count + 1, hertz);
    }
    return measured;
}

/* The output must be low first: a port that is not there reads as all ones. */
static bool fill_by_pit(struct clock_window *window)
{
    uint8_t port_b = in8(PORT_B);
    bool result = false;

    out8(PORT_B, (port_b & ~PORT_B_SPEAKER) | PORT_B_GATE_2);
    out8(PIT_COMMAND, PIT_COMMAND_CHANNEL_2_MODE_0);
    out8(PIT_CHANNEL_2, PIT_TICKS & 0xff);

    uint64_t tsc = rdtsc();

    out8(PIT_CHANNEL_2, PIT_TICKS >> 8);
    if (!(in8(PORT_B) & PORT_B_OUTPUT_2)) {
        for (int i = 0; i < CLOCK_READS_MAX && !result; i++)
            result = (in8(PORT_B) & PORT_B_OUTPUT_2) != 0;
        *window = (struct clock_window){rdtsc() - tsc, PIT_TICKS};
    }
    out8(PORT_B, port_b);
    return result;
}

struct tsc_rate clock_by_pit(void)
{
    struct tsc_rate rate = clock_measure(fill_by_pit, PIT_HZ);

    rate.source = "PIT";
    return rate;
}

const struct clock *clock_calibrate(void)
{
    SET_FOR_EACH(clocks, room) {
        (*room)(&known);
        return &known;
    }
    known.rate = clock_by_pit();
    if (known.rate.per_ms != 0 && !known.rate.confirmed)
        known.doubt.source = "no two measurements agree";
    return &known;
}

uint64_t clock_tsc_per_ms(void)
{
    return known.rate.per_ms;
}

uint64_t clock_deadline(uint64_t microseconds)
{
    return rdtsc() + microseconds_to_tsc(microseconds, known.rate.per_ms);
}
