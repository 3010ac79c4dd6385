/* lib/format.c against the C library's snprintf, where both mean the same, and where they do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "lib/format.h"
#include "lib/wrapped.h"
#include "tests/host/random.h"

/* Formats that a compiler would refuse are what some tests are about. */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static char ours[400], theirs[400];

#define SAME(...)                                                    \
    do {                                                             \
        size_t ours_ = format_text(ours, sizeof(ours), __VA_ARGS__); \
        int theirs_ = snprintf(theirs, sizeof(theirs), __VA_ARGS__); \
        assert_string_equal(ours, theirs);                           \
        assert_int_equal(ours_, theirs_);                            \
    } while (0)

#define GIVES(expected, ...)                                         \
    do {                                                             \
        size_t ours_ = format_text(ours, sizeof(ours), __VA_ARGS__); \
        assert_string_equal(ours, expected);                         \
        assert_int_equal(ours_, strlen(expected));                   \
    } while (0)

static void plain_text(void **state)
{
    (void)state;
    SAME("%s", "");
    SAME("no conversion");
    SAME("%%");
    SAME("100%% of %%s");
    SAME("a%db%dc", 1, 2);
}

static void integers(void **state)
{
    static const int values[] = {0, 1, -1, 7, 42, -42, 1000000, INT_MAX, INT_MIN};

    (void)state;
    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        int v = values[i];

        SAME("%d %u %x", v, (unsigned)v, (unsigned)v);
        SAME("[%5d][%-5d][%05d]", v, v, v);
        SAME("[%15d][%-15d][%015d]", v, v, v);
        SAME("[%01d][%02d]", v, v);
        SAME("[%8x][%-8x][%08x]", (unsigned)v, (unsigned)v, (unsigned)v);
    }
}

static void lengths(void **state)
{
    (void)state;
    SAME("%ld %ld %lu %lx", LONG_MIN, LONG_MAX, ULONG_MAX, ULONG_MAX);
    SAME("%lld %lld %llu %llx", LLONG_MIN, LLONG_MAX, ULLONG_MAX, ULLONG_MAX);
    SAME("%zu %zx %zd", SIZE_MAX, SIZE_MAX, (ssize_t)-5);
}

/* Unlike C's, # writes 0x before a zero as well; never counted out. */
static void hexadecimal_with_prefix(void **state)
{
    (void)state;
    GIVES("0x0", "%#x", 0);
    GIVES("0x0", "%#llx", 0ull);
    SAME("%#x %#lx %#llx", 1, 255ul, ULLONG_MAX);
    SAME("[%#10x][%-#10x][%#010x]", 42, 42, 42);
    SAME("[%#2x][%#02x]", 0xabc, 0xabc);
    GIVES("42", "%#u", 42); /* of a decimal number C leaves it open */
}

static void characters_and_strings(void **state)
{
    const char *volatile null = NULL; /* unseen by the compiler */
    const char not_terminated[3] = {'a', 'b', 'c'};

    (void)state;
    SAME("[%c][%3c][%-3c]", 'x', 'y', 'z');
    SAME("[%s][%5s][%-5s][%2s]", "abc", "abc", "abc", "abc");
    SAME("[%.2s][%.0s][%5.1s][%-5.1s][%.9s]", "abc", "abc", "abc", "abc", "abc");
    SAME("%.3s", not_terminated);
    GIVES("(null)", "%s", null);
    GIVES("[  (null)]", "[%8s]", null);
}

static void counts_from_arguments(void **state)
{
    (void)state;
    SAME("[%*d][%-*d]", 6, 42, 6, 42);
    SAME("[%.*s][%*.*s]", 2, "abc", 8, 2, "abc");
    /* C: a negative precision is as if there were none */
    SAME("[%.*s][%0*d]", -1, "abc", 6, 42);
    SAME("[%.s]", "abc");
    SAME("[%0u][%01u][%02u][%0*d]", 0u, 0u, 0u, 0, 0);
}

/* A conversion that is not known shows as it stands. */
static void unknown_conversions(void **state)
{
    (void)state;
    GIVES("%y", "%y");
    GIVES("a %q b", "a %q b");
    GIVES("%-08.3lly!", "%-08.3lly!");
    GIVES("%", "%");
    GIVES("50%", "50%");
    GIVES("%5", "%5");
    GIVES("%ll", "%ll");
    GIVES("%f 7", "%f %d", 7);
    GIVES("%i %X %p %hd", "%i %X %p %hd");
}

