/*
 * What a kernel, a console, a log or a mail puts before each line of a dump.
 */
#pragma once

#include "tools/capability/piece.h"

enum { LINE_PREFIX_MAX = 160 };

/* What stood before the last heading, where it is of no known form. */
struct line_prefix {
    char text[LINE_PREFIX_MAX];
    size_t length;
};

/* The line without it; a heading's is noted. */
struct piece without_prefix(struct piece line, struct line_prefix *prefix);
