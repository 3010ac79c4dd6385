/*
 * tools/vmcheck on ten thousand damaged dumps: an image that breaks one rule, written in some
 * format, then changed as pasting, logging and cutting do, or at random. What must hold: nothing is
 * read beyond the text, the verdict is that of the engine on the image that was read, and of a dump
 * of which lines are only missing or interrupted no field has another value, and no other rule is
 * broken, than of the whole one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/host/full_msrs.h"
#include "tests/host/random.h"
#include "tests/host/tools/vmcs_formats.h"
#include "tests/host/vmentry_ground.h"
#include "tools/capability/piece.h"
#include "tools/entry/check_entry.h"
#include "tools/entry/read_vmcs.h"

enum { MUTANTS = 10000, OF_ONE_DUMP = 40, TEXT_MAX = 1 << 16, LINE_MAX_BYTES = 512 };

static uint64_t seed = 20240229;
static char original[TEXT_MAX], mutant[2 * TEXT_MAX];
static size_t mutant_length;
static bool loses_lines; /* not one of which a field takes several */
static bool alters;      /* what is read is not what was written: it is damaged wildly alone */
static struct vmcs_image whole;
static struct vmentry_findings whole_findings;
static struct vmx_dump cpu_dump;
static const struct entry_cpu cpu = {"full", &cpu_dump, 0};

static bool chance(unsigned percent)
{
    return random_below(&seed, 100) < percent;
}

static void append(const char *bytes, size_t length)
{
    assert_true(mutant_length + length <= sizeof(mutant));
    memcpy(mutant + mutant_length, bytes, length);
    mutant_length += length;
}

static void append_text(const char *text)
{
    append(text, strlen(text));
}

/* What other threads and programs print between the lines of a dump. */
static void append_noise(void)
{
    static const char *const noise[] = {
        "usb 1-1: new high-speed USB device number 4 using xhci_hcd\n",
        "[  912.000001] audit: type=1400 audit(1700000000.000:17): apparmor=\"STATUS\"\n",
        "\n",
        "Nov 27 19:00:00 box systemd[1]: Started Session 4 of user root.\n",
        "(XEN) Xen version 4.17.2 (Debian 4.17.2+76)\n",
        "\x01\xff\x80[[((::==\n",
        "0000000000000000 0000000000000000\n",
    };

    append_text(noise[random_below(&seed, sizeof(noise) / sizeof(noise[0]))]);
}

static bool is_heading(struct piece line)
{
    static const char *const headings[] = {"***",        "control fields",   "guest state",
                                           "host state", "exit information", "selector base",
                                           "efer["};

    for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++) {
        if (piece_has_folded(line, headings[i]))
            return true;
    }
    return false;
}

/* A line goes missing, gets company, or the end that another system gives it. */
static void mutate_gently(unsigned losses)
{
    mutant_length = 0;
    for (const char *line = original; *line != '\0';) {
        size_t length = strcspn(line, "\n");

        if (chance(4))
            append_noise();
        if (is_heading((struct piece){line, length}) || !chance(losses)) {
            append(line, length);
            append_text(chance(10) ? "\r\n" : "\n");
        }
        line += length + (line[length] == '\n');
    }
}

static void mutate_wildly(void)
{
    unsigned changes = 1 + (unsigned)random_below(&seed, 30);

    mutate_gently(chance(20) ? 10 : 85);
    for (unsigned i = 0; i < changes && mutant_length > 0; i++) {
        size_t at = random_below(&seed, mutant_length), left = mutant_length - at;

        switch (random_below(&seed, 5)) {
        case 0:
            mutant[at] = (char)random_next(&seed);
            break;
        case 1:
            mutant[at] = "0x =:|\n\t()[]`*fF"[random_below(&seed, 16)];
            break;
        case 2: /* the end is missing */
            if (chance(20))
                mutant_length = at;
            break;
        case 3: /* some bytes are missing */
            memmove(mutant + at, mutant + at + left / 8, left - left / 8);
            mutant_length -= left / 8;
            break;
        default: /* some stand there once more */
            left = left < LINE_MAX_BYTES ? left : LINE_MAX_BYTES;
            if (mutant_length + left <= sizeof(mutant)) {
                memmove(mutant + at + left, mutant + at, mutant_length - at);
                mutant_length += left;
            }
        }
    }
}