/* Nothing is written past the buffer; the length reported is the whole text's. */
static void short_buffers(void **state)
{
    char expected[16];

    (void)state;
    for (size_t size = 0; size <= 14; size++) {
        memset(ours, 'z', sizeof(ours));
        memset(expected, 'z', sizeof(expected));
        assert_int_equal(format_text(ours, size, "%s-%04d!", "abcde", 42), 11);
        assert_int_equal(snprintf(expected, size, "%s-%04d!", "abcde", 42), 11);
        assert_memory_equal(ours, expected, sizeof(expected));
    }
    assert_int_equal(format_text(NULL, 0, "%s", "abc"), 3);
}

static void a_buffer_filled_bit_by_bit(void **state)
{
    struct text_buffer buffer;
    char text[8];

    (void)state;
    text_buffer_init(&buffer, text, sizeof(text));
    assert_string_equal(text, "");
    print_to(&buffer.sink, "%s", "abc");
    print_to(&buffer.sink, "%d", 12);
    assert_string_equal(text, "abc12");
    assert_int_equal(buffer.length, 5);
    assert_int_equal(buffer.lost, 0);
    print_to(&buffer.sink, "3456");
    assert_string_equal(text, "abc1234");
    assert_int_equal(buffer.length, 7);
    assert_int_equal(buffer.lost, 2);
    print_to(&buffer.sink, "%5s", "");
    assert_int_equal(buffer.lost, 7);
    assert_string_equal(text, "abc1234");
}

static void lines_are_broken_at_spaces(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"", ""},
        {"abc", "  abc\n"},
        {"abcde fghij", "  abcde\n  fghij\n"}, /* exactly as long as a line */
        {"ab cd", "  ab cd\n"},                /* a text that just fits is not broken */
        {"ab cde", "  ab\n  cde\n"},
        {"ab cd  ef", "  ab cd\n  ef\n"},          /* and no space at a line's start */
        {"abcdefgh ij", "  abcde\n  fgh\n  ij\n"}, /* a word that fits no line is cut */
        {"ab cdefg", "  ab\n  cdefg\n"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        struct text_buffer buffer;

        text_buffer_init(&buffer, text, sizeof text);
        print_wrapped(&buffer.sink, 2, 5, rows[i].text);
        assert_string_equal(text, rows[i].wanted);
    }
}

/* Flags, width and length by chance. Left out: # and 0 with a zero, where we differ. */
static void random_formats(void **state)
{
    static const char *const lengths[] = {"", "l", "ll", "z"};
    uint64_t seed = 0xf0f0a1;

    (void)state;
    for (unsigned run = 0; run < 20000; run++) {
        char letter = "dux"[random_below(&seed, 3)];
        uint64_t value = random_next(&seed) >> random_below(&seed, 64);
        char format[32], number[8] = "";
        const char *length = lengths[random_below(&seed, 4)];

        if (random_below(&seed, 2))
            snprintf(number, sizeof(number), "%u", (unsigned)(1 + random_below(&seed, 30)));
        if ((uint8_t)value == 0)
            value++; /* no length may make it a zero */
        snprintf(format, sizeof(format), "<%%%s%s%s%s%s%c>", random_below(&seed, 2) ? "-" : "",
                 letter == 'x' && random_below(&seed, 2) ? "#" : "",
                 random_below(&seed, 2) ? "0" : "", number, length, letter);
        if (strcmp(length, "l") == 0 || strcmp(length, "ll") == 0 || strcmp(length, "z") == 0)
            SAME(format, value);
        else
            SAME(format, (unsigned)value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text),
        cmocka_unit_test(integers),
        cmocka_unit_test(lengths),
        cmocka_unit_test(hexadecimal_with_prefix),
        cmocka_unit_test(characters_and_strings),
        cmocka_unit_test(counts_from_arguments),
        cmocka_unit_test(unknown_conversions),
        cmocka_unit_test(short_buffers),
        cmocka_unit_test(a_buffer_filled_bit_by_bit),
        cmocka_unit_test(lines_are_broken_at_spaces),
        cmocka_unit_test(random_formats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
