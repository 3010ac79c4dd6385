/*
 * The command line: each word with each of its values as docs/command-line.md gives them, and
 * whatever a person may mistype. Each line is parsed from a heap copy of its exact size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/command_line.h"
#include "kernel/guests/guest_results.h"
#include "kernel/power/power.h"
#include "kernel/screen/console_choice.h"
#include "kernel/selftest/selftest_room.h"

static struct command_line options;

static void parse(const char *line)
{
    char *copy = strdup(line);

    assert_non_null(copy);
    memset(&options, 0xa5, sizeof(options));
    command_line_parse(copy, &options);
    free(copy);
}

static void check_defaults(void)
{
    assert_int_equal(options.stop, VMX_STAGE_GUEST);
    assert_int_equal(options.check, CHECK_AUTO);
    assert_int_equal(options.cpus, 0);
    assert_int_equal(options.override.count, 0);
    assert_int_equal(selftest_wanted, 0);
    assert_int_equal(options.report, REPORT_TEXT);
    assert_int_equal(exit_wanted, 0);
}

static void console_is(bool screen, enum console_lines lines, unsigned port, unsigned baud)
{
    struct console_choice console = console_choice_of_line();

    assert_int_equal(console.screen, screen);
    assert_int_equal(console.lines, lines);
    if (lines == LINES_NAMED) {
        assert_int_equal(console.port, port);
        assert_int_equal(console.baud, baud);
    }
}

/* The line holds this one problem and changes nothing. */
static void check_problem(const char *line, const char *sentence)
{
    parse(line);
    check_defaults();
    if (strstr(line, "onsole=") != NULL || strstr(line, "consule=") != NULL)
        console_is(true, LINES_EVERY, 0, 0);
    else
        console_is(true, LINES_FIRMWARE, 0, 0);
    assert_int_equal(options.problem_count, 1);
    assert_int_equal(options.problem_lost, 0);
    assert_string_equal(options.problem[0], sentence);
}

static void parse_cleanly(const char *line)
{
    parse(line);
    assert_int_equal(options.problem_count, 0);
}

static void test_defaults(void **state)
{
    static const char *const lines[] = {"", " ", "\t", "  \t \t  "};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        parse_cleanly(lines[i]);
        check_defaults();
    }
}

static void test_choices(void **state)
{
    (void)state;
    parse_cleanly("stop=caps");
    assert_int_equal(options.stop, VMX_STAGE_CAPS);
    parse_cleanly("stop=vmxon");
    assert_int_equal(options.stop, VMX_STAGE_VMXON);
    parse_cleanly("stop=vmptrld");
    assert_int_equal(options.stop, VMX_STAGE_VMPTRLD);
    parse_cleanly("stop=caps stop=guest");
    assert_int_equal(options.stop, VMX_STAGE_GUEST);
    parse_cleanly("check=kvm");
    assert_int_equal(options.check, CHECK_KVM);
    parse_cleanly("check=strict");
    assert_int_equal(options.check, CHECK_STRICT);
    parse_cleanly("check=strict check=auto");
    assert_int_equal(options.check, CHECK_AUTO);
    parse_cleanly("report=json");
    assert_int_equal(options.report, REPORT_JSON);
    parse_cleanly("report=both");
    assert_int_equal(options.report, REPORT_BOTH);
    parse_cleanly("report=json report=text");
    assert_int_equal(options.report, REPORT_TEXT);
    assert_false(options.report_full);
    parse_cleanly("report=both report=full"); /* beside another */
    assert_int_equal(options.report, REPORT_BOTH);
    assert_true(options.report_full);
    parse_cleanly("report=full report=json");
    assert_int_equal(options.report, REPORT_JSON);
    assert_true(options.report_full);
    parse_cleanly("exit=poweroff");
    assert_int_equal(exit_wanted, EXIT_POWEROFF);
    parse_cleanly("exit=reboot");
    assert_int_equal(exit_wanted, EXIT_REBOOT);
    parse_cleanly("exit=reboot exit=halt");
    assert_int_equal(exit_wanted, EXIT_HALT);
    parse_cleanly("selftest");
    assert_int_equal(selftest_wanted, SELFTEST_INSTRUCTIONS | SELFTEST_FIELDS);
    parse_cleanly("selftest=");
    assert_int_equal(selftest_wanted, SELFTEST_INSTRUCTIONS | SELFTEST_FIELDS);
    parse_cleanly("selftest=instructions");
    assert_int_equal(selftest_wanted, SELFTEST_INSTRUCTIONS);
    parse_cleanly("selftest=fields");
    assert_int_equal(selftest_wanted, SELFTEST_FIELDS);
    parse_cleanly("selftest=entry,instructions");
    assert_int_equal(selftest_wanted, SELFTEST_ENTRY | SELFTEST_INSTRUCTIONS);
    parse_cleanly("selftest=instructions,fields,entry selftest=entry,entry");
    assert_int_equal(selftest_wanted, SELFTEST_ENTRY);
    parse_cleanly("cpus=1");
    assert_int_equal(options.cpus, 1);
    parse_cleanly("cpus=4294967295");
    assert_int_equal(options.cpus, UINT32_MAX);
}

