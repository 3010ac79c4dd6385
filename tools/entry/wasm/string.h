/* <string.h> for a freestanding WebAssembly: lib/string.c's functions, and library.c's. */
#pragma once

#include "lib/string.h"

void *memchr(const void *from, int byte, size_t bytes);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *part);
size_t strspn(const char *s, const char *set);
size_t strcspn(const char *s, const char *set);
