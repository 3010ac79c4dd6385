/* vmxcap's command line: each word, and each way to get it wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/capability/options.h"

static struct options options;
static char error[OPTIONS_ERROR_MAX];

/* Parses the words of a line, apart by single spaces. */
static bool parse(const char *line)
{
    static char copy[512];
    char *words[64] = {"vmxcap"};
    int count = 1;

    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    return options_parse(count, words, &options, error);
}

static void assert_right(const char *line)
{
    if (!parse(line))
        fail_msg("%s: %s", line, error);
}

static void assert_wrong(const char *line, const char *words)
{
    assert_false(parse(line));
    if (strstr(error, words) == NULL)
        fail_msg("%s: %s; wanted: %s", line, error, words);
}

static void nothing_is_this_machine(void **state)
{
    (void)state;
    assert_right("");
    assert_int_equal(options.action, ACTION_REPORT);
    assert_int_equal(options.source_count, 0);
    assert_int_equal(options.check, CHECK_CHOICE_AUTO);
    assert_int_equal(options.colour, COLOUR_AUTO);
    assert_false(options.json);
}

static void sources_keep_their_order(void **state)
{
    (void)state;
    assert_right("a --row b - --json --row=c -- --d");
    assert_true(options.json);
    assert_int_equal(options.source_count, 5);
    assert_string_equal(options.source[0].name, "a");
    assert_false(options.source[0].row);
    assert_string_equal(options.source[1].name, "b");
    assert_true(options.source[1].row);
    assert_string_equal(options.source[2].name, "-");
    assert_false(options.source[2].row);
    assert_string_equal(options.source[3].name, "c");
    assert_true(options.source[3].row);
    assert_string_equal(options.source[4].name, "--d");
}

static void actions(void **state)
{
    (void)state;
    assert_right("--basic 0xda040000000012");
    assert_int_equal(options.action, ACTION_BASIC);
    assert_int_equal(options.basic, 0xda040000000012);
    assert_right("--basic da040000000012"); /* as files may have it */
    assert_int_equal(options.basic, 0xda040000000012);
    assert_right("--diff a b");
    assert_int_equal(options.action, ACTION_DIFF);
    assert_string_equal(options.diff[0], "a");
    assert_string_equal(options.diff[1], "b");
    assert_right("--diff - b");
    assert_right("--diff a -");
    assert_right("--find x file");
    assert_int_equal(options.action, ACTION_FIND);
    assert_string_equal(options.expression, "x");
    assert_int_equal(options.source_count, 1);
    assert_right("--list");
    assert_int_equal(options.action, ACTION_LIST);
    assert_right("--features");
    assert_int_equal(options.action, ACTION_FEATURES);
    assert_right("--requires");
    assert_int_equal(options.action, ACTION_REQUIRES);
    assert_right("-h");
    assert_int_equal(options.action, ACTION_HELP);
    assert_right("--help");
    assert_int_equal(options.action, ACTION_HELP);
    assert_right("--version");
    assert_int_equal(options.action, ACTION_VERSION);
}

static void choices(void **state)
{
    (void)state;
    assert_right("--check kvm --color");
    assert_int_equal(options.check, CHECK_CHOICE_KVM);
    assert_int_equal(options.colour, COLOUR_ALWAYS);
    assert_right("--check=strict --color=never");
    assert_int_equal(options.check, CHECK_CHOICE_STRICT);
    assert_int_equal(options.colour, COLOUR_NEVER);
    assert_right("--check auto --color=auto");
    assert_int_equal(options.check, CHECK_CHOICE_AUTO);
    assert_int_equal(options.colour, COLOUR_AUTO);
}

static void wrong_use(void **state)
{
    static char many[2048];

    (void)state;
    assert_wrong("--frob", "unknown option --frob; the nearest known one is --");
    assert_wrong("--cheque=kvm", "unknown option --cheque; the nearest known one is --check");
    assert_wrong("-x", "unknown option -x");
    assert_wrong("--row", "--row needs a value");
    assert_wrong("--find", "--find needs a value");
    assert_wrong("--check", "--check needs a value");
    assert_wrong("--check lax", "--check lax: expected auto, kvm or strict");
    assert_wrong("--color=red", "--color=red: expected auto, always or never");
    assert_wrong("--basic x", "expected a value of 1 to 16 hex digits");
    assert_wrong("--basic 0x", "expected a value of 1 to 16 hex digits");
    assert_wrong("--basic 480:1", "expected a value of 1 to 16 hex digits");
    assert_wrong("--basic 0x12345678901234567", "expected a value of 1 to 16 hex digits");
    assert_wrong("--diff a", "expected a second row or file");
    assert_wrong("--diff a --json", "expected a second row or file");
    assert_wrong("--diff a b c", "`c` is one word too many");
    assert_wrong("--list a", "`a` is one word too many");
    assert_wrong("--list --row a", "`a` is one word too many");
    assert_wrong("--list --find x", "only one of");
    assert_wrong("--json --list", "--json is for reports");
    for (int i = 0; i < 60; i++)
        strcat(many, "f ");
    assert_right(many);
}

static void too_many_sources(void **state)
{
    char *words[SOURCES_MAX + 3] = {"vmxcap"};

    (void)state;
    for (int i = 1; i <= SOURCES_MAX + 1; i++)
        words[i] = "f";
    assert_true(options_parse(SOURCES_MAX + 1, words, &options, error));
    assert_false(options_parse(SOURCES_MAX + 2, words, &options, error));
    assert_non_null(strstr(error, "more than 256"));
    words[1] = "--";
    assert_false(options_parse(SOURCES_MAX + 3 - 1, words, &options, error) &&
                 options.source_count > SOURCES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_this_machine),
        cmocka_unit_test(sources_keep_their_order),
        cmocka_unit_test(actions),
        cmocka_unit_test(choices),
        cmocka_unit_test(wrong_use),
        cmocka_unit_test(too_many_sources),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