static void test_together(void **state)
{
    (void)state;
    parse_cleanly("  report=both\texit=poweroff  cpus=12 selftest\t\tcheck=kvm stop=vmxon ");
    assert_int_equal(options.report, REPORT_BOTH);
    assert_int_equal(exit_wanted, EXIT_POWEROFF);
    assert_int_equal(options.cpus, 12);
    assert_int_equal(selftest_wanted, SELFTEST_INSTRUCTIONS | SELFTEST_FIELDS);
    assert_int_equal(options.check, CHECK_KVM);
    assert_int_equal(options.stop, VMX_STAGE_VMXON);
}

/* COM1 to COM4 of a PC: 0x3f8, 0x2f8, 0x3e8, 0x2e8; Linux counts them from 0. */
static void test_console(void **state)
{
    static const unsigned ports[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    char line[64];

    (void)state;
    parse_cleanly("");
    console_is(true, LINES_FIRMWARE, 0, 0);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(line, sizeof(line), "console=com%u", i + 1);
        parse_cleanly(line);
        console_is(false, LINES_NAMED, ports[i], 115200);
        snprintf(line, sizeof(line), "console=ttyS%u,9600n8", i);
        parse_cleanly(line);
        console_is(false, LINES_NAMED, ports[i], 9600);
    }
    parse_cleanly("console=0x2f8,19200");
    console_is(false, LINES_NAMED, 0x2f8, 19200);
    parse_cleanly("console=0xfff8");
    console_is(false, LINES_NAMED, 0xfff8, 115200);
    parse_cleanly("console=com1,2"); /* divisor 57600, which 16 bits hold */
    console_is(false, LINES_NAMED, 0x3f8, 2);
    parse_cleanly("console=screen");
    console_is(true, LINES_NONE, 0, 0);
    parse_cleanly("console=tty0");
    console_is(true, LINES_NONE, 0, 0);
    parse_cleanly("console=com1,9600 console=both");
    console_is(true, LINES_FIRMWARE, 0, 0);
}

/* As on Linux, each adds a place; of two serial ports the later one counts. */
static void test_console_twice(void **state)
{
    (void)state;
    parse_cleanly("console=tty0 console=ttyS1,115200n8");
    console_is(true, LINES_NAMED, 0x2f8, 115200);
    parse_cleanly("console=com2,9600 console=screen");
    console_is(true, LINES_NAMED, 0x2f8, 9600);
    parse_cleanly("console=com2,9600 console=com3");
    console_is(false, LINES_NAMED, 0x3e8, 115200);
}

/* Whoever mistyped it may look at any port, whatever else stands there. */
static void test_console_mistyped(void **state)
{
    static const char *const lines[] = {
        "console=com2 console=com5",
        "console=ttyS1,115200e7 console=screen",
        "consol=com2",
        "Console=com2 console=com1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        parse(lines[i]);
        assert_int_equal(options.problem_count, 1);
        console_is(true, LINES_EVERY, 0, 0);
    }
    parse("console=com2 chek=strict");
    console_is(false, LINES_NAMED, 0x2f8, 115200);
    command_line_problem(&options, "no serial port answers for",
                         (struct command_text){"console", strlen("console")},
                         "it goes to every one that does");
    assert_string_equal(options.problem[1], "no serial port answers for \"console\": it goes to "
                                            "every one that does");
}

