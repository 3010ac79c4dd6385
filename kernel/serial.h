/*
 * The first serial port: a 16550 UART at I/O port 0x3f8, polled.
 *
 * Facts: PC16550D data sheet, "Line Control Register" to "Modem Status Register".
 */
#ifndef KERNEL_SERIAL_H
#define KERNEL_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

enum { SERIAL_BAUD_DEFAULT = 115200 };

/*
 * Finds out whether there is a port, and sets it to `baud`, 8 data bits, no parity, 1 stop bit.
 * A rate that does not divide 115200 becomes SERIAL_BAUD_DEFAULT. False when there is no port;
 * then the other functions do nothing.
 */
bool serial_init(unsigned baud);

/* Sends bytes as they are. A port that stops taking them is given up after a bounded time. */
void serial_send(const char *text, size_t length);

/* Waits, with a bound, until the last bit has left the transmitter. */
void serial_drain(void);

#endif
