#include "kernel/backtrace/backtrace.h"

#include "lib/string.h"

enum { WORD = sizeof(uint64_t) };

size_t backtrace_walk(uint64_t frame_pointer, struct address_range stack, struct address_range text,
                      stack_reader *read, void *context, uint64_t *returns, size_t most)
{
    uint64_t lowest = stack.start;
    size_t count = 0;

    while (count < most) {
        uint64_t next, address;

        if (frame_pointer % WORD != 0 || frame_pointer < lowest || frame_pointer >= stack.end ||
            stack.end - frame_pointer < 2 * (uint64_t)WORD)
            break;
        if (!read(context, frame_pointer, &next) || !read(context, frame_pointer + WORD, &address))
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

/* Takes the next name, of which `common` characters stand there already. */
static bool take_name(struct rest *rest, size_t common, char name[SYMBOL_NAME_SIZE])
{
    size_t length = common;

    if (common > strlen(name))
        return false;
    while (rest->at < rest->end && *rest->at != '\0' && length < SYMBOL_NAME_SIZE - 1)
        name[length++] = (char)*rest->at++;
    name[length] = '\0';
    return rest->at < rest->end && *rest->at++ == '\0';
}

bool symbols_find(const void *table, size_t bytes, uint64_t offset, struct symbol *symbol)
{
    struct rest rest = {(const uint8_t *)table + sizeof(uint32_t), (const uint8_t *)table + bytes};
    uint32_t count, found;

    if (bytes < sizeof(count))
        return false;
    memcpy(&count, table, sizeof(count));
    *symbol = (struct symbol){.inside = offset};
    for (found = 0; found < count; found++) {
        uint64_t distance;

        if (rest.end - rest.at < 3)
            return false;
        distance = rest.at[0] | (uint64_t)rest.at[1] << 8;
        if (distance > symbol->inside)
            break;
        rest.at += 3;
        if (!take_name(&rest, rest.at[-1], symbol->name))
            return false;
        symbol->inside -= distance;
    }
    return found > 0;
}
