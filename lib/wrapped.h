/* A room: text for a person, in lines. */
#pragma once

#include "lib/format.h"

/* Text in lines of at most `columns` after `indent` spaces each, broken at spaces. */
void print_wrapped(struct sink *sink, unsigned indent, unsigned columns, const char *text);
