#include "kernel/backtrace/backtrace.h"

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

/* Bytes before the pieces; the first byte of a name that stands for one. */
enum { HEAD = sizeof(uint32_t) + 1, PIECE = 0x80 };

/* What is left of the table. */
struct rest {
    const uint8_t *at, *end;
};

/* A terminated string; NULL where the table is over before it is. */
static const uint8_t *take_string(struct rest *rest)
{
    const uint8_t *string = rest->at;

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
        *distance |= (uint64_t)(*rest->at & (PIECE - 1)) << shift;
        if (*rest->at++ < PIECE)
            return true;
    }
    return false;
}

/* What does not fit is cut off. */
static void write_name(const uint8_t *name, struct rest pieces, char text[SYMBOL_NAME_SIZE])
{
    struct text_buffer buffer;

    text_buffer_init(&buffer, text, SYMBOL_NAME_SIZE);
    for (; *name != '\0'; name++) {
        const char character[] = {(char)*name, '\0'}, *piece = character;
        struct rest rest = pieces;

        for (unsigned i = PIECE; i <= *name; i++)
            piece = (const char *)take_string(&rest);
        print_to(&buffer.sink, "%s", piece != NULL ? piece : "");
    }
}

bool symbols_find(const void *table, size_t bytes, uint64_t offset, struct symbol *symbol)
{
    struct rest rest = {(const uint8_t *)table + HEAD, (const uint8_t *)table + bytes},
                pieces = rest;
    const uint8_t *name = NULL;
    uint32_t count;
    uint64_t distance;

    if (bytes < HEAD)
        return false;
    memcpy(&count, table, sizeof(count));
    for (unsigned i = rest.at[-1]; i > 0; i--)
        (void)take_string(&rest);
    pieces.end = rest.at;
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
        write_name(name, pieces, symbol->name);
    return name != NULL;
}
