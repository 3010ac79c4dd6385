/* <string.h> for a freestanding WebAssembly: lib/string.c's functions, and library.c's. */
#ifndef TOOLS_ENTRY_WASM_STRING_H
#define TOOLS_ENTRY_WASM_STRING_H

#include "lib/string.h"

void *memchr(const void *from, int byte, size_t bytes);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *part);
size_t strspn(const char *s, const char *set);
size_t strcspn(const char *s, const char *set);

#endif
