/*
 * What somebody probably meant: the known name that is nearest to what was typed.
 */
#ifndef TOOLS_CAPABILITY_NEAREST_H
#define TOOLS_CAPABILITY_NEAREST_H

#include <stddef.h>

/* So many characters must be added, taken away or replaced to make `b` of `a` (of 95 each). */
unsigned edit_distance(const char *a, const char *b);

/*
 * The nearest of the names that `name_of` gives for 0 … count - 1, the first of several: one that
 * has what was typed in it, or else the one with the least distance.
 */
const char *nearest_name(const char *typed, size_t count, const char *(*name_of)(size_t index));

#endif
