/*
 * Texts that look like values of MSRs and are none, or none that is whole: told, or passed over and
 * told, never taken. 0xda040000000012 is an IA32_VMX_BASIC, 0x7f00000016 the pin-based controls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/tools/vmxcap_reading.h"

static const uint64_t basic = 0xda040000000012, pin = 0x7f00000016;

/*
 * Bits of a register, and what Rootmode's findings say of them, are no value of it. Each line is
 * passed over, without a word about it, and the value below is the right one.
 */
static void fields_are_no_values(void **state)
{
    static const char *const fields[] = {
        "IA32_VMX_BASIC bits 53:50 seen 0x0, wanted 0x6",
        "IA32_VMX_BASIC bit 48 seen 0x1, wanted 0x0",
        "IA32_VMX_BASIC: IA32_VMX_BASIC bits 63:0 seen 0xc010000000002b,\nwanted 0xd810000000002b",
        "a: IA32_VMX_BASIC bit 15 seen 0x1, wanted\n0x0",
        "a: IA32_VMX_BASIC bits 30:0 seen\n0x1, wanted 0x0",
        "a: IA32_VMX_BASIC bit\n15 seen 0x1, wanted 0x0",
        "long: IA32_VMX_BASIC\nbit 15 seen 0x1, wanted\n0x0",
        "in IA32_VMX_BASIC 44:32 must be 4096",
        "IA32_VMX_BASIC[44:32] = 1024",
        "IA32_VMX_BASIC[55] = 1",
        "IA32_VMX_BASIC bits 55 = 1",
        "IA32_VMX_BASIC, bit 55: 1",
        "bit 57 of IA32_VMX_BASIC is 1; the manual does not say what it means",
        "bits 44:32 of the IA32_VMX_BASIC MSR: 0x400",
        "IA32_VMX_BASIC (bits 53-50): 6",
        "MSR 0x480 bits 53:50 = 6",
        "MSR 0x480[53:50] = 6",
        "0x480 bits 53:50: 6",
        "tools/run --append \"pretend=0x480:0x00c010000000002b\"",
        "command line  pretend=0x480:0x1 pretend=cpu1:0x481:0x2 exit=poweroff",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char text[256];

        sprintf(text, "%s\nIA32_VMX_BASIC (MSR 0x480) = 0x00da040000000012\n", fields[i]);
        assert_read(text, NAMES, 1);
        assert_value(0, 0x480, basic);
        assert_int_equal(list.set[0].dump.msrs.present, 1);
        assert_passed(0, 0, "");
        assert_refused(fields[i], 1, "expected ");
    }
    /* The whole register, and its halves. */
    assert_read("IA32_VMX_BASIC[63:0] = 0xda040000000012\nIA32_VMX_PINBASED_CTLS bits 31:0: 16\n"
                "IA32_VMX_PINBASED_CTLS bits 63:32: 7f\n",
                NAMES | HALVES, 1);
    assert_value(0, 0x480, basic);
    assert_value(0, 0x481, pin);
    /* After a sign it stands in a value's place, and is reported. */
    assert_read("480: 1\nIA32_VMX_PINBASED_CTLS: 53:50\n", RDMSR, 1);
    assert_passed(1, 2, "a value in hex");
    /* A value stands on the line next to its name, or nowhere. */
    assert_read("480: 1\nIA32_VMX_PINBASED_CTLS\nsomething else\n16\n", RDMSR, 1);
    assert_int_equal(list.set[0].dump.msrs.present, 1);
}

/* The console's log of the README's refusal, abridged: the value is that of the report. */
static void a_console_log_of_a_refusal_is_read(void **state)
{
    (void)state;
    assert_read(
        "tools/run --on bochs --append \"pretend=0x480:0x00c010000000002b\"\n"
        "tools/run: on bochs\n"
        "  command line  pretend=0x480:0x00c010000000002b exit=poweroff\n"
        "IA32_VMX_BASIC (MSR 0x480) = 0x00c010000000002b\n"
        "  23:  00000 0 0 0 1 1 0000 0 0 000 1000000000000 0 0000000000000000000000000101011\n"
        "     58  0           events in VMX: no nested-exception information\n"
        "  44:32  4096        bytes for a VMXON region or a VMCS\n"
        "  size                      4096\n"
        "  note     pretended (CPUs 0-1)\n"
        "           this value does not come from the processor: pretend= on the\n"
        "           command line gave it\n"
        "           IA32_VMX_BASIC: IA32_VMX_BASIC bits 63:0 seen 0xc010000000002b,\n"
        "           wanted 0xd810000000002b\n"
        "  refusal  basic-memory-type (CPUs 0-1)\n"
        "           IA32_VMX_BASIC bits 53:50 seen 0x0, wanted 0x6\n"
        "verdict: refused\n",
        NAMES, 1);
    assert_value(0, 0x480, 0xc010000000002b);
    assert_passed(0, 0, "");
}

