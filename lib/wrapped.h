/*
 * A room: text for a person, in lines.
 */
#ifndef LIB_WRAPPED_H
#define LIB_WRAPPED_H

#include "lib/format.h"

/* Text in lines of at most `columns` after `indent` spaces each, broken at spaces. */
void print_wrapped(struct sink *sink, unsigned indent, unsigned columns, const char *text);

#endif
