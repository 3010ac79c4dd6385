#include "tools/capability/command.h"

#include "tools/capability/loop.h"
#include "tools/capability/number.h"

static const char ends[] = " \t;&|#)`<"; /* of a word of the shell, but for quotes */
static const char register_expected[] = "as rdmsr's register 0x3a, or 0x480 to 0x493";

static bool take_decimal(struct piece piece, unsigned *value)
{
    enum { DIGITS_MAX = 8 };

    *value = 0;
    for (size_t i = 0; i < piece.length; i++) {
        if (!char_is_digit(piece.start[i]))
            return false;
        *value = *value * 10 + (unsigned)(piece.start[i] - '0');
    }
    return piece.length > 0 && piece.length <= DIGITS_MAX;
}

bool command_find(struct piece line, struct piece *rest)
{
    while (line.length > 0) {
        struct piece word = piece_word(&line, " \t`;&|($/");

        if (piece_is(word, "rdmsr") && piece_first(line) != '(') {
            *rest = line;
            return true;
        }
    }
    return false;
}

bool command_register(struct piece word, uint32_t *msr)
{
    struct number number;
    struct piece rest = word;

    if (!number_take_plain(&rest, &number) || rest.length > 0)
        return false;
    *msr = number.is_decimal ? (uint32_t)number.decimal : (uint32_t)number.value;
    return true;
}

/* Would its digits, which rdmsr takes for decimal, be the address of a known MSR in hex? */
static bool is_mistaken(struct piece word)
{
    uint64_t address;

    return piece_hex(word, -1, 4, &address) && dump_msr_is_known(address);
}

void command_add(struct command *command, uint32_t msr)
{
    if (command->count < COMMAND_REGISTERS_MAX)
        command->msr[command->count++] = msr;
}

enum argument { ARGUMENT_NONE, ARGUMENT_CPU, ARGUMENT_OTHER };

/* What an option changes. Those that are none of these leave the value hex and whole. */
static const struct option {
    char letter;
    const char *name; /* of msr-tools, and those that people remember */
    enum argument argument;
    bool all;
    unsigned base;
} options[] = {
    {'a', "all", ARGUMENT_NONE, true, 0},       {'p', "processor", ARGUMENT_CPU, false, 0},
    {'\0', "cpu", ARGUMENT_CPU, false, 0},      {'x', "hexadecimal", ARGUMENT_NONE, false, 16},
    {'d', "decimal", ARGUMENT_NONE, false, 10}, {'u', "unsigned", ARGUMENT_NONE, false, 10},
    {'o', "octal", ARGUMENT_NONE, false, 1},    {'f', "bitfield", ARGUMENT_OTHER, false, 1},
    {'r', "raw", ARGUMENT_NONE, false, 1},
};

static const struct option *option_find(struct piece word, size_t letter)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (letter == 0 ? piece_is(word, options[i].name)
                        : options[i].letter != '\0' && word.start[letter] == options[i].letter)
            return &options[i];
    }
    return NULL;
}

static void apply(struct command *command, const struct option *option, struct piece argument,
                  struct piece *rest)
{
    if (option == NULL)
        return;
    command->all = command->all || option->all;
    if (option->base != 0)
        command->base = option->base;
    if (option->argument == ARGUMENT_NONE)
        return;
    if (argument.length == 0)
        argument = piece_word(rest, ends);
    if (option->argument == ARGUMENT_CPU && piece_find(argument, '$') < argument.length)
        command->rounds = true;
    else if (option->argument == ARGUMENT_CPU)
        take_decimal(argument, &command->cpu);
}

static void take_option(struct command *command, struct piece word, struct piece *rest)
{
    size_t equals = piece_find(word, '=');
    struct piece argument = piece_after(word, equals < word.length ? equals + 1 : equals);

    if (piece_starts(word, "--")) {
        word.length = equals;
        apply(command, option_find(piece_after(word, 2), 0), argument, rest);
        return;
    }
    for (size_t i = 1; i < word.length; i++) {
        const struct option *option = option_find(word, i);

        apply(command, option, piece_after(word, i + 1), rest);
        if (option != NULL && option->argument != ARGUMENT_NONE)
            return;
    }
}

/* The registers and options up to the end of the command; `*rest` is then after it. */
static void take_words(struct command *command, struct piece line, struct piece *rest)
{
    uint32_t msr;

    for (;;) {
        struct piece word, prefix;

        *rest = piece_skip(*rest, " \t");
        if (char_is_one_of(piece_first(*rest), "\"'") &&
            (piece_at(*rest, 1) == '$' || char_is_digit(piece_at(*rest, 1))))
            *rest = piece_after(*rest, 1);
        if (rest->length == 0 || char_is_one_of(piece_first(*rest), ";&|#)`\"'<"))
            return;
        word = *rest;
        piece_word(rest, " \t;&|#)`\"'<");
        word.length -= rest->length;
        if (piece_first(word) != '-' && piece_find(word, '$') < word.length) {
            command->loop = true;
            if (!command->rounds &&
                loop_variable(piece_after(line, (size_t)(word.start - line.start)), &prefix))
                loop_registers(
                    loop_begins(line) || command->loop_line.length == 0 ? line : command->loop_line,
                    prefix, command);
            return;
        }
        if (piece_first(word) == '-')
            take_option(command, word, rest);
        else if (!command_register(word, &msr))
            return;
        else
            command_add(command, msr);
        command->mistaken = command->mistaken || is_mistaken(word);
    }
}

