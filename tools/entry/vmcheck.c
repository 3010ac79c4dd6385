/*
 * vmcheck: paste a VMCS, read which rule of the VM entry it breaks. `vmcheck --help` says how.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/capability/corpus.h"
#include "tools/capability/lists.h"
#include "tools/capability/load.h"
#include "tools/capability/options.h"
#include "tools/entry/answer.h"
#include "tools/entry/verdict_text.h"

enum exit_status { EXIT_ALLOWED, EXIT_BROKEN, EXIT_WRONG_USE };

static const char help_text[] =
    "usage: vmcheck [--cpu ROW | --msrs FILE] [--json] [FILE]\n"
    "\n"
    "Reads VMCSs from FILE or the standard input, as KVM, Xen, Rootmode, QEMU or a person\n"
    "prints them, and says which rules of the manual a VM entry with them breaks:\n"
    "\n"
    "  dmesg | vmcheck\n"
    "\n"
    "  --cpu ROW    on this CPU of the corpus (--list), or on a model of Bochs by its name there;\n"
    "               else on all that could be it\n"
    "  --msrs FILE  on the CPU with these capability MSRs, in any form that vmxcap reads\n"
    "  --json       for a program\n"
    "  --list       the CPUs of the corpus\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 no rule is known to be broken, 1 one is, 2 no VMCS found or wrong use.\n";

const char load_program[] = "vmcheck";

struct request {
    const char *row, *msrs, *file;
    bool json;
};

static void write_output(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    fwrite_unlocked(text, 1, length, stdout); /* one thread, many short pieces */
}

static struct sink output = {write_output};

static bool complain(const char *words, const char *about)
{
    fflush(stdout);
    fprintf(stderr, "vmcheck: %s%s\n", words, about);
    return false;
}

/* The CPUs to check on: one that was named, or the corpus. 0, with words, if that fails. */
static unsigned find_cpus(const struct request *request, struct dump_list *list,
                          struct entry_cpu *cpus)
{
    struct source source = {.row = request->row != NULL,
                            .name = request->row != NULL ? request->row : request->msrs};

    if (source.name == NULL)
        return entry_corpus(cpus);
    if (!load_source(&source, list))
        return 0;
    cpus[0] = entry_cpu_of(list->set[0].id, &list->set[0].dump);
    return 1;
}

static enum exit_status run(const struct request *request)
{
    static struct entry_cpu cpus[ENTRY_CPUS_MAX];
    struct dump_list list = {.set = NULL};
    struct vmcs_text text = {.dump = NULL};
    enum exit_status status = EXIT_WRONG_USE;
    size_t length;
    char *bytes;
    unsigned count = find_cpus(request, &list, cpus);

    if (count == 0)
        return EXIT_WRONG_USE;
    bytes = load_text(request->file, &length);
    if (bytes == NULL)
        return EXIT_WRONG_USE;
    vmcs_text_read(bytes, length, &text);
    free(bytes);
    if (request->json || text.count > 0 || text.said_count > 0)
        status = entry_answer(&output, request->json, &text, cpus, count) == VERDICT_REFUSED
                     ? EXIT_BROKEN
                     : EXIT_ALLOWED;
    if (text.count == 0 && text.said_count == 0) {
        if (!request->json)
            passed_text(&output, &text);
        complain("no field of a VMCS found in ", load_shown_name(request->file));
        status = EXIT_WRONG_USE;
    }
    vmcs_text_free(&text);
    dump_list_free(&list);
    return status;
}

enum option_value { OPTION_CPU = 256, OPTION_MSRS, OPTION_JSON, OPTION_LIST, OPTION_VERSION };

static const struct option table[] = {
    {"cpu", required_argument, NULL, OPTION_CPU},
    {"msrs", required_argument, NULL, OPTION_MSRS},
    {"json", no_argument, NULL, OPTION_JSON},
    {"list", no_argument, NULL, OPTION_LIST},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* What needs no VMCS is done at once; false: with the status to end with. */
static bool take_option(int option, struct request *request, enum exit_status *status)
{
    const struct page page = {.sink = &output, .width = PAGE_WIDTH_MOST};

    *status = EXIT_ALLOWED;
    switch (option) {
    case OPTION_CPU:
        request->row = optarg;
        return true;
    case OPTION_MSRS:
        request->msrs = optarg;
        return true;
    case OPTION_JSON:
        return request->json = true;
    case OPTION_LIST:
        for (size_t i = 0; i < corpus_count; i++)
            list_corpus_row(&page, &corpus[i]);
        return false;
    case OPTION_VERSION:
        print_to(&output, "vmcheck (Rootmode) " ROOTMODE_VERSION "\n");
        return false;
    default:
        print_to(&output, "%s", help_text);
        return false;
    }
}

static bool take_words(int count, char **words, struct request *request, enum exit_status *status)
{
    char error[OPTIONS_ERROR_MAX];
    int option;

    opterr = 0;
    while ((option = getopt_long(count, words, ":h", table, NULL)) != -1) {
        *status = EXIT_WRONG_USE;
        if (option == ':')
            return complain("a value is missing behind ", words[optind - 1]);
        if (option == '?')
            return options_unknown(words[optind - 1], table, error) || complain(error, "");
        if (!take_option(option, request, status))
            return false;
    }
    *status = EXIT_WRONG_USE;
    if (request->row != NULL && request->msrs != NULL)
        return complain("--cpu and --msrs both name a CPU; give one", "");
    if (optind < count)
        request->file = words[optind++];
    return optind == count || complain("one file at a time; one word too many: ", words[optind]);
}

int main(int count, char **words)
{
    struct request request = {.file = "-"};
    enum exit_status status = EXIT_WRONG_USE;

    if (take_words(count, words, &request, &status))
        status = run(&request);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("the answer could not be written", "");
        status = EXIT_WRONG_USE;
    }
    return (int)status;
}
