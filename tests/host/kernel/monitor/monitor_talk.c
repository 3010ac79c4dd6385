#include "tests/host/kernel/monitor/monitor_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static void drop(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    (void)text;
    (void)length;
}

struct sink nowhere = {drop};

int begin(void **state)
{
    (void)state;
    monitor_machine_reset(&nowhere);
    return 0;
}

const char *answer(const char *line)
{
    monitor_machine_obey(line);
    return monitor.answer;
}

void talk(const struct said *row)
{
    for (; row->line != NULL; row++) {
        const char *got = answer(row->line);
        bool right =
            row->wanted == NULL || (row->wanted[0] == '=' ? strcmp(got, row->wanted + 1) == 0
                                                          : strstr(got, row->wanted) != NULL);

        if (!right)
            fail_msg("%s: \"%s\", wanted \"%s\"", row->line, got, row->wanted);
    }
}