void command_end(struct scan *scan, struct command *command, struct found_list *list)
{
    bool each = command->all || (command->rounds && command->done == 0);
    bool answered =
        command->count == 0 || command->done >= command->count || (each && command->values > 0);

    command->single = false;
    if (!answered && (command->loop || command->rounds) && command->values > 0)
        list->count = command->found; /* whose values these are cannot be known */
    if (!answered && list->count == command->found && command->text.length > 0)
        scan_passed(scan, command->line, command->text,
                    command->format == DUMP_NAMES ? "a value in hex behind it or on the next line"
                                                  : "the value that rdmsr printed");
    command->count = 0;
}

/* A command without a register, rather than prose about one? */
static bool is_meant(struct piece rest)
{
    rest = piece_skip(rest, " \t");
    return rest.length == 0 || char_is_digit(piece_first(rest)) || piece_first(rest) == '-';
}

void command_begin(struct scan *scan, struct command *command, struct found_list *list,
                   struct piece line, struct piece rest)
{
    command_end(scan, command, list);
    *command = (struct command){.loop_line = command->loop_line,
                                .line = scan->line,
                                .text = line,
                                .found = list->count,
                                .base = 16,
                                .format = DUMP_RDMSR};
    do {
        take_words(command, line, &rest);
    } while (!command->loop && command_find(rest, &rest));
    command->loop_line.length = 0;
    if (command->count == 0 && is_meant(rest))
        scan_passed(scan, scan->line, line, register_expected);
}

void command_await(struct scan *scan, struct command *command, struct found_list *list,
                   struct piece line, uint32_t msr, unsigned cpu)
{
    command_end(scan, command, list);
    *command = (struct command){.msr = {msr},
                                .count = 1,
                                .cpu = cpu,
                                .line = scan->line,
                                .text = line,
                                .found = list->count,
                                .base = 16,
                                .format = DUMP_NAMES};
}

bool command_failed(struct scan *scan, struct command *command, struct piece line)
{
    static const char *const messages[] = {"rdmsr:", "pread:", "cannot read msr"};

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        if (piece_has_folded(line, messages[i])) {
            if (scan->list->reading.failed == 0)
                scan->list->reading.failed = scan->line;
            command->done += command->count > 0;
            return true;
        }
    }
    return false;
}

struct piece command_unsigned(const struct command *command, struct piece line)
{
    return piece_after(line, command->base == 10 && piece_first(line) == '-');
}

/* `echo $i` in a loop, before the value of that register; no capability MSR has such a value. */
static bool is_echo(const struct number *number, uint32_t msr)
{
    return number->separator == 0 &&
           (number->value == msr || (number->is_decimal && number->decimal == msr));
}

bool command_value(struct scan *scan, struct command *command, struct found_list *list,
                   struct piece line, bool decimal)
{
    struct piece rest = command_unsigned(command, line);
    bool negative = rest.start > line.start;
    struct number number;
    uint32_t msr;
    uint64_t value;
    unsigned base = command->base == 16 && decimal ? 10 : command->base;

    if (command->count == 0 && command->single)
        return scan_expected(scan, line, "one value below each rdmsr without -a");
    number_take(&rest, &number);
    if (command->count == 0 || command->done >= command->count) {
        if (number.prefixed || number.digits > 8)
            scan_passed(scan, scan->line, line, "the address of an MSR before it, or rdmsr above");
        return true;
    }
    if (number.prefixed)
        base = 16;
    msr = command->msr[command->done];
    if (command->loop && is_echo(&number, msr))
        return true;
    value = base == 10 ? number.decimal : number.value;
    if (base == 10 ? !number.is_decimal : base != 16 || number.digits > NUMBER_DIGITS_MAX) {
        scan_passed(scan, scan->line, line, "a value in hex, whole");
        command->done += !command->all;
        return true;
    }
    if (!dump_msr_is_known(msr) && command->mistaken)
        scan_passed(scan, command->line, command->text, register_expected);
    if (dump_msr_is_known(msr)) {
        found_add(list, (struct found){.msr = msr,
                                       .value = negative ? 0 - value : value,
                                       .cpu = command->cpu + (command->all ? command->values : 0),
                                       .line = scan->line,
                                       .columns = 1});
        scan_saw(scan, command->format);
    }
    command->values++;
    if (command->all)
        return true;
    command->done++;
    if (command->done == command->count && command->rounds) {
        command->done = 0;
        command->cpu++;
    } else if (command->done == command->count) {
        command->count = 0;
        command->single = true;
    }
    return true;
}
