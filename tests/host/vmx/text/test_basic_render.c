/* IA32_VMX_BASIC as a person sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vmx/text/capability_text.h"
#include "vmx/capability/vmx_controls.h"

static char text[8192];

static const char *render(uint64_t basic, enum vmx_check mode,
                          void (*paint)(struct sink *, enum severity))
{
    struct text_buffer buffer;
    struct vmx_msrs msrs = {0};
    struct vmcs_config config;
    struct findings findings = {.check = mode};

    vmx_msr_set(&msrs, 0x480, basic);
    vmcs_config_derive(&msrs, &config, &findings);
    text_buffer_init(&buffer, text, sizeof(text));
    basic_render(&buffer.sink, basic, &findings, paint);
    assert_int_equal(buffer.lost, 0);
    return text;
}

static void assert_line(const char *page, const char *line)
{
    char with_ends[128];

    snprintf(with_ends, sizeof(with_ends), "\n%s\n", line);
    if (!strstr(page, with_ends))
        fail_msg("the line \"%s\" is not in:\n%s", line, page);
}

static void fields_cover_all_64_bits_once(void **state)
{
    int next = 63;

    (void)state;
    for (int i = 0; i < BASIC_FIELD_COUNT; i++) {
        assert_int_equal(basic_fields[i].high, next);
        assert_true(basic_fields[i].low <= basic_fields[i].high);
        next = basic_fields[i].low - 1;
    }
    assert_int_equal(next, -1);
}

static void a_good_value_drawn(void **state)
{
    const char *page = render(0x00da040000000004, VMX_CHECK_STRICT, NULL);

    (void)state;
    assert_memory_equal(page, "IA32_VMX_BASIC (MSR 0x480) = 0x00da040000000004\n", 48);
    assert_line(page, "  6     5 5 5 5 5 5    4 4 4   4             3 3");
    assert_line(page, "  3     8 7 6 5 4 3    9 8 7   4             1 0");
    assert_line(page,
                "  00000 0 0 0 1 1 0110 1 0 000 0010000000000 0 0000000000000000000000000000100");
    assert_line(page, "  53:50  6           memory type for VMCS accesses: write-back (WB)");
    assert_line(page, "  44:32  1024        bytes for a VMXON region or a VMCS");
    assert_line(page,
                "     55  1           TRUE control MSRs: 0x48d to 0x490, more controls may be 0");
    assert_line(page, "   30:0  0x4         VMCS revision id, first in every region");
    assert_null(strchr(page, '!'));
    assert_null(strstr(page, "\nX"));
}

static void what_is_wrong_is_marked(void **state)
{
    const char *page =
        render(1ull << 63 | 1ull << 57 | 1ull << 46 | 1ull << 31, VMX_CHECK_VIRTUAL, NULL);

    (void)state;
    assert_line(page, "! 63:59  16          not defined yet, and 0 on every known processor");
    assert_line(page, "!    57  1           undocumented; 1 on all since Alder Lake");
    assert_line(page, "X 53:50  0           memory type for VMCS accesses: uncacheable (UC)");
    assert_line(page, "X 47:45  2           reserved, and should be 0");
    assert_line(page, "X 44:32  0           bytes for a VMXON region or a VMCS: impossible");
    assert_line(page, "X    31  1           always 0 on a processor; not part of the revision id");
    assert_line(page, "   30:0  0x0         VMCS revision id, first in every region");
}

static void without_findings_nothing_is_marked(void **state)
{
    struct text_buffer buffer;

    (void)state;
    text_buffer_init(&buffer, text, sizeof(text));
    basic_render(&buffer.sink, ~0ull, NULL, NULL);
    assert_null(strchr(text, '!'));
    assert_null(strstr(text, "\nX"));
    assert_non_null(strstr(text, "none of the known ones"));
}

/* What stands behind the last finding is none; one of another MSR or of other bits is not told. */
static void only_what_was_found_is_marked(void **state)
{
    struct findings findings = {0};
    const struct finding finding = {
        .msr = IA32_VMX_BASIC, .high = 53, .low = 50, .severity = SEVERITY_REFUSAL};
    struct text_buffer buffer;

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        findings.item[0] = finding;
        findings.item[0].msr += i == 1;
        findings.item[0].high = (int8_t)(finding.high + (i == 2));
        findings.item[0].low = (int8_t)(finding.low - (i == 3));
        findings.count = i > 0;
        text_buffer_init(&buffer, text, sizeof(text));
        basic_render(&buffer.sink, ~0ull, &findings, NULL);
        assert_int_equal(strstr(text, "\nX") != NULL, i == 4);
    }
}

/* Every value of every field, each at its worst, fits a console of 80 columns in plain ASCII. */
static void no_line_is_wider_than_78_columns(void **state)
{
    (void)state;
    for (int bit = -1; bit < 128; bit++) {
        uint64_t basic = bit < 0 ? 0 : bit < 64 ? 1ull << bit : ~(1ull << (bit - 64));
        const char *page = render(basic, VMX_CHECK_STRICT, NULL);
        int lines = 0;

        for (const char *line = page; *line; lines++) {
            size_t width = strcspn(line, "\n");

            assert_true(width <= 78);
            assert_true(width == 0 || line[width - 1] != ' ');
            for (size_t i = 0; i < width; i++)
                assert_true(line[i] >= ' ' && line[i] <= '~');
            line += width + 1;
        }
        assert_int_equal(lines, 20);
    }
}

static int painted[SEVERITY_REFUSAL + 1];

static void count_paint(struct sink *sink, enum severity severity)
{
    print_to(sink, "<%d>", severity);
    painted[severity]++;
}

static void each_field_is_painted_and_unpainted(void **state)
{
    const char *page = render(0x02d8040000000004, VMX_CHECK_KVM, count_paint);

    (void)state;
    assert_int_equal(painted[SEVERITY_WARNING], 1);
    assert_int_equal(painted[SEVERITY_REFUSAL], 0);
    assert_int_equal(painted[SEVERITY_NONE], 13 + 12);
    assert_line(page, "<2>!    57  1           undocumented; 1 on all since Alder Lake<0>");
}

/* SDM Vol. 3, table "Memory Types That Can Be Encoded With PAT": 2 and 3 are reserved. */
static void memory_types_have_their_names(void **state)
{
    static const char *const names[] = {"(UC)", "(WC)", "none", "none",
                                        "(WT)", "(WP)", "(WB)", "(UC-)"};

    (void)state;
    for (uint64_t type = 0; type < 16; type++)
        assert_non_null(strstr(basic_field_meaning(&basic_fields[6], type << 50), "memory type"));
    for (uint64_t type = 0; type < 8; type++)
        assert_non_null(strstr(basic_field_meaning(&basic_fields[6], type << 50), names[type]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_cover_all_64_bits_once),
        cmocka_unit_test(a_good_value_drawn),
        cmocka_unit_test(what_is_wrong_is_marked),
        cmocka_unit_test(without_findings_nothing_is_marked),
        cmocka_unit_test(only_what_was_found_is_marked),
        cmocka_unit_test(no_line_is_wider_than_78_columns),
        cmocka_unit_test(each_field_is_painted_and_unpainted),
        cmocka_unit_test(memory_types_have_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
