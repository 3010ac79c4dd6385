/*
 * vmxcap: what a CPU's VMX can do, told to a person or a program. `vmxcap --help` says how.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/capability/corpus.h"
#include "tools/capability/dump_text.h"
#include "tools/capability/find.h"
#include "tools/capability/help.h"
#include "tools/capability/lists.h"
#include "tools/capability/machine.h"
#include "tools/capability/nearest.h"
#include "tools/capability/options.h"
#include "tools/capability/report.h"
#include "tools/capability/set_json.h"

enum exit_status { EXIT_OK, EXIT_REFUSED, EXIT_WRONG_USE, EXIT_INCOMPLETE };

enum { INPUT_MAX = 256 << 20 }; /* no dump is so long */

/* For tests: another directory in place of /dev/cpu (tools/capability/machine.h). */
static const char dev_cpu_variable[] = "VMXCAP_DEV_CPU";

static void write_output(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    fwrite(text, 1, length, stdout);
}

static struct sink output = {write_output};

static const char *row_name(size_t index)
{
    return corpus[index].id;
}

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

/* All of a stream; NULL, with `errno` set, if it cannot be read. */
static char *read_stream(FILE *file, size_t *length)
{
    size_t room = 1 << 16, got;
    char *text = malloc(room);

    *length = 0;
    while (text != NULL && (got = fread(text + *length, 1, room - *length, file)) > 0) {
        *length += got;
        if (*length == room) {
            char *grown = room < INPUT_MAX ? realloc(text, 2 * room) : NULL;

            if (grown == NULL) {
                free(text);
                errno = EFBIG;
                return NULL;
            }
            text = grown;
            room *= 2;
        }
    }
    if (text != NULL && ferror(file)) {
        free(text);
        return NULL;
    }
    return text;
}

static const char *shown_name(const char *file)
{
    return strcmp(file, "-") == 0 ? "standard input" : file;
}

static char *read_file(const char *name, size_t *length)
{
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
    char *text = file != NULL ? read_stream(file, length) : NULL;
    int why = errno;

    if (file != NULL && file != stdin)
        fclose(file);
    if (text == NULL)
        fprintf(stderr, "vmxcap: %s: %s\n", shown_name(name), strerror(why));
    return text;
}

/* The file's name without its folders: what its set is called. */
static const char *set_name(const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash != NULL ? slash + 1 : shown_name(file);
}

static bool load_file(const char *name, struct dump_list *list, enum dump_format *format)
{
    struct dump_error error;
    size_t length;
    char *text = read_file(name, &length);

    if (text == NULL)
        return false;
    *format = dump_text_read(text, length, set_name(name), list, &error);
    free(text);
    if (error.line == 0)
        return true;
    fprintf(stderr, "vmxcap: %s: line %u%s%s: %s\n", shown_name(name), error.line,
            *format != DUMP_UNKNOWN ? ", read as " : "",
            *format != DUMP_UNKNOWN ? dump_format_name(*format) : "", error.text);
    return false;
}

static void add_row(struct dump_list *list, const struct corpus_row *row)
{
    struct dump_set *set = dump_list_add(list, row->id);

    snprintf(set->about, sizeof(set->about), "%s; %s, %s", row->cpu, row->kind, row->confidence);
    set->virtual_registers =
        strcmp(row->kind, "named-model") == 0 || strcmp(row->kind, "nested-hypervisor") == 0;
    set->dump = row->dump;
}

static bool load_row(const char *id, struct dump_list *list)
{
    const struct corpus_row *row = corpus_find(id);

    if (row == NULL) {
        fprintf(stderr,
                "vmxcap: unknown row `%s`; the nearest known one is `%s`, and --list lists all\n",
                id, nearest_name(id, corpus_count, row_name));
        return false;
    }
    add_row(list, row);
    return true;
}

static bool load_machine(struct dump_list *list)
{
    char error[MACHINE_ERROR_MAX];

    if (machine_read(getenv(dev_cpu_variable), list, error))
        return true;
    complain(error);
    return false;
}

/* The worse of two: refused before incomplete before ok. */
static enum exit_status worse(enum exit_status status, enum stage_verdict verdict)
{
    if (status == EXIT_REFUSED || verdict == STAGE_REFUSED)
        return EXIT_REFUSED;
    return status == EXIT_INCOMPLETE || verdict == STAGE_INCOMPLETE ? EXIT_INCOMPLETE : EXIT_OK;
}

/* A CPU of the same machine: only what the first one does not have in the same way. */
static bool same_values(const struct vmx_dump *a, const struct vmx_dump *b)
{
    return a->has_feature_control == b->has_feature_control &&
           a->feature_control == b->feature_control && a->msrs.present == b->msrs.present &&
           memcmp(a->msrs.value, b->msrs.value, sizeof(a->msrs.value)) == 0;
}

