#include "lib/string.h"

#include <stdint.h>

/* In a hosted build the C library has all of this. */
#if !__STDC_HOSTED__

/*
 * Words of eight bytes first: an emulator counts every iteration of REP as an instruction, and real
 * processors copy in lines either way.
 */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *start = to;
    size_t words = bytes / 8;

    bytes %= 8;
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    if (t <= f || t >= f + bytes)
        return memcpy(to, from, bytes);
    while (bytes-- > 0)
        t[bytes] = f[bytes];
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    void *start = to;
    size_t words = bytes / 8;
    uint64_t word = (uint8_t)value * 0x0101010101010101ull;

    bytes %= 8;
    asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(word) : "memory");
    asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a;
    const unsigned char *y = b;

    for (size_t i = 0; i < bytes; i++) {
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    }
    return 0;
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
    return strnlen(s, (size_t)-1);
}

int strncmp(const char *a, const char *b, size_t most)
{
    for (size_t i = 0; i < most; i++) {
        unsigned char x = (unsigned char)a[i];
        unsigned char y = (unsigned char)b[i];

        if (x != y)
            return x < y ? -1 : 1;
        if (x == '\0')
            break;
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, (size_t)-1);
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (*s == '\0')
            return NULL;
    }
}

#endif
