/*
 * vmxcap: what a CPU's VMX can do, asked to a person or a program. `vmxcap --help` says how.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/capability/corpus.h"
#include "tools/capability/find.h"
#include "tools/capability/help.h"
#include "tools/capability/html.h"
#include "tools/capability/lists.h"
#include "tools/capability/load.h"
#include "tools/capability/options.h"
#include "tools/capability/report.h"
#include "tools/capability/set_json.h"

enum exit_status { EXIT_OK, EXIT_REFUSED, EXIT_WRONG_USE, EXIT_INCOMPLETE };

const char load_program[] = "vmxcap";

static void write_output(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    fwrite_unlocked(text, 1, length, stdout); /* one thread, many short pieces */
}

static struct sink output = {write_output};

static void complain(const char *text)
{
    fflush(stdout);
    fprintf(stderr, "vmxcap: %s\n", text);
}

static unsigned columns_wanted(void)
{
    const char *variable = getenv("COLUMNS");
    struct winsize size;

    if (variable != NULL) {
        char *end;
        unsigned long columns = strtoul(variable, &end, 10);

        if (end != variable && *end == '\0' && columns > 0 && columns < 10000)
            return (unsigned)columns;
    }
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static bool colour_wanted(enum colour_choice choice)
{
    const char *no_color = getenv("NO_COLOR"); /* no-color.org: any value but the empty one */

    if (choice != COLOUR_AUTO)
        return choice == COLOUR_ALWAYS;
    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}

/* The worse of two: refused before incomplete before ok. */
static enum exit_status worse(enum exit_status a, enum exit_status b)
{
    if (a == EXIT_REFUSED || b == EXIT_REFUSED)
        return EXIT_REFUSED;
    return a == EXIT_INCOMPLETE || b == EXIT_INCOMPLETE ? EXIT_INCOMPLETE : EXIT_OK;
}

static enum exit_status status_of(const struct checked *checked)
{
    static const enum exit_status statuses[] = {
        [STAGE_OK] = EXIT_OK,
        [STAGE_REFUSED] = EXIT_REFUSED,
        [STAGE_INCOMPLETE] = EXIT_INCOMPLETE,
    };

    return statuses[checked->report.verdict];
}

static bool same_values(const struct vmx_dump *a, const struct vmx_dump *b)
{
    return a->has_feature_control == b->has_feature_control &&
           a->feature_control == b->feature_control && a->msrs.present == b->msrs.present &&
           memcmp(a->msrs.value, b->msrs.value, sizeof(a->msrs.value)) == 0;
}

/* Of the other CPUs of a machine only what the first one does not have in the same way. */
static enum exit_status report_list(const struct page *page, const struct dump_list *list,
                                    enum check_choice check)
{
    static struct checked first, checked;
    enum exit_status status = EXIT_OK;
    size_t same = 0;

    for (size_t i = 0; i < list->count; i++) {
        bool other = list->one_machine && i > 0;

        check_set(list, i, check, &checked);
        status = worse(status, status_of(&checked));
        if (i == 0)
            first = checked;
        if (other && same_values(&list->set[0].dump, &list->set[i].dump)) {
            same++;
            continue;
        }
        if (i > 0)
            print_to(page->sink, "\n");
        if (!other) {
            report_set(page, &checked);
            continue;
        }
        report_head(page, &checked);
        report_findings(page, &checked.report.findings, 0);
        print_to(page->sink, "\n");
        report_difference(page, &first, &checked);
    }
    if (same > 0)
        print_to(page->sink, "\n%zu more CPU%s of this machine: the same values as the first.\n",
                 same, same > 1 ? "s" : "");
    return status;
}

static enum exit_status json_list(struct json *json, const struct dump_list *list,
                                  enum check_choice check)
{
    static struct checked checked;
    enum exit_status status = EXIT_OK;

    for (size_t i = 0; i < list->count; i++) {
        check_set(list, i, check, &checked);
        set_json(json, &checked);
        status = worse(status, status_of(&checked));
    }
    return status;
}

/* How a file was read, and what in it was passed over though it looks as if it were meant. */
static void print_reading(const struct page *page, const char *name, const struct dump_list *list)
{
    const struct dump_reading *reading = &list->reading;
    char formats[DUMP_FORMATS_TEXT_MAX];

    dump_formats_text(reading->formats, formats);
    page_print(page, STYLE_DIM, "%s: read as %s, %zu set%s\n", load_shown_name(name), formats,
               list->count, list->count == 1 ? "" : "s");
    for (unsigned i = 0; i < reading->not_understood && i < DUMP_PASSED_MAX; i++)
        page_print(page, STYLE_WARNING, "  not understood, line %u: `%s`, expected %s\n",
                   reading->passed[i].line, reading->passed[i].text, reading->passed[i].expected);
    if (reading->not_understood > DUMP_PASSED_MAX)
        page_print(page, STYLE_WARNING, "  and %u more\n",
                   reading->not_understood - DUMP_PASSED_MAX);
    report_lacking(page, list);
    print_to(page->sink, "\n");
}

/* The same where nothing is printed about the file itself. */
static void complain_of_passed(const char *name, const struct dump_list *list)
{
    const struct dump_reading *reading = &list->reading;

    if (reading->not_understood == 0)
        return;
    fflush(stdout);
    fprintf(stderr, "vmxcap: %s: not understood, line %u: `%s`, expected %s", load_shown_name(name),
            reading->passed[0].line, reading->passed[0].text, reading->passed[0].expected);
    if (reading->not_understood > 1)
        fprintf(stderr, "; and %u more", reading->not_understood - 1);
    fprintf(stderr, "\n");
}

static enum exit_status print_list(const struct page *page, const char *name,
                                   const struct dump_list *list, enum check_choice check)
{
    if (list->reading.formats != 0)
        print_reading(page, name, list);
    return report_list(page, list, check);
}

/* Nothing is printed before all sources are known to be sound. */
static enum exit_status report_sources(const struct page *page, const struct options *options)
{
    static struct dump_list lists[SOURCES_MAX];
    size_t count = options->source_count > 0 ? options->source_count : 1;
    enum exit_status status = EXIT_OK;
    struct json json;

    for (size_t i = 0; i < count; i++) {
        const struct source *source = options->source_count > 0 ? &options->source[i] : NULL;

        if (!load_source(source, &lists[i]))
            return EXIT_WRONG_USE;
    }
    json_init(&json, page->sink);
    if (options->json)
        json_array_begin(&json, NULL);
    for (size_t i = 0; i < count; i++) {
        if (!options->json && i > 0)
            print_to(page->sink, "\n");
        status = worse(status, options->json ? json_list(&json, &lists[i], options->check)
                                             : print_list(page, options->source[i].name, &lists[i],
                                                          options->check));
        dump_list_free(&lists[i]);
    }
    if (options->json) {
        json_array_end(&json);
        print_to(page->sink, "\n");
    }
    return status;
}

static enum exit_status diff(const struct page *page, const struct options *options)
{
    static struct checked checked[2];
    struct dump_list list[2] = {{.set = NULL}, {.set = NULL}};
    enum exit_status status = EXIT_WRONG_USE;

    if (load_operand(options->diff[0], &list[0]) && load_operand(options->diff[1], &list[1])) {
        for (int i = 0; i < 2; i++) {
            complain_of_passed(options->diff[i], &list[i]);
            check_set(&list[i], 0, options->check, &checked[i]);
        }
        report_difference(page, &checked[0], &checked[1]);
        status = EXIT_OK;
    }
    for (int i = 0; i < 2; i++)
        dump_list_free(&list[i]);
    return status;
}

struct tally {
    size_t have, unknown, all;
};

static bool holds(const struct find *find, const struct vmx_dump *dump, struct tally *tally)
{
    enum truth truth = find_evaluate(find, dump);

    tally->all++;
    tally->have += truth == TRUTH_TRUE;
    tally->unknown += truth == TRUTH_UNKNOWN;
    return truth == TRUTH_TRUE;
}

static bool find_in_source(const struct source *source, const struct find *find,
                           struct tally *tally)
{
    struct dump_list list = {.set = NULL};
    bool loaded = load_source(source, &list);

    if (loaded)
        complain_of_passed(source->name, &list);
    for (size_t i = 0; loaded && i < list.count; i++) {
        if (holds(find, &list.set[i].dump, tally))
            print_to(&output, "%-40s %s\n", list.set[i].id, list.set[i].about);
    }
    dump_list_free(&list);
    return loaded;
}

static enum exit_status find(const struct page *page, const struct options *options)
{
    char error[FIND_ERROR_MAX];
    struct tally tally = {0};
    struct find find;

    if (!find_parse(options->expression, &find, error)) {
        complain(error);
        return EXIT_WRONG_USE;
    }
    for (size_t i = 0; i < options->source_count; i++) {
        if (!find_in_source(&options->source[i], &find, &tally))
            return EXIT_WRONG_USE;
    }
    for (size_t i = 0; options->source_count == 0 && i < corpus_count; i++) {
        if (holds(&find, &corpus[i].dump, &tally))
            list_corpus_row(page, &corpus[i]);
    }
    fflush(stdout);
    fprintf(stderr, "%zu of %zu sets", tally.have, tally.all);
    if (tally.unknown > 0)
        fprintf(stderr, "; of %zu more it cannot be told", tally.unknown);
    fprintf(stderr, "\n");
    return EXIT_OK;
}

/* The corpus as a page, with the sources beside it. */
static enum exit_status html(const struct options *options)
{
    static struct dump_list lists[SOURCES_MAX];
    char error[HTML_ERROR_MAX];
    bool written;

    for (size_t i = 0; i < options->source_count; i++) {
        if (!load_source(&options->source[i], &lists[i]))
            return EXIT_WRONG_USE;
        complain_of_passed(options->source[i].name, &lists[i]);
    }
    written = html_write(options->folder, lists, options->source_count, options->check, error);
    for (size_t i = 0; i < options->source_count; i++)
        dump_list_free(&lists[i]);
    if (!written) {
        complain(error);
        return EXIT_WRONG_USE;
    }
    print_to(&output, "%s/index.html\n", options->folder);
    return EXIT_OK;
}

static enum exit_status run(const struct page *page, const struct options *options)
{
    switch (options->action) {
    case ACTION_REPORT:
        return report_sources(page, options);
    case ACTION_BASIC:
        return report_basic(page, options->basic, check_mode(options->check, false)) ? EXIT_REFUSED
                                                                                     : EXIT_OK;
    case ACTION_DIFF:
        return diff(page, options);
    case ACTION_FIND:
        return find(page, options);
    case ACTION_HTML:
        return html(options);
    case ACTION_LIST:
        for (size_t i = 0; i < corpus_count; i++)
            list_corpus_row(page, &corpus[i]);
        break;
    case ACTION_FEATURES:
        list_features(page);
        break;
    case ACTION_REQUIRES:
        list_requirements(page);
        break;
    case ACTION_HELP:
        print_to(page->sink, "%s", help_text);
        break;
    case ACTION_VERSION:
        print_to(page->sink, "vmxcap (Rootmode) " ROOTMODE_VERSION "\n");
        break;
    }
    return EXIT_OK;
}

int main(int count, char **words)
{
    static struct options options;
    char error[OPTIONS_ERROR_MAX];
    enum exit_status status;
    struct page page;

    if (!options_parse(count, words, &options, error)) {
        complain(error);
        fprintf(stderr, "vmxcap --help tells more\n");
        return EXIT_WRONG_USE;
    }
    page = (struct page){&output, page_width(columns_wanted()), colour_wanted(options.colour)};
    status = run(&page, &options);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "vmxcap: cannot write: %s\n", strerror(errno));
        return EXIT_WRONG_USE;
    }
    return status;
}
