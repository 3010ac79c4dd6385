/*
 * The monitor on lines that libFuzzer thinks of, on the model CPU: each is obeyed and completed. It
 * must come back from all of them, hold no more pages than it has names for, and print ASCII.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/kernel/monitor/monitor_machine.h"

enum { LINES_MOST = 40, PASSED_ON = ANSWER_SIZE * 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t told;

static void check(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    told += length;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\n' && (text[i] < ' ' || text[i] > '~'))
            abort();
    }
}

static void drop(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    (void)text;
    (void)length;
}

static bool is_typed(const char *line)
{
    for (; *line != '\0'; line++) {
        if (*line < ' ' || *line > '~')
            return false;
    }
    return true;
}

static void obey(const char *line)
{
    char more[COMPLETION_SIZE];
    struct sink sink = {check};

    if (!is_typed(line)) /* kernel/line/line_edit.c takes no others */
        return;
    (void)line_complete(&monitor_language, line, more, &sink);
    if (memchr(more, '\0', sizeof(more)) == NULL || !is_typed(more))
        abort();
    told = 0;
    monitor_machine_obey(line);
    if (told > PASSED_ON || monitor.page_count > PAGES_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sink sink = {check}, nowhere = {drop};
    struct command_text script = {(const char *)data, size};
    char line[LINE_SIZE];

    monitor_machine_reset(&sink);
    for (unsigned i = 0;
         i < LINES_MOST && !monitor.left && line_next(&script, MONITOR_PROMPT, line, &nowhere); i++)
        obey(line);
    monitor_reset_cpu();
    monitor_forget();
    return 0;
}
