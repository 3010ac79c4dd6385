/*
 * What somebody probably meant: the known name that is nearest to what was typed.
 */
#pragma once

#include <stddef.h>

/* So many characters must be added, taken away or replaced to make `b` of `a` (of 95 each). */
unsigned edit_distance(const char *a, const char *b);

/* The same where it is `most` or less, else more than `most`: lengths alone tell most names apart.
 */
unsigned edit_distance_within(const char *a, const char *b, unsigned most);

/*
 * The nearest of the names that `name_of` gives for 0 … count - 1, the first of several: one whose
 * last part, after a dot, was typed; one that has what was typed in it; or the one with the least
 * distance, of it or its last part. NULL where none is near: at most half of what was typed may
 * be wrong, and three characters. Capital letters and small ones are the same.
 */
const char *nearest_name(const char *typed, size_t count, const char *(*name_of)(size_t index));

/* "; the nearest known one is `…`"; "" where there is none. */
enum { NEAREST_TEXT_MAX = 140 };
void nearest_print(char *text, size_t room, const char *nearest);
