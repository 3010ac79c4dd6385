/*
 * The tables of VM exits against each other: every reason is answered, every bit that a layout
 * names is reported and no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "vmx/exit_reason.h"
#include "vmx/text/exit_text.h"

#define EXIT(id, handler, guests) {EXIT_REASON_##id, (guests)},
static const struct {
    uint32_t reason;
    const char *guests;
} answers[] = {
#include "vm/guests/exits/exits.def"
};

/* What is done about each; "": nothing. */
#define EXIT_TEXT(id, section, also, cause, done) [EXIT_REASON_##id] = (done),
#define EXIT_WHY(...)
static const char *const done[EXIT_REASON_COUNT] = {
#include "tools/exit_reasons.def"
};
#undef EXIT_TEXT
#undef EXIT_WHY

#define EXIT_TEXT(...)
#define EXIT_WHY(id, why) {EXIT_REASON_##id, (why)},
static const struct {
    uint32_t reason;
    const char *why;
} whys[] = {
#include "tools/exit_reasons.def"
};

enum { ANSWERS = sizeof answers / sizeof *answers, WHYS = sizeof whys / sizeof *whys };

/* A reason that the manual defines has one row, and each row says how it comes about or why not. */
static void every_reason_is_answered_once(void **state)
{
    unsigned rows[EXIT_REASON_COUNT] = {0}, reasons[EXIT_REASON_COUNT] = {0};
    bool provoked[EXIT_REASON_COUNT] = {0};

    (void)state;
    for (unsigned i = 0; i < ANSWERS; i++) {
        rows[answers[i].reason]++;
        provoked[answers[i].reason] = answers[i].guests != NULL && answers[i].guests[0] != '\0';
    }
    for (unsigned i = 0; i < WHYS; i++)
        reasons[whys[i].reason]++;
    for (unsigned i = 0; i < EXIT_REASON_COUNT; i++) {
        if (exit_reason_name(i) != NULL) {
            assert_int_equal(rows[i], done[i][0] != '\0');
            assert_true(provoked[i] || reasons[i] == 1);
        }
        assert_true(rows[i] <= 1 && reasons[i] <= 1);
        assert_true(exit_reason_name(i) != NULL || rows[i] + reasons[i] == 0);
    }
}

/* Sentences end as sentences; a reason why not is a part of one. */
static void the_page_is_made_of_sentences(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ANSWERS; i++) {
        const char *text = done[answers[i].reason];

        assert_int_equal(text[strlen(text) - 1], '.');
    }
    for (unsigned i = 0; i < WHYS; i++)
        assert_int_not_equal(whys[i].why[strlen(whys[i].why) - 1], '.');
}

struct bits {
    enum exit_layout layout;
    unsigned high, low;
};

#define EXIT_LAYOUT(...)
#define EXIT_BITS(id, high, low, text) {EXIT_LAYOUT_##id, (high), (low)},
static const struct bits bits[] = {
#include "tools/exit_layouts.def"
};

static bool is_named(enum exit_layout layout, unsigned bit)
{
    for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++) {
        if (bits[i].layout == layout && bit >= bits[i].low && bit <= bits[i].high)
            return true;
    }
    return false;
}

/* Whether the text depends on a bit, whatever the others are: all 0, all 1, or one more pattern. */
static bool is_reported(uint32_t reason, unsigned bit)
{
    static const uint64_t others[] = {0, UINT64_MAX, 0x180};
    struct text_buffer buffer;
    char with[512], without[512];

    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        text_buffer_init(&buffer, with, sizeof with);
        exit_qualification_print(&buffer.sink, reason, 0, others[i] | 1ull << bit);
        text_buffer_init(&buffer, without, sizeof without);
        exit_qualification_print(&buffer.sink, reason, 0, others[i] & ~(1ull << bit));
        if (strcmp(with, without) != 0)
            return true;
    }
    return false;
}

/* Exceptions are reported by vector, test_exit_text.c; what is not decoded has no layout. */
static void a_bit_of_the_qualification_is_reported_where_it_is_named(void **state)
{
    (void)state;
    for (uint32_t reason = 0; reason < EXIT_REASON_COUNT; reason++) {
        enum exit_layout layout = exit_layouts(reason).qualification;

        if (layout == EXIT_LAYOUT_NOTHING || layout == EXIT_LAYOUT_UNDECODED ||
            layout == EXIT_LAYOUT_EXCEPTION)
            continue;
        for (unsigned bit = 0; bit < 64; bit++) {
            if (is_reported(reason, bit) != is_named(layout, bit))
                fail_msg("reason %u, bit %u: named %d", reason, bit, is_named(layout, bit));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_is_answered_once),
        cmocka_unit_test(the_page_is_made_of_sentences),
        cmocka_unit_test(a_bit_of_the_qualification_is_reported_where_it_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
