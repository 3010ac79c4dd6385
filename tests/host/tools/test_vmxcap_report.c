/* What a person reads: single lines against the manual and the raw values, and rules for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/real_msrs.h"
#include "tools/capability/corpus.h"
#include "tools/capability/feature_text.h"
#include "tools/capability/check_set.h"
#include "tools/capability/lists.h"
#include "tools/capability/report.h"

static char text[256 * 1024], other[256 * 1024];
static struct text_buffer buffer;
static struct page page;
static struct checked checked, second;

static void begin(char *where, unsigned width, bool colour)
{
    text_buffer_init(&buffer, where, sizeof(text));
    page = (struct page){&buffer.sink, width, colour};
}

static void check_one(struct checked *out, const char *id, const struct vmx_dump *dump,
                      enum check_choice check)
{
    static struct dump_list lists[2];
    struct dump_list *list = &lists[out == &second];

    dump_list_free(list);
    dump_list_add(list, id)->dump = *dump;
    check_set(list, 0, check, out);
}

static void check_row(struct checked *out, size_t row)
{
    check_one(out, corpus[row].id, &corpus[row].dump, CHECK_CHOICE_AUTO);
}

static void assert_has(const char *words)
{
    if (strstr(text, words) == NULL)
        fail_msg("`%s` is not in:\n%s", words, text);
}

static void assert_has_not(const char *words)
{
    if (strstr(text, words) != NULL)
        fail_msg("`%s` is in:\n%s", words, text);
}

static void a_skylake_told(void **state)
{
    struct vmx_dump dump = {.msrs = real_msrs(skylake)};

    (void)state;
    check_one(&checked, "mine", &dump, CHECK_CHOICE_AUTO);
    begin(text, 100, false);
    report_set(&page, &checked);
    assert_int_equal(buffer.lost, 0);
    assert_has("mine\n");
    assert_has("verdict: ok");
    assert_has("  ok         unrestricted-guest ");
    assert_has("missing: IA32_VMX_VMFUNC (MSR 0x491)\n");
    assert_has("  size                     1024\n");
    assert_has("IA32_FEATURE_CONTROL (MSR 0x3a): no value\n");
    assert_has("  44:32  1024        bytes for a VMXON region or a VMCS\n");
    /* 0x481 = 0x7f_00000016: bit 6 may be 1, bit 7 not; 0x485 = 0x7004c1e7: shift 7, 4 targets. */
    assert_has("      6  0 or 1     activate VMX-preemption timer: ");
    assert_has("      7  0 only     process posted interrupts: ");
    assert_has("    4:0  7          rate of the VMX-preemption timer: ");
    assert_has("  24:16  4          number of CR3-target values: ");
    /* 0x48e clears bit 15 of the default1 class; 0x483's bit 9 is 0 in the low half: may be 0. */
    assert_has("     15  0 or 1     CR3-load exiting: ");
    assert_has("IA32_VMX_CR4_FIXED1 (MSR 0x489) = 0x00000000003727ff\n");
    assert_has("     13  1 only     CR4.VMXE: "); /* FIXED0 0x2000 */
    assert_has("     12  0 only     CR4.LA57: ");
    assert_has("IA32_VMX_PROCBASED_CTLS3 (MSR 0x492): no value\n");
    assert_has("  this CPU does not have the MSR\n");
    assert_has("  not known: what it says was not recorded\n");
}

static void what_is_wrong_is_reported(void **state)
{
    struct vmx_dump dump = {.msrs = real_msrs(skylake)};

    (void)state;
    vmx_msr_set(&dump.msrs, 0x480, 0x00c2040000000004); /* memory type 0 */
    check_one(&checked, "mine", &dump, CHECK_CHOICE_KVM);
    begin(text, 100, false);
    report_set(&page, &checked);
    assert_has("verdict: refused (check=kvm)");
    assert_has("  refused    vmxon ");
    assert_has("needs basic.memory-type: ");
    assert_null(strstr(strstr(text, "needs basic.memory-type") + 1, "needs basic.memory-type"));
    assert_has("  refusal  basic-memory-type\n");
    assert_has("IA32_VMX_BASIC bits 53:50 seen 0x0, wanted 0x6\n");
    assert_has("manual: ");
    assert_has("X 53:50  0 ");
}

