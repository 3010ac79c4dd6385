/* The command line on whatever libFuzzer thinks of, from a heap copy of its exact size. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/command_line.h"
#include "kernel/power/power.h"
#include "kernel/screen/console_choice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct command_line options;
    struct console_choice console;
    char *line = malloc(size + 1);

    if (line == NULL)
        abort();
    memcpy(line, data, size);
    line[size] = '\0';
    command_line_parse(line, &options);
    console = console_choice_of_line();
    free(line);
    if (options.stop > VMX_STAGE_GUEST || options.check > CHECK_STRICT ||
        options.report >= REPORT_FULL || exit_wanted > EXIT_REBOOT ||
        options.override.count > OVERRIDES_MAX ||
        (console.lines == LINES_NAMED && console.port == 0) ||
        options.problem_count > COMMAND_LINE_PROBLEMS_MAX)
        abort();
    for (uint32_t i = 0; i < options.override.count; i++) {
        if (options.override.item[i].msr < VMX_MSR_FIRST ||
            options.override.item[i].msr > VMX_MSR_LAST)
            abort();
    }
    for (uint32_t i = 0; i < options.problem_count; i++) {
        for (const char *c = options.problem[i]; *c != '\0'; c++) {
            if (*c < ' ' || *c > '~')
                abort();
        }
    }
    return 0;
}
