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

#include "tests/host/tools/vmxcap_reading.h"

static const uint64_t basic = 0xda040000000012, pin = 0x7f00000016;

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(pastes_are_read, end),
        cmocka_unit_test_teardown(what_stands_around_changes_nothing, end),
        cmocka_unit_test_teardown(two_columns_are_halves_or_cpus, end),
        cmocka_unit_test_teardown(cpus_are_reported_apart, end),
        cmocka_unit_test_teardown(too_many_cpus_are_refused, end),
        cmocka_unit_test_teardown(aida64_is_read, end),
        cmocka_unit_test_teardown(decimal_addresses_are_so_for_all, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
