/*
 * vmxcap's readers on whatever libFuzzer thinks of, from a heap copy of its exact size. What they
 * accept is checked and reported whole; what they refuse has a line of the text and printable
 * words. The first line is tried as an expression over features too.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/capability/dump_text.h"
#include "tools/capability/find.h"
#include "tools/capability/report.h"
#include "tools/capability/set_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_nowhere(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    (void)text;
    (void)length;
}

static struct sink nowhere = {write_nowhere};

static void check_error(const struct dump_error *error, const char *text, size_t size)
{
    unsigned lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n' || text[i] == '\r'; /* of terminals, alone or together */
    if (error->line > lines || error->text[0] == '\0')
        abort();
    for (const char *c = error->text; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            abort();
    }
}

static void tell(const struct dump_list *list)
{
    static struct checked checked;
    struct page page = {&nowhere, 80, true};
    struct json json;
    bool any = false;

    json_init(&json, &nowhere);
    for (size_t i = 0; i < list->count; i++) {
        any = any || list->set[i].dump.msrs.present != 0 || list->set[i].dump.has_feature_control;
        if (list->set[i].dump.msrs.present >> VMX_MSR_COUNT != 0)
            abort();
    }
    if (!any)
        abort();
    check_set(list, list->count - 1, CHECK_CHOICE_AUTO, &checked);
    report_set(&page, &checked);
    set_json(&json, &checked);
}

static void find(const char *text, size_t size)
{
    char line[512], error[FIND_ERROR_MAX];
    size_t length = size < sizeof(line) - 1 ? size : sizeof(line) - 1;
    struct vmx_dump dump = {.has_feature_control = true};
    struct find expression;

    memcpy(line, text, length);
    line[length] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (find_parse(line, &expression, error) && find_evaluate(&expression, &dump) > TRUTH_TRUE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dump_list list = {.set = NULL};
    struct dump_error error;
    char *text = malloc(size > 0 ? size : 1);

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    dump_text_read(text, size, "name", &list, &error);
    if (error.line == 0)
        tell(&list);
    else
        check_error(&error, text, size);
    find(text, size);
    free(text);
    dump_list_free(&list);
    return 0;
}
