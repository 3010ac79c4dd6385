#include "tools/capability/line.h"

#include "tools/capability/label.h"

/*
 * In a pattern, 9 stands for digits, A for letters, W for a name that begins with a small letter, a
 * space for one blank or several, _ for any number of blanks; everything else for itself.
 */
static const struct stamp {
    const char *pattern;
    bool host; /* after it may stand the names of a host and a program, as syslog has them */
} stamps[] = {
    {"[_9.9]", false},  /* Linux */
    {"[_A9]", false},   /* Linux: the thread or CPU that prints */
    {"[9:9:9]", false}, /* minicom, and what tools for terminals put there */
    {"[9:9:9.9]", false},
    {"[9-9-9 9:9:9]", false},
    {"[9-9-9 9:9:9.9]", false},
    {"[9-9-9T9:9:9Z]", false},
    {"[9-9-9T9:9:9.9Z]", false},
    {"9-9-9T9:9:9.9+9:9 ", true}, /* syslog, journalctl */
    {"9-9-9T9:9:9.9-9:9 ", true},
    {"9-9-9T9:9:9+9:9 ", true},
    {"9-9-9T9:9:9-9:9 ", true},
    {"9-9-9T9:9:9+9 ", true},
    {"9-9-9T9:9:9-9 ", true},
    {"9-9-9T9:9:9.9Z ", true}, /* containers, CI */
    {"9-9-9T9:9:9Z ", true},
    {"9-9-9 9:9:9.9+9 ", true}, /* macOS */
    {"9-9-9 9:9:9.9-9 ", true},
    {"9-9-9 9:9:9.9 ", true},
    {"9-9-9 9:9:9,9 ", true},
    {"9-9-9 9:9:9 ", true},
    {"9/9/9 9:9:9 ", true},
    {"A 9 9:9:9 ", true},       /* syslog, dmesg -T's inner part, ts */
    {"[A A 9 9:9:9 9]", false}, /* dmesg -T */
    {"9:9:9.9 ", false},        /* VirtualBox */
    {"9:9:9,9 ", false},
    {"9:9:9 ", false},
    {"9 9.9 ", false}, /* DebugView */
    {"<9>", false},    /* the kernel's raw log */
    {"9. ", false},    /* a list */
    {"9) ", false},
    {"<A>", false}, /* HTML */
    {"(XEN) ", false},
    {"(d9) ", false},
};

static struct piece skip_while(struct piece rest, bool (*is)(char c))
{
    while (is(piece_first(rest)))
        rest = piece_after(rest, 1);
    return rest;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_name(char c)
{
    return c != '\0' && c != ':' && !is_blank(c);
}

/* Passes over what one sign of a pattern stands for; false where something else stands there. */
static bool take_sign(char sign, struct piece *rest)
{
    struct piece before = *rest;

    switch (sign) {
    case '9':
        *rest = skip_while(*rest, char_is_digit);
        return rest->length < before.length;
    case 'A':
        *rest = skip_while(*rest, char_is_letter);
        return rest->length < before.length;
    case 'W':
        *rest = skip_while(*rest, is_name);
        return rest->length < before.length && piece_first(before) >= 'a' &&
               piece_first(before) <= 'z';
    case ' ':
        *rest = skip_while(*rest, is_blank);
        return rest->length < before.length;
    case '_':
        *rest = skip_while(*rest, is_blank);
        return true;
    default:
        if (piece_first(*rest) != sign)
            return false;
        *rest = piece_after(*rest, 1);
        return true;
    }
}

static bool take_pattern(const char *pattern, struct piece *line)
{
    struct piece rest = *line;

    for (; *pattern != '\0'; pattern++) {
        if (!take_sign(*pattern, &rest))
            return false;
    }
    *line = rest;
    return true;
}

/* Passes over the names of a host and a program, as syslog has them, but not over an MSR's. */
static void take_host(struct piece *line)
{
    struct piece name = *line;

    if (label_take(&name).msr == 0 && !take_pattern("W W: ", line))
        take_pattern("W: ", line);
}

static bool take_stamp(struct piece *line)
{
    for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
        if (!take_pattern(stamps[i].pattern, line))
            continue;
        if (stamps[i].host && char_is_letter(piece_first(*line)))
            take_host(line);
        return true;
    }
    return false;
}

/* Signs of quotation in mails and lists in issues. */
static bool take_quotation(struct piece *line)
{
    static const char *const signs[] = {">", "| ", "* ", "- ", "+ ", "###", "##"};

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (piece_starts(*line, signs[i])) {
            *line = piece_after(*line, piece_of(signs[i]).length);
            return true;
        }
    }
    return false;
}

struct piece line_plain(struct piece line)
{
    do
        line = piece_trim(line);
    while (take_quotation(&line) || take_stamp(&line));
    return line;
}
