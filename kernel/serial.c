#include "kernel/serial.h"

#include <stdint.h>

#include "lib/x86.h"

enum {
    COM1 = 0x3f8,
    /* Registers, as offsets from the port. */
    TRANSMIT = 0,
    DIVISOR_LOW = 0,  /* while LINE_CONTROL_DIVISOR is set */
    DIVISOR_HIGH = 1, /* likewise */
    INTERRUPT_ENABLE = 1,
    FIFO_CONTROL = 2,
    LINE_CONTROL = 3,
    MODEM_CONTROL = 4,
    LINE_STATUS = 5,
    MODEM_STATUS = 6,
    SCRATCH = 7,
};

enum {
    FIFO_ENABLE_AND_CLEAR = 0x07,
    LINE_CONTROL_8N1 = 0x03,
    LINE_CONTROL_DIVISOR = 0x80,
    MODEM_CONTROL_DTR = 0x01,
    MODEM_CONTROL_RTS = 0x02,
    MODEM_CONTROL_OUT2 = 0x08,
    MODEM_CONTROL_LOOP = 0x10,
    MODEM_STATUS_CTS = 0x10,
    MODEM_STATUS_DSR = 0x20,
    MODEM_STATUS_CARRIER = 0x80,
    MODEM_STATUS_LINES = 0xf0,
    LINE_STATUS_HOLDING_EMPTY = 0x20,
    LINE_STATUS_ALL_SENT = 0x40,
    FIFO_DEPTH = 16,
};

/*
 * The wait must be bounded before any clock is calibrated. 16 characters of 10 bits take 160/baud
 * seconds; twice that, in TSC ticks of a processor that no one sells yet (10 GHz), is enough for
 * each. The count of polls ends the wait where the TSC stands still; a port read costs far more
 * than a nanosecond, so it is not reached before the ticks are.
 */
#define TICKS_TIMES_BAUD (2ull * 160 * 10000000000)
#define POLLS_MOST       20000000u

static bool present;
static uint64_t wait_ticks;

static uint8_t get(uint16_t offset)
{
    return in8((uint16_t)(COM1 + offset));
}

static void set(uint16_t offset, uint8_t value)
{
    out8((uint16_t)(COM1 + offset), value);
}

static bool scratch_keeps(uint8_t value)
{
    set(SCRATCH, value);
    return get(SCRATCH) == value;
}

/*
 * With the port looped back on itself, its modem outputs appear as its modem inputs: at once, and
 * without a character on the line. Nothing else that may answer at these ports does that.
 */
static bool loops_back(uint8_t outputs, uint8_t inputs)
{
    set(MODEM_CONTROL, (uint8_t)(MODEM_CONTROL_LOOP | outputs));
    return (get(MODEM_STATUS) & MODEM_STATUS_LINES) == inputs;
}

/* An absent port reads as all ones and keeps nothing. */
static bool probe(void)
{
    return scratch_keeps(0x5a) && scratch_keeps(0xa5) &&
           loops_back(MODEM_CONTROL_RTS | MODEM_CONTROL_OUT2,
                      MODEM_STATUS_CTS | MODEM_STATUS_CARRIER) &&
           loops_back(MODEM_CONTROL_DTR, MODEM_STATUS_DSR);
}

bool serial_init(unsigned baud)
{
    unsigned divisor;

    if (baud == 0 || SERIAL_BAUD_DEFAULT % baud != 0)
        baud = SERIAL_BAUD_DEFAULT;
    divisor = SERIAL_BAUD_DEFAULT / baud;
    if (divisor > UINT16_MAX)
        divisor = 1;
    wait_ticks = TICKS_TIMES_BAUD / baud;

    present = probe();
    if (!present)
        return false;
    set(INTERRUPT_ENABLE, 0);
    set(LINE_CONTROL, LINE_CONTROL_DIVISOR | LINE_CONTROL_8N1);
    set(DIVISOR_LOW, (uint8_t)divisor);
    set(DIVISOR_HIGH, (uint8_t)(divisor >> 8));
    set(LINE_CONTROL, LINE_CONTROL_8N1);
    set(FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
    set(MODEM_CONTROL, MODEM_CONTROL_DTR | MODEM_CONTROL_RTS);
    return true;
}

/* False when the time is over: the port is not asked again, so it costs that time only once. */
static bool wait_for(uint8_t status)
{
    uint64_t start = rdtsc();

    for (uint32_t polls = 0; polls < POLLS_MOST && rdtsc() - start < wait_ticks; polls++) {
        if ((get(LINE_STATUS) & status) != 0)
            return true;
        cpu_relax();
    }
    present = false;
    return false;
}

void serial_send(const char *text, size_t length)
{
    size_t room = 0;

    for (size_t i = 0; present && i < length; i++) {
        if (room == 0) {
            if (!wait_for(LINE_STATUS_HOLDING_EMPTY))
                return;
            room = FIFO_DEPTH;
        }
        set(TRANSMIT, (uint8_t)text[i]);
        room--;
    }
}

void serial_drain(void)
{
    if (present)
        wait_for(LINE_STATUS_ALL_SENT);
}