static enum exit_status report_list(const struct page *page, const struct dump_list *list,
                                    enum check_choice check)
{
    static struct judged first, judged;
    enum exit_status status = EXIT_OK;
    size_t same = 0;

    for (size_t i = 0; i < list->count; i++) {
        bool other = list->one_machine && i > 0;

        judge(list, i, check, &judged);
        status = worse(status, judged.report.verdict);
        if (i == 0)
            first = judged;
        if (other && same_values(&list->set[0].dump, &list->set[i].dump)) {
            same++;
            continue;
        }
        if (i > 0)
            print_to(page->sink, "\n");
        if (!other) {
            report_set(page, &judged);
            continue;
        }
        report_head(page, &judged);
        report_findings(page, &judged.report.findings, 0);
        print_to(page->sink, "\n");
        report_difference(page, &first, &judged);
    }
    if (same > 0)
        print_to(page->sink, "\n%zu more CPU%s of this machine: the same values as the first.\n",
                 same, same > 1 ? "s" : "");
    return status;
}

static enum exit_status json_list(struct json *json, const struct dump_list *list,
                                  enum check_choice check)
{
    static struct judged judged;
    enum exit_status status = EXIT_OK;

    for (size_t i = 0; i < list->count; i++) {
        judge(list, i, check, &judged);
        set_json(json, &judged);
        status = worse(status, judged.report.verdict);
    }
    return status;
}

/* `source` NULL: this machine. */
static bool load(const struct source *source, struct dump_list *list, enum dump_format *format)
{
    *format = DUMP_UNKNOWN;
    if (source == NULL)
        return load_machine(list);
    return source->row ? load_row(source->name, list) : load_file(source->name, list, format);
}

/* Nothing is printed before all sources are known to be sound. */
static enum exit_status report_sources(const struct page *page, const struct options *options)
{
    static struct dump_list lists[SOURCES_MAX];
    static enum dump_format formats[SOURCES_MAX];
    size_t count = options->source_count > 0 ? options->source_count : 1;
    enum exit_status status = EXIT_OK;
    struct json json;

    for (size_t i = 0; i < count; i++) {
        if (!load(options->source_count > 0 ? &options->source[i] : NULL, &lists[i], &formats[i]))
            return EXIT_WRONG_USE;
    }
    json_init(&json, page->sink);
    if (options->json)
        json_array_begin(&json, NULL);
    for (size_t i = 0; i < count; i++) {
        enum exit_status of_list;

        if (options->json) {
            of_list = json_list(&json, &lists[i], options->check);
        } else {
            if (i > 0)
                print_to(page->sink, "\n");
            if (formats[i] != DUMP_UNKNOWN)
                page_print(page, STYLE_DIM, "%s: read as %s, %zu set%s\n\n",
                           shown_name(options->source[i].name), dump_format_name(formats[i]),
                           lists[i].count, lists[i].count == 1 ? "" : "s");
            of_list = report_list(page, &lists[i], options->check);
        }
        status = worse(worse(status, STAGE_OK), of_list == EXIT_REFUSED      ? STAGE_REFUSED
                                                : of_list == EXIT_INCOMPLETE ? STAGE_INCOMPLETE
                                                                             : STAGE_OK);
        dump_list_free(&lists[i]);
    }
    if (options->json) {
        json_array_end(&json);
        print_to(page->sink, "\n");
    }
    return status;
}

/* An operand of --diff: an id of the corpus, or else a file with one set. */
static bool load_operand(const char *name, struct dump_list *list)
{
    enum dump_format format;

    if (corpus_find(name) != NULL)
        return load_row(name, list);
    if (strcmp(name, "-") != 0 && access(name, F_OK) != 0) {
        fprintf(stderr, "vmxcap: `%s` is neither a file nor a row; the nearest known row is `%s`\n",
                name, nearest_name(name, corpus_count, row_name));
        return false;
    }
    if (!load_file(name, list, &format))
        return false;
    if (list->count == 1 || list->one_machine)
        return true;
    fprintf(stderr, "vmxcap: %s: it holds %zu sets, and --diff takes one from each side\n", name,
            list->count);
    return false;
}

static enum exit_status diff(const struct page *page, const struct options *options)
{
    static struct judged judged[2];
    struct dump_list list[2] = {{NULL}, {NULL}};
    enum exit_status status = EXIT_WRONG_USE;

    if (load_operand(options->diff[0], &list[0]) && load_operand(options->diff[1], &list[1])) {
        for (int i = 0; i < 2; i++)
            judge(&list[i], 0, options->check, &judged[i]);
        report_difference(page, &judged[0], &judged[1]);
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
    struct dump_list list = {NULL};
    enum dump_format format;
    bool loaded = load(source, &list, &format);

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
