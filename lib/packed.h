/*
 * A room: text made smaller, as Linux's kallsyms does it. tools/gen_texts.py makes it.
 *
 * A byte of a packed text is a code, counted from 1: of a letter, or of two codes before it, which
 * often stand beside each other. A packing is the letters, terminated, then the pairs of codes.
 */
#pragma once

#include <stddef.h>

/*
 * Writes a terminated text, cut off where `size` bytes, at least 1, do not hold it; gives what
 * stands behind the packed one.
 */
const char *unpack(const char *packing, const char *packed, char *text, size_t size);
