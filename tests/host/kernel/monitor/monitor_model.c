/* Runs a script of the monitor's on the model CPU; prints what the room prints. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/host/kernel/monitor/monitor_machine.h"

static void print(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    (void)fwrite(text, 1, length, stdout);
}

int main(int count, char **arguments)
{
    static char text[1 << 16], line[LINE_SIZE];
    static struct sink sink = {print};
    FILE *file = count == 2 ? fopen(arguments[1], "r") : NULL;
    struct command_text script = {text, 0};

    if (file == NULL)
        return 2;
    script.length = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    monitor_machine_reset(&sink);
    while (!monitor.left && line_next(&script, MONITOR_PROMPT, line, &sink))
        monitor_machine_obey(line);
    monitor_machine_obey("quit");
    return monitor.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