/* A name that is nearly one, with a value, is reported; names of fields and of other things are
 * not. */
static void mistyped_names_are_reported(void **state)
{
    static const char *const mistyped[] = {
        "IA32_VMX_BASC: 0xda040000000012",
        "IA32_VMX_BASC da040000000012",
        "IA32_VMX_BASC = 5",
        "MSR_IA32_VMX_BASC = 0xda040000000012",
        "Ia32VmxBasc: 0xda040000000012",
        "VMX_BASC=0xda040000000012",
        "IA32VMX_BASIC: 0xda040000000012",
        "| IA32_VMX_BASC | 0x480 | 0xda040000000012 |",
        "IA32_VMX_BASC (0x480): 0xda040000000012",
        "IA32_FEATURE_CONTORL: 5",
        "IA32_VMX_PRCBASED_CTLS: 0xfff9fffe0401e172",
        "IA32_VMX_TURE_EXIT_CTLS: 0x3fffff00036dfb",
        "kvm: IA32_VMX_BASC: 0xda040000000012",
    };
    static const char *const others[] = {
        "MSR_IA32_VMX_MISC_PREEMPT_TSC_BIT = 0x5",
        "MSR_IA32_VMX_EPT_VPID_CAP_INVEPT_ALL_CONTEXTS = 1",
        "VMX_EXIT_CONTROLS = 0x36dff",
        "MSR_IA32_SMM_MONITOR_CTL = 0x0",
        "MSR_IA32_MISC_ENABLE: 0x850089",
        "#define MSR_IA32_VMX_BASC 0x480",
        "IA32_VMX_BASC is what it said",
        "58: 5",
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(mistyped) / sizeof(mistyped[0]); i++) {
        sprintf(text, "481: 7f00000016\n%s\n", mistyped[i]);
        assert_read(text, RDMSR, 1);
        assert_int_equal(list.set[0].dump.msrs.present, 2);
        assert_passed(1, 2, "the name of a VMX capability MSR");
        assert_refused(mistyped[i], 1, "expected the name of a VMX capability MSR");
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        sprintf(text, "481: 7f00000016\n%s\n", others[i]);
        assert_read(text, RDMSR, 1);
        assert_passed(0, 0, "");
    }
}

/* A line that is torn or mistyped gives no value, and is reported. */
static void torn_lines_are_reported(void **state)
{
    static const char *const torn[] = {
        "MSR 00000481: 00DA-0400-0000-001",
        "MSR 00000481: 00DA-0400-0000",
        "MSR 00000481: 00DA",
        "MSR 00000481: 0",
        "MSR 00000481: 00DA-0400-0000-00122",
        "MSR 00000481: 00DA-0400-0000-0012-",
        "MSR 00000481: 00DA:0400:0000:0012",
        "MSR 00000481: 0x00-0400-0000-0012",
        "481: 7f0000001z",
        "481: 0x1g",
        "0x481=",
        "0x481=0x",
        "481: 0000007f:16",
        "481: 10:00:00",
        "0x481=0x11111111111111111",
        "IA32_VMX_PINBASED_CTLS = 0000007f`0000001",
        "IA32_VMX_PINBASED_CTLS: see below",
        "rdmsr 0x481",
        "rdmsr -f 31:0 0x481\n16",
        "rdmsr\n16",
        "rdmsr 02200x\n16",
        "0x7f00000016",
        "$ for r in 0x481 0x482; do rdmsr $r; done\n7f00000016",
        "IA32_VMX_PINBASED_CTLS low: 0x16",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(torn) / sizeof(torn[0]); i++) {
        char text[256] = "MSR 00000480: 00DA-0400-0000-0012\n";

        strcat(text, torn[i]);
        read_bytes(text, strlen(text));
        if (error.line != 0 || list.reading.not_understood == 0 ||
            list.reading.passed[0].line < 2 || list.set[0].dump.msrs.present != 1)
            fail_msg("line %u, %u not understood, MSRs %#x: %s", error.line,
                     list.reading.not_understood, list.set[0].dump.msrs.present, torn[i]);
        /* The same alone is an error in that line. */
        read_bytes(torn[i], strlen(torn[i]));
        assert_int_not_equal(error.line, 0);
        assert_non_null(strstr(error.text, "expected "));
    }
}

