#include "kernel/command_line.h"

#include "kernel/console/serial.h"
#include "lib/format.h"
#include "lib/string.h"

/* A part of the command line. */
struct text {
    const char *start;
    size_t length;
};

enum outcome { TAKEN, BAD, FULL };

/* A row: what the pages show, and the one function that takes the value. */
struct row {
    struct command_word word;
    /* Where `values` is a list of names with | between them: takes the name's place in the list. */
    void (*choose)(struct command_line *out, unsigned choice);
    /* Otherwise. */
    enum outcome (*take)(struct command_line *out, struct text value);
};

static bool same(struct text text, const char *name)
{
    return strlen(name) == text.length && strncmp(text.start, name, text.length) == 0;
}

/* Cuts off what stands before the first `separator`; the whole and an empty rest without one. */
static struct text cut(struct text *rest, char separator)
{
    struct text head = {rest->start, 0};

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

static bool digit_value(char c, unsigned *value)
{
    if (c >= '0' && c <= '9')
        *value = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *value = (unsigned)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
        *value = (unsigned)(c - 'A') + 10;
    else
        return false;
    return true;
}

/* The whole text as a number of at most `most`; hex with or without 0x. */
static bool number(struct text text, unsigned base, uint64_t most, uint64_t *value)
{
    if (base == 16 && text.length > 2 && text.start[0] == '0' && text.start[1] == 'x') {
        text.start += 2;
        text.length -= 2;
    }
    *value = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit;

        if (!digit_value(text.start[i], &digit) || digit >= base)
            return false;
        if (*value > (most - digit) / base)
            return false;
        *value = *value * base + digit;
    }
    return text.length > 0;
}

static void choose_stop(struct command_line *out, unsigned choice)
{
    out->stop = (enum vmx_stage)choice;
}

static void choose_check_entry(struct command_line *out, unsigned choice)
{
    out->check_entry = (enum check_entry_word)choice;
}

static void choose_check(struct command_line *out, unsigned choice)
{
    out->check = (enum check_word)choice;
}

static enum outcome take_cpus(struct command_line *out, struct text value)
{
    uint64_t cpus;

    if (!number(value, 10, UINT32_MAX, &cpus) || cpus == 0)
        return BAD;
    out->cpus = (uint32_t)cpus;
    return TAKEN;
}

static enum outcome take_override(struct command_line *out, struct text value)
{
    struct override override = {.every_cpu = true};
    struct text head = cut(&value, ':');
    uint64_t parsed;

    if (head.length > 3 && strncmp(head.start, "cpu", 3) == 0) {
        if (!number((struct text){head.start + 3, head.length - 3}, 10, UINT32_MAX, &parsed))
            return BAD;
        override.every_cpu = false;
        override.cpu = (uint32_t)parsed;
        head = cut(&value, ':');
    }
    if (!number(head, 16, VMX_MSR_LAST, &parsed) || parsed < VMX_MSR_FIRST)
        return BAD;
    override.msr = (uint32_t)parsed;
    if (!number(value, 16, UINT64_MAX, &override.value))
        return BAD;
    if (out->override.count == OVERRIDES_MAX)
        return FULL;
    out->override.item[out->override.count++] = override;
    return TAKEN;
}

static enum outcome take_selftest(struct command_line *out, struct text value)
{
    static const char *const parts[] = {"instructions", "fields", "entry"};
    uint32_t chosen = 0;
    bool more = value.length > 0;

    if (!more)
        chosen = SELFTEST_STANDARD;
    while (more) {
        struct text rest = value;
        struct text name = cut(&rest, ',');
        unsigned part = 0;

        while (part < sizeof(parts) / sizeof(parts[0]) && !same(name, parts[part]))
            part++;
        if (part == sizeof(parts) / sizeof(parts[0]))
            return BAD;
        chosen |= 1u << part;
        more = name.length < value.length;
        value = rest;
    }
    out->selftest = chosen;
    return TAKEN;
}

/* Which names there are is known where the guests are: kernel/guest_choice.h. */
static enum outcome take_guest(struct command_line *out, struct text value)
{
    if (value.length == 0)
        return BAD;
    out->guests = value.start;
    return TAKEN;
}

static enum outcome take_random_rounds(struct command_line *out, struct text value)
{
    uint64_t rounds, seed = out->random.seed;
    struct text rest = value;
    struct text head = cut(&rest, ',');

    if (!number(head, 10, UINT32_MAX, &rounds))
        return BAD;
    if (head.length < value.length && !number(rest, 10, UINT64_MAX, &seed))
        return BAD;
    out->random = (struct random_plan){seed, (uint32_t)rounds};
    return TAKEN;
}

static void choose_trace(struct command_line *out, unsigned choice)
{
    (void)choice;
    out->trace_exits = true;
}

static void choose_dump(struct command_line *out, unsigned choice)
{
    (void)choice;
    out->dump_vmcs = true;
}

static void choose_bench(struct command_line *out, unsigned choice)
{
    (void)choice;
    out->bench_exits = true;
}

static void choose_report(struct command_line *out, unsigned choice)
{
    if (choice == REPORT_FULL)
        out->report_full = true;
    else
        out->report = (enum report_form)choice;
}

/* What Linux takes, too: a rate, and n8 for no parity and 8 bits. */
static bool take_baud(struct text text, unsigned *baud)
{
    uint64_t value;

    if (text.length > 2 && strncmp(text.start + text.length - 2, "n8", 2) == 0)
        text.length -= 2;
    if (!number(text, 10, SERIAL_BAUD_DEFAULT, &value) || value == 0 ||
        SERIAL_BAUD_DEFAULT % value != 0 || SERIAL_BAUD_DEFAULT / value > UINT16_MAX)
        return false;
    *baud = (unsigned)value;
    return true;
}

