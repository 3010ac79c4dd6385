#include "kernel/symbols.h"

bool symbols_open(struct symbols *symbols, const void *table, size_t bytes)
{
    const uint32_t *words = table;
    size_t numbers;

    *symbols = (struct symbols){0};
    if (bytes < sizeof(uint32_t) || words[0] == 0)
        return false;
    numbers = 1 + 2 * (size_t)words[0];
    if (numbers > bytes / sizeof(uint32_t))
        return false;
    symbols->offsets = words + 1;
    symbols->name_starts = symbols->offsets + words[0];
    symbols->names = (const char *)(words + numbers);
    symbols->name_bytes = bytes - numbers * sizeof(uint32_t);
    if (symbols->name_bytes == 0 || symbols->names[symbols->name_bytes - 1] != '\0')
        return false;
    symbols->count = words[0];
    return true;
}

const char *symbols_find(const struct symbols *symbols, uint64_t offset, uint64_t *inside)
{
    uint32_t low = 0;
    uint32_t high = symbols->count;

    /* All before `low` begin at or before the offset, all from `high` on begin behind it. */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (symbols->offsets[middle] <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || symbols->name_starts[low - 1] >= symbols->name_bytes)
        return NULL;
    *inside = offset - symbols->offsets[low - 1];
    return symbols->names + symbols->name_starts[low - 1];
}
