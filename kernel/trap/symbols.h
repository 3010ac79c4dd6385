/*
 * The image's own symbol table: which function an address lies in.
 *
 * tools/gen_symbols.py makes the table: the count of functions (4 bytes), then for each, rising:
 * how far behind the one before it begins, the first behind KERNEL_BASE (2 bytes); how many
 * characters its name begins with that the name before has, too (1 byte); the other characters,
 * terminated.
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SYMBOL_NAME_SIZE = 64 }; /* with its end: tools/gen_symbols.py holds all names to it */

struct symbol {
    char name[SYMBOL_NAME_SIZE];
    uint64_t inside; /* bytes from where the function begins */
};

/*
 * The function that begins last at or before `offset` from KERNEL_BASE, of a table of so many
 * bytes; false when there is none, or the table is not whole up to there.
 */
bool symbols_find(const void *table, size_t bytes, uint64_t offset, struct symbol *symbol);

#endif
