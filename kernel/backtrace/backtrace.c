#include "kernel/backtrace/backtrace.h"

#include "lib/packed.h"
#include "lib/string.h"

enum { WORD = sizeof(uint64_t) };

size_t backtrace_walk(uint64_t frame_pointer, struct address_range stack, struct address_range text,
                      stack_reader *read, uint64_t *returns, size_t most)
{
    uint64_t lowest = stack.start;
    size_t count = 0;

    while (count < most) {
        uint64_t next, address;

        if (frame_pointer % WORD != 0 || frame_pointer < lowest || frame_pointer >= stack.end ||
            stack.end - frame_pointer < 2 * (uint64_t)WORD)
            break;
        if (!read(frame_pointer, &next) || !read(frame_pointer + WORD, &address))
            break;
        if (address < text.start || address >= text.end)
            break;
        returns[count++] = address;
        lowest = frame_pointer + 2 * (uint64_t)WORD;
        frame_pointer = next;
    }
    return count;
}

/* What is left of the table. */
struct rest {
    const uint8_t *at, *end;
};

/* A terminated string; NULL where the table is over before it is. */
static const char *take_string(struct rest *rest)
{
    const char *string = (const char *)rest->at;

    while (rest->at < rest->end) {
        if (*rest->at++ == '\0')
            return string;
    }
    return NULL;
}

static bool take_distance(struct rest *rest, uint64_t *distance)
{
    *distance = 0;
    for (unsigned shift = 0; rest->at < rest->end && shift < 64; shift += 7) {
        *distance |= (uint64_t)(*rest->at & 0x7f) << shift;
        if (*rest->at++ < 0x80)
            return true;
    }
    return false;
}

bool symbols_find(const void *table, size_t bytes, uint64_t offset, struct symbol *symbol)
{
    struct rest rest = {(const uint8_t *)table + sizeof(uint32_t), (const uint8_t *)table + bytes};
    const char *packing, *name = NULL;
    uint32_t count;
    uint64_t distance;

    if (bytes < sizeof(count))
        return false;
    memcpy(&count, table, sizeof(count));
    packing = take_string(&rest);
    (void)take_string(&rest);
    *symbol = (struct symbol){.inside = offset};
    for (; count > 0; count--) {
        if (!take_distance(&rest, &distance))
            return false;
        if (distance > symbol->inside)
            break;
        name = take_string(&rest);
        if (name == NULL)
            return false;
        symbol->inside -= distance;
    }
    if (name != NULL)
        (void)unpack(packing, name, symbol->name, sizeof(symbol->name));
    return name != NULL;
}
