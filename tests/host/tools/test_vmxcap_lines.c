/*
 * Texts that people paste, looked through for lines that give an MSR a value. Each shape is written
 * after those of public reports, with other values and names: 0xda040000000012 as IA32_VMX_BASIC,
 * 0x7f00000016 as the pin-based controls. What is right in each is what a person reads there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/capability/dump_text.h"
#include "tools/capability/label.h"
#include "tools/capability/line.h"
#include "tools/capability/number.h"

static const uint64_t basic = 0xda040000000012, pin = 0x7f00000016;

static struct dump_list list;
static struct dump_error error;
static const char *shown; /* the text that was read last */

static int end(void **state)
{
    (void)state;
    dump_list_free(&list);
    return 0;
}

/* From a copy of the text's exact size, so that the sanitizers see a step beyond it. */
static void read_bytes(const char *text, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);

    assert_non_null(copy);
    memcpy(copy, text, length);
    dump_list_free(&list);
    dump_text_read(copy, length, "name", &list, &error);
    free(copy);
}

static void assert_read(const char *text, uint32_t formats, size_t sets)
{
    shown = text;
    read_bytes(text, strlen(text));
    if (error.line != 0)
        fail_msg("line %u: %s, in:\n%s", error.line, error.text, text);
    if (list.reading.formats != formats || list.count != sets)
        fail_msg("forms %#x, %zu sets, in:\n%s", list.reading.formats, list.count, text);
}

static void assert_refused(const char *text, unsigned line, const char *words)
{
    read_bytes(text, strlen(text));
    if (error.line != line || strstr(error.text, words) == NULL)
        fail_msg("line %u: %s; wanted line %u: %s; in:\n%s", error.line, error.text, line, words,
                 text);
}

static void assert_value(size_t set, uint32_t msr, uint64_t value)
{
    if (!dump_msr_has(&list.set[set].dump, msr) || dump_msr_get(&list.set[set].dump, msr) != value)
        fail_msg("set %zu has MSR %#x: %d, %#llx, in:\n%s", set, msr,
                 dump_msr_has(&list.set[set].dump, msr),
                 (unsigned long long)dump_msr_get(&list.set[set].dump, msr), shown);
}

/* So many lines were passed over; the first of them is `line`, and something else was expected. */
static void assert_passed(unsigned count, unsigned line, const char *expected)
{
    assert_int_equal(list.reading.not_understood, count);
    if (count == 0)
        return;
    assert_int_equal(list.reading.passed[0].line, line);
    assert_non_null(strstr(list.reading.passed[0].expected, expected));
}

enum {
    AIDA64 = 1 << DUMP_AIDA64,
    RDMSR = 1 << DUMP_RDMSR,
    PAIRS = 1 << DUMP_PAIRS,
    NAMES = 1 << DUMP_NAMES,
    LISTING = 1 << DUMP_LISTING,
    HALVES = 1 << DUMP_HALVES,
    COLUMNS = 1 << DUMP_COLUMNS,
    DECIMAL = 1 << DUMP_DECIMAL,
    JSON = 1 << DUMP_JSON,
};

