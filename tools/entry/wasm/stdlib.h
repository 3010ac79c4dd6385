/* <stdlib.h> for a freestanding WebAssembly: memory that is given back all at once (library.c). */
#pragma once

#include <stddef.h>

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void *realloc(void *old, size_t bytes);
void free(void *memory);
_Noreturn void abort(void);
