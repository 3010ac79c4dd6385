/*
 * Lines taken apart after a table that is made up here: what a line means must follow from what
 * kernel/line/line_command.h says, whatever the commands are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "kernel/line/line_command.h"

enum { MAKE, MAKE_UP, PUT, SAY, EXPLAIN, FILL, COMMANDS };
static const struct line_command commands[COMMANDS] = {
    [MAKE] = {"make", "NAME [VALUE", ""},       [MAKE_UP] = {"make up", "NAME TEXT", ""},
    [PUT] = {"put", "PLACE ADDRESS [SIZE", ""}, [SAY] = {"say", "TEXT", ""},
    [FILL] = {"fill", "ADDRESS HEX", ""},       [EXPLAIN] = {"explain", "[COMMAND", ""},
};
static const char *const places[] = {"North", "north-west", "South"};
static const uint64_t numbers[] = {7, 8, 9};

static bool names(int kind, uint32_t n, char *name)
{
    const char *text = NULL;

    if (kind == 'P' && n < 3)
        text = places[n];
    else if (kind == LINE_VALUE && n < 1)
        text = "seven";
    else if (kind == LINE_COMMAND && n < COMMANDS)
        text = commands[n].name;
    if (text != NULL)
        strcpy(name, text);
    return text != NULL;
}

static bool value_of(int kind, uint32_t n, uint64_t *value)
{
    *value = kind == LINE_COMMAND ? n : numbers[n];
    return true;
}

static const struct line_language language = {
    commands, COMMANDS, "P", names, value_of, (const struct line_width[]){{'S', 4}, {0, 0}}};

static struct line_arguments given;
static char told[128];

/* The command's number, or -1 where it is told what is wrong. */
static int take(const char *line)
{
    struct command_text rest = {line, strlen(line)};
    uint32_t command = line_command_find(&language, &rest);
    struct text_buffer buffer;

    text_buffer_init(&buffer, told, sizeof(told));
    return line_command_take(&language, command, rest, &given, &buffer.sink) ? (int)command : -1;
}

static void a_command_is_a_whole_word_or_two(void **state)
{
    (void)state;
    assert_int_equal(take("make a"), MAKE);
    assert_int_equal(take("say up"), SAY);
    assert_int_equal(take("explain"), EXPLAIN);
    assert_int_equal(given.count, 0);
    assert_int_equal(take(" \t make a"), MAKE);
    assert_memory_equal(given.text.start, "a", 1);
    assert_int_equal(take("\tsay up"), SAY);
    assert_int_equal(take("  "), -1); /* no command, but nothing wrong either */
    assert_string_equal(told, "");
    assert_int_equal(take("say \t  what  there is"), SAY);
    assert_int_equal(given.text.length, 14);
    assert_memory_equal(given.text.start, "what  there is", 15);
    assert_int_equal(take("put  south \t 3  4  "), PUT);
    assert_int_equal(given.value[2], 4);
    assert_int_equal(take("fill  1  0  ff "), FILL);
    assert_int_equal(take("makes a"), -1);
    assert_string_equal(told, "unknown here: \"makes a\"\n");
    assert_int_equal(take("sayx"), -1);
    assert_string_equal(told, "unknown here: \"sayx\"; the nearest is say\n");
}

