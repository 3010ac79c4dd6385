#include "tools/capability/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/capability/corpus.h"
#include "tools/capability/machine.h"
#include "tools/capability/nearest.h"

enum { INPUT_MAX = 256 << 20 }; /* no dump is so long */

/* For tests: another directory in place of /dev/cpu (tools/capability/machine.h). */
static const char dev_cpu_variable[] = "VMXCAP_DEV_CPU";

static const char *row_name(size_t index)
{
    return corpus[index].id;
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

const char *load_shown_name(const char *file)
{
    return strcmp(file, "-") == 0 ? "standard input" : file;
}

char *load_text(const char *name, size_t *length)
{
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
    char *text = file != NULL ? read_stream(file, length) : NULL;
    int why = errno;

    if (file != NULL && file != stdin)
        fclose(file);
    if (text == NULL)
        fprintf(stderr, "%s: %s: %s\n", load_program, load_shown_name(name), strerror(why));
    return text;
}

/* The file's name without its folders: what its set is called. */
static const char *set_name(const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash != NULL ? slash + 1 : load_shown_name(file);
}

static bool load_file(const char *name, struct dump_list *list)
{
    char formats[DUMP_FORMATS_TEXT_MAX];
    struct dump_error error;
    size_t length;
    char *text = load_text(name, &length);

    if (text == NULL)
        return false;
    dump_text_read(text, length, set_name(name), list, &error);
    free(text);
    if (error.line == 0)
        return true;
    dump_formats_text(list->reading.formats, formats);
    fprintf(stderr, "%s: %s: line %u%s%s: %s\n", load_program, load_shown_name(name), error.line,
            formats[0] != '\0' ? ", read as " : "", formats, error.text);
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
        char nearest[NEAREST_TEXT_MAX];

        nearest_print(nearest, sizeof(nearest), nearest_name(id, corpus_count, row_name));
        fprintf(stderr, "%s: unknown row `%s`%s; --list lists all\n", load_program, id, nearest);
        return false;
    }
    add_row(list, row);
    return true;
}

void load_corpus(struct dump_list *list)
{
    for (size_t i = 0; i < corpus_count; i++)
        add_row(list, &corpus[i]);
}

static bool load_machine(struct dump_list *list)
{
    char error[MACHINE_ERROR_MAX];

    if (machine_read(getenv(dev_cpu_variable), list, error))
        return true;
    fprintf(stderr, "%s: %s\n", load_program, error);
    return false;
}

bool load_source(const struct source *source, struct dump_list *list)
{
    if (source == NULL)
        return load_machine(list);
    return source->row ? load_row(source->name, list) : load_file(source->name, list);
}

bool load_operand(const char *name, struct dump_list *list)
{
    if (corpus_find(name) != NULL)
        return load_row(name, list);
    if (strcmp(name, "-") != 0 && access(name, F_OK) != 0) {
        char nearest[NEAREST_TEXT_MAX];

        nearest_print(nearest, sizeof(nearest), nearest_name(name, corpus_count, row_name));
        fprintf(stderr, "%s: `%s` is neither a file nor a row%s; --list lists all rows\n",
                load_program, name, nearest);
        return false;
    }
    if (!load_file(name, list))
        return false;
    if (list->count == 1 || list->one_machine)
        return true;
    fprintf(stderr, "%s: %s: it holds %zu sets, and --diff takes one from each side\n",
            load_program, name, list->count);
    return false;
}
