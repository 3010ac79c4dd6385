/*
 * Texts as Windows saves them.
 */
#pragma once

#include <stddef.h>

/* Of UTF-16 `length / 2` characters, with blanks for those beyond Latin-1; NULL: it is none. */
char *utf16_narrow(const char *bytes, size_t length);
