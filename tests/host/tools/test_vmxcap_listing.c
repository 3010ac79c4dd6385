/*
 * QEMU's script vmxcap as people paste what it prints, and the words of which all texts are made:
 * numbers, names, what stands before a line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/tools/vmxcap_reading.h"
#include "tools/capability/label.h"
#include "tools/capability/line.h"
#include "tools/capability/number.h"

static const uint64_t basic = 0xda040000000012;

/*
 * The listing of QEMU's script. Pin: default1 bits 1, 2 and 4 have no line and must be 1. Primary:
 * CR3-load exiting is of the default1 class, and by the TRUE MSR it may be 0.
 */
static void qemus_listing_is_read(void **state)
{
    static const char text[] = "$ sudo ./vmxcap\nBasic VMX Information\n  Hex: 0xda040000000012\n"
                               "  Revision                                 18\n"
                               "  IA32_VMX_TRUE_*_CTLS support             yes\n"
                               "pin-based controls\n"
                               "  External interrupt exiting               yes\n"
                               "  NMI exiting                              forced\n"
                               "  Process posted interrupts                no\n"
                               "  A control of the future                  yes\n"
                               "primary processor-based controls\n"
                               "  CR3-load exiting                         default\n"
                               "  HLT exiting                              yes\n"
                               "VM Functions\n  Hex: 0x0\n"
                               "  EPTP Switching                           no\n";

    (void)state;
    assert_read(text, LISTING, 1);
    assert_value(0, 0x480, basic);
    assert_value(0, 0x481, 0x1f0000001e);
    assert_value(0, 0x48d, 0x1f0000001e);
    assert_value(0, 0x482, 0x0401e1f20401e172);
    assert_value(0, 0x48e, 0x0401e1f204016172);
    assert_int_equal(list.set[0].dump.msrs.present, 0x6007); /* no VMFUNC, whose 0 is absence */
    assert_passed(1, 10, "a line of this section");
    /* Without the TRUE MSRs, and cut off within a section. */
    assert_read("Basic VMX Information\n  Hex: 0x5a040000000012\npin-based controls\n"
                "  External interrupt exiting               yes\n",
                LISTING, 1);
    assert_int_equal(list.set[0].dump.msrs.present, 1);
    assert_passed(1, 4, "all lines of the last section");
    /* Without Hex, from the lines. */
    assert_read("Miscellaneous data\n  VMX-preemption timer scale (log2)        5\n"
                "  HLT activity state                       yes\n"
                "  Number of CR3-target values              4\nVM Functions\n  Hex: 0x1\n",
                LISTING, 1);
    assert_value(0, 0x485, 0x40045);
    assert_value(0, 0x491, 1);
}

/* The script's own rule for a control, from the plain MSR and the TRUE one (0 without). */
static const char *word_of(uint64_t msr, uint64_t true_msr, unsigned bit)
{
    bool zero = !(msr >> bit & 1), one = msr >> (bit + 32) & 1;
    bool true_zero = !(true_msr >> bit & 1), true_one = true_msr >> (bit + 32) & 1;

    if (true_zero && true_one && one && !zero)
        return "default";
    return zero && !one ? "no" : one && !zero ? "forced" : one ? "yes" : "?";
}

/*
 * The listing of a real machine, a Core i7 (Haswell), printed here as the script does: all bits
 * that have a line, and those of the default1 class, come back.
 */
