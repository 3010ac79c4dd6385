/*
 * Texts as Windows saves them.
 */
#ifndef TOOLS_ENTRY_UTF16_H
#define TOOLS_ENTRY_UTF16_H

#include <stddef.h>

/* Of UTF-16 `length / 2` characters, with blanks for those beyond Latin-1; NULL: it is none. */
char *utf16_narrow(const char *bytes, size_t length);

#endif
