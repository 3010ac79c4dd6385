/*
 * Texts that look like others and mean something else: each line here was once read with a wrong
 * answer, or is a sibling of one that was. A set is written as its CPU's name and its values; an
 * error as its line and words of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/format.h"
#include "tools/capability/dump_text.h"

enum { SHOWN_MAX = 1024 };

struct doubt {
    const char *text, *read;
};

static void print_set(struct sink *sink, const struct dump_set *set)
{
    print_to(sink, "%s:", set->id);
    for (uint32_t msr = IA32_FEATURE_CONTROL_MSR; msr <= VMX_MSR_LAST; msr++) {
        if (dump_msr_is_known(msr) && dump_msr_has(&set->dump, msr))
            print_to(sink, " %x=%llx", msr, (unsigned long long)dump_msr_get(&set->dump, msr));
    }
    print_to(sink, "\n");
}

/* What was read: the sets, how many lines were not understood, or the error. */
static void read_text(const char *text, char shown[SHOWN_MAX])
{
    size_t length = strlen(text);
    char *copy = malloc(length + 1); /* of its exact size, for the sanitizers */
    struct dump_list list = {.set = NULL};
    struct dump_error error;
    struct text_buffer buffer;

    assert_non_null(copy);
    memcpy(copy, text, length);
    text_buffer_init(&buffer, shown, SHOWN_MAX);
    dump_text_read(copy, length, "a", &list, &error);
    for (size_t i = 0; error.line == 0 && i < list.count; i++)
        print_set(&buffer.sink, &list.set[i]);
    if (error.line != 0)
        print_to(&buffer.sink, "line %u: %s\n", error.line, error.text);
    else if (list.reading.not_understood > 0)
        print_to(&buffer.sink, "line %u is not understood: %s\n", list.reading.passed[0].line,
                 list.reading.passed[0].expected);
    dump_list_free(&list);
    free(copy);
}

/* Each line of `read` is one of those read, or of an error the line's number and some words. */
static void assert_all(const struct doubt *doubts, size_t count)
{
    char shown[SHOWN_MAX];

    for (size_t i = 0; i < count; i++) {
        size_t line = strcspn(doubts[i].read, "~");
        const char *words = doubts[i].read[line] == '~' ? doubts[i].read + line + 1 : "\n";

        read_text(doubts[i].text, shown);
        if (strncmp(shown, doubts[i].read, line) != 0 || strstr(shown + line, words) == NULL ||
            (doubts[i].read[line] == '\0' && strcmp(shown + line, "\n") != 0))
            fail_msg("wanted:\n%s\nread:\n%sin:\n%s", doubts[i].read, shown, doubts[i].text);
    }
}

#define ASSERT_ALL(doubts) assert_all(doubts, sizeof(doubts) / sizeof((doubts)[0]))

/* No capability MSR has a value from 0x480 to 0x493, so that such a number is the next address. */
static void pairs_on_a_line_are_no_columns(void **state)
{
    static const struct doubt doubts[] = {
        {"0x480 0xda040000000012 0x481 0x7f00000016", "a: 480=da040000000012 481=7f00000016"},
        {"0x480\t0xda040000000012\t0x481\t0x7f00000016", "a: 480=da040000000012 481=7f00000016"},
        {"0x3a 5 0x480 0xda040000000012", "a: 3a=5 480=da040000000012"},
        {"0x480 0xda040000000012 0x3a 0x5", "a: 3a=5 480=da040000000012"},
        {"480: da040000000012 481 7f00000016 3a 5", "a: 3a=5 480=da040000000012 481=7f00000016"},
        {"MSR 0x480 0xda040000000012 0x481 0x7f00000016", "a: 480=da040000000012 481=7f00000016"},
        {"IA32_VMX_BASIC 0xda040000000012 0x481 0x7f00000016",
         "a: 480=da040000000012 481=7f00000016"},
        {"| 0x480 | 0xda040000000012 | 0x481 | 0x7f00000016 |",
         "a: 480=da040000000012 481=7f00000016"},
        {"480 00da0400 00000012 481 0000007f 00000016", "a: 480=da040000000012 481=7f00000016"},
        {"1152 61365942969434130 1153 545460846614 58 5",
         "a: 3a=5 480=da040000000012 481=7f00000016"},
        {"0x48a 0x34 0x3a 0x5", "a: 3a=5 48a=34"},
        /* 0x3a may be the value of IA32_VMX_VMCS_ENUM, whose bit 0 is reserved. */
        {"0x48a 0x3a 0x3a 0x3a", "a: 48a=3a\na, CPU 1: 48a=3a\na, CPU 2: 48a=3a"},
        {"MSR CPU0 CPU1 CPU2\n48a: 3a 3a 3a", "a: 48a=3a\na, CPU 1: 48a=3a\na, CPU 2: 48a=3a"},
        /* The address of an MSR of another kind: a row of which some cannot be values. */
        {"0x480 0xda040000000012 0x1a0 0x850089", "line 1: ~of each CPU a value that this MSR can"},
        {"0x3a 5 0x1b 0xfee00900", "line 1: ~of each CPU a value that this MSR can have"},
        {"480 00da0400 00000012 da040000000012", "line 1: ~of each CPU a value that this MSR can"},
        {"480: 1 2 3", "a: 480=1\na, CPU 1: 480=2\na, CPU 2: 480=3"},
    };

    (void)state;
    ASSERT_ALL(doubts);
}

