#include "kernel/screen/console_choice.h"

#include "kernel/acpi/acpi.h"
#include "kernel/boot_step.h"
#include "kernel/console/console.h"
#include "lib/string.h"

static struct console_choice chosen = {.screen = true, .lines = LINES_EVERY};

bool console_choose(const struct console_choice *choice)
{
    bool answers = true;

    chosen = *choice;
    serial_close(chosen.lines == LINES_NONE);
    if (chosen.lines == LINES_NAMED)
        answers = serial_open(chosen.port, chosen.baud);
    if (!answers)
        chosen = (struct console_choice){.screen = true, .lines = LINES_EVERY};
    return answers;
}

bool console_wants_screen(void)
{
    return chosen.screen;
}

void console_firmware_names(uint16_t port, unsigned baud)
{
    if (chosen.lines == LINES_EVERY) {
        serial_open_every();
        if (port != 0)
            serial_open(port, baud);
    } else if (chosen.lines == LINES_FIRMWARE) {
        serial_close(false);
        if (port == 0 || !serial_open(port, baud))
            serial_open(serial_standard_port(0), SERIAL_BAUD_DEFAULT);
    }
}

static void read_spcr(struct acpi *acpi)
{
    struct console_choice console;

    acpi_read_console(acpi, &console);
    console_firmware_names(console.port, console.baud);
}

FIRMWARE_TABLE(20, read_spcr);

static void choose(struct machine *machine)
{
    const struct console_choice choice = console_choice_of_line();

    if (!console_choose(&choice))
        command_line_problem(&machine->options, "no serial port answers for",
                             (struct command_text){"console", strlen("console")},
                             "it goes to every one that does");
}

BOOT_STEP(010, .point = BOOT_EARLY_CONSOLE, .run = choose);
