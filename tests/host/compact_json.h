/*
 * JSON without the space between its tokens (RFC 8259, section 2), to be compared piece by piece.
 */
#ifndef TESTS_HOST_COMPACT_JSON_H
#define TESTS_HOST_COMPACT_JSON_H

#include <stdbool.h>
#include <string.h>

/* In place. */
static inline char *compact_json(char *text)
{
    bool quoted = false;
    size_t length = 0;

    for (const char *c = text; *c != '\0'; c++) {
        if (!quoted && strchr(" \t\n\r", *c) != NULL)
            continue;
        text[length++] = *c;
        if (quoted && *c == '\\')
            text[length++] = *++c;
        else if (*c == '"')
            quoted = !quoted;
    }
    text[length] = '\0';
    return text;
}

#endif
