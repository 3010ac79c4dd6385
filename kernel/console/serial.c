#include "kernel/console/console.h"

#include "lib/x86.h"

enum {
    PORTS_MOST = SERIAL_STANDARD_PORTS + 1, /* and one that the firmware names */
    /* Registers, as offsets from the port. */
    TRANSMIT = 0,
    DIVISOR_LOW = 0,  /* while LINE_CONTROL_DIVISOR is set */
    DIVISOR_HIGH = 1, /* likewise */
    INTERRUPT_ENABLE = 1,
    FIFO_CONTROL = 2, /* written; INTERRUPT_IDENTIFICATION read */
    INTERRUPT_IDENTIFICATION = 2,
    LINE_CONTROL = 3,
    MODEM_CONTROL = 4,
    LINE_STATUS = 5,
    MODEM_STATUS = 6,
};

enum {
    FIFO_ENABLE_AND_CLEAR = 0x07,
    FIFOS_ENABLED = 0xc0,
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

struct uart {
    uint16_t port; /* 0: not open */
    uint8_t depth; /* characters that it takes at once */
    uint64_t wait_ticks;
};

static struct uart uarts[PORTS_MOST];
static bool chosen; /* which of them are open, or that none is */

static uint8_t get(const struct uart *uart, uint16_t offset)
{
    return in8((uint16_t)(uart->port + offset));
}

static void set(const struct uart *uart, uint16_t offset, uint8_t value)
{
    out8((uint16_t)(uart->port + offset), value);
}

/*
 * With the port looped back on itself, its modem outputs appear as its modem inputs: at once, and
 * without a character on the line. Nothing else that may answer at these ports does that; where
 * nothing is, all bits read as ones. Not by the scratch register: an 8250 has none.
 */
static bool loops_back(const struct uart *uart, uint8_t outputs, uint8_t inputs)
{
    set(uart, MODEM_CONTROL, (uint8_t)(MODEM_CONTROL_LOOP | outputs));
    return (get(uart, MODEM_STATUS) & MODEM_STATUS_LINES) == inputs;
}

static bool probe(const struct uart *uart)
{
    return loops_back(uart, MODEM_CONTROL_RTS | MODEM_CONTROL_OUT2,
                      MODEM_STATUS_CTS | MODEM_STATUS_CARRIER) &&
           loops_back(uart, MODEM_CONTROL_DTR, MODEM_STATUS_DSR);
}

static void set_up(struct uart *uart, unsigned baud)
{
    unsigned divisor;

    set(uart, INTERRUPT_ENABLE, 0);
    set(uart, LINE_CONTROL, LINE_CONTROL_DIVISOR | LINE_CONTROL_8N1);
    divisor = get(uart, DIVISOR_LOW) | (unsigned)get(uart, DIVISOR_HIGH) << 8;
    if (baud != SERIAL_BAUD_KEPT)
        divisor = SERIAL_BAUD_DEFAULT % baud == 0 ? SERIAL_BAUD_DEFAULT / baud : 0;
    if (divisor == 0 || divisor > UINT16_MAX)
        divisor = 1;
    set(uart, DIVISOR_LOW, (uint8_t)divisor);
    set(uart, DIVISOR_HIGH, (uint8_t)(divisor >> 8));
    set(uart, LINE_CONTROL, LINE_CONTROL_8N1);
    set(uart, FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
    uart->depth = 1; /* a 16450 has no FIFO, and that of a 16550 without A does not work */
    if ((get(uart, INTERRUPT_IDENTIFICATION) & FIFOS_ENABLED) == FIFOS_ENABLED)
        uart->depth = FIFO_DEPTH;
    set(uart, MODEM_CONTROL, MODEM_CONTROL_DTR | MODEM_CONTROL_RTS);
    uart->wait_ticks = TICKS_TIMES_BAUD / SERIAL_BAUD_DEFAULT * divisor;
}

bool serial_open(uint16_t port, unsigned baud)
{
    struct uart *place = NULL;

    for (struct uart *uart = uarts; uart < uarts + PORTS_MOST; uart++) {
        if (uart->port == port)
            return true;
        if (uart->port == 0)
            place = uart;
    }
    if (place == NULL)
        return false;
    place->port = port;
    if (!probe(place)) {
        place->port = 0;
        return false;
    }
    set_up(place, baud);
    chosen = true;
    return true;
}

void serial_open_every(void)
{
    for (unsigned i = 0; i < SERIAL_STANDARD_PORTS; i++)
        serial_open(serial_standard_port(i), SERIAL_BAUD_DEFAULT);
    chosen = true;
}

void serial_close(bool for_good)
{
    for (unsigned i = 0; i < PORTS_MOST; i++)
        uarts[i].port = 0;
    chosen = for_good;
}

/* False when the time is over: the port is not asked again, so it costs that time only once. */
static bool wait_for(struct uart *uart, uint8_t status)
{
    uint64_t start = rdtsc();

    for (uint32_t polls = 0; polls < POLLS_MOST && rdtsc() - start < uart->wait_ticks; polls++) {
        if ((get(uart, LINE_STATUS) & status) != 0)
            return true;
        cpu_relax();
    }
    uart->port = 0;
    return false;
}

static void send_by(struct uart *uart, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (i % uart->depth == 0 && !wait_for(uart, LINE_STATUS_HOLDING_EMPTY))
            return;
        set(uart, TRANSMIT, (uint8_t)text[i]);
    }
}

/* A FIFO's worth to each in turn, so that several are not slower than the slowest. */
void serial_send(const char *text, size_t length)
{
    if (!chosen)
        serial_open_every();
    while (length > 0) {
        size_t now = length < FIFO_DEPTH ? length : FIFO_DEPTH;

        for (struct uart *uart = uarts; uart < uarts + PORTS_MOST; uart++) {
            if (uart->port != 0)
                send_by(uart, text, now);
        }
        text += now;
        length -= now;
    }
}

void serial_drain(void)
{
    for (struct uart *uart = uarts; uart < uarts + PORTS_MOST; uart++) {
        if (uart->port != 0)
            wait_for(uart, LINE_STATUS_ALL_SENT);
    }
}
