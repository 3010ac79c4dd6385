/*
 * Who called whom, from the chain of frame pointers: each frame holds its caller's frame pointer
 * and, 8 bytes above, the return address (System V ABI for AMD64, "The Stack Frame").
 */
#ifndef KERNEL_BACKTRACE_H
#define KERNEL_BACKTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First address, and the first one behind. */
struct address_range {
    uint64_t start, end;
};

/* Reads 8 bytes at an aligned address; false if there is nothing to read. */
typedef bool stack_reader(void *context, uint64_t address, uint64_t *value);

/*
 * Follows the chain from `frame_pointer` and stores up to `most` return addresses, the innermost
 * first; returns how many. Ends at the first frame that is misaligned, outside `stack`, not above
 * the one before, unreadable, or whose return address is outside `text`.
 */
size_t backtrace_walk(uint64_t frame_pointer, struct address_range stack, struct address_range text,
                      stack_reader *read, void *context, uint64_t *returns, size_t most);

#endif
