#include "kernel/command_line.h"
#include "kernel/power/power.h"

unsigned exit_wanted;

COMMAND_WORD(140, .name = "exit", .values = "halt|poweroff|reboot", .option = &exit_wanted,
             .option_bytes = sizeof(exit_wanted), .standard = "halt",
             .meaning = "What it does when done, or after a panic.");