/* From a copy of the text's exact size, so that the sanitizers see a step beyond it. */
static void read_mutant(struct vmcs_text *text)
{
    char *copy = malloc(mutant_length > 0 ? mutant_length : 1);

    assert_non_null(copy);
    memcpy(copy, mutant, mutant_length);
    vmcs_text_read(copy, mutant_length, text);
    free(copy);
}

static void assert_as_the_engine_says(const struct vmcs_image *image,
                                      struct vmentry_findings *findings)
{
    static struct entry_check check;

    check_entry_on(image, &cpu, MSR_GUESS, findings);
    check_entry(image, &cpu, 1, &check);
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        bool broken = vmentry_has(findings, rule), unchecked = vmentry_is_unchecked(findings, rule);

        assert_int_equal(check.rule[rule].state, broken      ? RULE_BROKEN
                                                 : unchecked ? RULE_UNKNOWN
                                                             : RULE_KEPT);
    }
    assert_int_equal(check.verdict == VERDICT_REFUSED, findings->count > 0);
    assert_int_equal(check.verdict == VERDICT_DEPENDS,
                     findings->count == 0 && findings->unread > 0);
    assert_int_equal(check.outcome.class, vmentry_predict(findings).class);
    assert_int_equal(check.outcome.qualification, vmentry_predict(findings).qualification);
}

/* As the engine finds on the whole image, or not told; no field with another value. */
static void assert_part_of_the_whole(const struct vmcs_image *image,
                                     const struct vmentry_findings *findings)
{
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        if (image->present[row] && image->value[row] != whole.value[row])
            fail_msg("%s: read %#lx, written %#lx in\n%.*s", vmcs_field_table[row].name,
                     image->value[row], whole.value[row], (int)mutant_length, mutant);
    }
    for (uint32_t i = 0; i < findings->count; i++) {
        if (!vmentry_has(&whole_findings, findings->item[i].rule))
            fail_msg("%s is broken of\n%.*s", vmentry_rule_text(findings->item[i].rule).name,
                     (int)mutant_length, mutant);
    }
}

static void check_mutant(bool gentle)
{
    static struct vmentry_findings findings;
    struct vmcs_text text = {.dump = NULL};

    read_mutant(&text);
    if (gentle && text.count > 1)
        fail_msg("%zu dumps in\n%.*s", text.count, (int)mutant_length, mutant);
    for (size_t i = 0; i < text.count; i++) {
        assert_as_the_engine_says(&text.dump[i].image, &findings);
        if (gentle)
            assert_part_of_the_whole(&text.dump[i].image, &findings);
    }
    for (unsigned i = 0; i < text.not_understood && i < DUMP_PASSED_MAX; i++)
        assert_true(text.passed[i].line > 0 && strlen(text.passed[i].text) < DUMP_SHOWN_MAX);
    vmcs_text_free(&text);
}

/* The next trial's image, in some format. */
static void write_original(struct vmentry_trial *trial)
{
    struct text_buffer sink;
    enum text_format format;

    do {
        if (!vmentry_trial_next(trial)) {
            *trial = (struct vmentry_trial){0};
            assert_true(vmentry_trial_next(trial));
        }
        ground_reset(GROUND_ALL);
    } while (chance(75) || !vmentry_trial_keep(&ground, trial, &whole));
    vmentry_trial_break(&ground, trial, &whole);
    check_entry_on(&whole, &cpu, MSR_GUESS, &whole_findings);
    text_buffer_init(&sink, original, sizeof(original) - 1);
    do
        format = (enum text_format)random_below(&seed, TEXT_FORMAT_COUNT);
    while (format == TEXT_JSON && chance(75)); /* by far the longest */
    vmcs_text_write(format, &whole, &sink.sink);
    loses_lines = format != TEXT_JSON;
    alters = vmcs_text_alters(format);
    assert_int_equal(sink.lost, 0);
    original[sink.length] = '\0';
}

static void ten_thousand_damaged_dumps(void **state)
{
    struct vmentry_trial trial = {0};

    (void)state;
    cpu_dump.msrs = full_msrs();
    for (unsigned i = 0; i < MUTANTS; i++) {
        bool gentle = i % 2 == 0;

        if (i % OF_ONE_DUMP == 0)
            write_original(&trial);
        gentle = gentle && !alters;
        if (gentle)
            mutate_gently(!loses_lines ? 0
                          : chance(20) ? 10
                                       : 60 + (unsigned)random_below(&seed, 40));
        else
            mutate_wildly();
        check_mutant(gentle);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ten_thousand_damaged_dumps)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
