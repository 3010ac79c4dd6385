#include "kernel/command_line.h"
#include "kernel/console/console.h"
#include "kernel/screen/console_choice.h"
#include "lib/format.h"
#include "lib/string.h"

/* What the word said; it was there; it was there and was not understood. */
static struct {
    struct console_choice choice;
    bool given, wrong;
} console_options;

/* What Linux takes, too: a rate, and n8 for no parity and 8 bits. */
static bool take_baud(struct command_text text, unsigned *baud)
{
    uint64_t value;

    if (text.length > 2 && strncmp(text.start + text.length - 2, "n8", 2) == 0)
        text.length -= 2;
    if (!command_text_number(text, 10, SERIAL_BAUD_DEFAULT, &value) || value == 0 ||
        SERIAL_BAUD_DEFAULT % value != 0 || SERIAL_BAUD_DEFAULT / value > UINT16_MAX)
        return false;
    *baud = (unsigned)value;
    return true;
}

/* com1, which is Linux's ttyS0, to com4; or the port's number. */
static bool take_port(struct command_text text, uint16_t *port)
{
    uint64_t value;

    for (unsigned i = 0; i < SERIAL_STANDARD_PORTS; i++) {
        char names[2][8];

        format_text(names[0], sizeof(names[0]), "com%u", i + 1);
        format_text(names[1], sizeof(names[1]), "ttyS%u", i);
        if (command_text_is(text, names[0]) || command_text_is(text, names[1])) {
            *port = serial_standard_port(i);
            return true;
        }
    }
    if (text.length < 3 || strncmp(text.start, "0x", 2) != 0 ||
        !command_text_number(text, 16, SERIAL_PORT_LAST, &value) || value == 0)
        return false;
    *port = (uint16_t)value;
    return true;
}

static enum word_outcome take_console(struct command_line *line, struct command_text value)
{
    struct console_choice choice = {.lines = LINES_NONE};
    struct command_text rest = value;
    struct command_text name = command_text_cut(&rest, ',');

    (void)line;
    if (console_options.given)
        choice = console_options.choice;
    if (command_text_is(value, "screen") || command_text_is(value, "tty0")) {
        choice.screen = true;
    } else if (command_text_is(value, "both")) {
        choice.screen = true;
        choice.lines = LINES_FIRMWARE;
    } else {
        choice.lines = LINES_NAMED;
        choice.baud = SERIAL_BAUD_DEFAULT;
        if (!take_port(name, &choice.port) ||
            (name.length < value.length && !take_baud(rest, &choice.baud)))
            return WORD_BAD;
    }
    console_options.choice = choice;
    console_options.given = true;
    return WORD_TAKEN;
}

COMMAND_WORD(130, .name = "console", .values = "comN[,BAUD]|PORT[,BAUD]|screen|tty0|both",
             .take = take_console, .mistyped = &console_options.wrong, .option = &console_options,
             .option_bytes = sizeof(console_options));

struct console_choice console_choice_of_line(void)
{
    if (console_options.wrong) /* the person who typed it may look at any port */
        return (struct console_choice){.screen = true, .lines = LINES_EVERY};
    if (!console_options.given)
        return (struct console_choice){.screen = true, .lines = LINES_FIRMWARE};
    return console_options.choice;
}
