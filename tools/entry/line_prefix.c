#include "tools/entry/line_prefix.h"

#include <string.h>

#include "tools/capability/line.h"

/* Prefixes of known forms. */
static struct piece without_known(struct piece line)
{
    static const char *const prefixes[] = {"(xen)", "kvm_intel:", "kvm:", "kernel:"};
    bool again = true;

    line = line_plain(line);
    while (again) {
        again = false;
        for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
            if (!piece_starts_folded(line, prefixes[i]) ||
                piece_starts_folded(line, "kvm: entry failed"))
                continue;
            line = line_plain(piece_after(line, strlen(prefixes[i])));
            again = true;
        }
    }
    return line;
}

/* The three stars of the heading of a kernel's dump; the line's length: it has none. */
static size_t find_heading(struct piece line)
{
    static const char *const headings[] = {"*** guest state ***", "*** host state ***",
                                           "*** control state ***"};

    for (size_t at = piece_find(line, '*'); at < line.length; at++) {
        for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++) {
            if (piece_starts_folded(piece_after(line, at), headings[i]))
                return at;
        }
    }
    return line.length;
}

/* The same, but for digits: a time goes on. */
static bool has_prefix(struct piece line, const struct line_prefix *prefix)
{
    if (prefix->length == 0 || line.length < prefix->length)
        return false;
    for (size_t i = 0; i < prefix->length; i++) {
        if (line.start[i] != prefix->text[i] &&
            !(char_is_digit(line.start[i]) && char_is_digit(prefix->text[i])))
            return false;
    }
    return true;
}

struct piece without_prefix(struct piece line, struct line_prefix *prefix)
{
    struct piece known = without_known(line);
    size_t heading = find_heading(line);

    if (heading < line.length) {
        prefix->length =
            known.start == line.start + heading || heading > LINE_PREFIX_MAX ? 0 : heading;
        memcpy(prefix->text, line.start, prefix->length);
    }
    return has_prefix(line, prefix) ? without_known(piece_after(line, prefix->length)) : known;
}
