#include "tools/capability/dump_text.h"

#include <string.h>

#include "lib/format.h"
#include "tools/capability/scan.h"

static const struct {
    const char *name;
    bool (*read)(struct scan *scan);
} formats[DUMP_FORMAT_COUNT] = {
    [DUMP_UNKNOWN] = {"unknown", NULL},   [DUMP_CSV] = {"CSV", read_csv},
    [DUMP_JSON] = {"JSON", read_json},    [DUMP_AIDA64] = {"AIDA64", read_aida64},
    [DUMP_RDMSR] = {"rdmsr", read_rdmsr}, [DUMP_PAIRS] = {"pairs", read_pairs},
};

const char report_begin[] = "-----BEGIN ROOTMODE REPORT-----";
const char report_end[] = "-----END ROOTMODE REPORT-----";

const char *dump_format_name(enum dump_format format)
{
    return formats[format].name;
}

/* What `line`, the first with something in it, says about the format of the text. */
static enum dump_format format_of(struct piece line)
{
    struct piece rest = line;
    struct piece first = piece_word(&rest, " \t");
    uint64_t address;

    if (piece_starts(line, "{") || piece_starts(line, "["))
        return DUMP_JSON;
    if (piece_is(first, "MSR") || piece_starts(line, "------[") || piece_is(first, "CPUID"))
        return DUMP_AIDA64;
    if (piece_find(first, '=') < first.length)
        return DUMP_PAIRS;
    if (piece_find(line, ',') < line.length)
        return DUMP_CSV;
    for (rest = line, first = piece_word(&rest, " \t"); first.length > 0;
         first = piece_word(&rest, " \t")) {
        if (piece_is(first, "rdmsr") || piece_starts(first, "rdmsr:"))
            return DUMP_RDMSR;
    }
    rest = line;
    first = piece_word(&rest, " \t:");
    if (piece_is(first, "CPU") && rest.length > 0)
        return DUMP_RDMSR;
    if (piece_hex(first, 0, 8, &address) && rest.length > 0)
        return DUMP_RDMSR;
    return DUMP_UNKNOWN;
}

/* A comment of a person's: `# …`, but for a root's prompt before a command. */
static bool is_comment(struct piece line)
{
    return piece_starts(line, "#") && format_of(line) != DUMP_RDMSR;
}

static bool has_line(struct scan scan, const char *text)
{
    struct piece line;

    while (scan_line(&scan, &line)) {
        if (piece_is(line, text))
            return true;
    }
    return false;
}

/* At the first line that is neither empty nor a comment, or at the end of the text. */
static struct piece first_line(struct scan scan)
{
    struct piece line = {scan.at, 0};

    while (scan_line(&scan, &line)) {
        if (line.length > 0 && !is_comment(line))
            return line;
    }
    return (struct piece){scan.end, 0};
}

static unsigned line_of(const struct scan *scan, const char *place)
{
    unsigned line = 1;

    for (const char *c = scan->at; c < place; c++)
        line += *c == '\n';
    return line;
}

static bool has_values(const struct dump_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->set[i].dump.msrs.present != 0 || list->set[i].dump.has_feature_control)
            return true;
    }
    return false;
}

enum dump_format dump_text_read(const char *text, size_t length, const char *name,
                                struct dump_list *list, struct dump_error *error)
{
    static const char known[] =
        "CSV with a line that names its columns (id,...,msr_480,...), Rootmode's JSON report, "
        "`MSR 00000480: 00DA-0400-0000-0012`, `480: da040000000012` or "
        "`0x480=0xda040000000012`";
    struct scan scan = {text, text + length, 0, name, list, error};
    enum dump_format format;
    struct piece first;

    *error = (struct dump_error){.line = 0};
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        scan.at += 3;
    first = first_line(scan);
    format = has_line(scan, report_begin) ? DUMP_JSON : format_of(first);
    if (format == DUMP_UNKNOWN) {
        scan.line = first.length > 0 ? line_of(&scan, first.start) : 1;
        scan_expected(&scan, first, known);
        return format;
    }
    if (formats[format].read(&scan) && !has_values(list))
        scan_expected(&scan, (struct piece){text, 0}, "at least one value of an MSR");
    return format;
}
