/* The kernel's memory and string functions against the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/host/random.h"

/* tests/host/freestanding_string.c */
void *kernel_memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *kernel_memmove(void *to, const void *from, size_t bytes);
void *kernel_memset(void *to, int value, size_t bytes);
int kernel_memcmp(const void *a, const void *b, size_t bytes);
size_t kernel_strlen(const char *s);
size_t kernel_strnlen(const char *s, size_t most);
int kernel_strcmp(const char *a, const char *b);
int kernel_strncmp(const char *a, const char *b, size_t most);
char *kernel_strchr(const char *s, int c);

enum { SPACE = 128 };

static unsigned char ours[SPACE], theirs[SPACE], source[SPACE];

static void scramble(uint64_t *seed)
{
    for (unsigned i = 0; i < SPACE; i++) {
        ours[i] = theirs[i] = (unsigned char)random_next(seed);
        source[i] = (unsigned char)random_next(seed);
    }
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

/* Every length and every alignment within a few words: nothing beside the range is touched. */
static void memory_is_filled_and_copied(void **state)
{
    uint64_t seed = 0x5717;

    (void)state;
    for (unsigned at = 0; at < 9; at++) {
        for (unsigned length = 0; length < 40; length++) {
            scramble(&seed);
            assert_ptr_equal(kernel_memset(ours + at, 0x1a5, length), ours + at);
            memset(theirs + at, 0xa5, length);
            assert_memory_equal(ours, theirs, SPACE);
            assert_ptr_equal(kernel_memcpy(ours + at, source + 3, length), ours + at);
            memcpy(theirs + at, source + 3, length);
            assert_memory_equal(ours, theirs, SPACE);
        }
    }
}

static void memory_is_moved_over_itself(void **state)
{
    uint64_t seed = 0x30e;

    (void)state;
    for (unsigned to = 0; to < 40; to++) {
        for (unsigned from = 0; from < 40; from++) {
            for (unsigned length = 0; length < 40; length += 1 + length / 3) {
                scramble(&seed);
                assert_ptr_equal(kernel_memmove(ours + to, ours + from, length), ours + to);
                memmove(theirs + to, theirs + from, length);
                assert_memory_equal(ours, theirs, SPACE);
            }
        }
    }
}

static void memory_is_compared(void **state)
{
    uint64_t seed = 0xc3b;

    (void)state;
    for (unsigned length = 0; length < 20; length++) {
        for (unsigned differs = 0; differs < 21; differs++) {
            scramble(&seed);
            memcpy(source, ours, SPACE);
            source[differs] ^= 0x80;
            assert_int_equal(sign(kernel_memcmp(ours, source, length)),
                             sign(memcmp(ours, source, length)));
        }
    }
}

static void strings(void **state)
{
    static const char *const words[] = {"", "a", "ab", "abc", "abd", "b", "\xff", "abc\x80"};
    enum { WORDS = sizeof(words) / sizeof(words[0]) };

    (void)state;
    for (unsigned i = 0; i < WORDS; i++) {
        assert_int_equal(kernel_strlen(words[i]), strlen(words[i]));
        for (size_t most = 0; most < 6; most++)
            assert_int_equal(kernel_strnlen(words[i], most), strnlen(words[i], most));
        for (int c = 0; c < 256; c++)
            assert_ptr_equal(kernel_strchr(words[i], c), strchr(words[i], c));
        for (unsigned j = 0; j < WORDS; j++) {
            assert_int_equal(sign(kernel_strcmp(words[i], words[j])),
                             sign(strcmp(words[i], words[j])));
            for (size_t most = 0; most < 6; most++)
                assert_int_equal(sign(kernel_strncmp(words[i], words[j], most)),
                                 sign(strncmp(words[i], words[j], most)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_filled_and_copied),
        cmocka_unit_test(memory_is_moved_over_itself),
        cmocka_unit_test(memory_is_compared),
        cmocka_unit_test(strings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