/* com1, which is Linux's ttyS0, to com4; or the port's number. */
static bool take_port(struct text text, uint16_t *port)
{
    uint64_t value;

    for (unsigned i = 0; i < SERIAL_STANDARD_PORTS; i++) {
        char names[2][8];

        format_text(names[0], sizeof(names[0]), "com%u", i + 1);
        format_text(names[1], sizeof(names[1]), "ttyS%u", i);
        if (same(text, names[0]) || same(text, names[1])) {
            *port = serial_standard_port(i);
            return true;
        }
    }
    if (text.length < 3 || strncmp(text.start, "0x", 2) != 0 ||
        !number(text, 16, SERIAL_PORT_LAST, &value) || value == 0)
        return false;
    *port = (uint16_t)value;
    return true;
}

static enum outcome take_console(struct command_line *out, struct text value)
{
    struct console_choice choice = {.lines = LINES_NONE};
    struct text rest = value;
    struct text name = cut(&rest, ',');

    if (out->console_given)
        choice = out->console;
    if (same(value, "screen") || same(value, "tty0")) {
        choice.screen = true;
    } else if (same(value, "both")) {
        choice.screen = true;
        choice.lines = LINES_FIRMWARE;
    } else {
        choice.lines = LINES_NAMED;
        choice.baud = SERIAL_BAUD_DEFAULT;
        if (!take_port(name, &choice.port) ||
            (name.length < value.length && !take_baud(rest, &choice.baud)))
            return BAD;
    }
    out->console = choice;
    out->console_given = true;
    return TAKEN;
}

static void choose_exit(struct command_line *out, unsigned choice)
{
    out->exit = (enum exit_action)choice;
}

#define COMMAND_WORD(name, values, how, standard, meaning) {{name, values, standard, meaning}, how},
static const struct row rows[COMMAND_WORD_COUNT] = {
#include "kernel/command_line.def"
};
#undef COMMAND_WORD

const struct command_word *command_line_word(unsigned index)
{
    return &rows[index].word;
}

/* Enters a sentence, with what a console should not be sent made into question marks. */
static void add_problem(struct command_line *out, const char *before, struct text word,
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

static bool in_a_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

/* What may have been meant for a name ends at the first character that no name has. */
static void print_unknown(struct command_line *out, struct text word)
{
    struct nearest nearest = {.typed = word.start};
    char after[64] = "no known one is near";

    while (nearest.length < word.length && in_a_name(word.start[nearest.length]))
        nearest.length++;
    for (unsigned i = 0; i < COMMAND_WORD_COUNT; i++)
        nearest_offer(&nearest, rows[i].word.name);
    if (nearest.name != NULL) {
        format_text(after, sizeof(after), "the nearest known one is \"%s\"", nearest.name);
        out->console_wrong |= strcmp(nearest.name, "console") == 0;
    }
    add_problem(out, "unknown word", word, after);
}

static enum outcome take_choice(struct command_line *out, const struct row *row, struct text value)
{
    struct text choices = {row->word.values, strlen(row->word.values)};

    for (unsigned i = 0; choices.length > 0; i++) {
        struct text choice = cut(&choices, '|');

        if (choice.length == value.length &&
            strncmp(choice.start, value.start, value.length) == 0) {
            row->choose(out, i);
            return TAKEN;
        }
    }
    return BAD;
}

static void take_word(struct command_line *out, struct text word)
{
    struct text value = word;
    struct text key = cut(&value, '=');
    const struct row *row = rows;
    enum outcome outcome;
    char after[96];

    while (row < rows + COMMAND_WORD_COUNT && !same(key, row->word.name))
        row++;
    if (row == rows + COMMAND_WORD_COUNT) {
        print_unknown(out, word);
        return;
    }
    outcome = row->choose != NULL ? take_choice(out, row, value) : row->take(out, value);
    if (outcome == FULL) {
        add_problem(out, "no room for", word, "this word stands too often");
    } else if (outcome == BAD) {
        out->console_wrong |= row->take == take_console;
        format_text(after, sizeof(after), "expected %s%s%s", row->word.name,
                    row->word.values[0] != '\0' ? "=" : " alone", row->word.values);
        add_problem(out, "bad value in", word, after);
    }
}

void command_line_no_port(struct command_line *line)
{
    struct text word = {"console", strlen("console")};

    add_problem(line, "no serial port answers for", word, "it goes to every one that does");
}

void command_line_parse(const char *line, struct command_line *out)
{
    memset(out, 0, sizeof(*out));
    out->stop = VMX_STAGE_GUEST;
    out->check = CHECK_AUTO;
    out->report = REPORT_TEXT;
    out->console = (struct console_choice){.screen = true, .lines = LINES_FIRMWARE};
    out->random = (struct random_plan){.seed = 1, .rounds = COMMAND_LINE_RANDOM_ROUNDS};
    out->exit = EXIT_HALT;
    while (*line != '\0') {
        struct text word = {line, 0};

        while (word.start[word.length] != '\0' && word.start[word.length] != ' ' &&
               word.start[word.length] != '\t')
            word.length++;
        if (word.length > 0)
            take_word(out, word);
        line += word.length + (line[word.length] != '\0' ? 1 : 0);
    }
    if (out->console_wrong) /* whoever typed it may look at any of them */
        out->console = (struct console_choice){.screen = true, .lines = LINES_EVERY};
}
