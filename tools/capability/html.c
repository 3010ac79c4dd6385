#include "tools/capability/html.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/capability/corpus.h"
#include "tools/capability/html_data.h"
#include "tools/capability/html_files.h"
#include "tools/capability/load.h"

enum { FILE_NAME_MAX = 4096 };

struct file_sink {
    struct sink sink;
    FILE *file;
};

static void write_to_file(struct sink *sink, const char *text, size_t length)
{
    struct file_sink *to = (struct file_sink *)sink;

    fwrite(text, 1, length, to->file);
}

static bool fail(const char *name, char error[HTML_ERROR_MAX])
{
    snprintf(error, HTML_ERROR_MAX, "%.400s: %s", name, strerror(errno));
    return false;
}

static FILE *create(const char *folder, const char *file, char error[HTML_ERROR_MAX])
{
    char name[FILE_NAME_MAX];
    FILE *created;

    snprintf(name, sizeof(name), "%s/%s", folder, file);
    created = fopen(name, "w");
    if (created == NULL)
        fail(name, error);
    return created;
}

/* Nothing is sound before it is closed: a full disk may show only then. */
static bool finish(FILE *file, const char *name, char error[HTML_ERROR_MAX])
{
    bool failed = ferror(file) != 0;

    return (fclose(file) == 0 && !failed) || fail(name, error);
}

static bool write_files(const char *folder, char error[HTML_ERROR_MAX])
{
    for (size_t i = 0; i < html_file_count; i++) {
        FILE *file = create(folder, html_files[i].name, error);

        if (file == NULL)
            return false;
        fputs(html_files[i].text, file);
        if (!finish(file, html_files[i].name, error))
            return false;
    }
    return true;
}

/* A script, because a page that is a file may load no JSON. */
static bool write_data(const char *folder, const struct html_row *rows, size_t count,
                       char error[HTML_ERROR_MAX])
{
    static const char name[] = "data.js";
    struct file_sink to = {{write_to_file}, create(folder, name, error)};

    if (to.file == NULL)
        return false;
    print_to(&to.sink, "\"use strict\";\nconst corpus = ");
    html_data(&to.sink, rows, count);
    print_to(&to.sink, ";\n");
    return finish(to.file, name, error);
}

static size_t check_list(const struct dump_list *list, enum check_choice check,
                         struct html_row *rows)
{
    for (size_t i = 0; i < list->count; i++) {
        check_set(list, i, check, &rows[i].checked);
        rows[i].row = NULL;
    }
    return list->count;
}

static bool write_rows(const char *folder, const struct dump_list *known,
                       const struct dump_list *lists, size_t count, enum check_choice check,
                       char error[HTML_ERROR_MAX])
{
    size_t total = known->count, filled;
    struct html_row *rows;
    bool written;

    for (size_t i = 0; i < count; i++)
        total += lists[i].count;
    rows = calloc(total, sizeof(*rows));
    if (rows == NULL)
        return fail(folder, error);
    filled = check_list(known, check, rows);
    for (size_t i = 0; i < filled; i++)
        rows[i].row = &corpus[i];
    for (size_t i = 0; i < count; i++)
        filled += check_list(&lists[i], check, rows + filled);
    written = write_data(folder, rows, total, error);
    free(rows);
    return written;
}

bool html_write(const char *folder, const struct dump_list *lists, size_t count,
                enum check_choice check, char error[HTML_ERROR_MAX])
{
    struct dump_list known = {.set = NULL};
    bool written;

    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return fail(folder, error);
    load_corpus(&known);
    written = write_files(folder, error) && write_rows(folder, &known, lists, count, check, error);
    dump_list_free(&known);
    return written;
}
