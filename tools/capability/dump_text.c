#include "tools/capability/dump_text.h"

#include <stdlib.h>
#include <string.h>

#include "lib/format.h"
#include "tools/capability/line.h"
#include "tools/capability/scan.h"

static const char *const format_names[DUMP_FORMAT_COUNT] = {
    [DUMP_UNKNOWN] = "unknown",
    [DUMP_CSV] = "CSV",
    [DUMP_JSON] = "JSON",
    [DUMP_AIDA64] = "AIDA64",
    [DUMP_RDMSR] = "rdmsr",
    [DUMP_PAIRS] = "pairs",
    [DUMP_NAMES] = "names of MSRs",
    [DUMP_LISTING] = "QEMU's vmxcap",
    [DUMP_HALVES] = "halves EDX:EAX",
    [DUMP_COLUMNS] = "a column for each CPU",
    [DUMP_DECIMAL] = "decimal values",
};

const char report_begin[] = "-----BEGIN ROOTMODE REPORT-----";
const char report_end[] = "-----END ROOTMODE REPORT-----";

void dump_formats_text(uint32_t formats, char text[DUMP_FORMATS_TEXT_MAX])
{
    struct text_buffer buffer;
    const char *before = "";

    text_buffer_init(&buffer, text, DUMP_FORMATS_TEXT_MAX);
    for (int i = 0; i < DUMP_FORMAT_COUNT; i++) {
        if (!(formats >> i & 1))
            continue;
        print_to(&buffer.sink, "%s%s", before, format_names[i]);
        before = ", ";
    }
}

/* An object or an array, and no text of a program, time stamp or prompt in brackets, begins so. */
static bool begins_json(struct piece line)
{
    struct piece rest = piece_trim(piece_after(line, line.length > 0));

    if (piece_starts(line, "{"))
        return rest.length == 0 || char_is_one_of(piece_first(rest), "\"}");
    return piece_starts(line, "[") && line_plain(line).start == line.start &&
           (rest.length == 0 || char_is_one_of(piece_first(rest), "{[]\"-") ||
            char_is_digit(piece_first(rest)));
}

/* A line with the names of columns. */
static bool begins_csv(struct piece line)
{
    bool comma = piece_find(line, ',') < line.length;

    for (struct piece cell = piece_word(&line, ", \"\r"); comma && cell.length > 0;
         cell = piece_word(&line, ", \"\r")) {
        if (piece_is(cell, "id") || piece_starts(cell, "msr_"))
            return true;
    }
    return false;
}

/* A copy of the text without what stands before its lines (line.h) and without escape sequences of
 * a terminal; each line stays a line.
 */
struct copy {
    char *text;
    size_t length;
};

/* ESC [ … letter, as colours are written; and of web pages the space that does not break. */
static size_t length_of_escape(struct piece rest)
{
    size_t length = 2;

    if (piece_starts(rest, "\xc2\xa0"))
        return 2;
    if (!piece_starts(rest, "\x1b["))
        return 0;
    while (length < rest.length && !char_is_letter(rest.start[length]))
        length++;
    return length < rest.length ? length + 1 : length;
}

static void copy_line(struct copy *copy, struct piece line)
{
    size_t start = copy->length;
    struct piece plain;

    while (line.length > 0) {
        size_t escape = length_of_escape(line);

        if (escape == 0 || piece_starts(line, "\xc2"))
            copy->text[copy->length++] = (char)(escape == 0 ? line.start[0] : ' ');
        line = piece_after(line, escape > 0 ? escape : 1);
    }
    plain = line_plain((struct piece){copy->text + start, copy->length - start});
    memmove(copy->text + start, plain.start, plain.length);
    copy->length = start + plain.length;
}

static struct copy copy_plain(struct piece text)
{
    struct copy copy = {malloc(text.length + 1), 0};
    struct piece line;

    if (copy.text == NULL)
        abort();
    while (piece_line(&text, &line)) {
        copy_line(&copy, line);
        if (line.start + line.length < text.start)
            copy.text[copy.length++] = '\n';
    }
    return copy;
}

/* UTF-16 has each character in two bytes. Which of them is the high one, 0 in such texts? -1: it is
 * not UTF-16.
 */
static int high_byte(struct piece text)
{
    if (text.length < 2)
        return -1;
    if (piece_starts(text, "\xff\xfe") || (text.start[0] != '\0' && text.start[1] == '\0'))
        return 1;
    if (piece_starts(text, "\xfe\xff") || (text.start[0] == '\0' && text.start[1] != '\0'))
        return 0;
    return -1;
}

/* Windows' shell writes UTF-16, and many programs a byte order mark. */
static struct copy copy_decoded(struct piece text)
{
    struct copy copy = {malloc(text.length + 1), 0};
    int high = high_byte(text);
    bool has_lines = piece_find(text, '\n') < text.length;