static void test_chaos(void **state)
{
    (void)state;
    parse_cleanly("");
    assert_int_equal(guest_options.random.rounds, 20);
    assert_int_equal(guest_options.random.seed, 1);
    parse_cleanly("chaos=500");
    assert_int_equal(guest_options.random.rounds, 500);
    assert_int_equal(guest_options.random.seed, 1);
    parse_cleanly("chaos=7,18446744073709551615");
    assert_int_equal(guest_options.random.rounds, 7);
    assert_true(guest_options.random.seed == UINT64_MAX);
}

static void test_pretend(void **state)
{
    (void)state;
    parse_cleanly("pretend=0x480:0x00da040000000004 pretend=cpu19:493:FFFFFFFFFFFFFFFF "
                  "pretend=cpu0:0x48b:0 pretend=0x480:1");
    assert_int_equal(options.override.count, 4);
    assert_true(options.override.item[0].every_cpu);
    assert_int_equal(options.override.item[0].msr, 0x480);
    assert_int_equal(options.override.item[0].value, 0x00da040000000004);
    assert_false(options.override.item[1].every_cpu);
    assert_int_equal(options.override.item[1].cpu, 19);
    assert_int_equal(options.override.item[1].msr, 0x493);
    assert_int_equal(options.override.item[1].value, UINT64_MAX);
    assert_false(options.override.item[2].every_cpu);
    assert_int_equal(options.override.item[2].cpu, 0);
    assert_int_equal(options.override.item[2].msr, 0x48b);
    assert_int_equal(options.override.item[2].value, 0);
    assert_int_equal(options.override.item[3].value, 1); /* which of the two counts is not ours */
}

static void test_pretend_full(void **state)
{
    char line[1024] = "";

    (void)state;
    for (int i = 0; i < OVERRIDES_MAX + 1; i++)
        strcat(line, "pretend=0x480:0x1 ");
    parse(line);
    assert_int_equal(options.override.count, OVERRIDES_MAX);
    assert_int_equal(options.problem_count, 1);
    assert_string_equal(options.problem[0],
                        "no room for \"pretend=0x480:0x1\": this word stands too often");
}

static void test_pretend_bad(void **state)
{
    static const char *const values[] = {
        "",
        ":",
        "0x480",
        "0x480:",
        ":0x1",
        "0x47f:1",
        "0x494:1",
        "0x10480:1",
        "0x1000000000000480:1",
        "0x480:0x",
        "0x480:1g",
        "0x480:-1",
        "0x480:0x10000000000000000",
        "cpu:0x480:1",
        "cpux:0x480:1",
        "cpu1:0x480",
        "cpu1:0x480:",
        "cpu4294967296:0x480:1",
        "cpu0x1:0x480:1",
        "CPU1:0x480:1",
        "cpu1:0x480:1:2",
        "0x480:1:2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char line[64] = "pretend=";
        char sentence[160] = "bad value in \"pretend=";

        strcat(line, values[i]);
        strcat(sentence, values[i]);
        strcat(sentence, "\": expected pretend=[cpuN:]MSR:VALUE");
        check_problem(line, sentence);
    }
}

