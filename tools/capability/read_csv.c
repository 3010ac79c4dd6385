/*
 * CSV: the first line names the columns, any of those that tests/data/vmx-msrs has and in any
 * order, `id` and at least one MSR among them; then a line for each set. Cells as RFC 4180 has
 * them, without line ends in cells. An empty cell of an MSR: absent, or not recorded.
 */
#include <string.h>

#include "lib/format.h"
#include "tools/capability/scan.h"

enum {
    COLUMNS_MAX = 29,
    COLUMN_ID = -1,
    COLUMN_CPU = -2,
    COLUMN_KIND = -3,
    COLUMN_OTHER = -4,
    CELL_MAX = 1024,
};

struct csv {
    int column[COLUMNS_MAX]; /* an MSR, or one of the above */
    size_t columns;
};

/* A cell's text with the quotes taken off; what does not fit is cut, as it is for people only. */
struct cell {
    char text[CELL_MAX];
    size_t length;
};

static struct piece piece_of_cell(const struct cell *cell)
{
    return (struct piece){cell->text, cell->length};
}

static void cell_add(struct cell *cell, char c)
{
    if (cell->length + 1 < CELL_MAX)
        cell->text[cell->length++] = c;
    cell->text[cell->length] = '\0';
}

/* Takes a cell of `*line`, and the comma after it: `*more` says whether there was one. */
static bool take_cell(struct scan *scan, struct piece *line, struct cell *cell, bool *more)
{
    bool quoted = piece_starts(*line, "\"");
    size_t at = quoted;

    *cell = (struct cell){.length = 0};
    for (; at < line->length; at++) {
        char c = line->start[at];

        if (quoted && c == '"') {
            if (at + 1 >= line->length || line->start[at + 1] != '"')
                break;
            at++;
        } else if (!quoted && (c == ',' || c == '"')) {
            break;
        }
        cell_add(cell, c);
    }
    if (quoted && at == line->length)
        return scan_expected(scan, *line, "a quote at the end of the cell");
    at += quoted;
    if (at < line->length && line->start[at] != ',')
        return scan_expected(scan, piece_after(*line, at), "a comma or the line's end");
    *more = at < line->length;
    *line = piece_after(*line, at + *more);
    return true;
}

/* The columns beside those of the MSRs. */
static const struct {
    const char *name;
    int column;
} columns[] = {
    {"id", COLUMN_ID},        {"cpu", COLUMN_CPU},     {"family_model_stepping", COLUMN_OTHER},
    {"kind", COLUMN_KIND},    {"odd", COLUMN_OTHER},   {"confidence", COLUMN_OTHER},
    {"source", COLUMN_OTHER}, {"notes", COLUMN_OTHER},
};

/* 0 for a name that is none. */
static int column_named(struct piece name)
{
    uint64_t msr;

    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        if (piece_is(name, columns[i].name))
            return columns[i].column;
    }
    if (piece_starts(name, "msr_") && piece_hex(piece_after(name, 4), -1, 3, &msr) &&
        dump_msr_is_known(msr))
        return (int)msr;
    return 0;
}

static bool has_column(const struct csv *csv, int column)
{
    for (size_t i = 0; i < csv->columns; i++) {
        if (csv->column[i] == column)
            return true;
    }
    return false;
}

static bool take_header(struct scan *scan, struct csv *csv, struct piece line)
{
    bool more = true, msrs = false;

    while (more) {
        struct cell cell;
        int column;

        if (!take_cell(scan, &line, &cell, &more))
            return false;
        column = column_named(piece_of_cell(&cell));
        if (column == 0)
            return scan_expected(scan, piece_of_cell(&cell),
                                 "the name of a column: id, cpu, kind, msr_03a, msr_480 ...");
        if (csv->columns == COLUMNS_MAX || (column != COLUMN_OTHER && has_column(csv, column)))
            return scan_expected(scan, piece_of_cell(&cell), "each column once");
        csv->column[csv->columns++] = column;
        msrs = msrs || column > 0;
    }
    if (!msrs || !has_column(csv, COLUMN_ID))
        return scan_expected(scan, (struct piece){line.start, 0},
                             "a column `id` and at least one of an MSR, like msr_480");
    return true;
}

static bool id_is_new(const struct dump_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->set[i].id, id) == 0)
            return false;
    }
    return true;
}

static bool put_id(struct scan *scan, struct dump_set *set, const struct cell *cell)
{
    if (cell->length == 0 || cell->length >= sizeof(set->id))
        return scan_expected(scan, piece_of_cell(cell), "an id of 1 to 95 characters");
    if (!id_is_new(scan->list, cell->text))
        return scan_expected(scan, piece_of_cell(cell), "an id that no line before has");
    format_text(set->id, sizeof(set->id), "%s", cell->text);
    return true;
}

static bool put_kind(struct scan *scan, struct dump_set *set, struct piece kind)
{
    if (piece_is(kind, "nested-hypervisor") || piece_is(kind, "named-model")) {
        set->virtual_registers = true;
        return true;
    }
    return piece_is(kind, "bare-metal") || piece_is(kind, "emulator") || kind.length == 0 ||
           scan_expected(scan, kind,
                         "a kind: bare-metal, emulator, named-model or nested-hypervisor");
}

static bool put_cell(struct scan *scan, struct dump_set *set, int column, const struct cell *cell)
{
    uint64_t value;

    switch (column) {
    case COLUMN_ID:
        return put_id(scan, set, cell);
    case COLUMN_CPU:
        format_text(set->about, sizeof(set->about), "%s", cell->text);
        return true;
    case COLUMN_KIND:
        return put_kind(scan, set, piece_of_cell(cell));
    case COLUMN_OTHER:
        return true;
    default:
        if (cell->length == 0)
            return true;
        if (!piece_hex(piece_of_cell(cell), 1, 16, &value))
            return scan_expected(scan, piece_of_cell(cell),
                                 "a value, 0x and 1 to 16 hex digits, or an empty cell");
        dump_msr_put(&set->dump, (uint32_t)column, value);
        return true;
    }
}

static bool take_row(struct scan *scan, const struct csv *csv, struct piece line)
{
    struct dump_set *set = dump_list_add(scan->list, "");
    struct piece row = line;
    bool more = true;

    for (size_t i = 0; i < csv->columns; i++) {
        struct cell cell;

        if (!more)
            return scan_expected(scan, row, "as many cells as the first line has columns");
        if (!take_cell(scan, &line, &cell, &more) || !put_cell(scan, set, csv->column[i], &cell))
            return false;
    }
    return !more || scan_expected(scan, line, "no more cells than the first line has columns");
}

bool read_csv(struct scan *scan)
{
    struct csv csv = {.columns = 0};
    struct piece line;

    while (scan_line(scan, &line)) {
        if (line.length == 0)
            continue;
        if (csv.columns == 0 ? !take_header(scan, &csv, line) : !take_row(scan, &csv, line))
            return false;
    }
    return scan->list->count > 0 ||
           scan_expected(scan, (struct piece){scan->end, 0}, "a line with values below the names");
}