static void halves_may_have_blanks_between_them(void **state)
{
    static const struct doubt doubts[] = {
        {"0x480: 00da0400 : 00000012", "a: 480=da040000000012"},
        {"0x480: 0x00da0400 : 0x00000012", "a: 480=da040000000012"},
        {"0x480: 00da0400: 00000012", "a: 480=da040000000012"},
        {"0x480: 00da0400 :00000012", "a: 480=da040000000012"},
        {"0x480: 0xda0400 : 0x12", "a: 480=da040000000012"},
        {"0x480: da0400 : 12", "a: 480=da040000000012"},
        {"IA32_VMX_BASIC = 00da0400 : 00000012", "a: 480=da040000000012"},
        {"IA32_VMX_BASIC = 00da0400 _ 00000012", "a: 480=da040000000012"},
        {"IA32_VMX_BASIC = 00da0400 ` 00000012", "a: 480=da040000000012"},
        /* Digits are missing, or it is no separator: never the first half alone. */
        {"480: 00da0400 : 12", "line 1: ~a value in hex"},
        {"480: 00da0400 _ 12", "line 1: ~a value in hex"},
        {"480: 00da0400 / 00000012", "line 1: ~a value in hex"},
        {"480: 00da0400 - 00000012", "line 1: ~a value in hex"},
        {"480: 10 : 00 : 00", "line 1: ~a value in hex"},
        /* The next reference. */
        {"0x3a : 5 : 0x480 : 0xda040000000012", "a: 3a=5 480=da040000000012"},
        {"0x3a: 5 - 0x480: 0xda040000000012", "a: 3a=5 480=da040000000012"},
        {"0x480: 0xda040000000012 - 64 bits", "a: 480=da040000000012"},
    };

    (void)state;
    ASSERT_ALL(doubts);
}

/* Four digits in each of four columns may be memory with its address, groups, or CPUs. */
static void columns_that_may_be_memory_need_others(void **state)
{
    static const struct doubt doubts[] = {
        {"MSR CPU0 CPU1 CPU2 CPU3\n488: 2000 2000 2000 2000",
         "a: 488=2000\na, CPU 1: 488=2000\na, CPU 2: 488=2000\na, CPU 3: 488=2000"},
        {"3a: 5 5 5 5\n488: 2000 2000 2000 2000",
         "a: 3a=5 488=2000\na, CPU 1: 3a=5 488=2000\na, CPU 2: 3a=5 488=2000\n"
         "a, CPU 3: 3a=5 488=2000"},
        {"48a: 32 32 32 32\n3a: 5 5 5 5",
         "a: 3a=5 48a=32\na, CPU 1: 3a=5 48a=32\na, CPU 2: 3a=5 48a=32\na, CPU 3: 3a=5 48a=32"},
        {"0x488:  2000 2000 2000 2000", "line 1: ~a heading `CPU0 CPU1`, or lines with as many"},
        {"480: 00da 0400 0000 0012", "line 1: ~a heading `CPU0 CPU1`, or lines with as many"},
        {"3a: 5 5\n488: 2000 2000 2000 2000", "a: 3a=5\na, CPU 1: 3a=5\nline 2~this may be memory"},
        {"3a=5\n00000480: 7f45 4c46 0201 0100 0000 0000  .ELF......",
         "a: 3a=5\nline 2~this may be memory"},
    };

    (void)state;
    ASSERT_ALL(doubts);
}

