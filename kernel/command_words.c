#include "kernel/command_line.h"

#include "kernel/console/serial.h"
#include "lib/format.h"
#include "lib/string.h"

static void choose_stop(struct command_line *out, unsigned choice)
{
    out->stop = (enum vmx_stage)choice;
}

COMMAND_WORD(010, .name = "stop", .values = "caps|vmxon|vmptrld|guest", .choose = choose_stop,
             .standard = "as far as it can go",
             .meaning =
                 "The last stage to perform: read the capability MSRs, VMXON, VMPTRLD, run a "
                 "guest.");

static void choose_check(struct command_line *out, unsigned choice)
{
    out->check = (enum check_word)choice;
}

COMMAND_WORD(
    020, .name = "check", .values = "auto|kvm|strict", .choose = choose_check, .standard = "auto",
    .meaning = "How severe the check of IA32_VMX_BASIC is. `kvm`: KVM's three checks (and "
               "size 0) refuse, everything else odd is a warning. `strict`: everything odd "
               "refuses. `auto`: as `kvm`; and where CPUID says that a hypervisor is present, "
               "so that the register is virtual, bits 31 and 47:45 refuse too.");

static enum word_outcome take_cpus(struct command_line *out, struct command_text value)
{
    uint64_t cpus;

    if (!command_text_number(value, 10, UINT32_MAX, &cpus) || cpus == 0)
        return WORD_BAD;
    out->cpus = (uint32_t)cpus;
    return WORD_TAKEN;
}

COMMAND_WORD(040, .name = "cpus", .values = "N", .take = take_cpus, .standard = "all",
             .meaning = "Use at most N CPUs, from 1 up.");

static enum word_outcome take_override(struct command_line *out, struct command_text value)
{
    struct override override = {.every_cpu = true};
    struct command_text head = command_text_cut(&value, ':');
    uint64_t parsed;

    if (head.length > 3 && strncmp(head.start, "cpu", 3) == 0) {
        if (!command_text_number((struct command_text){head.start + 3, head.length - 3}, 10,
                                 UINT32_MAX, &parsed))
            return WORD_BAD;
        override.every_cpu = false;
        override.cpu = (uint32_t)parsed;
        head = command_text_cut(&value, ':');
    }
    if (!command_text_number(head, 16, VMX_MSR_LAST, &parsed) || parsed < VMX_MSR_FIRST)
        return WORD_BAD;
    override.msr = (uint32_t)parsed;
    if (!command_text_number(value, 16, UINT64_MAX, &override.value))
        return WORD_BAD;
    if (out->override.count == OVERRIDES_MAX)
        return WORD_FULL;
    out->override.item[out->override.count++] = override;
    return WORD_TAKEN;
}

COMMAND_WORD(050, .name = "pretend", .values = "[cpuN:]MSR:VALUE", .take = take_override,
             .standard = "nothing",
             .meaning =
                 "Judge from VALUE instead of what RDMSR gave for that capability MSR, on every "
                 "CPU or on CPU N (0 is the boot CPU). MSR, 0x480 to 0x493, and VALUE are hex. "
                 "May stand up to 16 times. The hardware is not touched with it: it lets anyone "
                 "see every refusal on any machine.");

static void choose_report(struct command_line *out, unsigned choice)
{
    if (choice == REPORT_FULL)
        out->report_full = true;
    else
        out->report = (enum report_form)choice;
}

COMMAND_WORD(
    120, .name = "report", .values = "text|json|both|full", .choose = choose_report,
    .standard = "text",
    .meaning = "What goes to the serial console at the end: a page, with `json` or `both` a JSON "
               "document after it. `full`, beside one of them: all of the page goes to the screen, "
               "too, not only what it has room for.");

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

static enum word_outcome take_console(struct command_line *out, struct command_text value)
{
    struct console_choice choice = {.lines = LINES_NONE};
    struct command_text rest = value;
    struct command_text name = command_text_cut(&rest, ',');

    if (out->console_given)
        choice = out->console;
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
    out->console = choice;
    out->console_given = true;
    return WORD_TAKEN;
}

COMMAND_WORD(
    130, .name = "console", .values = "comN[,BAUD]|PORT[,BAUD]|screen|tty0|both",
    .take = take_console, .standard = "both",
    .meaning =
        "Where it speaks; may stand more than once: the screen and one serial port, the last "
        "that is named. N is 1 to 4; PORT "
        "is an I/O port in hex (0x2f8), or Linux's ttyS0 to ttyS3 for com1 to com4. BAUD "
        "divides 115200, which is also the default; n8 may stand behind it. `tty0` is the "
        "screen, `both` that "
        "and the port that ACPI's SPCR names, else com1. Where this word is not "
        "understood, or nothing answers at the port, it speaks everywhere.");

static void choose_exit(struct command_line *out, unsigned choice)
{
    out->exit = (enum exit_action)choice;
}

COMMAND_WORD(140, .name = "exit", .values = "halt|poweroff|reboot", .choose = choose_exit,
             .standard = "halt", .meaning = "What it does when done, or after a panic.");
