/* <stdio.h> for a freestanding WebAssembly: by lib/format.c, whose %l is 64 bits wide there too. */
#ifndef TOOLS_ENTRY_WASM_STDIO_H
#define TOOLS_ENTRY_WASM_STDIO_H

#include <stddef.h>

int snprintf(char *text, size_t size, const char *format, ...);

#endif
