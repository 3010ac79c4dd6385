/*
 * vmcheck in a browser: what tools/capability/page/engine.js calls. A question: begin(), room() for
 * the text and perhaps for MSRs, both filled, answer(); then output() holds output_bytes() of
 * words.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/capability/corpus.h"
#include "tools/capability/dump_text.h"
#include "tools/capability/html_data.h"
#include "tools/entry/answer.h"
#include "tools/entry/verdict_text.h"
#include "tools/entry/wasm/library.h"

#define EXPORT(name) __attribute__((export_name(name)))

enum { CORPUS = -1, MSRS = -2, OUTPUT_STEP = 1 << 16 };
/* Beside a verdict. */
enum { ANSWER_NOTHING = VERDICT_DEPENDS + 1, ANSWER_BAD_MSRS };

struct growing {
    struct sink sink;
    char *text;
    size_t length, room;
};

static void write_output(struct sink *sink, const char *text, size_t length)
{
    struct growing *to = (struct growing *)sink;

    if (to->length + length > to->room) {
        to->room = 2 * to->room + length + OUTPUT_STEP;
        to->text = realloc(to->text, to->room);
    }
    memcpy(to->text + to->length, text, length);
    to->length += length;
}

static struct growing written = {.sink = {write_output}};

EXPORT("begin") void wasm_begin(void)
{
    library_reset();
    written.text = NULL;
    written.length = written.room = 0;
}

EXPORT("room") void *wasm_room(size_t bytes)
{
    return malloc(bytes + 1);
}

EXPORT("output") const char *wasm_output(void)
{
    return written.text;
}

EXPORT("output_bytes") size_t wasm_output_bytes(void)
{
    return written.length;
}

/* The values of a CPU that were pasted; 0, with words, if they cannot be read. */
static unsigned pasted_cpu(const char *msrs, size_t bytes, struct dump_list *list,
                           struct entry_cpu *cpus)
{
    struct dump_error error;

    dump_text_read(msrs, bytes, "the MSRs given", list, &error);
    if (error.line != 0) {
        print_to(&written.sink, "line %u of the MSRs: %s\n", error.line, error.text);
        return 0;
    }
    cpus[0] = entry_cpu_of(list->set[0].id, &list->set[0].dump);
    return 1;
}

static unsigned choose_cpus(int row, const char *msrs, size_t msr_bytes, struct dump_list *list,
                            struct entry_cpu *cpus)
{
    if (row == CORPUS)
        return entry_corpus(cpus);
    if (row == MSRS)
        return pasted_cpu(msrs, msr_bytes, list, cpus);
    cpus[0] = entry_cpu_of(corpus[row].id, &corpus[row].dump);
    return 1;
}

EXPORT("answer")
int wasm_answer(const char *bytes, size_t length, const char *msrs, size_t msr_bytes, int row,
                int json)
{
    static struct entry_cpu cpus[ENTRY_CPUS_MAX];
    struct dump_list list = {.set = NULL};
    struct vmcs_text text = {.dump = NULL};
    unsigned count = choose_cpus(row, msrs, msr_bytes, &list, cpus);

    if (count == 0)
        return ANSWER_BAD_MSRS;
    vmcs_text_read(bytes, length, &text);
    if (text.count == 0 && text.said_count == 0) {
        passed_text(&written.sink, &text);
        return ANSWER_NOTHING;
    }
    return (int)entry_answer(&written.sink, json != 0, &text, cpus, count);
}

/*
 * What the page of the corpus shows of the CPUs with these MSRs, as it shows the others
 * (html_data.h). False, with words in output(), if they cannot be read.
 */
EXPORT("data") int wasm_data(const char *msrs, size_t bytes)
{
    struct dump_list list = {.set = NULL};
    struct html_row *rows;
    struct entry_cpu cpu;

    if (pasted_cpu(msrs, bytes, &list, &cpu) == 0)
        return 0;
    rows = calloc(list.count, sizeof(*rows));
    for (size_t i = 0; i < list.count; i++)
        check_set(&list, i, CHECK_CHOICE_AUTO, &rows[i].checked);
    html_data(&written.sink, rows, list.count);
    return 1;
}

EXPORT("rows") size_t wasm_rows(void)
{
    return corpus_count;
}

/* "id\tCPU\tgeneration", in output(). */
EXPORT("row") void wasm_row(size_t row)
{
    const struct corpus_generation *generation = corpus[row].generation;

    print_to(&written.sink, "%s\t%s\t%s\t%s", corpus[row].id, corpus[row].cpu, corpus[row].kind,
             generation != NULL ? generation->name : "");
}
