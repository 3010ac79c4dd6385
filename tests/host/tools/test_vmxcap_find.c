/* Expressions over features, against truth tables written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/real_msrs.h"
#include "tools/capability/corpus.h"
#include "tools/capability/find.h"
#include "tools/capability/nearest.h"

/*
 * T, F and U stand for a feature that is there, one that is not and one that is not known, in a
 * dump that has IA32_VMX_BASIC with bit 54 only and not IA32_VMX_MISC.
 */
static enum truth truth_of(const char *letters)
{
    char text[2048] = "", error[FIND_ERROR_MAX] = "";
    struct vmx_dump dump = {.has_feature_control = false};
    struct find find;

    vmx_msr_set(&dump.msrs, 0x480, 1ull << 54);
    for (; *letters != '\0'; letters++) {
        const char letter[2] = {*letters};

        strcat(text, *letters == 'T'   ? "basic.ins-outs-information"
                     : *letters == 'F' ? "basic.true-controls"
                     : *letters == 'U' ? "misc.pt-in-vmx"
                     : *letters == '&' ? "&&"
                     : *letters == '|' ? "||"
                                       : letter);
    }
    if (!find_parse(text, &find, error))
        fail_msg("%s: %s", text, error);
    return find_evaluate(&find, &dump);
}

static void every_operator_on_every_truth(void **state)
{
    static const struct {
        const char *expression;
        enum truth truth;
    } table[] = {
        {"T", TRUTH_TRUE},      {"F", TRUTH_FALSE},     {"U", TRUTH_UNKNOWN},
        {"!T", TRUTH_FALSE},    {"!F", TRUTH_TRUE},     {"!U", TRUTH_UNKNOWN},
        {"T&T", TRUTH_TRUE},    {"T&F", TRUTH_FALSE},   {"F&T", TRUTH_FALSE},
        {"F&F", TRUTH_FALSE},   {"U&T", TRUTH_UNKNOWN}, {"T&U", TRUTH_UNKNOWN},
        {"U&F", TRUTH_FALSE},   {"F&U", TRUTH_FALSE},   {"U&U", TRUTH_UNKNOWN},
        {"T|T", TRUTH_TRUE},    {"T|F", TRUTH_TRUE},    {"F|T", TRUTH_TRUE},
        {"F|F", TRUTH_FALSE},   {"U|T", TRUTH_TRUE},    {"T|U", TRUTH_TRUE},
        {"U|F", TRUTH_UNKNOWN}, {"F|U", TRUTH_UNKNOWN}, {"U|U", TRUTH_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (truth_of(table[i].expression) != table[i].truth)
            fail_msg("%s", table[i].expression);
    }
}

static void operators_bind_as_in_c(void **state)
{
    (void)state;
    assert_int_equal(truth_of("T|T&F"), TRUTH_TRUE); /* not (T|T)&F */
    assert_int_equal(truth_of("F&T|T"), TRUTH_TRUE); /* not F&(T|T) */
    assert_int_equal(truth_of("(T|T)&F"), TRUTH_FALSE);
    assert_int_equal(truth_of("F&(T|T)"), TRUTH_FALSE);
    assert_int_equal(truth_of("!F&F"), TRUTH_FALSE); /* not !(F&F) */
    assert_int_equal(truth_of("!(F&F)"), TRUTH_TRUE);
    assert_int_equal(truth_of("!F|T"), TRUTH_TRUE);
    assert_int_equal(truth_of("!(F|T)"), TRUTH_FALSE);
    assert_int_equal(truth_of("!!T"), TRUTH_TRUE);
    assert_int_equal(truth_of("!!(!F)"), TRUTH_TRUE);
    assert_int_equal(truth_of(" ( ( T ) )\t& ! ( F ) "), TRUTH_TRUE);
    assert_int_equal(truth_of("F|F|T&T&!F"), TRUTH_TRUE);
}

static void assert_wrong(const char *text, const char *words)
{
    char error[FIND_ERROR_MAX] = "";
    struct find find;

    assert_false(find_parse(text, &find, error));
    if (strstr(error, words) == NULL)
        fail_msg("`%s`: %s; wanted: %s", text, error, words);
}

static void wrong_expressions_are_reported(void **state)
{
    (void)state;
    assert_wrong("", "at character 1 of ``: expected the id of a feature, `!` or `(`");
    assert_wrong("secondary.ept &&", "at character 17");
    assert_wrong("&& secondary.ept", "at character 1");
    assert_wrong("secondary.ept & secondary.vpid", "at character 15");
    assert_wrong("secondary.ept secondary.vpid", "at character 15 of");
    assert_wrong("secondary.ept |& secondary.vpid", "expected `&&` or `||`");
    assert_wrong("(secondary.ept", "a `)` for each `(`");
    assert_wrong("secondary.ept)", "a `(` before the `)`");
    assert_wrong("((secondary.ept) secondary.vpid", "`&&`, `||` or `)`");
    assert_wrong("()", "at character 2");
    assert_wrong("!", "at character 2");
    assert_wrong("secondary.EPT", "unknown feature `secondary.EPT`; the nearest known one is");
    assert_wrong("secondary.epd", "the nearest known one is `secondary.ept`");
    assert_wrong("unrestricted-guest", "the nearest known one is `secondary.unrestricted-guest`");
    assert_wrong("secondary.ept ; rm", "at character 15");
}

static void long_expressions_are_read_or_reported(void **state)
{
    static char text[64 * 1024];

    (void)state;
    for (int i = 0; i < 63; i++)
        strcat(text, "cr0.pe&&");
    strcat(text, "cr0.pe");
    {
        char error[FIND_ERROR_MAX] = "";
        struct find find;

        assert_true(find_parse(text, &find, error)); /* 64 features and 63 operators */
        strcat(text, "&&cr0.pe");
        assert_wrong(text, "at most 128");
    }
    memset(text, '!', 5000);
    memcpy(text + 5000, "cr0.pe", sizeof("cr0.pe"));
    assert_wrong(text, "at most 128");
    memset(text, '(', 5000);
    assert_wrong(text, "at most 128");
    memset(text, 'a', 5000);
    assert_wrong(text, "unknown feature");
}

static void real_machines(void **state)
{
    struct vmx_dump new_one = {.msrs = real_msrs(skylake)}, old = {.msrs = real_msrs(dunnington)};
    char error[FIND_ERROR_MAX];
    struct find find;

    (void)state;
    assert_true(find_parse("secondary.ept && secondary.unrestricted-guest", &find, error));
    assert_int_equal(find_evaluate(&find, &new_one), TRUTH_TRUE);
    assert_int_equal(find_evaluate(&find, &old), TRUTH_FALSE);
    /* Secondary controls without EPT: the register of EPT's abilities does not exist. */
    assert_true(find_parse("primary.secondary-controls && !ept.invept", &find, error));
    assert_int_equal(find_evaluate(&find, &new_one), TRUTH_FALSE);
    assert_int_equal(find_evaluate(&find, &old), TRUTH_TRUE);
    /* The dump of this machine ends before 0x491, which exists there. */
    assert_true(find_parse("vmfunc.eptp-switching", &find, error));
    assert_int_equal(find_evaluate(&find, &new_one), TRUTH_UNKNOWN);
    assert_int_equal(find_evaluate(&find, &old), TRUTH_FALSE);
}

/*
 * EPT without unrestricted guest, read by hand from the corpus' README and its secondary controls:
 * bit 33 of 0x48b set and bit 39 clear.
 */
static void the_corpus_against_its_raw_bits(void **state)
{
    char error[FIND_ERROR_MAX];
    struct find find;
    int found = 0;

    (void)state;
    assert_true(find_parse("secondary.ept && !secondary.unrestricted-guest", &find, error));
    for (size_t i = 0; i < corpus_count; i++) {
        uint64_t value = vmx_msr_value(&corpus[i].dump.msrs, 0x48b);
        bool wanted = (value >> 33 & 1) && !(value >> 39 & 1);

        assert_int_equal(find_evaluate(&find, &corpus[i].dump) == TRUTH_TRUE, wanted);
        found += wanted;
    }
    assert_true(found >= 3); /* i7-870, Bochs' Lynnfield, QEMU's Nehalem */
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(edit_distance("", ""), 0);
    assert_int_equal(edit_distance("abc", "abc"), 0);
    assert_int_equal(edit_distance("", "abc"), 3);
    assert_int_equal(edit_distance("abc", ""), 3);
    assert_int_equal(edit_distance("kitten", "sitting"), 3);
    assert_int_equal(edit_distance("ab", "ba"), 2);
    assert_int_equal(edit_distance_within("kitten", "sitting", 3), 3);
    assert_int_equal(edit_distance_within("abcd", "a", 3), 3);
    assert_true(edit_distance_within("abcd", "", 3) > 3);
    assert_true(edit_distance_within("", "abcd", 3) > 3);
}

static const char *const names[] = {"nested-gce-a", "ilx-406e3-skylake-cpuid", "skyline"};

static const char *name_of(size_t index)
{
    return names[index];
}

/* "skylake" is nearer to "skyline" than to a name that has it in it, and yet that one is meant. */
static void nearest_names(void **state)
{
    (void)state;
    assert_string_equal(nearest_name("skylake", 3, name_of), names[1]);
    assert_string_equal(nearest_name("skylime", 3, name_of), names[2]);
    assert_string_equal(nearest_name("nested-gce-b", 3, name_of), names[0]);
    assert_null(nearest_name("", 3, name_of));
    assert_null(nearest_name("xyzzy", 3, name_of));
    assert_string_equal(nearest_name("SKYLINE", 3, name_of), names[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_on_every_truth),
        cmocka_unit_test(operators_bind_as_in_c),
        cmocka_unit_test(wrong_expressions_are_reported),
        cmocka_unit_test(long_expressions_are_read_or_reported),
        cmocka_unit_test(real_machines),
        cmocka_unit_test(the_corpus_against_its_raw_bits),
        cmocka_unit_test(distances),
        cmocka_unit_test(nearest_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