static void what_is_missing_is_reported(void **state)
{
    struct vmx_dump dump = {.has_feature_control = true, .feature_control = 5};

    (void)state;
    check_one(&checked, "mine", &dump, CHECK_CHOICE_STRICT);
    begin(text, 100, false);
    report_set(&page, &checked);
    assert_has("verdict: incomplete (check=strict)");
    assert_has("missing: IA32_VMX_BASIC (MSR 0x480)\n");
    assert_has("not known: basic.size: ");
    assert_has("IA32_FEATURE_CONTROL (MSR 0x3a) = 0x0000000000000005\n");
    assert_has("      0  yes        lock bit: ");
    assert_has("      1  no         enable VMX inside SMX operation: ");
}

/* The longest line, in columns. */
static size_t longest_line(const char *where)
{
    size_t longest = 0;

    while (*where != '\0') {
        size_t length = strcspn(where, "\n");

        longest = length > longest ? length : longest;
        where += length + (where[length] == '\n');
    }
    return longest;
}

/* A drawing of IA32_VMX_BASIC takes 78 columns, an MSR with its value or an id up to 72. */
static void no_line_is_too_wide(void **state)
{
    static const unsigned widths[] = {40, 80, 100, 160};

    (void)state;
    for (size_t i = 0; i < corpus_count; i += 7) {
        check_row(&checked, i);
        for (size_t j = 0; j < sizeof(widths) / sizeof(widths[0]); j++) {
            unsigned most = widths[j] > 78 ? widths[j] : 80;

            begin(text, widths[j], false);
            report_set(&page, &checked);
            assert_int_equal(buffer.lost, 0);
            if (longest_line(text) > most)
                fail_msg("%zu columns at a width of %u:\n%s", longest_line(text), widths[j], text);
        }
    }
}

static void without_escapes(char *where)
{
    char *to = where;

    for (const char *from = where; *from != '\0'; from++) {
        if (*from == '\033')
            from += strcspn(from, "m");
        else
            *to++ = *from;
    }
    *to = '\0';
}

/* Colours add sequences that end with `m` and are all taken back, and nothing else. */
static void colours_change_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < corpus_count; i += 5) {
        check_row(&checked, i);
        begin(text, 80, false);
        report_set(&page, &checked);
        assert_null(strchr(text, '\033'));
        begin(other, 80, true);
        report_set(&page, &checked);
        assert_int_equal(buffer.lost, 0);
        assert_non_null(strstr(other, "\033[1m"));
        without_escapes(other);
        assert_string_equal(text, other);
    }
}

static void basic_alone(void **state)
{
    (void)state;
    begin(text, 80, false);
    assert_false(report_basic(&page, 0x00da040000000012, VMX_CHECK_KVM));
    assert_has("Findings: none\n");
    begin(text, 80, false);
    assert_true(report_basic(&page, 0x00da100100000012, VMX_CHECK_KVM)); /* 4097 bytes */
    assert_has("X 44:32  ");
    assert_has("  refusal  basic-size-over-page\n");
    assert_has_not("msr-missing"); /* of the others nothing is said */
    begin(text, 80, false);
    assert_false(report_basic(&page, 0x00da040080000012, VMX_CHECK_KVM)); /* bit 31 */
    assert_has("!    31  1 ");
    begin(text, 80, true);
    assert_true(report_basic(&page, 0x00da040080000012, VMX_CHECK_STRICT));
    assert_has("\033[1;31mX    31  1 ");
}

static void equal_sets_do_not_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < corpus_count; i += 11) {
        check_row(&checked, i);
        check_row(&second, i);
        begin(text, 80, false);
        assert_false(report_difference(&page, &checked, &second));
        assert_has("No difference.\n");
        assert_has_not("MSR 0x4");
    }
}

/* Between any two rows: each MSR that differs is reported, and no other. */
static void differences_are_reported_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i + 37 < corpus_count; i += 3) {
        const struct vmx_dump *a = &corpus[i].dump, *b = &corpus[i + 37].dump;

        check_row(&checked, i);
        check_row(&second, i + 37);
        begin(text, 80, false);
        report_difference(&page, &checked, &second);
        assert_int_equal(buffer.lost, 0);
        for (uint32_t msr = 0x480; msr <= 0x493; msr++) {
            bool differ = vmx_msr_is_present(&a->msrs, msr) != vmx_msr_is_present(&b->msrs, msr) ||
                          vmx_msr_value(&a->msrs, msr) != vmx_msr_value(&b->msrs, msr);
            char title[64];

            snprintf(title, sizeof(title), "\n%s (MSR 0x%x)\n", vmx_msr_name(msr), msr);
            if (differ)
                assert_has(title);
            else
                assert_has_not(title);
        }
    }
}

