/* A line from whatever serial port a key comes in by; between two keys the processor is halted. */
#include "kernel/console/serial.h"
#include "kernel/line/line_edit.h"
#include "lib/host/apic.h"
#include "lib/x86.h"

enum {
    POLL_COUNT = 50000, /* of the local APIC's timer, between two looks */
    LINE_STATUS = 5,    /* PC16550D data sheet, "Line Status Register" */
    DATA_READY = 1,
    NO_UART = 0xff,
};

static uint8_t next_key(void)
{
    for (;;) {
        for (unsigned i = 0; i < SERIAL_STANDARD_PORTS; i++) {
            uint16_t port = serial_standard_port(i);
            uint8_t status = in8((uint16_t)(port + LINE_STATUS));

            if (status != NO_UART && (status & DATA_READY) != 0)
                return in8(port);
        }
        apic_timer_start(VECTOR_ALARM, POLL_COUNT);
        wait_for_interrupt();
    }
}

static void send(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    serial_send(text, length);
}

struct sink line_terminal = {send};

enum edit_outcome line_read(struct line_edit *edit, const char *prompt)
{
    enum edit_outcome outcome;

    do {
        line_edit_show(edit, prompt, &line_terminal);
        outcome = line_edit_key(edit, next_key());
    } while (outcome == EDIT_MORE);
    if (outcome == EDIT_DONE)
        print_to(&line_terminal, "\r\n");
    return outcome;
}
