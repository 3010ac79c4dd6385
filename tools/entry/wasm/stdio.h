/* <stdio.h> for a freestanding WebAssembly: by lib/format.c, whose %l is 64 bits wide there too. */
#pragma once

#include <stddef.h>

int snprintf(char *text, size_t size, const char *format, ...);
