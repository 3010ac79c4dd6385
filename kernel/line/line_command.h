/*
 * A line as a command and its arguments, after a table: taken apart, completed, and what is wrong
 * with it told. Pure.
 */
#pragma once

#include "kernel/command_line.h"
#include "lib/format.h"

enum { COMPLETION_SIZE = 64 }; /* of a name, its terminating zero included */

/* Names that a person types: the n-th of some kind, into COMPLETION_SIZE bytes; false after the
 * last. */
typedef bool completion_names(int kind, uint32_t n, char *name);

/* The number of the name that `text` is, whatever its case; false: of none. */
bool completion_find(completion_names *names, int kind, const char *text, size_t length,
                     uint32_t *n);

/*
 * What `text` can be gone on with, as far as all names that begin so agree, with a space after the
 * only one; returns its length. The names go to `list`, which may be NULL.
 */
size_t completion_add(completion_names *names, int kind, const char *text, char *more,
                      struct sink *list);

struct line_command {
    const char *name;      /* a word or two */
    const char *arguments; /* a word for each, [ before those that may be missing */
    const char *help;
};

/* The kind of an argument is the first letter of its word. */
enum line_kind {
    LINE_COMMAND = 'C', /* COMMAND: one of the table, up to the end of the line: its number */
    LINE_HEX = 'H',     /* HEX: bytes, up to the end of the line */
    LINE_NAME = 'N',    /* NAME: a word that stands for nothing; without +, -, | and & */
    LINE_TEXT = 'T',    /* TEXT: likewise, up to the end of the line */
    LINE_VALUE = 'V',   /* VALUE, ADDRESS, …: numbers and names with +, -, | and & between */
    LINE_END = '\0',
};

/* How many bits the number has that an argument with this letter stands for. */
enum { LINE_BITS_MAX = 64 };
struct line_width {
    char letter;
    uint8_t bits;
};

/* What can be said. */
struct line_language {
    const struct line_command *commands;
    uint32_t count;
    const char *kinds;       /* letters of further kinds: a name or a number */
    completion_names *names; /* of each kind that has some */
    bool (*value)(int kind, uint32_t n, uint64_t *value); /* what the n-th name stands for */
    const struct line_width *widths; /* of letters that are not of 64 bits; 0 ends them */
};

/* What stands behind the name of a command. */
enum { LINE_ARGUMENTS_MAX = 4 };
struct line_arguments {
    uint32_t count;
    struct command_text text;           /* of the one that is NAME, TEXT or HEX */
    uint64_t value[LINE_ARGUMENTS_MAX]; /* what they stand for; 0 of others, and of the missing */
};

/*
 * Cuts the next command off a script, without spaces and tabs before it; false: there is none. It
 * is echoed, behind the prompt, after what it comes after: comments, which begin with #, and empty
 * lines.
 */
enum { LINE_SIZE = 256 };
bool line_next(struct command_text *script, const char *prompt, char line[LINE_SIZE],
               struct sink *echo);

/* Cuts the next word off; between words, and before the first, are spaces and tabs. */
struct command_text line_word(struct command_text *rest);

/*
 * The number of the command that a line begins with, which is cut off, as are spaces and tabs
 * before it; `count`: of none.
 */
uint32_t line_command_find(const struct line_language *language, struct command_text *line);

/* What a command named COMMAND is, which `given` may have, in a line; else one for each. */
void line_help(const struct line_language *language, const struct line_arguments *given,
               struct sink *sink);

/* Reads the arguments of a command; false: they, or it, are wrong, which is told to `sink`. */
bool line_command_take(const struct line_language *language, uint32_t command,
                       struct command_text rest, struct line_arguments *out, struct sink *sink);

/*
 * What a word of that kind stands for; false: nothing. A number is decimal, or hex with 0x; a value
 * is counted from left to right.
 */
bool line_meaning(const struct line_language *language, int kind, struct command_text word,
                  uint64_t *value);

/* Does a word stand for something already, as a value or as one of the language's own kinds? */
bool line_is_taken(const struct line_language *language, struct command_text word);

/* completion_add() of the last word of a line. */
size_t line_complete(const struct line_language *language, const char *line, char *more,
                     struct sink *list);
