/*
 * JSON without the space between its tokens (RFC 8259, section 2), to be compared piece by piece.
 */
#pragma once

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
