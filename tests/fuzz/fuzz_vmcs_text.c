/*
 * vmcheck's readers on whatever libFuzzer thinks of, from a heap copy of its exact size. The first
 * VMCS that they find is checked, on a CPU that has everything or on one of which no MSR is known:
 * the verdict is the engine's. Lines that were not understood are printable.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/full_msrs.h"
#include "tools/entry/verdict_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_nowhere(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    (void)text;
    (void)length;
}

static struct sink nowhere = {write_nowhere};

static void check_passed(const struct vmcs_text *text, const char *bytes, size_t size)
{
    unsigned lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += bytes[i] == '\n';
    for (unsigned i = 0; i < text->not_understood && i < DUMP_PASSED_MAX; i++) {
        if (text->passed[i].line == 0 || text->passed[i].line > lines)
            abort();
        for (const char *c = text->passed[i].text; *c != '\0'; c++) {
            if (*c < ' ' || *c > '~')
                abort();
        }
    }
}

/* `rules_by_trials`: also rules of which a field is unknown, which takes longer than all else. */
static void check_on(const struct vmcs_dump *dump, const struct entry_cpu *cpu,
                     bool rules_by_trials)
{
    static struct vmentry_findings findings;
    static struct entry_check check;

    check_entry_on(&dump->image, cpu, MSR_GUESS, &findings);
    check_entry(&dump->image, cpu, 1, &check);
    if (cpu->lacking == 0 ? (check.verdict == VERDICT_REFUSED) != (findings.count > 0)
                          : check.verdict == VERDICT_REFUSED && findings.count == 0)
        abort();
    if (rules_by_trials)
        check_entry_unknown(&dump->image, &check);
    for (uint32_t i = 0; i < findings.count; i++) {
        if (check.rule[findings.item[i].rule].state == RULE_KEPT)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vmx_dump full = {.msrs = full_msrs()}, unknown = full;
    const struct entry_cpu cpus[] = {{"full", &full, 0}, {"unknown", &unknown, 0xfffff}};
    struct vmcs_text text = {.dump = NULL};
    char *bytes = malloc(size > 0 ? size : 1);
    struct json json;

    if (bytes == NULL)
        abort();
    memcpy(bytes, data, size);
    vmcs_text_read(bytes, size, &text);
    if (text.count > 0)
        check_on(&text.dump[0], &cpus[size & 1],
                 size / 2 % 32 == 0); /* a line can begin one: they may be many */
    check_passed(&text, bytes, size);
    json_init(&json, &nowhere);
    passed_text(&nowhere, &text);
    passed_json(&json, &text);
    free(bytes);
    vmcs_text_free(&text);
    return 0;
}
