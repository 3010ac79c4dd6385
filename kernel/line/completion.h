/*
 * Names that a person types: found whatever their case, and completed. Pure.
 */
#ifndef KERNEL_LINE_COMPLETION_H
#define KERNEL_LINE_COMPLETION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/format.h"

enum { COMPLETION_SIZE = 64 }; /* of a name, its terminating zero included */

/* The n-th name of some kind, into COMPLETION_SIZE bytes; false after the last. */
typedef bool completion_names(int kind, uint32_t n, char *name);

/* The number of the name that `text` is; false: of none. */
bool completion_find(completion_names *names, int kind, const char *text, size_t length,
                     uint32_t *n);

/*
 * What `text` can be gone on with, as far as all names that begin so agree, with a space after the
 * only one; returns its length. The names go to `list`, which may be NULL.
 */
size_t completion_add(completion_names *names, int kind, const char *text, char *more,
                      struct sink *list);

#endif
