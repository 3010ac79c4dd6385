#include "lib/packed.h"

#include <stdint.h>

#include "lib/string.h"

const char *unpack(const char *packing, const char *packed, char *text, size_t size)
{
    const size_t letters = strlen(packing);
    const char *pairs = packing + letters + 1;
    size_t length = 0;

    for (; *packed != '\0'; packed++) {
        uint8_t codes[UINT8_MAX + 1]; /* enough: each of a pair is lower than the pair's own */
        size_t count = 0;

        codes[count++] = (uint8_t)*packed;
        while (count > 0) {
            size_t code = codes[--count];

            if (code > letters) {
                const char *pair = pairs + 2 * (code - letters - 1);

                codes[count++] = (uint8_t)pair[1];
                codes[count++] = (uint8_t)pair[0];
            } else if (length + 1 < size) {
                text[length++] = packing[code - 1];
            }
        }
    }
    text[length] = '\0';
    return packed + 1;
}
