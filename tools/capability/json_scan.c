#include "tools/capability/json_scan.h"

#include <string.h>

enum { DEPTH_MAX = 32 };

static void skip_space(struct scan *scan)
{
    for (; scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != '\0';
         scan->at++)
        scan->line += *scan->at == '\n';
}

static bool at(const struct scan *scan, char c)
{
    return scan->at < scan->end && *scan->at == c;
}

bool json_expected(struct scan *scan, const char *expected)
{
    struct piece found = {scan->at, (size_t)(scan->end - scan->at)};

    if (found.length == 0)
        return scan_expected(scan, piece_of("the end of the text"), expected);
    found.length = piece_find(found, '\n');
    return scan_expected(scan, piece_trim(found), expected);
}

/* A string that began at `start` and does not end on its line. */
static bool string_is_torn(struct scan *scan, const char *start)
{
    return scan_expected(scan, piece_trim((struct piece){start, (size_t)(scan->at - start)}),
                         "a quote at the end of the string, on the same line: the text is cut "
                         "short here, or a mail program has folded it");
}

bool json_take(struct scan *scan, char c)
{
    skip_space(scan);
    if (!at(scan, c))
        return false;
    scan->at++;
    return true;
}

bool json_need(struct scan *scan, char c, const char *expected)
{
    return json_take(scan, c) || json_expected(scan, expected);
}

static void add_byte(char text[JSON_TEXT_MAX], size_t *length, unsigned byte)
{
    if (*length + 1 < JSON_TEXT_MAX)
        text[(*length)++] = (char)byte;
    text[*length] = '\0';
}

/* \u0041: what is not ASCII is of no interest here and becomes `?`. */
static bool take_unicode(struct scan *scan, char text[JSON_TEXT_MAX], size_t *length)
{
    uint64_t code;

    if (scan->end - scan->at < 4 || !piece_hex((struct piece){scan->at, 4}, -1, 4, &code))
        return json_expected(scan, "four hex digits after \\u");
    scan->at += 4;
    add_byte(text, length, code >= ' ' && code <= '~' ? (unsigned)code : '?');
    return true;
}

static bool take_escape(struct scan *scan, char text[JSON_TEXT_MAX], size_t *length)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter;

    if (at(scan, 'u')) {
        scan->at++;
        return take_unicode(scan, text, length);
    }
    letter = scan->at < scan->end && *scan->at != '\0' ? strchr(letters, *scan->at) : NULL;
    if (letter == NULL)
        return json_expected(scan, "one of JSON's escapes after the backslash");
    scan->at++;
    add_byte(text, length, (unsigned char)meanings[letter - letters]);
    return true;
}

bool json_take_string(struct scan *scan, char text[JSON_TEXT_MAX], const char *expected)
{
    const char *start;
    size_t length = 0;

    text[0] = '\0';
    if (!json_take(scan, '"'))
        return json_expected(scan, expected);
    start = scan->at - 1;
    while (!at(scan, '"')) {
        if (scan->at == scan->end || (unsigned char)*scan->at < ' ')
            return string_is_torn(scan, start);
        if (*scan->at++ != '\\')
            add_byte(text, &length, (unsigned char)scan->at[-1]);
        else if (!take_escape(scan, text, &length))
            return false;
    }
    scan->at++;
    return true;
}

static size_t skip_digits(struct scan *scan)
{
    const char *start = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return (size_t)(scan->at - start);
}

static bool skip_number(struct scan *scan)
{
    static const char expected[] = "a JSON value";
    bool zero;

    scan->at += at(scan, '-');
    zero = at(scan, '0');
    scan->at += zero;
    if (!zero && skip_digits(scan) == 0)
        return json_expected(scan, expected);
    if (at(scan, '.')) {
        scan->at++;
        if (skip_digits(scan) == 0)
            return json_expected(scan, expected);
    }
    if (at(scan, 'e') || at(scan, 'E')) {
        scan->at++;
        scan->at += at(scan, '+') || at(scan, '-');
        if (skip_digits(scan) == 0)
            return json_expected(scan, expected);
    }
    return true;
}

/* An object or an array without what is in it; its members are passed over by the caller. */
static bool skip_simple(struct scan *scan)
{
    static const char *const literals[] = {"true", "false", "null"};
    char text[JSON_TEXT_MAX];
    struct piece rest = {scan->at, (size_t)(scan->end - scan->at)};

    if (at(scan, '"'))
        return json_take_string(scan, text, "a string");
    for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
        if (piece_starts(rest, literals[i])) {
            scan->at += strlen(literals[i]);
            return true;
        }
    }
    return skip_number(scan);
}

/* With a stack of its own in place of the program's: what comes from a file is not to end it. */
bool json_skip(struct scan *scan)
{
    char name[JSON_TEXT_MAX], close[DEPTH_MAX];
    bool first = true, done;
    int depth = 0;

    do {
        if (depth > 0) {
            if (close[depth - 1] == '}' ? !json_member(scan, &first, name, &done)
                                        : !json_element(scan, &first, &done))
                return false;
            if (done) {
                depth--;
                first = false;
                continue;
            }
        }
        skip_space(scan);
        if (at(scan, '{') || at(scan, '[')) {
            if (depth == DEPTH_MAX)
                return json_expected(scan, "values within each other 32 deep at most");
            close[depth++] = at(scan, '{') ? '}' : ']';
            scan->at++;
            first = true;
        } else if (!skip_simple(scan)) {
            return false;
        }
    } while (depth > 0);
    return true;
}

bool json_end(struct scan *scan)
{
    skip_space(scan);
    return scan->at == scan->end || json_expected(scan, "nothing behind the JSON document");
}

bool json_member(struct scan *scan, bool *first, char name[JSON_TEXT_MAX], bool *done)
{
    *done = json_take(scan, '}');
    if (*done)
        return true;
    if (!*first && !json_need(scan, ',', "a comma or the object's end"))
        return false;
    *first = false;
    return json_take_string(scan, name, "the name of a member, in quotes") &&
           json_need(scan, ':', "a colon behind the name");
}

bool json_element(struct scan *scan, bool *first, bool *done)
{
    *done = json_take(scan, ']');
    if (*done)
        return true;
    if (!*first && !json_need(scan, ',', "a comma or the array's end"))
        return false;
    *first = false;
    return true;
}
