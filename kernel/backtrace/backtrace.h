/*
 * What a panic says beyond registers.
 *
 * Who called whom comes from the chain of frame pointers: each frame holds its caller's frame
 * pointer and, 8 bytes above, the return address (System V ABI for AMD64, "The Stack Frame").
 */
#pragma once

#include "lib/format.h"

/* First address, and the first one after. */
struct address_range {
    uint64_t start, end;
};

/* Reads 8 bytes at an aligned address; false if there is nothing to read. */
typedef bool stack_reader(uint64_t address, uint64_t *value);

/*
 * Follows the chain from `frame_pointer` and stores up to `most` return addresses, the innermost
 * first; returns how many. Ends at the first frame that is misaligned, outside `stack`, not above
 * the one before, unreadable, or whose return address is outside `text`.
 */
size_t backtrace_walk(uint64_t frame_pointer, struct address_range stack, struct address_range text,
                      stack_reader *read, uint64_t *returns, size_t most);

/*
 * The image's own symbol table: which function an address lies in.
 *
 * tools/gen_symbols.py makes the table: the count of functions (4 bytes); the packing of names
 * (lib/packed.h); then for each function, rising: how far after the one before it begins, the first
 * after KERNEL_BASE (7 bits a byte, the lowest first; bit 7: more follow), and its name, packed.
 */
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

/* "#PF, Page Fault" and its like; "interrupt" for vectors that the architecture leaves free. */
const char *trap_name(uint64_t vector);

/* Whether the processor pushes an error code for this vector. */
bool trap_has_error_code(uint64_t vector);

/* Writes ": " and what the error code of this vector says; nothing where it says nothing. */
void trap_explain_error(struct sink *sink, uint64_t vector, uint64_t error_code);

/* Reports IA32_MCG_STATUS and each bank that holds an error, a line each; nothing without them. */
void machine_check_print(struct sink *sink);
