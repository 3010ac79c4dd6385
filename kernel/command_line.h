/*
 * The words of the kernel's command line: `key=value`, with spaces or tabs between them.
 *
 * GRUB's multiboot2 command gives the words after the file's name, not the name itself. It takes
 * quotes away, and no word here holds a space, so quotes have no meaning. Of a word that stands
 * twice the later one counts, except pretend= and console=, of which each counts; but there is one
 * serial port.
 */
#pragma once

#include "lib/set.h"
#include "vmx/capability/vmx_msr.h"
#include "vmx/vmx_cpu.h"

enum {
    COMMAND_LINE_PROBLEMS_MAX = 8,
    COMMAND_LINE_PROBLEM_SIZE = 160, /* bytes, the terminating zero included */
};

/* In the order in which the table names them. */
enum check_word { CHECK_AUTO, CHECK_KVM, CHECK_STRICT };
enum report_form { REPORT_TEXT, REPORT_JSON, REPORT_BOTH, REPORT_FULL };

struct command_line {
    enum vmx_stage stop;
    enum check_word check;
    uint32_t cpus; /* at most so many; 0: all */
    struct override_list override;
    enum report_form report; /* never REPORT_FULL */
    bool report_full;        /* all of it on the screen, too */

    /* What was not understood, a sentence each, in the order of the words. */
    uint32_t problem_count;
    uint32_t problem_lost; /* did not fit */
    char problem[COMMAND_LINE_PROBLEMS_MAX][COMMAND_LINE_PROBLEM_SIZE];
};

/*
 * Parses `line`, which ends with a zero. A word that is unknown or has a bad value becomes a
 * problem and changes nothing.
 */
void command_line_parse(const char *line, struct command_line *out);

/* A part of the command line: a word, its value, a piece of that. */
struct command_text {
    const char *start;
    size_t length;
};

bool command_text_is(struct command_text text, const char *name);

/* Cuts off what stands before the first `separator`; the whole and an empty rest without one. */
struct command_text command_text_cut(struct command_text *rest, char separator);

/* Cuts "cpuN:" off, if the text begins so. */
bool command_text_cut_cpu(struct command_text *text, uint32_t *cpu);

/* The whole text as a number of at most `most`; hex with or without 0x. */
bool command_text_number(struct command_text text, unsigned base, uint64_t most, uint64_t *value);

/* Adds a problem: `before` "WORD": `after`. */
void command_line_problem(struct command_line *out, const char *before, struct command_text word,
                          const char *after);

enum word_outcome { WORD_TAKEN, WORD_BAD, WORD_FULL };

/*
 * A word. It takes its value by `take`; or it is chosen from the names in `values`. What it means
 * stands in tools/words.toml.
 */
struct command_word {
    const char *name;
    const char *values; /* what may stand after `=`, | between alternatives; "" for nothing */
    enum word_outcome (*take)(struct command_line *out, struct command_text value);
    void (*choose)(struct command_line *out, unsigned choice); /* the name's place in the list */

    /*
     * For a word that is not the core's: what it says, all zeros when the word is missing. Where it
     * has neither of the above, an unsigned: the place of the chosen name, counted from 1.
     */
    void *option;
    size_t option_bytes;

    bool *mistyped; /* set where it has a bad value, or an unknown word is near it; may be NULL */
};

/* Makes a word known; `place`, of three digits, sorts docs/command-line.md. */
#define COMMAND_WORD(place, ...)                                           \
    static const struct command_word command_word_##place = {__VA_ARGS__}; \
    SET_MEMBER(words, place, const struct command_word, command_word_##place)
SET_DECLARE(words, const struct command_word);

/* What a room says of an unknown word, and of the known one that is meant. */
enum { WORD_HINT_SIZE = 64 };
typedef void word_hint(struct command_text word, char text[WORD_HINT_SIZE]);
SET_DECLARE(word_hints, word_hint);