/* All of these give 0x480 and 0x481 the values above, to one CPU, and nothing else. */
static const struct {
    const char *text;
    uint32_t formats;
} pastes[] = {
    /* Hypervisors' logs. */
    {"VirtualBox 6.1\n00:00:04.809262 HM: MSR_IA32_VMX_BASIC                = 0xda040000000012\n"
     "00:00:04.809263 HM:   VMCS id                           = 0x12\n"
     "00:00:04.809263 HM:   VMCS size                         = 1024 bytes\n"
     "00:00:04.809264 HM: MSR_IA32_VMX_PINBASED_CTLS        = 0x7f00000016\n"
     "00:00:04.809265 HM:   EXT_INT_EXIT\n00:00:04.809266 HM:   POSTED_INT (must be cleared)\n"
     "00:00:04.809267 HM:   MSR_IA32_VMX_MISC_PREEMPT_TSC_BIT = 0x5\n"
     "00:00:04.809268 HM:   MSR_IA32_VMX_EPT_VPID_CAP_INVEPT_ALL_CONTEXTS\n"
     "00:00:05.000000 CPUM: fXStateHostMask=0x7; initial 0x7; host XCR0=0x1f\n",
     NAMES},
    {"00:00:01.18 HM: MSR_IA32_VMX_BASIC_INFO         = da040000000012\n"
     "00:00:01.18 HM:   VMCS id                             = 0x12\n"
     "00:00:01.18 HM: MSR_IA32_VMX_PINBASED_CTLS      = 7f00000016\n",
     NAMES},
    {"[  151.770851] Assignment 1 Module Start\n[  151.770859] Pinbased Controls MSR: "
     "0x7f00000016\n"
     "[  151.770860]   External Interrupt Exiting: Can set=Yes, Can clear=Yes\n"
     "[  151.770861] Basic Controls MSR: 0xda040000000012\n",
     NAMES},
    {"Nov 26 10:00:00 pc kernel: [    4.1] kvm: MSR_IA32_VMX_BASIC: 0xda040000000012\n"
     "Nov 26 10:00:00 pc kernel: [    4.1] kvm: MSR_IA32_VMX_PINBASED_CTLS: 0x7f00000016\n",
     NAMES},
    {"(XEN) [2026-11-26 10:00:00] 480: da040000000012\n(XEN) 481: 7f00000016\n", RDMSR},
    {"### [   56.147768] Pinbased Controls MSR: 0x7f00000016 ###\n\n"
     "### [   56.147768] VMX Basic MSR: 0xda040000000012 ###\n",
     NAMES},
    /* As the manual, Linux, Windows and QEMU spell names. */
    {"IA32_VMX_BASIC da040000000012\nIA32_VMX_PINBASED_CTLS 7f00000016\n", NAMES},
    {"Ia32VmxBasic: 0xda040000000012\nkIa32VmxPinBasedCtls = 7f00000016h\n", NAMES},
    {"VMX_BASIC=0xda040000000012 VMX_PINBASED_CTLS=0x7f00000016\n", NAMES},
    {"IA32_VMX_BASIC_MSR (480h): 00da0400_00000012\nIA32_VMX_PINBASED_CTLS [481h]: 7f_00000016\n",
     NAMES},
    {"MSR IA32_VMX_BASIC: 0xDA040000000012ULL\nVMX Pin-Based Controls MSR: 0x7F00000016\n", NAMES},
    {"On mine IA32_VMX_BASIC (0x480) is 0xda040000000012, and the pin-based controls MSR is "
     "0x7f00000016.\n",
     NAMES},
    {"IA32_VMX_BASIC:\n    0xda040000000012\nIA32_VMX_PINBASED_CTLS:\n    0x7f00000016\n", NAMES},
    {"#define MSR_IA32_VMX_BASIC 0x480\nMSR_IA32_VMX_PINBASED_CTLS = 0x481,\n"
     "MSR_IA32_VMX_BASIC: 0xda040000000012\nMSR_IA32_VMX_PINBASED_CTLS: 0x7f00000016\n",
     NAMES},
    /* Rootmode's and vmxcap's own words. */
    {"IA32_VMX_BASIC (MSR 0x480) = 0x00da040000000012\n  30:0  0x12  VMCS revision id\n"
     "  55  1  TRUE control MSRs: 0x48d to 0x490, more controls may be 0\n"
     "IA32_VMX_PINBASED_CTLS (MSR 0x481) = 0x0000007f00000016\n"
     "IA32_VMX_VMFUNC (MSR 0x491): no value\n  missing: IA32_VMX_VMFUNC (MSR 0x491)\n",
     NAMES},
    {"[12:00:00] GRUB\n[12:00:01] -----BEGIN ROOTMODE REPORT-----\n[12:00:01] {\"msrs\": "
     "{\"0x480\":\n"
     "[12:00:01] \"0xda040000000012\", \"0x481\": \"0x7f00000016\"}}\n"
     "[12:00:01] -----END ROOTMODE REPORT-----\n[12:00:02] halted\n",
     JSON},
    {"> I have this:\n>\n> ```json\n> [{\"id\": \"a\", \"msrs\": {\"0x480\": "
     "\"0xda040000000012\",\n"
     ">   \"0x481\": \"0x7f00000016\"}}]\n> ```\n> What now?\n",
     JSON},
    /* Terminals. */
    {"[me@pc ~]$ sudo modprobe msr\n[me@pc ~]$ sudo rdmsr 0x480\n[sudo] password for me:\n"
     "da040000000012\n[me@pc ~]$ sudo rdmsr 0x481\n7f00000016\n[me@pc ~]$ sudo rdmsr 0x491\n"
     "rdmsr:pread: Input/output error\n[me@pc ~]$ sudo rdmsr 0x492\n"
     "rdmsr: pread: Input/output error\n[me@pc ~]$ echo $?\n4\n",
     RDMSR},
    {"> ```\n> # rdmsr 0x480\n> da040000000012\n> # rdmsr 0x481\n> 7f00000016\n> ```\n", RDMSR},
    {"root@pc:~# rdmsr 0x480 --cpu 0\nda040000000012\nroot@pc:~# rdmsr 0x481 -p0 -x\n7f00000016\n",
     RDMSR},
    {"# rdmsr 0x480 -a\nda040000000012\nda040000000012\n# rdmsr 0x481\n7f00000016\n", RDMSR},
    {"# rdmsr 0x480H\nda040000000012\n0x481H: 7f00000016\n", RDMSR},
    {"# rdmsr 0x480; rdmsr 0x481\nda040000000012\n7f00000016\n", RDMSR},
    {"$ for r in 0x480 0x481 0x491; do sudo rdmsr $r; done\nda040000000012\n7f00000016\n"
     "rdmsr: CPU 0 cannot read MSR 0x00000491\n",
     RDMSR},
    {"# for r in $(seq 0x480 0x481); do rdmsr $r; done\nda040000000012\n7f00000016\n", RDMSR},
    {"# for i in {1152..1153}; do rdmsr $i; done\nda040000000012\n7f00000016\n", RDMSR},
    {"# for i in {0x480..0x481}; do sudo rdmsr -p0 \"$i\"; done\nda040000000012\n7f00000016\n",
     RDMSR},
    {"# rdmsr -u 0x480\n61365942969434130\n# rdmsr --decimal 0x481\n545460846614\n", RDMSR},
    {"# rdmsr -d 0x480\n61365942969434130\n# rdmsr -d 0x481\n545460846614\n# rdmsr -d 0x1a0\n-5\n",
     RDMSR},
    {"rdmsr 0x480 = 0xda040000000012\nrdmsr 0x481 -> 7f00000016\n", PAIRS},
    {"\x1b[1mIA32_VMX_BASIC\x1b[0m: \x1b[32m0xda040000000012\x1b[0m\n481: 7f00000016\n",
     NAMES | RDMSR},
    {"kd> rdmsr 480\nmsr[480] = 00da0400`00000012\nkd> rdmsr 481\nmsr[481] = 0000007f`00000016\n",
     PAIRS},
    /* Other tools. */
    {"[CHIPSEC] CPU0: RDMSR( 0x480 ) = 00DA040000000012 (EAX=00000012, EDX=00DA0400)\n"
     "[CHIPSEC] CPU0: RDMSR( 0x481 ) = 0000007F00000016 (EAX=00000016, EDX=0000007F)\n",
     PAIRS},
    {"MSR 0x00000480\t\t0x00DA0400\t\t0x00000012\nMSR 0x00000481\t\t0x0000007F\t\t0x00000016\n",
     PAIRS | HALVES},
    {"MSR 0x480: 0x00da0400 0x00000012\nMSR 0x481: 0x0000007f 0x00000016\n", PAIRS | HALVES},
    {"MSR 0x00000480  edx = 0x00DA0400  eax = 0x00000012\n"
     "IA32_VMX_PINBASED_CTLS: EAX=00000016 EDX=0000007f\n",
     PAIRS | NAMES | HALVES},
    {"IA32_VMX_BASIC high: 0xda0400\nIA32_VMX_BASIC low: 0x12\n481: 7f00000016\n",
     NAMES | RDMSR | HALVES},
    {"0x00000480: 0x00da0400:0x00000012 (IA32_VMX_BASIC)\n481: 7f:00000016\n", RDMSR},
    /* Tables. */
    {"| MSR | name | value |\n|---|---|---|\n| 0x480 | `IA32_VMX_BASIC` | `0xda040000000012` |\n"
     "| IA32_VMX_PINBASED_CTLS | 0x481 | 0x7f00000016 |\n",
     NAMES},
    {"0x480,IA32_VMX_BASIC,0xda040000000012\n0x481,IA32_VMX_PINBASED_CTLS,0x7f00000016\n", NAMES},
    {"00000480  00DA0400  00000012\n00000481  0000007F  00000016\n", RDMSR | HALVES},
    {"MSR      EDX      EAX\n480: 00DA0400 00000012\n481: 0000007F 00000016\n", RDMSR | HALVES},
    {"MSR   low  high\n480   12   da0400\n481   16   7f\n", RDMSR | HALVES},
    {"480: 00DA0400 00000012\n481: 7f 16\n", RDMSR | HALVES},
    {"1152 61365942969434130\n1153 545460846614\n", RDMSR | DECIMAL},
    {"IA32_VMX_BASIC: 61365942969434130\nIA32_VMX_PINBASED_CTLS: 545460846614\n", NAMES | DECIMAL},
    {"| `IA32_VMX_BASIC` | `0x480` | `0xda040000000012` |\n"
     "\"IA32_VMX_PINBASED_CTLS\",\"0x481\",\"0x7f00000016\"\n",
     NAMES},
    {"- **IA32_VMX_BASIC** (0x480): `0xda040000000012`\n1. IA32_VMX_PINBASED_CTLS (1153) = "
     "0x7f00000016\n",
     NAMES},
    {"<pre>480: da040000000012\n481: 7f00000016\n</pre>\n", RDMSR},
    /* Texts of programs: VirtualBox's database of CPUs, Linux' tables; CSV's names of columns. */
    {"    MVX(0x00000480, \"IA32_VMX_BASIC\", UINT64_C(0xda040000000012), 0, 0),\n"
     "    MVI(0x00000481, \"IA32_VMX_PINBASED_CTLS\", UINT64_C(0x7f00000016)),\n",
     NAMES},
    {"{ MSR_IA32_VMX_BASIC, 0xda040000000012ULL },\n{ MSR_IA32_VMX_PINBASED_CTLS, 0x7f00000016 "
     "},\n",
     NAMES},
    {"MSR_0x480 = 0xda040000000012\nmsr_481=0x7f00000016\n", PAIRS},
    {"IA32_VMX_BASIC\n  0xda040000000012\nIA32_VMX_MISC\nIA32_VMX_PINBASED_CTLS\n0x7f00000016\n",
     NAMES},
    {"IA32_VMX_BASIC_LOW = 0x12\nIA32_VMX_BASIC_HIGH = 0xda0400\n0x481: 0x7f:0x16\n",
     NAMES | RDMSR | HALVES},
    /* Twice the same, as in a log of two starts. */
    {"0x480=0xda040000000012\n0x481 = 0x7f00000016\nIA32_VMX_BASIC=0xda040000000012\n",
     PAIRS | NAMES},
};

