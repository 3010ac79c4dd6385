/*
 * What the readers and the rules use of the C library. Memory is one heap that only grows, and is
 * given back all at once before the next question: a question needs some hundred kilobytes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format.h"
#include "tools/entry/wasm/library.h"

enum { ALIGNMENT = 16, PAGE_BYTES = 1 << 16 };

extern uint8_t __heap_base; /* of the linker: behind data and stack */
static uintptr_t next;

void library_reset(void)
{
    next = ((uintptr_t)&__heap_base + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
}

/* Before each piece stands its size, for realloc(). */
void *malloc(size_t bytes)
{
    uintptr_t start = next + ALIGNMENT;
    size_t have = __builtin_wasm_memory_size(0) * PAGE_BYTES, need;

    next = (start + bytes + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
    need = next > have ? (next - have + PAGE_BYTES - 1) / PAGE_BYTES : 0;
    if (next < start || (need > 0 && __builtin_wasm_memory_grow(0, need) == (size_t)-1))
        abort();
    ((size_t *)start)[-1] = bytes;
    return (void *)start;
}

void *calloc(size_t count, size_t bytes)
{
    return memset(malloc(count * bytes), 0, count * bytes);
}

void *realloc(void *old, size_t bytes)
{
    size_t had = old != NULL ? ((size_t *)old)[-1] : 0;
    void *grown = malloc(bytes);

    memcpy(grown, old, had < bytes ? had : bytes);
    return grown;
}

void free(void *memory)
{
    (void)memory;
}

_Noreturn void abort(void)
{
    __builtin_trap();
}

int snprintf(char *text, size_t size, const char *format, ...)
{
    struct text_buffer buffer;
    va_list arguments;

    text_buffer_init(&buffer, text, size);
    va_start(arguments, format);
    vprint_to(&buffer.sink, format, arguments);
    va_end(arguments);
    return (int)(buffer.length + buffer.lost);
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to <= (uintptr_t)from)
        return memcpy(to, from, bytes);
    while (bytes-- > 0)
        ((uint8_t *)to)[bytes] = ((const uint8_t *)from)[bytes];
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((uint8_t *)to)[i] = (uint8_t)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        int difference = ((const uint8_t *)a)[i] - ((const uint8_t *)b)[i];

        if (difference != 0)
            return difference;
    }
    return 0;
}

void *memchr(const void *from, int byte, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (((const uint8_t *)from)[i] == (uint8_t)byte)
            return (uint8_t *)from + i;
    }
    return NULL;
}

size_t strnlen(const char *s, size_t most)
{
    size_t length = 0;

    while (length < most && s[length] != '\0')
        length++;
    return length;
}

size_t strlen(const char *s)
{
    return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t most)
{
    for (size_t i = 0; i < most; i++) {
        if (a[i] != b[i] || a[i] == '\0')
            return (uint8_t)a[i] - (uint8_t)b[i];
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
    return memchr(s, c, strlen(s) + 1);
}

char *strrchr(const char *s, int c)
{
    for (size_t i = strlen(s) + 1; i-- > 0;) {
        if (s[i] == (char)c)
            return (char *)s + i;
    }
    return NULL;
}

char *strstr(const char *s, const char *part)
{
    size_t length = strlen(part);

    for (; *s != '\0' || length == 0; s++) {
        if (strncmp(s, part, length) == 0)
            return (char *)s;
    }
    return NULL;
}

/* How many bytes at the start are one of the set, or are none. */
static size_t span(const char *s, const char *set, int wanted)
{
    size_t length = 0;

    while (s[length] != '\0' && (strchr(set, s[length]) != NULL) == wanted)
        length++;
    return length;
}

size_t strspn(const char *s, const char *set)
{
    return span(s, set, 1);
}

size_t strcspn(const char *s, const char *set)
{
    return span(s, set, 0);
}