static void a_difference_explained(void **state)
{
    struct vmx_dump a = {.msrs = real_msrs(skylake)}, b = {.msrs = real_msrs(skylake)};

    (void)state;
    vmx_msr_set(&b.msrs, 0x48b, 0x001fbcff00000000 & ~(1ull << 39)); /* no unrestricted guest */
    vmx_msr_set(&b.msrs, 0x481, 0x1000007f00000016);                 /* bit 60: control 28 */
    check_one(&checked, "first", &a, CHECK_CHOICE_KVM);
    check_one(&second, "other", &b, CHECK_CHOICE_KVM);
    begin(text, 100, false);
    assert_true(report_difference(&page, &checked, &second));
    assert_has("A: first\n");
    assert_has("B: other\n");
    assert_has("  B: ok, reaches: guest with EPT\n");
    assert_has("      7  0 or 1 | 0 only     unrestricted guest: the guest may run in real mode");
    assert_has("  cpu_based_2nd_exec_ctrl  A: 0x1010aa     B: 0x10102a\n");
    assert_has("     60  0 | 1               bit 60 of the MSR, without a known meaning\n");
    assert_has_not("enable EPT");
}

static void cpus_of_one_machine_are_compared(void **state)
{
    struct dump_list list = {.set = NULL};
    struct vmx_dump dump = {.msrs = real_msrs(skylake)};

    (void)state;
    dump_list_add(&list, "a")->dump = dump;
    dump_list_add(&list, "b")->dump = dump;
    vmx_msr_set(&dump.msrs, 0x480, 0x00da040000000005); /* another revision id */
    dump_list_add(&list, "c")->dump = dump;
    vmx_msr_set(&dump.msrs, 0x480, 0x00da040000000004);
    dump.msrs.present &= ~1u; /* without 0x480 it cannot be checked */
    dump_list_add(&list, "d")->dump = dump;
    check_set(&list, 2, CHECK_CHOICE_KVM, &checked);
    assert_int_equal(checked.report.verdict, STAGE_OK); /* not said to be one machine */
    list.one_machine = true;
    check_set(&list, 1, CHECK_CHOICE_KVM, &checked);
    assert_int_equal(checked.report.verdict, STAGE_OK);
    check_set(&list, 2, CHECK_CHOICE_KVM, &checked);
    assert_int_equal(checked.report.verdict, STAGE_REFUSED);
    assert_int_equal(checked.report.reached, STAGE_CAPS);
    begin(text, 80, false);
    report_findings(&page, &checked.report.findings, 0);
    assert_has("revision_id: seen 0x5, wanted 0x4\n");
    assert_has(" (CPU 2)\n");
    check_set(&list, 3, CHECK_CHOICE_KVM, &checked);
    assert_int_equal(checked.report.verdict, STAGE_INCOMPLETE);
    dump_list_free(&list);
}

static void checks_are_chosen(void **state)
{
    (void)state;
    assert_int_equal(check_mode(CHECK_CHOICE_AUTO, false), VMX_CHECK_KVM);
    assert_int_equal(check_mode(CHECK_CHOICE_AUTO, true), VMX_CHECK_VIRTUAL);
    assert_int_equal(check_mode(CHECK_CHOICE_KVM, true), VMX_CHECK_KVM);
    assert_int_equal(check_mode(CHECK_CHOICE_STRICT, true), VMX_CHECK_STRICT);
    assert_string_equal(check_choice_name(CHECK_CHOICE_STRICT), "strict");
    assert_string_equal(check_mode_name(VMX_CHECK_VIRTUAL), "kvm, virtual");
}

static void lost_findings_are_reported(void **state)
{
    static struct findings findings;

    (void)state;
    findings.lost = 3;
    begin(text, 80, false);
    report_findings(&page, &findings, 0);
    assert_has("  3 more did not fit\n");
}