static void pastes_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pastes) / sizeof(pastes[0]); i++) {
        assert_read(pastes[i].text, pastes[i].formats, 1);
        assert_value(0, 0x480, basic);
        assert_value(0, 0x481, pin);
        if (list.set[0].dump.msrs.present != 3 || list.set[0].dump.has_feature_control ||
            list.reading.not_understood != 0)
            fail_msg("more than wanted, or not understood: %u, in:\n%s",
                     list.reading.not_understood, pastes[i].text);
    }
}

/* The same with something before each line, with Windows' line ends, and in UTF-16. */
static void what_stands_around_changes_nothing(void **state)
{
    static const char *const before[] = {
        "> ",
        "> > ",
        "[   12.345678] ",
        "<6>[   12.345678][    T1] ",
        "10:00:00 ",
        "2026-11-26T10:00:00.123456+01:00 pc kernel: ",
        "Nov 26 10:00:00 ",
        "\t",
        "[2026-11-26 10:00:00.123] ",
        "00000012\t12.34567890\t",
        "* ",
    };
    static char text[8192];

    (void)state;
    for (size_t i = 0; i < sizeof(pastes) / sizeof(pastes[0]); i++) {
        for (size_t b = 0; b < sizeof(before) / sizeof(before[0]); b++) {
            size_t length = 0;

            text[0] = '\0';
            for (const char *c = pastes[i].text; *c != '\0'; c++) {
                if (c == pastes[i].text || c[-1] == '\n')
                    length = strlen(strcpy(text + length, before[b])) + length;
                if (*c == '\n')
                    text[length++] = '\r';
                text[length++] = *c;
                text[length] = '\0';
            }
            assert_read(text, pastes[i].formats, 1);
            assert_value(0, 0x480, basic);
            assert_value(0, 0x481, pin);
        }
    }
    read_bytes("\xff\xfe"
               "4\0"
               "8\0"
               "0\0"
               "=\0"
               "1\0"
               " \0"
               "\xb5\x03"
               "\r\0"
               "\n\0"
               "3\0"
               "a\0"
               "=\0"
               "5\0",
               28);
    assert_int_equal(error.line, 0);
    assert_value(0, 0x480, 1);
    assert_value(0, 0x3a, 5);
    assert_passed(0, 0, "");
    read_bytes("\0"
               "3\0"
               "a\0"
               "=\0"
               "5",
               8); /* the high byte first, without a mark */
    assert_value(0, 0x3a, 5);
    assert_read("\xef\xbb\xbf"
                "3a=5\r480: 1\r",
                PAIRS | RDMSR, 1);
    assert_value(0, 0x480, 1);
    assert_read("Nov 26 10:00:00   ia32_feature_control: 0x5\n", NAMES, 1);
    assert_value(0, 0x3a, 5);
}