static void test_bad_values(void **state)
{
    static const char *const lines[][2] = {
        {"check", "bad value in \"check\": expected check=auto|kvm|strict"},
        {"check=", "bad value in \"check=\": expected check=auto|kvm|strict"},
        {"check=stric", "bad value in \"check=stric\": expected check=auto|kvm|strict"},
        {"check=strictly", "bad value in \"check=strictly\": expected check=auto|kvm|strict"},
        {"check=kvm|strict", "bad value in \"check=kvm|strict\": expected check=auto|kvm|strict"},
        {"stop=VMXON", "bad value in \"stop=VMXON\": expected stop=caps|vmxon|vmptrld|guest"},
        {"cpus=0", "bad value in \"cpus=0\": expected cpus=N"},
        {"cpus=-1", "bad value in \"cpus=-1\": expected cpus=N"},
        {"cpus=1a", "bad value in \"cpus=1a\": expected cpus=N"},
        {"cpus=0x2", "bad value in \"cpus=0x2\": expected cpus=N"},
        {"cpus=4294967296", "bad value in \"cpus=4294967296\": expected cpus=N"},
        {"cpus=18446744073709551617",
         "bad value in \"cpus=18446744073709551617\": expected cpus=N"},
        {"selftest=vmxon", "bad value in \"selftest=vmxon\": expected selftest=WHAT,..."},
        {"selftest=x", "bad value in \"selftest=x\": expected selftest=WHAT,..."},
        {"selftest=field", "bad value in \"selftest=field\": expected selftest=WHAT,..."},
        {"selftest=fields,", "bad value in \"selftest=fields,\": expected selftest=WHAT,..."},
        {"selftest=,fields", "bad value in \"selftest=,fields\": expected selftest=WHAT,..."},
        {"chaos=", "bad value in \"chaos=\": expected chaos=ROUNDS[,SEED]"},
        {"chaos=1,", "bad value in \"chaos=1,\": expected chaos=ROUNDS[,SEED]"},
        {"chaos=,1", "bad value in \"chaos=,1\": expected chaos=ROUNDS[,SEED]"},
        {"chaos=4294967296", "bad value in \"chaos=4294967296\": expected chaos=ROUNDS[,SEED]"},
        {"report=xml", "bad value in \"report=xml\": expected report=text|json|both|full"},
        {"console=com5", "bad value in \"console=com5\": expected "
                         "console=comN[,BAUD]|PORT[,BAUD]|screen|tty0|both"},
        {"console=com1,", "bad value in \"console=com1,\": expected "
                          "console=comN[,BAUD]|PORT[,BAUD]|screen|tty0|both"},
        {"console=com1,0", "bad value in \"console=com1,0\": expected "
                           "console=comN[,BAUD]|PORT[,BAUD]|screen|tty0|both"},
        {"console=com1,1", /* divisor 115200, which 16 bits do not hold */
         "bad value in \"console=com1,1\": expected "
         "console=comN[,BAUD]|PORT[,BAUD]|screen|tty0|both"},
        {"console=com1,9601", "bad value in \"console=com1,9601\": expected "
                              "console=comN[,BAUD]|PORT[,BAUD]|screen|tty0|both"},
        {"console=com1,230400", "bad value in \"console=com1,230400\": expected "
                                "console=comN[,BAUD]|PORT[,BAUD]|screen|tty0|both"},
        {"console=screen,9600", "bad value in \"console=screen,9600\": expected "
                                "console=comN[,BAUD]|PORT[,BAUD]|screen|tty0|both"},
        {"exit=", "bad value in \"exit=\": expected exit=halt|poweroff|reboot"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        check_problem(lines[i][0], lines[i][1]);
}

/* The nearest by hand: one letter left out, one too many, two exchanged, one wrong. */
static void test_unknown(void **state)
{
    static const char *const lines[][2] = {
        {"chek=strict", "unknown word \"chek=strict\": the nearest known one is \"check\""},
        {"cpu=4", "unknown word \"cpu=4\": the nearest known one is \"cpus\""},
        {"selftests", "unknown word \"selftests\": the nearest known one is \"selftest\""},
        {"rpeort=json", "unknown word \"rpeort=json\": the nearest known one is \"report\""},
        {"consule=com1", "unknown word \"consule=com1\": the nearest known one is \"console\""},
        {"Pretend=1:1", "unknown word \"Pretend=1:1\": the nearest known one is \"pretend\""},
        {"exti=halt", "unknown word \"exti=halt\": the nearest known one is \"exit\""},
        {"REPORT=both", "unknown word \"REPORT=both\": the nearest known one is \"report\""},
        {"cpsu=2", "unknown word \"cpsu=2\": the nearest known one is \"cpus\""},
        {"=halt", "unknown word \"=halt\": no known one is near"},
        {"quiet", "unknown word \"quiet\": no known one is near"},
        {"root=/dev/sda1", "unknown word \"root=/dev/sda1\": no known one is near"},
        {"top", "unknown word \"top\": the nearest known one is \"stop\""},
        /* Names are of letters and hyphens, of any case, from the first to the last. */
        {"zuest=hello", "unknown word \"zuest=hello\": the nearest known one is \"guest\""},
        {"Zuest=hello", "unknown word \"Zuest=hello\": the nearest known one is \"guest\""},
        {"auest=hello", "unknown word \"auest=hello\": the nearest known one is \"guest\""},
        {"Auest=hello", "unknown word \"Auest=hello\": the nearest known one is \"guest\""},
        {"chexk-entrx=1",
         "unknown word \"chexk-entrx=1\": the nearest known one is \"check-entry\""},
        {"{uest=hello", "unknown word \"{uest=hello\": no known one is near"},
        {"@uest=hello", "unknown word \"@uest=hello\": no known one is near"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        check_problem(lines[i][0], lines[i][1]);
}

/* A row of tests/data/command-lines.txt: "ok WORD", "bad WORD", "unknown WORD NAME". */
static void check_row(const char *row)
{
    char verdict[16], word[128], name[32] = "", wanted[256] = "";

    assert_in_range(sscanf(row, "%15s %127s %31s", verdict, word, name), 2, 3);
    parse(word);
    if (strcmp(verdict, "bad") == 0)
        snprintf(wanted, sizeof(wanted), "bad value in \"%s\": expected ", word);
    else if (strcmp(name, "-") == 0)
        snprintf(wanted, sizeof(wanted), "unknown word \"%s\": no known one is near", word);
    else if (strcmp(verdict, "unknown") == 0)
        snprintf(wanted, sizeof(wanted), "unknown word \"%s\": the nearest known one is \"%s\"",
                 word, name);
    else
        assert_string_equal(verdict, "ok");
    assert_int_equal(options.problem_count, wanted[0] != '\0');
    if (wanted[0] != '\0' && strncmp(options.problem[0], wanted, strlen(wanted)) != 0)
        fail_msg("%s: %s", row, options.problem[0]);
}

static void test_what_tools_run_reads_too(void **state)
{
    FILE *file = fopen(TEST_DATA "/command-lines.txt", "r");
    unsigned rows = 0;
    char row[192];

    (void)state;
    assert_non_null(file);
    while (fgets(row, sizeof(row), file) != NULL) {
        if (row[0] == '#' || row[0] == '\n')
            continue;
        check_row(row);
        rows++;
    }
    fclose(file);
    assert_true(rows > 50);
}

static void test_boot_goes_on(void **state)
{
    (void)state;
    parse("quiet check=strict cpus=none exit=reboot");
    assert_int_equal(options.check, CHECK_STRICT);
    assert_int_equal(exit_wanted, EXIT_REBOOT);
    assert_int_equal(options.cpus, 0);
    assert_int_equal(options.problem_count, 2);
    /* A bad value does not undo a good one. */
    parse("check=strict check=lax");
    assert_int_equal(options.check, CHECK_STRICT);
    assert_int_equal(options.problem_count, 1);
}

static void test_many_problems(void **state)
{
    char line[1024] = "";

    (void)state;
    for (int i = 0; i < COMMAND_LINE_PROBLEMS_MAX + 3; i++)
        strcat(line, "nonsense ");
    parse(line);
    assert_int_equal(options.problem_count, COMMAND_LINE_PROBLEMS_MAX);
    assert_int_equal(options.problem_lost, 3);
}

/* Long words are shown in part, and nothing reaches the console that could drive it. */
static void test_odd_characters(void **state)
{
    char line[1024];

    (void)state;
    check_problem("\x1b[2J\xc3\xa9\x7f", "unknown word \"?[2J???\": no known one is near");
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    check_problem(line, "unknown word \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\": no known "
                        "one is near");
}

static void test_words(void **state)
{
    (void)state;
    assert_int_equal(set_words_end - set_words, 15);
    for (unsigned i = 0; i < set_words_end - set_words; i++) {
        const struct command_word *word = set_words[i];

        assert_true(strlen(word->name) > 0 && strlen(word->name) < 16);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(word->name, set_words[j]->name);
    }
}

/* Lines made of pieces of words, fixed seed: no read after the line, and sentences that end. */
/* The words of guests that have no test above: what each value asks for, and what is asked else. */
static void test_guest_words(void **state)
{
    static const char line[] = "stop=guest guest=hello,cpu1:all report=json";

    (void)state;
    memset(&options, 0xa5, sizeof(options));
    command_line_parse(line, &options);
    assert_int_equal(options.problem_count, 0);
    assert_ptr_equal(guest_options.names, strstr(line, "hello"));
    parse("guest=");
    assert_int_equal(options.problem_count, 1);
    assert_null(guest_options.names);
    parse_cleanly("");
    assert_null(guest_options.names);
    assert_int_not_equal(guest_options.check_entry, CHECK_ENTRY_ALWAYS);
    assert_int_equal(guest_options.trace_exits, 0);
    assert_int_equal(guest_options.dump_vmcs, 0);
    assert_int_equal(guest_options.bench_exits, 0);
    parse_cleanly("check-entry=always");
    assert_int_equal(guest_options.check_entry, CHECK_ENTRY_ALWAYS);
    parse_cleanly("check-entry=failed");
    assert_int_equal(guest_options.check_entry, CHECK_ENTRY_FAILED);
    parse_cleanly("trace=exits");
    assert_int_equal(guest_options.trace_exits, 1);
    assert_int_equal(guest_options.dump_vmcs, 0);
    parse_cleanly("dump=vmcs");
    assert_int_equal(guest_options.dump_vmcs, 1);
    assert_int_equal(guest_options.bench_exits, 0);
    parse_cleanly("bench=exits");
    assert_int_equal(guest_options.bench_exits, 1);
    assert_int_equal(guest_options.trace_exits, 0);
}

static void test_random_lines(void **state)
{
    static const char *const pieces[] = {
        "stop", "=", "check",        "kvm",  " ",    "\t", "pretend=", "cpu",  "0x480", ":",   "9",
        "cpus", ",", "console=com1", "exit", "halt", "f",  "|",        "\x01", "self",  "test"};
    uint64_t random = 0x853c49e6748fea9b; /* xorshift64 */

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char line[512] = "";

        for (int i = round % 30; i >= 0; i--) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            strcat(line, pieces[random % (sizeof(pieces) / sizeof(pieces[0]))]);
        }
        parse(line);
        assert_true(options.override.count <= OVERRIDES_MAX);
        assert_true(options.problem_count <= COMMAND_LINE_PROBLEMS_MAX);
        for (uint32_t i = 0; i < options.problem_count; i++)
            assert_non_null(memchr(options.problem[i], 0, COMMAND_LINE_PROBLEM_SIZE));
    }
}

static void test_check_entry(void **state)
{
    struct command_line out;

    (void)state;
    command_line_parse("", &out);
    assert_int_equal(guest_options.check_entry, 0); /* the word is missing: as if "failed" */
    command_line_parse("dump=vmcs", &out);
    assert_true(guest_options.dump_vmcs);
    assert_int_equal(out.problem_count, 0);
    command_line_parse("dump=all", &out);
    assert_false(guest_options.dump_vmcs);
    assert_int_equal(out.problem_count, 1);

    command_line_parse("check-entry=always", &out);
    assert_int_equal(guest_options.check_entry, CHECK_ENTRY_ALWAYS);
    assert_int_equal(out.problem_count, 0);
    command_line_parse("check-entry=always check-entry=failed", &out);
    assert_int_equal(guest_options.check_entry, CHECK_ENTRY_FAILED);
    command_line_parse("check-entry", &out);
    assert_int_equal(out.problem_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_console),
        cmocka_unit_test(test_console_twice),
        cmocka_unit_test(test_console_mistyped),
        cmocka_unit_test(test_chaos),
        cmocka_unit_test(test_pretend),
        cmocka_unit_test(test_pretend_full),
        cmocka_unit_test(test_pretend_bad),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_what_tools_run_reads_too),
        cmocka_unit_test(test_boot_goes_on),
        cmocka_unit_test(test_check_entry),
        cmocka_unit_test(test_many_problems),
        cmocka_unit_test(test_odd_characters),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_guest_words),
        cmocka_unit_test(test_random_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
