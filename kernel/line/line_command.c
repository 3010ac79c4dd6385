#include "kernel/line/line_command.h"

#include "kernel/words/nearest.h"
#include "lib/string.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct command_text without_indent(struct command_text line)
{
    for (; line.length > 0 && is_blank(*line.start); line.length--)
        line.start++;
    return line;
}

struct command_text line_word(struct command_text *rest)
{
    struct command_text word = without_indent(*rest);
    size_t length = 0;

    while (length < word.length && !is_blank(word.start[length]))
        length++;
    *rest = without_indent((struct command_text){word.start + length, word.length - length});
    word.length = length;
    return word;
}

bool line_next(struct command_text *script, const char *prompt, char line[LINE_SIZE],
               struct sink *echo)
{
    bool is_command = false;

    while (script->length > 0 && !is_command) {
        struct command_text one = without_indent(command_text_cut(script, '\n'));

        format_text(line, LINE_SIZE, "%.*s", (int)one.length, one.start);
        is_command = line[0] != '#' && line[0] != '\0';
        print_to(echo, "%s%s\n", is_command ? prompt : "", line);
    }
    return is_command;
}

/* A name of one word or two. */
static bool cut_name(struct command_text *line, struct command_text name)
{
    struct command_text rest = *line;

    while (name.length > 0) {
        struct command_text wanted = line_word(&name), word = line_word(&rest);

        if (word.length != wanted.length || strncmp(word.start, wanted.start, word.length) != 0)
            return false;
    }
    *line = rest;
    return true;
}

uint32_t line_command_find(const struct line_language *language, struct command_text *line)
{
    uint32_t n = 0;

    *line = without_indent(*line);
    for (; n < language->count; n++) {
        const char *name = language->commands[n].name;

        if (cut_name(line, (struct command_text){name, strlen(name)}))
            break;
    }
    return n;
}

static struct command_text arguments_of(const struct line_command *command)
{
    return (struct command_text){command->arguments, strlen(command->arguments)};
}

static int next_kind(const struct line_language *language, struct command_text *kinds)
{
    struct command_text word = command_text_cut(kinds, ' ');
    char kind;

    if (word.length == 0)
        return LINE_END;
    kind = word.start[word.start[0] == '['];
    return strchr("CHNT", kind) != NULL || strchr(language->kinds, kind) != NULL ? kind
                                                                                 : LINE_VALUE;
}

static bool is_number(struct command_text text, uint64_t *value)
{
    bool hex = text.length > 2 && strncmp(text.start, "0x", 2) == 0;

    return command_text_number(text, hex ? 16 : 10, UINT64_MAX, value);
}

static bool is_named(const struct line_language *language, int kind, struct command_text word,
                     uint64_t *value)
{
    uint32_t n;

    return completion_find(language->names, kind, word.start, word.length, &n) &&
           language->value(kind, n, value);
}

/* Up to an operator. */
static size_t term_length(struct command_text text)
{
    size_t length = 0;

    while (length < text.length && strchr("+-|&", text.start[length]) == NULL)
        length++;
    return length;
}

/* TERM{OPERATOR TERM}, without spaces. */
static bool is_value(const struct line_language *language, struct command_text text,
                     uint64_t *value)
{
    for (int before = '|'; before != '\0';) {
        struct command_text term = {text.start, term_length(text)};
        uint64_t operand;

        if (!is_number(term, &operand) && !is_named(language, LINE_VALUE, term, &operand))
            return false;
        *value = before == '+'   ? *value + operand
                 : before == '-' ? *value - operand
                 : before == '|' ? *value | operand
                                 : *value & operand;
        before = term.length < text.length ? text.start[term.length++] : '\0';
        text = (struct command_text){text.start + term.length, text.length - term.length};
    }
    return true;
}

bool line_meaning(const struct line_language *language, int kind, struct command_text word,
                  uint64_t *value)
{
    *value = 0;
    if (kind == LINE_VALUE)
        return is_value(language, word, value);
    if (kind == LINE_NAME)
        return term_length(word) == word.length;
    return kind == LINE_HEX || kind == LINE_TEXT || is_named(language, kind, word, value) ||
           (kind != LINE_COMMAND && is_number(word, value));
}