static void two_columns_are_halves_or_cpus(void **state)
{
    (void)state;
    assert_read("486: 80000021 80000021\n", RDMSR | COLUMNS, 2);
    assert_value(1, 0x486, 0x80000021);
    assert_read("486 80000021 80000021\n", RDMSR | COLUMNS, 2); /* as halves, CR0[63] is set */
    assert_value(0, 0x486, 0x80000021);
    assert_read("MSR CPU0 CPU1\n0x488 2000 2000\n", RDMSR | COLUMNS, 2);
    assert_value(1, 0x488, 0x2000);
    assert_read("0x488 2000 2000\n", RDMSR | COLUMNS, 2); /* as halves, CR4[45] is set */
    assert_value(0, 0x488, 0x2000);
    assert_read("0x489 1 3767ff\n", RDMSR | HALVES, 1); /* CR4.FRED is bit 32 */
    assert_value(0, 0x489, 0x1003767ff);
    assert_read("480: da040000000012 da040000000012\n", RDMSR, 2); /* too wide for halves */
    assert_read("480: 1 2 3\n3a: 5 5 5\n", RDMSR | COLUMNS, 3);
    assert_value(2, 0x480, 3);
    /* What one line excludes, no line that looks the same is. */
    assert_read("48c 6334141 6334140\n486 80000021 80000021\n", RDMSR | COLUMNS, 2);
    assert_value(1, 0x48c, 0x6334140);
    assert_refused("00000480 80000012 80000012\n", 1, "these can be neither");
    /* CPUs with other recommendations for MSR lists, or halves; EPT needs a length of its walk. */
    assert_refused("\n485: 401e0 e0401e0\n", 2, "these can be both");
    assert_refused("\n485 401e0 401e0\n", 2, "these can be both");
    assert_read("485: 401e0 401e0\n", RDMSR | COLUMNS, 2);
    assert_read("48c: f01 6334141\n", RDMSR | HALVES, 1);
    assert_value(0, 0x48c, 0xf0106334141);
    assert_read("MSR EDX EAX\n485: 401e0 e0401e0\n", RDMSR | HALVES, 1);
    assert_value(0, 0x485, 0x401e00e0401e0);
    assert_read("MSR CPU0 CPU1\n485: 401e0 e0401e0\n", RDMSR | COLUMNS, 2);
    assert_value(1, 0x485, 0xe0401e0);
    assert_read("487: 0 ffffffff\n48a: 0 32\n", RDMSR | HALVES, 1); /* CR0.PE may be 1 */
    assert_value(0, 0x48a, 0x32);
    assert_read("IA32_VMX_BASIC low 32 bits: 12\nIA32_VMX_BASIC high 32 bits: da0400\n",
                NAMES | HALVES, 1);
    assert_value(0, 0x480, basic);
    /* Halves with the low one first: high first, CR0[63] is set; as CPUs, one has a VMCS of 0
     * bytes, and in 0x481 what must be 1 must be 0. */
    assert_refused("480: 00000012 00da0400\n481: 00000016 0000007f\n488: 00002000 00000000\n"
                   "486: 80000021 00000000\n",
                   1, "these can be neither (a heading `EAX EDX` says low first)");
    assert_refused("480 12 da0400\n481 16 7f\n", 1, "these can be neither");
    assert_refused("481: 16 17\n", 1, "these can be neither");
    assert_read("MSR EAX EDX\n480: 00000012 00da0400\n481: 00000016 0000007f\n"
                "488: 00002000 00000000\n486: 80000021 00000000\n",
                RDMSR | HALVES, 1);
    assert_value(0, 0x480, basic);
    assert_value(0, 0x481, pin);
    assert_value(0, 0x486, 0x80000021);
    /* A heading is right about values that no known processor has; 0x48c may be 0, without EPT. */
    assert_read("MSR CPU0 CPU1\n481: 16 17\n", RDMSR | COLUMNS, 2);
    assert_read("480 da0400 12\n48c 0 0\n", RDMSR | HALVES, 1);
    assert_refused("3a 80000000 5\n3a: 5 5\n", 2, "again");
    /* One line that is too wide for halves is of two CPUs, and so are those that look like it. */
    assert_read("481 7f00000016 7f00000016\n491 1 1\n488 2000 2000\n", RDMSR | COLUMNS, 2);
    assert_value(1, 0x488, 0x2000);
    assert_value(0, 0x491, 1);
    assert_read("481 7f00000016 7f00000016\n491 1 1\n480 0 1 2\n", RDMSR | COLUMNS, 3);
    assert_int_equal(list.set[2].dump.msrs.present, 1);
}

