/*
 * The image's own symbol table: which function an address lies in.
 *
 * tools/gen_symbols.py makes the table, in this order, 4-byte aligned: the count of functions;
 * their offsets from KERNEL_BASE, rising; where each name starts; the names, terminated.
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols {
    uint32_t count;
    const uint32_t *offsets;
    const uint32_t *name_starts;
    const char *names;
    size_t name_bytes;
};

/* Finds the table in `bytes` bytes; false if it does not fit into them or its end is not a name's.
 */
bool symbols_open(struct symbols *symbols, const void *table, size_t bytes);

/*
 * The function that begins last at or before `offset`, and how far into it that is (bytes); NULL
 * when there is none.
 */
const char *symbols_find(const struct symbols *symbols, uint64_t offset, uint64_t *inside);

#endif