static void names_contradict_addresses_on_both_sides(void **state)
{
    static const struct doubt doubts[] = {
        {"MSR 0x482 (IA32_VMX_PINBASED_CTLS) 0x7f00000016", "line 1: ~with its own address"},
        {"0x482 IA32_VMX_PINBASED_CTLS = 0x7f00000016", "line 1: ~with its own address"},
        {"480h IA32_VMX_PINBASED_CTLS 0x7f00000016", "line 1: ~with its own address"},
        {"0x482: IA32_VMX_PINBASED_CTLS:\n0x7f00000016", "line 1: ~with its own address"},
        {"0x482,IA32_VMX_PINBASED_CTLS,0x7f00000016", "line 1: ~with its own address"},
        {"| 0x482 | `IA32_VMX_PINBASED_CTLS` | 0x7f00000016 |", "line 1: ~with its own address"},
        {"0x482: 0x7f00000016 (IA32_VMX_PINBASED_CTLS)", "line 1: ~with its own address"},
        {"0x482 = 0x7f00000016 # IA32_VMX_PINBASED_CTLS", "line 1: ~with its own address"},
        {"0x481 = 0x7f00000016 # IA32_VMX_PINBASED_CTLS", "a: 481=7f00000016"},
        {"MSR 0x481 (IA32_VMX_PINBASED_CTLS) 0x7f00000016", "a: 481=7f00000016"},
        {"0x481: 0x7f00000016 IA32_VMX_BASIC: 0xda040000000012",
         "a: 480=da040000000012 481=7f00000016"},
    };

    (void)state;
    ASSERT_ALL(doubts);
}

/* Which of two values the MSR has cannot be known, nor what was cut off. */
static void compared_and_cut_values_are_no_values(void **state)
{
    static const struct doubt doubts[] = {
        {"0x480 : 0xda040000000012 -> 0xda040000000013", "line 1: ~one value of that MSR"},
        {"0x480: 0xda040000000012 => 0xda040000000013", "line 1: ~one value of that MSR"},
        {"0x480: 0xda040000000012 \xe2\x86\x92 0xda040000000013", "line 1: ~one value of that"},
        {"IA32_VMX_BASIC: 0x12 != 0x13", "line 1: ~one value of that MSR"},
        {"expected IA32_VMX_BASIC 0xda040000000012, got 0xda040000000013", "line 1: ~one value"},
        {"IA32_VMX_BASIC: 0xda040000000012 (expected 0xda040000000013)", "line 1: ~one value"},
        {"IA32_VMX_BASIC = 0xda040000000012 instead of 0xda040000000013", "line 1: ~one value"},
        {"IA32_VMX_BASIC is 0xda040000000012, was 0xda040000000013", "line 1: ~one value"},
        {"unexpected IA32_VMX_BASIC: 0xda040000000012", "a: 480=da040000000012"},
        {"rdmsr 0x480 -> 0xda040000000012", "a: 480=da040000000012"},
        {"IA32_VMX_BASIC is 0xda040000000012 to me", "a: 480=da040000000012"},
        {"IA32_VMX_MISC = 0x401e...", "line 1: ~a value in hex"},
        {"IA32_VMX_MISC 0x401e...", "line 1: ~a value in hex"},
        {"IA32_VMX_MISC = 0x401e\xe2\x80\xa6", "line 1: ~a value in hex"},
        {"485: 401e..", "line 1: ~a value in hex"},
        {"485: 401e[...]", "line 1: ~a value in hex"},
        {"485: 401e0.", "a: 485=401e0"},
        {"rdmsr 0x485\n401e...", "line 1: ~the value that rdmsr printed"},
        {"3a=5\n0x480: 0x12 -> 0x480: 0x13", "a: 3a=5\nline 2~one value of that MSR"},
    };

    (void)state;
    ASSERT_ALL(doubts);
}

#define VALUES "\nda040000000012\n7f00000016"
#define BOTH   "a: 480=da040000000012 481=7f00000016"