static void assert_cpu(size_t set, const char *id, uint64_t value)
{
    assert_string_equal(list.set[set].id, id);
    assert_value(set, 0x480, value);
}

static void cpus_are_reported_apart(void **state)
{
    (void)state;
    assert_read("rdmsr -a 0x480\n1\n2\nrdmsr -a 0x481\n3\n4\n", RDMSR, 2);
    assert_value(0, 0x480, 1);
    assert_value(1, 0x480, 2);
    assert_value(0, 0x481, 3);
    assert_value(1, 0x481, 4);
    assert_true(list.one_machine);
    assert_read("CPU 0\n480: 1\nCPU 5:\n480: 2\n", RDMSR, 2);
    assert_value(1, 0x480, 2);
    assert_string_equal(list.set[1].id, "name, CPU 5");
    /* Each by its own number, in their order, whichever a text has first. */
    assert_read("rdmsr -p 3 0x480\n7\nrdmsr -p1 0x480\n8\n", RDMSR, 2);
    assert_cpu(0, "name, CPU 1", 8);
    assert_cpu(1, "name, CPU 3", 7);
    assert_read("rdmsr -p 1 0x480\n8\nrdmsr -p 0 0x480\n7\n", RDMSR, 2);
    assert_cpu(0, "name", 7);
    assert_cpu(1, "name, CPU 1", 8);
    assert_read("rdmsr --cpu=1 0x480\n8\nrdmsr --cpu 0 0x480\n7\n", RDMSR, 2);
    assert_cpu(0, "name", 7);
    assert_cpu(1, "name, CPU 1", 8);
    assert_read("CPU2: IA32_VMX_BASIC = 0x9\nCPU1: IA32_VMX_BASIC = 0x8\n"
                "CPU0: IA32_VMX_BASIC = 0x7\n",
                NAMES, 3);
    assert_cpu(0, "name", 7);
    assert_cpu(1, "name, CPU 1", 8);
    assert_cpu(2, "name, CPU 2", 9);
    assert_true(list.one_machine);
    assert_read("MSR CPU3 CPU1\n480: da040000000012 da040000000013\n", RDMSR, 2);
    assert_cpu(0, "name, CPU 1", 0xda040000000013);
    assert_cpu(1, "name, CPU 3", basic);
    assert_read("MSR CPU1 CPU0\n488: 2000 2020\n", RDMSR | COLUMNS, 2);
    assert_value(0, 0x488, 0x2020);
    assert_value(1, 0x488, 0x2000);
    assert_read("CPU0 IA32_VMX_BASIC = 0x1\nCPU1 IA32_VMX_BASIC = 0x2\n", NAMES, 2);
    assert_value(1, 0x480, 2);
    assert_read("processor\t: 0\n480: 1\nprocessor\t: 1\n480: 2\n", RDMSR, 2);
    assert_read("[Core 0]\n480: 1\n[Core 1]\n480: 2\n", RDMSR, 2);
    assert_value(1, 0x480, 2);
    assert_read("Intel Core 2 Duo\nCore 2 Duo: IA32_VMX_BASIC = 0x1\n481: 1\n", NAMES | RDMSR, 1);
    /* One MSR of all CPUs, the others of one: CPU 1 reports nothing that CPU 0 does not. */
    assert_read("rdmsr 0x3a --all\n5\n5\nrdmsr 0x480\n1\n", RDMSR, 1);
    assert_false(list.one_machine);
    assert_read("rdmsr -a 0x3a\n5\n5\nrdmsr -p 1 0x480\n1\n", RDMSR, 1);
    assert_value(0, 0x480, 1);
    /* CPUs with different MSRs: each has what it has, and nothing is taken from another one. */
    assert_read("rdmsr 0x3a --all\n5\n1\nrdmsr 0x480\n1\n", RDMSR, 2);
    assert_int_equal(list.set[1].dump.msrs.present, 0);
    assert_int_equal(list.set[1].dump.feature_control, 1);
    assert_read("rdmsr 0x3a\n5\nrdmsr 0x480 -a\n1\n1\nrdmsr --processor 1 0x481\n3\n", RDMSR, 2);
    assert_false(list.set[1].dump.has_feature_control);
    assert_int_equal(list.set[0].dump.msrs.present, 1);
    assert_int_equal(list.set[1].dump.msrs.present, 3);
    assert_value(1, 0x481, 3);
}

