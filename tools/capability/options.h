/*
 * vmxcap's command line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/capability/check_set.h"

enum action {
    ACTION_REPORT, /* of the sources, or of this machine */
    ACTION_BASIC,
    ACTION_DIFF,
    ACTION_FIND,
    ACTION_HTML,
    ACTION_LIST,
    ACTION_FEATURES,
    ACTION_REQUIRES,
    ACTION_HELP,
    ACTION_VERSION,
};

enum colour_choice { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER, COLOUR_CHOICE_COUNT };

enum { SOURCES_MAX = 256, OPTIONS_ERROR_MAX = 320 };

struct source {
    const char *name;
    bool row; /* an id of the corpus; otherwise a file, "-" the standard input */
};

struct options {
    enum action action;
    enum check_choice check;
    enum colour_choice colour;
    bool json;
    const char *expression; /* of --find */
    const char *folder;     /* of --html */
    const char *diff[2];    /* ids or files */
    uint64_t basic;
    struct source source[SOURCES_MAX];
    size_t source_count;
};

/* False, with a message, for wrong use. */
bool options_parse(int count, char **words, struct options *options, char error[OPTIONS_ERROR_MAX]);

/* The message for a word that is none of a program's options: the nearest is named. False. */
struct option;
bool options_unknown(const char *word, const struct option *known, char error[OPTIONS_ERROR_MAX]);
