#include "tools/entry/utf16.h"

#include <stdlib.h>
#include <string.h>

/* Where the low byte of each character is, by the mark or by zeros; -1: it is no UTF-16. */
static int low_byte(const char *bytes, size_t length)
{
    if (length < 4)
        return -1;
    if (memcmp(bytes, "\xff\xfe", 2) == 0 || (bytes[0] && !bytes[1] && bytes[2] && !bytes[3]))
        return 0;
    if (memcmp(bytes, "\xfe\xff", 2) == 0 || (!bytes[0] && bytes[1] && !bytes[2] && bytes[3]))
        return 1;
    return -1;
}

char *utf16_narrow(const char *bytes, size_t length)
{
    int low = low_byte(bytes, length);
    char *narrow;

    if (low < 0)
        return NULL;
    narrow = malloc(length);
    if (narrow == NULL)
        abort();
    for (size_t i = 0; i < length / 2; i++) {
        narrow[i] = ' ';
        if (bytes[2 * i + !low] == '\0')
            narrow[i] = bytes[2 * i + (size_t)low];
    }
    return narrow;
}