static void too_many_cpus_are_refused(void **state)
{
    static char text[16 * 1024] = "rdmsr -a 0x480\n";

    (void)state;
    for (int i = 0; i < 1024; i++)
        strcat(text, "1\n");
    assert_read(text, RDMSR, 1024);
    strcat(text, "1\n");
    assert_refused(text, 1026, "at most 1024 CPUs");
}

static void aida64_is_read(void **state)
{
    (void)state;
    assert_read("MSR 00000480: 00DA-0400-0000-0012\n"
                "MSR 00000491: < FAILED >\n"
                "MSR 0000003A: 0000-0000-0000-0005 [Locked]\n"
                "MSR 0000001B: 0000-0000-FEE0-0900\n",
                AIDA64, 1);
    assert_value(0, 0x480, basic);
    assert_value(0, 0x3a, 5);
    assert_int_equal(list.set[0].dump.msrs.present, 1);
    assert_passed(0, 0, "");
    assert_read("------[ Versions ]------\r\n\r\nProgram Version : AIDA64\r\n\r\n"
                "CPUID Registers (CPU #1):\r\n"
                "CPUID 00000000: 0000000A-756E6547-6C65746E-49656E69\r\n"
                "------[ MSR Registers / CPU #1 ]------\r\n"
                "MSR 00000010: 0000-0000-0000-0001\r\nMSR 00000480: 00DA-0400-0000-0012\r\n"
                "------[ MSR Registers / CPU #2 ]------\r\nMSR 00000480: 00DA-0400-0000-0013\r\n"
                "------[ Benchmarks ]------\r\nMSRs are read quickly\r\n",
                AIDA64, 2);
    assert_true(list.one_machine);
    assert_value(1, 0x480, 0x00da040000000013);
    assert_string_equal(list.set[1].id, "name, CPU 1");
    assert_read("MSR 00000480: 00DA-0400-0000-0012\nMSR 00000481: 0000-007F-0000-0016\n"
                "MSR 00000480: 00DA-0400-0000-0013\nMSR 00000481: 0000-007F-0000-0017\n",
                AIDA64, 2);
    assert_value(1, 0x481, 0x7f00000017);
}

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