static void a_listing_reports_both_halves(void **state)
{
    static const struct {
        const char *heading;
        uint32_t msr, true_msr;
        unsigned bits[12];
        const char *lines[12];
        uint64_t value, true_value;
    } sections[] = {
        {"pin-based controls",
         0x481,
         0x48d,
         {0, 3, 5, 6, 7},
         {"External interrupt exiting", "NMI exiting", "Virtual NMIs",
          "Activate VMX-preemption timer", "Process posted interrupts"},
         0x7f00000016,
         0x7f00000016},
        {"VM-Exit controls",
         0x483,
         0x48f,
         {2, 9, 12, 15, 18, 19, 20, 21, 22},
         {"Save debug controls", "Host address-space size", "Load IA32_PERF_GLOBAL_CTRL",
          "Acknowledge interrupt on exit", "Save IA32_PAT", "Load IA32_PAT", "Save IA32_EFER",
          "Load IA32_EFER", "Save VMX-preemption timer value"},
         0x7fffff00036dff,
         0x7fffff00036dfb},
        {"VM-Entry controls",
         0x484,
         0x490,
         {2, 9, 10, 11, 13, 14, 15},
         {"Load debug controls", "IA-32e mode guest", "Entry to SMM",
          "Deactivate dual-monitor treatment", "Load IA32_PERF_GLOBAL_CTRL", "Load IA32_PAT",
          "Load IA32_EFER"},
         0xffff000011ff,
         0xffff000011fb},
    };
    static char text[4096];

    (void)state;
    strcpy(text, "Basic VMX Information\n  Hex: 0xda040000000012\n");
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        sprintf(text + strlen(text), "%s\n", sections[i].heading);
        for (size_t j = 0; j < 12 && sections[i].lines[j] != NULL; j++)
            sprintf(text + strlen(text), "  %-40s %s\n", sections[i].lines[j],
                    word_of(sections[i].value, sections[i].true_value, sections[i].bits[j]));
    }
    strcat(text, "VM Functions\n  Hex: 0x0\n");
    assert_read(text, LISTING, 1);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        assert_value(0, sections[i].msr, sections[i].value);
        assert_value(0, sections[i].true_msr, sections[i].true_value);
    }
}

static void numbers_have_forms(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
        size_t left; /* of the text */
    } good[] = {
        {"0", 0, 0},
        {"0xda040000000012", 0xda040000000012, 0},
        {"0XDA040000000012", 0xda040000000012, 0},
        {"ffffffffffffffff", UINT64_MAX, 0},
        {"48Bh", 0x48b, 0},
        {"0x48BH", 0x48b, 0},
        {"0x5ULL,", 5, 1},
        {"5u)", 5, 1},
        {"00da0400`00000012", 0xda040000000012, 0},
        {"da0400_00000012", 0xda040000000012, 0},
        {"0xda0400'00000012", 0xda040000000012, 0},
        {"0xda0400:0x00000012", 0xda040000000012, 0},
        {"00DA0400-00000012", 0xda040000000012, 0},
        {"00DA-0400-0000-0012 [x]", 0xda040000000012, 4},
        {"0xda_0400_0000_0012", 0xda040000000012, 0},
        {"5.", 5, 1},
        {"480: 1", 0x480, 3},
        {"480:1", 0x480, 2},
        {"53:50", 0x53, 3},
        {"10e:7f", 0x10e, 3},
        {"7f:00000016", 0x7f00000016, 0},
        {"12345:6", 0x1234500000006, 0},
        {"00da0400:12", 0xda0400, 3},
        {"0xda0400:0x12", 0xda040000000012, 0},
        {"fff9fffe:401e172", 0xfff9fffe0401e172, 0},
        {"480->1", 0x480, 3},
    };
    static const char *const bad[] = {
        "", "x", "0x", "1g", "11111111111111111f", "1.5", "12-", "12-34", "00da0400`0000001", "1_2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct piece rest = piece_of(good[i].text);
        struct number number;

        if (!number_take(&rest, &number) || number.value != good[i].value ||
            rest.length != good[i].left)
            fail_msg("%s: %#llx, %zu left", good[i].text, (unsigned long long)number.value,
                     rest.length);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct piece rest = piece_of(bad[i]);
        struct number number;

        if (number_take(&rest, &number) || rest.start != bad[i])
            fail_msg("%s is taken", bad[i]);
    }
}

