#include "kernel/command_line.h"

#include "lib/format.h"
#include "lib/string.h"

bool command_text_is(struct command_text text, const char *name)
{
    return strlen(name) == text.length && strncmp(text.start, name, text.length) == 0;
}

struct command_text command_text_cut(struct command_text *rest, char separator)
{
    struct command_text head = {rest->start, 0};

    while (head.length < rest->length && head.start[head.length] != separator)
        head.length++;
    rest->start += head.length;
    rest->length -= head.length;
    if (rest->length > 0) {
        rest->start++;
        rest->length--;
    }
    return head;
}

bool command_text_cut_cpu(struct command_text *text, uint32_t *cpu)
{
    enum { PREFIX = 3 };
    struct command_text rest = *text;
    struct command_text head = command_text_cut(&rest, ':');
    uint64_t number;

    if (head.length == text->length || strncmp(head.start, "cpu", PREFIX) != 0 ||
        !command_text_number((struct command_text){head.start + PREFIX, head.length - PREFIX}, 10,
                             UINT32_MAX, &number))
        return false;
    *cpu = (uint32_t)number;
    *text = rest;
    return true;
}

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : UINT32_MAX;
}

bool command_text_number(struct command_text text, unsigned base, uint64_t most, uint64_t *value)
{
    if (base == 16 && text.length > 2 && text.start[0] == '0' && text.start[1] == 'x') {
        text.start += 2;
        text.length -= 2;
    }
    *value = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = digit_value(text.start[i]);

        if (digit >= base || *value > (most - digit) / base)
            return false;
        *value = *value * base + digit;
    }
    return text.length > 0;
}

/* Characters that a console should not be sent become question marks. */
void command_line_problem(struct command_line *out, const char *before, struct command_text word,
                          const char *after)
{
    enum { SHOWN = 40 }; /* characters of the word */
    char *problem;

    if (out->problem_count == COMMAND_LINE_PROBLEMS_MAX) {
        out->problem_lost++;
        return;
    }
    problem = out->problem[out->problem_count++];
    format_text(problem, COMMAND_LINE_PROBLEM_SIZE, "%s \"%.*s%s\": %s", before,
                (int)(word.length < SHOWN ? word.length : SHOWN), word.start,
                word.length > SHOWN ? "..." : "", after);
    for (; *problem != '\0'; problem++) {
        if (*problem < ' ' || *problem > '~')
            *problem = '?';
    }
}

static void print_unknown(struct command_line *out, struct command_text word)
{
    char after[WORD_HINT_SIZE] = "this kernel has no such word";

    SET_FOR_EACH(word_hints, hint)
        (*hint)(word, after);
    command_line_problem(out, "unknown word", word, after);
}

static enum word_outcome take_choice(struct command_line *out, const struct command_word *known,
                                     struct command_text value)
{
    struct command_text choices = {known->values, strlen(known->values)};

    for (unsigned i = 0; i == 0 || choices.length > 0; i++) {
        struct command_text choice = command_text_cut(&choices, '|');

        if (choice.length != value.length || strncmp(choice.start, value.start, value.length) != 0)
            continue;
        if (known->choose != NULL)
            known->choose(out, i);
        else
            *(unsigned *)known->option = i + 1;
        return WORD_TAKEN;
    }
    return WORD_BAD;
}

static void take_word(struct command_line *out, struct command_text word)
{
    struct command_text value = word;
    struct command_text key = command_text_cut(&value, '=');
    const struct command_word *known = NULL;
    enum word_outcome outcome;
    char after[96];

    SET_FOR_EACH(words, item) {
        if (command_text_is(key, (*item)->name))
            known = *item;
    }
    if (known == NULL) {
        print_unknown(out, word);
        return;
    }
    outcome = known->take != NULL ? known->take(out, value) : take_choice(out, known, value);
    if (outcome == WORD_FULL) {
        command_line_problem(out, "no room for", word, "this word stands too often");
    } else if (outcome == WORD_BAD) {
        if (known->mistyped != NULL)
            *known->mistyped = true;
        format_text(after, sizeof(after), "expected %s%s%s", known->name,
                    known->values[0] != '\0' ? "=" : " alone", known->values);
        command_line_problem(out, "bad value in", word, after);
    }
}

void command_line_parse(const char *line, struct command_line *out)
{
    memset(out, 0, sizeof(*out));
    SET_FOR_EACH(words, known) {
        if ((*known)->option != NULL)
            memset((*known)->option, 0, (*known)->option_bytes);
    }
    out->stop = VMX_STAGE_GUEST; /* the others begin with 0 */
    while (*line != '\0') {
        struct command_text word = {line, 0};

        while (word.start[word.length] != '\0' && word.start[word.length] != ' ' &&
               word.start[word.length] != '\t')
            word.length++;
        if (word.length > 0)
            take_word(out, word);
        line += word.length + (line[word.length] != '\0' ? 1 : 0);
    }
}