    if (copy.text == NULL)
        abort();
    if (piece_starts(text, "\xff\xfe") || piece_starts(text, "\xfe\xff"))
        text = piece_after(text, 2);
    else if (piece_starts(text, "\xef\xbb\xbf"))
        text = piece_after(text, 3);
    for (size_t i = 0; i + (high >= 0) < text.length; i += high >= 0 ? 2 : 1) {
        char c = text.start[high == 0 ? i + 1 : i];

        if (high >= 0 && text.start[i + (size_t)high] != '\0')
            c = '?';
        if (c == '\r' && !has_lines) /* lines end so on a serial line */
            c = '\n';
        copy.text[copy.length++] = c;
    }
    return copy;
}

/* The first line that is neither empty nor a comment; "" without one. */
static struct piece first_line(struct piece text, unsigned *number)
{
    struct piece line;

    for (unsigned i = 1; piece_line(&text, &line); i++) {
        line = piece_trim(line);
        if (line.length > 0 && !piece_starts(line, "#")) {
            *number = i;
            return line;
        }
    }
    *number = 1;
    return (struct piece){text.start, 0};
}

/* A document in a mail, an issue or a terminal's log: from a line that begins one. */
static bool find_json(struct scan *scan)
{
    struct scan at = *scan;
    struct piece line;

    if (!piece_has_folded((struct piece){scan->at, (size_t)(scan->end - scan->at)}, "\"msrs\""))
        return false;
    while (scan_line(&at, &line)) {
        if (begins_json(line)) {
            scan->line++;
            return true;
        }
        *scan = at;
    }
    return false;
}

static bool has_values(const struct dump_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->set[i].dump.msrs.present != 0 || list->set[i].dump.has_feature_control)
            return true;
    }
    return false;
}

static struct piece line_at(struct piece text, unsigned number)
{
    struct piece line = {text.start, 0};

    while (number > 0 && piece_line(&text, &line))
        number--;
    return piece_trim(line);
}

/* Nothing was found: what seems to be meant was not understood, or it is something else. */
static void print_nothing(struct scan *scan, struct piece text)
{
    static const char known[] =
        "CSV with a line that names its columns (id,...,msr_480,...), Rootmode's JSON report, or "
        "lines like `0x480=0xda040000000012` or `IA32_VMX_BASIC: 0xda040000000012`";
    const struct dump_reading *reading = &scan->list->reading;
    struct piece first = first_line(text, &scan->line);

    if (reading->not_understood > 0) {
        scan->line = reading->passed[0].line;
        scan_expected(scan, piece_of(reading->passed[0].text), reading->passed[0].expected);
    }
    if (reading->failed > 0) {
        scan->line = reading->failed;
        scan_expected(
            scan, line_at(text, reading->failed),
            "a value: each rdmsr here failed (it needs root, the module msr, and a CPU that "
            "has that MSR)");
    }
    if (piece_skip(text, " \t\r\n").length == 0)
        scan_expected(scan, first,
                      text.length == 0 ? "some text: it is empty" : "some text: it is blank");
    scan_expected(scan, first, known);
}

static bool has_line(struct piece text, const char *wanted)
{
    struct piece line;

    while (piece_line(&text, &line)) {
        if (piece_is(line, wanted))
            return true;
    }
    return false;
}

static bool read_document(struct scan *scan, enum dump_format format,
                          bool (*read)(struct scan *scan))
{
    scan_saw(scan, format);
    return read(scan) && (has_values(scan->list) || scan_expected(scan, (struct piece){NULL, 0},
                                                                  "at least one value of an MSR"));
}

/* `text` as it is, for documents; `plain` for what has something before its lines. */
static void read_text(struct scan scan, struct piece text, struct piece plain)
{
    struct scan lines = scan, within;
    unsigned number;
    struct piece first = first_line(text, &number);

    lines.at = plain.start;
    lines.end = plain.start + plain.length;
    within = lines;
    if (has_line(plain, report_begin))
        read_document(&lines, DUMP_JSON, read_json);
    else if (begins_json(first))
        read_document(&scan, DUMP_JSON, read_json);
    else if (begins_csv(first))
        read_document(&scan, DUMP_CSV, read_csv);
    else if (find_json(&within))
        read_document(&within, DUMP_JSON, read_json_here);
    else if (read_lines(&lines) && !has_values(scan.list))
        print_nothing(&scan, text);
}

void dump_text_read(const char *text, size_t length, const char *name, struct dump_list *list,
                    struct dump_error *error)
{
    struct copy decoded = copy_decoded((struct piece){text, length}), plain;
    struct scan scan = {.at = decoded.text,
                        .end = decoded.text + decoded.length,
                        .name = name,
                        .list = list,
                        .error = error};

    *error = (struct dump_error){.line = 0};
    list->reading = (struct dump_reading){.formats = 0};
    plain = copy_plain((struct piece){decoded.text, decoded.length});
    read_text(scan, (struct piece){decoded.text, decoded.length},
              (struct piece){plain.text, plain.length});
    free(plain.text);
    free(decoded.text);
}