/* Every name of the table, as the manual, Linux, Windows and people spell it. */
static void names_have_spellings(void **state)
{
    static const struct {
        const char *text;
        uint32_t msr;
    } names[] = {
        {"IA32_FEATURE_CONTROL", 0x3a},
        {"MSR_IA32_FEAT_CTL", 0x3a},
        {"Feature Control MSR", 0x3a},
        {"IA32_VMX_PROCBASED_CTLS", 0x482},
        {"Primary Processor-Based VM-Execution Controls MSR", 0x482},
        {"Processor Based Controls MSR", 0x482},
        {"MSR_IA32_VMX_EXIT_CTLS", 0x483},
        {"VM-exit Controls MSR", 0x483},
        {"Ia32VmxEntryCtls", 0x484},
        {"IA32_VMX_MISC_MSR", 0x485},
        {"MSR_IA32_VMX_MISC_CTLS", 0x485},
        {"VMX_CR0_FIXED0", 0x486},
        {"MSR_IA32_VMX_CR0_FIXED1", 0x487},
        {"IA32_VMX_CR4_FIXED0", 0x488},
        {"ia32_vmx_cr4_fixed1", 0x489},
        {"IA32_VMX_VMCS_ENUM", 0x48a},
        {"IA32_VMX_PROCBASED_CTLS2", 0x48b},
        {"Secondary Procbased Controls MSR", 0x48b},
        {"Procbased2 Controls MSR", 0x48b},
        {"MSR_IA32_VMX_EPT_VPID_CAP", 0x48c},
        {"IA32_VMX_TRUE_PINBASED_CTLS", 0x48d},
        {"kIa32VmxTrueProcBasedCtls", 0x48e},
        {"IA32_VMX_TRUE_EXIT_CTLS", 0x48f},
        {"IA32_VMX_TRUE_ENTRY_CTLS", 0x490},
        {"MSR_A32_VMX_VMFUNC", 0x491},
        {"IA32_VMX_PROCBASED_CTLS3", 0x492},
        {"Tertiary Procbased Controls MSR", 0x492},
        {"IA32_VMX_EXIT_CTLS2", 0x493},
        {"IA32_VMX_BASIC_FOO", 0},
        {"VMX_PIN_CONTROLS", 0},
        {"MSR_IA32_VMX_MISC_CR3_TARGET", 0},
        {"VM-exit MSR-load count", 0},
        {"Basic", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct piece rest = piece_of(names[i].text);
        struct label label = label_take(&rest);

        if (label.msr != names[i].msr)
            fail_msg("%s is %#x", names[i].text, label.msr);
    }
}

static void assert_plain(const char *line, const char *plain)
{
    struct piece found = line_plain(piece_of(line));

    if (!piece_is(found, plain))
        fail_msg("`%.*s` of `%s`", (int)found.length, found.start, line);
}

static void lines_are_freed_of_what_stands_before_them(void **state)
{
    (void)state;
    assert_plain("  > > 480: 1 \r", "480: 1");
    assert_plain("[    0.000000] x", "x");
    assert_plain("[Thu Nov 26 10:00:00 2026] x", "x");
    assert_plain("Nov 26 10:00:00 pc kernel: [ 12.3] x", "x");
    assert_plain("Nov 26 10:00:00 MSR 480: 1", "MSR 480: 1");
    assert_plain("2026-11-26 10:00:00.123456+0100  localhost kernel[0]: x", "x");
    assert_plain("[me@pc ~]$ rdmsr", "[me@pc ~]$ rdmsr");
    assert_plain("-----BEGIN", "-----BEGIN");
    assert_plain("3a:5", "3a:5");
    assert_plain("0000-0000-0000-0005", "0000-0000-0000-0005");
}

static void formats_have_names(void **state)
{
    char text[DUMP_FORMATS_TEXT_MAX];

    (void)state;
    dump_formats_text(0, text);
    assert_string_equal(text, "");
    dump_formats_text(1 << DUMP_CSV, text);
    assert_string_equal(text, "CSV");
    dump_formats_text(RDMSR | NAMES | HALVES, text);
    assert_string_equal(text, "rdmsr, names of MSRs, halves EDX:EAX");
    dump_formats_text(~0u, text);
    assert_non_null(strstr(text, "decimal values"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(qemus_listing_is_read, end),
        cmocka_unit_test_teardown(a_listing_reports_both_halves, end),
        cmocka_unit_test(numbers_have_forms),
        cmocka_unit_test(names_have_spellings),
        cmocka_unit_test(lines_are_freed_of_what_stands_before_them),
        cmocka_unit_test(formats_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