static void states_in_words(void **state)
{
    static const struct {
        const char *feature;
        struct vmx_feature_value value;
        const char *words;
    } table[] = {
        {"secondary.ept", {FEATURE_EITHER, 1, 0x48b}, "0 or 1"},
        {"secondary.ept", {FEATURE_ZERO, 0, 0x48b}, "0 only"},
        {"cr4.vmxe", {FEATURE_ONE, 1, 0x488}, "1 only"},
        {"secondary.ept", {FEATURE_NEITHER, 0, 0x48b}, "neither"},
        {"secondary.ept", {FEATURE_ABSENT, 0, 0x48b}, "absent"},
        {"secondary.ept", {FEATURE_UNKNOWN, 0, 0x48b}, "unknown"},
        {"basic.true-controls", {FEATURE_ONE, 1, 0x480}, "yes"},
        {"basic.true-controls", {FEATURE_ZERO, 0, 0x480}, "no"},
        {"basic.size", {FEATURE_VALUE, 1024, 0x480}, "1024"},
        {"basic.revision-id", {FEATURE_VALUE, 0x12, 0x480}, "0x12"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char words[FEATURE_STATE_MAX];

        feature_state(vmx_feature_find(table[i].feature), table[i].value, words);
        assert_string_equal(words, table[i].words);
    }
}

static void bits_as_people_count_them(void **state)
{
    static const struct {
        const char *feature, *bits;
    } table[] = {
        {"secondary.ept", "1"},  {"primary.secondary-controls", "31"},
        {"basic.size", "44:32"}, {"cr4.fred", "32"},
        {"tertiary.hlat", "1"},  {"exit2.save-fred", "0"},
        {"ept.invept", "20"},    {"vmfunc.eptp-switching", "0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char bits[FEATURE_BITS_MAX];

        feature_bits(vmx_feature_find(table[i].feature), bits);
        assert_string_equal(bits, table[i].bits);
    }
}

static void lists_name_everything(void **state)
{
    (void)state;
    begin(text, 80, false);
    list_requirements(&page);
    for (uint32_t i = 0; i < stage_requirement_count; i++)
        assert_has(stage_requirements[i].feature);
    for (int stage = 0; stage < STAGE_COUNT; stage++)
        assert_has(stage_title((enum stage)stage));
    assert_has("  1 to 4096: ");
    assert_has("  6: ");
    begin(text, 80, false);
    list_features(&page);
    assert_int_equal(buffer.lost, 0);
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        char line[96];

        snprintf(line, sizeof(line), "%s%s ", i > 0 ? "\n" : "", vmx_feature_table[i].id);
        assert_has(line);
    }
    assert_true(longest_line(text) <= 80);
    begin(text, 80, false);
    for (size_t i = 0; i < corpus_count; i++)
        list_corpus_row(&page, &corpus[i]);
    assert_has("\nilx-406e3-skylake-cpuid                  Skylake          bare-metal ");
}

static void wrapping(void **state)
{
    (void)state;
    begin(text, 20, false);
    page_wrapped(&page, 0, 2, "one two three four five six");
    assert_string_equal(text, "one two three four\n  five six\n");
    begin(text, 20, false);
    page_wrapped(&page, 15, 4, "aaaa bbbb  cccccccccccccccccccccccc dd");
    assert_string_equal(text, "aaaa\n    bbbb\n    cccccccccccccccccccccccc\n    dd\n");
    begin(text, 20, false);
    page_wrapped(&page, 0, 0, "");
    assert_string_equal(text, "\n");
    assert_int_equal(page_width(10), 40);
    assert_int_equal(page_width(100), 100);
    assert_int_equal(page_width(1000), 160);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_skylake_told),
        cmocka_unit_test(what_is_wrong_is_reported),
        cmocka_unit_test(what_is_missing_is_reported),
        cmocka_unit_test(no_line_is_too_wide),
        cmocka_unit_test(colours_change_nothing_else),
        cmocka_unit_test(basic_alone),
        cmocka_unit_test(equal_sets_do_not_differ),
        cmocka_unit_test(differences_are_reported_and_nothing_else),
        cmocka_unit_test(a_difference_explained),
        cmocka_unit_test(cpus_of_one_machine_are_compared),
        cmocka_unit_test(checks_are_chosen),
        cmocka_unit_test(lost_findings_are_reported),
        cmocka_unit_test(states_in_words),
        cmocka_unit_test(bits_as_people_count_them),
        cmocka_unit_test(lists_name_everything),
        cmocka_unit_test(wrapping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
