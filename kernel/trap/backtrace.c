#include "kernel/trap/backtrace.h"

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