bool line_is_taken(const struct line_language *language, struct command_text word)
{
    uint64_t value;
    bool taken = line_meaning(language, LINE_VALUE, word, &value);

    for (const char *kind = language->kinds; *kind != '\0'; kind++)
        taken = taken || line_meaning(language, *kind, word, &value);
    return taken;
}

static void print_unknown(const struct line_language *language, int kind, struct command_text word,
                          struct sink *sink)
{
    struct nearest nearest = {.typed = word.start, .length = word.length};
    char name[COMPLETION_SIZE], near[COMPLETION_SIZE] = "";

    for (uint32_t n = 0; language->names(kind, n, name); n++) {
        nearest_offer(&nearest, name);
        if (nearest.name == name)
            nearest.name = memcpy(near, name, sizeof(near));
    }
    print_to(sink, "unknown here: \"%.*s\"%s%s\n", (int)word.length, word.start,
             nearest.name != NULL ? "; the nearest is " : "", near);
}

/* In hex, a space between; false: `text` becomes the one that is none. */
static bool are_bytes(struct command_text *text)
{
    struct command_text rest = *text;
    uint64_t byte;

    while (rest.length > 0) {
        struct command_text word = line_word(&rest);

        if (!command_text_number(word, 16, UINT8_MAX, &byte)) {
            *text = word;
            return false;
        }
    }
    return true;
}

static unsigned bits_of(const struct line_language *language, char letter)
{
    const struct line_width *width = language->widths;

    while (width->letter != letter && width->letter != '\0')
        width++;
    return width->letter != '\0' ? width->bits : LINE_BITS_MAX;
}

void line_help(const struct line_language *language, const struct line_arguments *given,
               struct sink *sink)
{
    const struct line_command *of = language->commands;

    for (uint32_t n = 0; n < language->count; n++, of++) {
        if (given->count == 0 || given->value[0] == n)
            print_to(sink, "  %-9s %-28s %s\n", of->name, of->arguments, of->help);
    }
}

bool line_command_take(const struct line_language *language, uint32_t command,
                       struct command_text rest, struct line_arguments *out, struct sink *sink)
{
    const struct line_command *of = &language->commands[command];
    struct command_text kinds;

    if (command == language->count) {
        if (rest.length > 0)
            print_unknown(language, LINE_COMMAND, rest, sink);
        return false;
    }
    memset(out, 0, sizeof(*out));
    for (kinds = arguments_of(of); kinds.length > 0 && rest.length > 0; out->count++) {
        unsigned bits = bits_of(language, kinds.start[kinds.start[0] == '[']);
        int kind = next_kind(language, &kinds);
        bool is_all = kind == LINE_TEXT || kind == LINE_COMMAND || kind == LINE_HEX;
        struct command_text word = is_all ? rest : line_word(&rest);

        if ((kind == LINE_HEX && !are_bytes(&word)) ||
            !line_meaning(language, kind, word, &out->value[out->count])) {
            print_unknown(language, kind, word, sink);
            return false;
        }
        if (bits < LINE_BITS_MAX && out->value[out->count] >> bits != 0) {
            print_to(sink, "more than %u bits: \"%.*s\"\n", bits, (int)word.length, word.start);
            return false;
        }
        if (kind == LINE_NAME || kind == LINE_TEXT || kind == LINE_HEX)
            out->text = word;
        rest.length = is_all ? 0 : rest.length;
    }
    if ((kinds.length == 0 || *kinds.start == '[') && rest.length == 0)
        return true;
    print_to(sink, "expected: %s %s\n", of->name, of->arguments);
    return false;
}

size_t line_complete(const struct line_language *language, const char *line, char *more,
                     struct sink *list)
{
    struct command_text rest = without_indent((struct command_text){line, strlen(line)}), kinds;
    const char *start = rest.start;
    uint32_t command = line_command_find(language, &rest);
    int kind;

    if (command == language->count || !is_blank(rest.start[-1]))
        return completion_add(language->names, LINE_COMMAND, start, more, list);
    kinds = arguments_of(&language->commands[command]);
    for (kind = next_kind(language, &kinds); kind != LINE_END && strchr(rest.start, ' ') != NULL;
         kind = next_kind(language, &kinds))
        (void)line_word(&rest);
    return completion_add(language->names, kind, rest.start, more, list);
}
