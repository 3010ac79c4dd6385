#include "tools/capability/scan.h"

#include <string.h>

#include "lib/format.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct piece piece_trim(struct piece piece)
{
    while (piece.length > 0 && is_space(piece.start[0]))
        piece = piece_after(piece, 1);
    while (piece.length > 0 && is_space(piece.start[piece.length - 1]))
        piece.length--;
    return piece;
}

bool scan_line(struct scan *scan, struct piece *line)
{
    size_t left = (size_t)(scan->end - scan->at);
    const char *newline;

    if (left == 0)
        return false;
    newline = memchr(scan->at, '\n', left);
    line->start = scan->at;
    line->length = newline != NULL ? (size_t)(newline - scan->at) : left;
    scan->at += newline != NULL ? line->length + 1 : left;
    scan->line++;
    *line = piece_trim(*line);
    return true;
}

struct piece piece_of(const char *text)
{
    return (struct piece){text, strlen(text)};
}

struct piece piece_after(struct piece piece, size_t count)
{
    return (struct piece){piece.start + count, piece.length - count};
}

size_t piece_find(struct piece piece, char c)
{
    const char *found = piece.length > 0 ? memchr(piece.start, c, piece.length) : NULL;

    return found != NULL ? (size_t)(found - piece.start) : piece.length;
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

struct piece piece_word(struct piece *rest, const char *separators)
{
    struct piece word;
    size_t length = 0;

    while (rest->length > 0 && is_one_of(rest->start[0], separators))
        *rest = piece_after(*rest, 1);
    while (length < rest->length && !is_one_of(rest->start[length], separators))
        length++;
    word = (struct piece){rest->start, length};
    *rest = piece_after(*rest, length);
    return word;
}

bool piece_starts(struct piece piece, const char *text)
{
    size_t length = strlen(text);

    return piece.length >= length && memcmp(piece.start, text, length) == 0;
}

bool piece_is(struct piece piece, const char *text)
{
    return piece.length == strlen(text) && piece_starts(piece, text);
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool piece_hex(struct piece piece, int prefix, size_t digits, uint64_t *value)
{
    bool prefixed = piece_starts(piece, "0x") || piece_starts(piece, "0X");

    if ((prefix > 0 && !prefixed) || (prefix < 0 && prefixed))
        return false;
    if (prefixed)
        piece = piece_after(piece, 2);
    if (piece.length == 0 || piece.length > digits)
        return false;
    *value = 0;
    for (size_t i = 0; i < piece.length; i++) {
        int digit = digit_of(piece.start[i]);

        if (digit < 0)
            return false;
        *value = *value << 4 | (uint64_t)digit;
    }
    return true;
}

bool scan_expected(struct scan *scan, struct piece found, const char *expected)
{
    enum { SHOWN_MAX = 48 };
    char shown[SHOWN_MAX + 4] = "";
    size_t length = found.length < SHOWN_MAX ? found.length : SHOWN_MAX;

    if (scan->error->line != 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        shown[i] = found.start[i];
        if (shown[i] < ' ' || shown[i] > '~')
            shown[i] = '?';
    }
    if (length < found.length)
        memcpy(shown + length, "...", sizeof("..."));
    scan->error->line = scan->line > 0 ? scan->line : 1;
    if (found.length > 0)
        format_text(scan->error->text, sizeof(scan->error->text), "found `%s`, expected %s", shown,
                    expected);
    else
        format_text(scan->error->text, sizeof(scan->error->text), "found nothing, expected %s",
                    expected);
    return false;
}

bool scan_put(struct scan *scan, struct dump_set *set, uint64_t msr, uint64_t value)
{
    char address[24];

    if (!dump_msr_has(&set->dump, (uint32_t)msr)) {
        dump_msr_put(&set->dump, (uint32_t)msr, value);
        return true;
    }
    format_text(address, sizeof(address), "MSR %#x again", (unsigned)msr);
    return scan_expected(scan, piece_of(address), "each MSR of a CPU once");
}

bool scan_address(struct scan *scan, struct piece piece, uint64_t *msr)
{
    if (piece_hex(piece, 0, 8, msr) && dump_msr_is_known(*msr))
        return true;
    return scan_expected(scan, piece, "the address of an MSR in hex: 0x3a, or 0x480 to 0x493");
}

struct dump_set *scan_set(struct scan *scan)
{
    if (scan->list->count == 0)
        dump_list_add(scan->list, scan->name);
    return &scan->list->set[scan->list->count - 1];
}

struct dump_set *scan_next_cpu(struct scan *scan)
{
    char id[sizeof(scan->list->set[0].id)];

    if (scan->list->count == 0)
        return scan_set(scan);
    scan->list->one_machine = true;
    format_text(id, sizeof(id), "%s, CPU %zu", scan->name, scan->list->count);
    return dump_list_add(scan->list, id);
}

bool scan_same_msrs(struct scan *scan)
{
    for (size_t i = 1; i < scan->list->count; i++) {
        const struct vmx_dump *first = &scan->list->set[0].dump;
        const struct vmx_dump *dump = &scan->list->set[i].dump;

        if (dump->msrs.present != first->msrs.present ||
            dump->has_feature_control != first->has_feature_control)
            return scan_expected(scan, piece_of(scan->list->set[i].id),
                                 "of each CPU the MSRs that the first one has");
    }
    return true;
}