/* Where addresses are decimal, 58 is 0x3a, whatever the values are and in whatever order. */
static void decimal_addresses_are_so_for_all(void **state)
{
    static const struct {
        const char *text;
        uint32_t formats;
    } texts[] = {
        {"58: 5\n1152: 61365942969434130\n1153: 545460846614\n", RDMSR | DECIMAL},
        {"1152 61365942969434130\n1153 545460846614\n58 5\n", RDMSR | DECIMAL},
        {"58: 5\n1152: da040000000012\n1153: 7f00000016\n", RDMSR},
        {"58 = 0x5\n1152 = 0xda040000000012\n1153 = 0x7f00000016\n", PAIRS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_read(texts[i].text, texts[i].formats, 1);
        assert_value(0, 0x3a, 5);
        assert_value(0, 0x480, basic);
        assert_value(0, 0x481, pin);
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
        cmocka_unit_test_teardown(pastes_are_read, end),
        cmocka_unit_test_teardown(what_stands_around_changes_nothing, end),
        cmocka_unit_test_teardown(two_columns_are_halves_or_cpus, end),
        cmocka_unit_test_teardown(cpus_are_reported_apart, end),
        cmocka_unit_test_teardown(too_many_cpus_are_refused, end),
        cmocka_unit_test_teardown(aida64_is_read, end),
        cmocka_unit_test_teardown(fields_are_no_values, end),
        cmocka_unit_test_teardown(a_console_log_of_a_refusal_is_read, end),
        cmocka_unit_test_teardown(mistyped_names_are_reported, end),
        cmocka_unit_test_teardown(decimal_addresses_are_so_for_all, end),
        cmocka_unit_test_teardown(torn_lines_are_reported, end),
        cmocka_unit_test_teardown(many_lines_are_counted, end),
        cmocka_unit_test_teardown(contradictions_are_refused, end),
        cmocka_unit_test_teardown(what_is_nothing_is_refused, end),
        cmocka_unit_test_teardown(qemus_listing_is_read, end),
        cmocka_unit_test_teardown(a_listing_reports_both_halves, end),
        cmocka_unit_test(numbers_have_forms),
        cmocka_unit_test(names_have_spellings),
        cmocka_unit_test(lines_are_freed_of_what_stands_before_them),
        cmocka_unit_test(formats_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