static void many_lines_are_counted(void **state)
{
    (void)state;
    assert_read("480: 1\n0x481=x\n0x482=y\n0x483=\n0x484=\n0x485=\n", RDMSR, 1);
    assert_passed(3, 4, "a value in hex");
    assert_read("IA32_VMX_BASIC: 0x1\nIA32_VMX_MISC: x\nIA32_VMX_MISC: y\nIA32_VMX_MISC: z\n"
                "IA32_VMX_MISC: z\n",
                NAMES, 1);
    assert_passed(4, 2, "a value in hex");
    assert_string_equal(list.reading.passed[2].text, "IA32_VMX_MISC: z");
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    assert_refused("0x480=0x1\n\n0x480=0x2", 3, "MSR 0x480 again");
    assert_refused("480: 1\nIA32_VMX_BASIC: 0x2\n", 2, "MSR 0x480 again");
    assert_refused("# rdmsr 0x480\n1\n# rdmsr 0x480\n2\n", 4, "MSR 0x480 again");
    assert_refused("rdmsr 0x480\n1\n2\n", 3, "one value below each rdmsr without -a");
    assert_refused("IA32_VMX_BASIC (MSR 0x481) = 0x1\n", 1, "with its own address");
    assert_refused("| IA32_VMX_BASIC | 0x481 | 0x1 |\n", 1, "with its own address");
}

/* Logs of other things, and registers that are no capability MSRs. */
static void what_is_nothing_is_refused(void **state)
{
    static const char *const nothing[] = {
        "PinBased=0000007f CPUBased=b5a06dfa SecondaryExec=000233eb\n",
        "4000 VMX_PIN_CONTROLS: 1f\n",
        "VMX_EXIT_CONTROLS = 0x36dff\n",
        "3a:00.0 VGA compatible controller\n",
        "480 root 20 0 12345 S 0.0\n",
        "0x47c: 0x0\n0x494: 0x1\n",
        "00000480  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF|\n",
        "00000480: 7f45 4c46 0201 0100 0000 0000  .ELF......\n",
        "MSR 00000010: 0000-0000-0000-0001\n",
        "Use MSR Bitmaps: Can set=Yes, Can clear=Yes\n",
        "unchecked MSR access error: RDMSR from 0x480 at rIP: 0xffff\n",
        "basic: 5\nexit: 3\n",
        "a,b,c\n",
        "# 0x480=0x1\n",
        "pid 480: 5 ms\n",
        "sudo wrmsr 0x3a 5\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
        assert_refused(nothing[i], 1, "expected ");
    assert_refused("", 1, "found nothing, expected some text: it is empty");
    assert_refused("\xef\xbb\xbf", 1, "found nothing, expected some text: it is empty");
    assert_refused("\n  \n", 1, "found nothing, expected some text: it is blank");
    assert_refused("IA32_VMX_BASIC:", 1, "a value in hex behind it or on the next line");
    assert_refused("# rdmsr 0x480\nrdmsr: CPU 0 cannot read MSR 0x00000480\n", 2,
                   "MSR 0x00000480`, expected a value: each rdmsr here failed");
    assert_refused("$ for i in {1152..1153}; do rdmsr $i; done\n"
                   "rdmsr:open: No such file or directory\n"
                   "rdmsr:open: No such file or directory\n",
                   2, "expected a value: each rdmsr here failed");
    assert_refused("{\"0x480\": \"0xda040000000012\"}", 1, "found `0x480`, expected MSRs within");
    assert_refused("{\n \"id\": \"a\",\n \"IA32_VMX_BASIC\": \"0x1\"\n}\n", 3,
                   "found `IA32_VMX_BASIC`, expected MSRs within");
    assert_refused("# only a remark\n", 1, "found nothing, expected CSV");
    assert_refused("\n\nwords without a meaning\n", 3, "`words without a meaning`, expected CSV");
    assert_refused("da040000000012\n", 1, "the address of an MSR before it, or rdmsr above");
    assert_refused("rdmsr 480\n1\n", 1, "`rdmsr 480`, expected as rdmsr's register 0x3a");
    assert_refused("\x7f"
                   "ELF\x01\x02",
                   1, "`?ELF??`, expected CSV");
    read_bytes("\0\0\0", 3);
    assert_int_equal(error.line, 1);
    assert_non_null(strstr(error.text, "`???`, expected CSV"));
    assert_refused("0123456789012345678901234567890123456789zzzzzzzzzzzzzzzzzzzz\n", 1,
                   "`0123456789012345678901234567890123456789zzzzzzzz...`, expected");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(fields_are_no_values, end),
        cmocka_unit_test_teardown(a_console_log_of_a_refusal_is_read, end),
        cmocka_unit_test_teardown(mistyped_names_are_reported, end),
        cmocka_unit_test_teardown(torn_lines_are_reported, end),
        cmocka_unit_test_teardown(many_lines_are_counted, end),
        cmocka_unit_test_teardown(contradictions_are_refused, end),
        cmocka_unit_test_teardown(what_is_nothing_is_refused, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