static void arguments_are_of_their_kind(void **state)
{
    (void)state;
    assert_int_equal(take("put south 0x10+seven"), PUT);
    assert_int_equal(given.count, 2);
    assert_int_equal(given.value[0], 9);
    assert_int_equal(given.value[1], 23);
    assert_int_equal(given.value[2], 0);
    assert_int_equal(take("put 3 4 5"), PUT); /* a number will do for a name */
    assert_int_equal(given.value[0], 3);
    assert_int_equal(given.value[2], 5);
    assert_int_equal(take("put seven 1"), -1); /* which is no place */
    assert_int_equal(take("put nort 1"), -1);
    assert_string_equal(told, "unknown here: \"nort\"; the nearest is North\n");
    assert_int_equal(take("say what there is"), SAY);
    assert_int_equal(given.text.length, 13);
    assert_memory_equal(given.text.start, "what there is", 13);
    assert_int_equal(take("explain say"), EXPLAIN);
    assert_int_equal(given.value[0], SAY);
    assert_int_equal(take("explain 3"), -1);
    assert_int_equal(take("put 3 4 15"), PUT);
    assert_int_equal(take("put 3 16 5"), PUT);
    assert_int_equal(take("put 3 4 16"), -1);
    assert_string_equal(told, "more than 4 bits: \"16\"\n");
    assert_int_equal(take("fill 1 0 ff 0A"), FILL);
    assert_memory_equal(given.text.start, "0 ff 0A", given.text.length);
    assert_int_equal(given.text.length, 7);
    assert_int_equal(take("fill 1 0 100 1"), -1);
    assert_string_equal(told, "unknown here: \"100\"\n");
    assert_int_equal(take("fill 1"), -1);
    assert_int_equal(take("make a|b"), -1);
    assert_string_equal(told, "unknown here: \"a|b\"\n");
    assert_true(line_is_taken(&language, (struct command_text){"seven", 5}));
    assert_true(line_is_taken(&language, (struct command_text){"north", 5}));
    assert_true(line_is_taken(&language, (struct command_text){"12", 2}));
    assert_false(line_is_taken(&language, (struct command_text){"east", 4}));
}

static void what_is_missing_or_too_much_is_told(void **state)
{
    static const char *const lines[] = {"put", "put north", "put north 1 2 3",
                                        "say", "make",      "make a 1 2"};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(take(lines[i]), -1);
        assert_memory_equal(told, "expected: ", 10);
    }
    take("put north");
    assert_string_equal(told, "expected: put PLACE ADDRESS [SIZE\n");
    assert_int_equal(take("make a"), MAKE);
    assert_int_equal(given.text.length, 1);
}

static void a_script_is_echoed_command_by_command(void **state)
{
    struct command_text script = {"one\n\t\n # of the\n \t three #\n\n#end", 32};
    char line[LINE_SIZE];
    struct text_buffer echo;

    (void)state;
    text_buffer_init(&echo, told, sizeof(told));
    assert_true(line_next(&script, "> ", line, &echo.sink));
    assert_string_equal(line, "one");
    assert_string_equal(told, "> one\n");
    assert_true(line_next(&script, "> ", line, &echo.sink));
    assert_string_equal(line, "three #");
    assert_string_equal(told, "> one\n\n# of the\n> three #\n");
    assert_false(line_next(&script, "> ", line, &echo.sink));
    assert_string_equal(told, "> one\n\n# of the\n> three #\n\n#end\n");
    script = (struct command_text){"last", 4};
    assert_true(line_next(&script, "> ", line, &echo.sink));
    assert_false(line_next(&script, "> ", line, &echo.sink));
}

static void tab_goes_on_with_the_last_word(void **state)
{
    static const struct {
        const char *line, *more, *list;
    } rows[] = {
        {"", "", "make make up put say explain fill "},
        {"ma", "ke ", "make make up "},
        {"make", " ", "make make up "}, /* NAME, or the other one */
        {"say", " ", "say "},
        {"  ma", "ke ", "make make up "},
        {" \t", "", "make make up put say explain fill "},
        {"  put ", "", "North north-west South "},
        {" say", " ", "say "},
        {"put ", "", "North north-west South "},
        {"put n", "orth", "North north-west "},
        {"put s", "outh ", "South "},
        {"put south s", "even ", "seven "},
        {"put south 1 s", "even ", "seven "},
        {"put south 1 2 s", "", ""},
        {"say s", "", ""},
        {"make up x s", "", ""},
        {"explain s", "ay ", "say "},
        {"nothing s", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char more[COMPLETION_SIZE], text[64];
        struct text_buffer list;

        text_buffer_init(&list, text, sizeof(text));
        (void)line_complete(&language, rows[i].line, more, &list.sink);
        if (strcmp(more, rows[i].more) != 0 || strcmp(text, rows[i].list) != 0)
            fail_msg("%s: \"%s\", \"%s\"", rows[i].line, more, text);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_a_whole_word_or_two),
        cmocka_unit_test(arguments_are_of_their_kind),
        cmocka_unit_test(what_is_missing_or_too_much_is_told),
        cmocka_unit_test(a_script_is_echoed_command_by_command),
        cmocka_unit_test(tab_goes_on_with_the_last_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