/* A shell puts the text of a loop's variable where it stands: `0x$i` of 480 is 0x480. */
static void loops_have_their_shells_meaning(void **state)
{
    static const struct doubt doubts[] = {
        {"$ for i in 480 481; do rdmsr 0x$i; done" VALUES, BOTH},
        {"for i in 480 481; do rdmsr 0x$i; done" VALUES, BOTH},
        {"[me@pc ~]$ for i in {480..481}; do sudo rdmsr -p 0 0x${i}; done" VALUES, BOTH},
        {"# for i in $(seq 480 481); do rdmsr \"0x$i\"; done" VALUES, BOTH},
        {"# for i in `seq 1152 1153`; do rdmsr \"$i\"; done" VALUES, BOTH},
        {"# for i in 0 1; do rdmsr 0x48$i; done" VALUES, BOTH},
        {"# for i in 48{0..1}; do rdmsr 0x$i -p0; done" VALUES, BOTH},
        {"# for i in 0x48{0,1}; do rdmsr $i; done" VALUES, BOTH},
        {"# for i in 480 481; do rdmsr $((16#$i)); done" VALUES, BOTH},
        {"# for i in 480 481; do rdmsr $((0x$i)); done" VALUES, BOTH},
        {"for i in 480 481; do\n  rdmsr 0x$i\ndone" VALUES, BOTH},
        {"$ for i in 480 481\n> do rdmsr 0x$i\n> done" VALUES, BOTH},
        {"# for i in 48{a..b}; do rdmsr 0x$i; done\n32\n1", "a: 48a=32 48b=1"},
        /* 490 comes after 489, in decimal, and what stands between is not read. */
        {"# for i in {489..490}; do rdmsr 0x$i; done\n2020\n1", "a: 489=2020 490=1"},
        {"# for i in 10 480; do rdmsr 0x$i; done\n5\n1", "a: 480=1"},
        /* What echo prints in a loop is no value. */
        {"# for i in 480 481; do echo 0x$i; rdmsr 0x$i; done\n0x480\nda040000000012\n0x481\n"
         "7f00000016",
         BOTH},
        {"# for i in 10 480; do echo $i; rdmsr 0x$i; done\n10\n5\n480\n1", "a: 480=1"},
        {"# for i in 1152 1153; do echo $i; rdmsr $i; done\n1152\nda040000000012\n1153\n"
         "7f00000016",
         BOTH},
        {"# for i in 480 481; do echo -n \"$i: \"; rdmsr 0x$i; done\n480: da040000000012\n"
         "481: 7f00000016",
         BOTH},
        /* Of one CPU after the other; a second loop, over registers, is not followed. */
        {"# for c in 0 1; do rdmsr -p $c 0x480; done\nda040000000012\nda040000000013",
         "a: 480=da040000000012\na, CPU 1: 480=da040000000013"},
        {"# for c in 0 1; do rdmsr 0x480 -p\"$c\"; rdmsr --processor=${c} 0x481; done" VALUES
             VALUES,
         BOTH "\na, CPU 1: 480=da040000000012 481=7f00000016"},
        {"# rdmsr 0x480 -p 0; rdmsr 0x481" VALUES, BOTH},
        {"for c in $(seq 0 1)\ndo\nrdmsr -p $c 0x480; rdmsr -p $c 0x481\ndone" VALUES
         "\nda040000000012\n7f00000017",
         BOTH "\na, CPU 1: 480=da040000000012 481=7f00000017"},
        {"# for c in 0 1; do rdmsr -p $c 0x480; rdmsr -p $c 0x481; done" VALUES "\nda040000000012",
         "line 1: ~the value that rdmsr printed"},
        {"# for c in 0 1; do for i in 480 481; do rdmsr -p $c 0x$i; done; done" VALUES,
         "line 2: ~the address"},
        /* A list that is not understood gives no register a value. */
        {"# for i in 480 $MORE 481; do rdmsr 0x$i; done\nda040000000012",
         "line 2: ~the address of"},
        {"# for i in 48{{0..9},{a..f}}; do rdmsr 0x$i; done\nda040000000012",
         "line 2: ~the address"},
        {"# for i in 8 9; do rdmsr 0x4${i}0; done\nda040000000012",
         "line 2: ~the address of an MSR"},
        {"# while read i; do rdmsr 0x$i; done\nda040000000012", "line 2: ~the address of an MSR"},
        {"# for i in 480 481; do rdmsr 0x$i; done\nda040000000012",
         "line 1: ~the value that rdmsr printed"},
    };

    (void)state;
    ASSERT_ALL(doubts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_on_a_line_are_no_columns),
        cmocka_unit_test(halves_may_have_blanks_between_them),
        cmocka_unit_test(columns_that_may_be_memory_need_others),
        cmocka_unit_test(names_contradict_addresses_on_both_sides),
        cmocka_unit_test(compared_and_cut_values_are_no_values),
        cmocka_unit_test(loops_have_their_shells_meaning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
