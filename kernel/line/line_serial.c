/* A line from whatever serial port a key comes in by; between two keys the processor is halted. */
#include "kernel/console/console.h"
#include "kernel/line/line_edit.h"
#include "lib/host/apic_timer.h"
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
        apic_timer_start(POLL_COUNT);
        wait_for_interrupt();
    }
}

static void send(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    serial_send(text, length);
}

static struct sink terminal = {send};

/* What stands behind the cursor stays there. */
static void complete(struct line_edit *edit, const struct line_language *language)
{
    char line[EDIT_SIZE], more[COMPLETION_SIZE];

    format_text(line, sizeof(line), "%.*s", (int)edit->cursor, edit->text);
    if (line_complete(language, line, more, NULL) == 0) {
        print_to(&terminal, "\r\n");
        (void)line_complete(language, line, more, &terminal);
        print_to(&terminal, "\r\n");
    }
    line_edit_insert(edit, more);
}

void line_read(struct line_edit *edit, const char *prompt, const struct line_language *language)
{
    enum edit_outcome outcome;

    line_edit_begin(edit);
    do {
        line_edit_show(edit, prompt, &terminal);
        outcome = line_edit_key(edit, next_key());
        if (outcome == EDIT_TAB)
            complete(edit, language);
    } while (outcome != EDIT_DONE);
    print_to(&terminal, "\r\n");
}
