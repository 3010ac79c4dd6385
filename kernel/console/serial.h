/*
 * Serial ports: 16550 UARTs at I/O ports, polled. What is sent goes to all that are open.
 *
 * Facts: PC16550D data sheet, "Line Control Register" to "Modem Status Register".
 */
#ifndef KERNEL_SERIAL_H
#define KERNEL_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SERIAL_BAUD_DEFAULT = 115200, /* the highest rate: others divide it */
    SERIAL_BAUD_KEPT = 0,         /* as the firmware left it */
    SERIAL_STANDARD_PORTS = 4,
};

/* Where a PC has COM1 (0) to COM4. */
static inline uint16_t serial_standard_port(unsigned index)
{
    static const uint16_t ports[SERIAL_STANDARD_PORTS] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};

    return ports[index];
}

/*
 * Finds out whether there is a UART at `port`, and sets it to `baud`, 8 data bits, no parity, 1
 * stop bit. A rate that does not divide 115200 becomes SERIAL_BAUD_DEFAULT. False where none
 * answers, or as many are open as have room. One that is open stays as it is.
 */
bool serial_open(uint16_t port, unsigned baud);

void serial_open_every(void); /* the four standard ones */

/* All that are open. Nothing is sent until one is opened; or, unless `for_good`, that opens all. */
void serial_close(bool for_good);

/*
 * Sends bytes as they are; where none has been opened yet, to every standard port. A port that
 * stops taking them is closed after a bounded time.
 */
void serial_send(const char *text, size_t length);

/* Waits, with a bound, until the last bits have left the transmitters. */
void serial_drain(void);

#endif
