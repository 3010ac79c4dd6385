#include "tools/capability/loop.h"

#include "lib/format.h"
#include "tools/capability/number.h"

static bool is_name(char c)
{
    return char_is_letter(c) || char_is_digit(c) || c == '_';
}

/* `$i` or `${i}`, with nothing of the same word behind it. */
static bool is_variable(struct piece rest)
{
    bool brace = piece_at(rest, 1) == '{';

    rest = piece_after(rest, brace ? 2 : 1);
    if (!char_is_letter(piece_first(rest)) && piece_first(rest) != '_')
        return false;
    while (is_name(piece_first(rest)))
        rest = piece_after(rest, 1);
    if (brace && piece_first(rest) != '}')
        return false;
    rest = piece_after(rest, brace);
    return rest.length == 0 || char_is_one_of(piece_first(rest), " \t;&|#)`\"'<");
}

bool loop_variable(struct piece rest, struct piece *prefix)
{
    static const char *const hex[] = {"$((0x$", "$((16#$"};
    size_t dollar = piece_find(rest, '$');

    for (size_t i = 0; i < sizeof(hex) / sizeof(hex[0]); i++) {
        if (piece_starts(rest, hex[i])) {
            *prefix = piece_of("0x");
            return is_variable(piece_after(rest, piece_of(hex[i]).length - 1));
        }
    }
    *prefix = (struct piece){rest.start, dollar};
    return dollar < rest.length && is_variable(piece_after(rest, dollar));
}

bool loop_begins(struct piece line)
{
    struct piece word;

    do
        word = piece_word(&line, " \t$#");
    while (word.length > 0 && !piece_is(word, "for"));
    if (word.length == 0)
        return false;
    piece_word(&line, " \t");
    return piece_is(piece_word(&line, " \t"), "in");
}

/* The register of a word with `prefix` before it and `suffix` behind it. */
static bool add_text(struct command *command, struct piece prefix, struct piece word,
                     struct piece suffix)
{
    char text[48];
    uint32_t msr;

    format_text(text, sizeof(text), "%.*s%.*s%.*s", (int)prefix.length, prefix.start,
                (int)word.length, word.start, (int)suffix.length, suffix.start);
    if (!command_register(piece_of(text), &msr))
        return false;
    command_add(command, msr);
    return true;
}

/* A shell writes the numbers of a sequence in decimal. */
static bool add_sequence(struct command *command, struct piece prefix, uint32_t first,
                         uint32_t last, struct piece suffix)
{
    for (uint32_t i = first; i <= last && i - first < COMMAND_REGISTERS_MAX; i++) {
        char text[16];

        format_text(text, sizeof(text), "%u", i);
        if (!add_text(command, prefix, piece_of(text), suffix))
            return false;
    }
    return true;
}

/* What stands in braces with two dots: numbers, or letters. */
static bool add_range(struct command *command, struct piece prefix, struct piece first,
                      struct piece last, struct piece suffix)
{
    uint32_t from, to;

    if (first.length == 1 && last.length == 1 && char_is_letter(*first.start)) {
        for (char c = *first.start; c <= *last.start; c++) {
            if (!add_text(command, prefix, (struct piece){&c, 1}, suffix))
                return false;
        }
        return true;
    }
    return command_register(first, &from) && command_register(last, &to) &&
           add_sequence(command, prefix, from, to, suffix);
}

/* A word of the list, with one pair of braces at most. */
static bool add_word(struct command *command, struct piece prefix, struct piece word)
{
    char head[32];
    size_t open = piece_find(word, '{'), close = piece_find(word, '}');
    struct piece inner, suffix, item;
    size_t dots;

    if (open == word.length || close < open || close == word.length)
        return add_text(command, prefix, word, (struct piece){NULL, 0});
    format_text(head, sizeof(head), "%.*s%.*s", (int)prefix.length, prefix.start, (int)open,
                word.start);
    inner = (struct piece){word.start + open + 1, close - open - 1};
    suffix = piece_after(word, close + 1);
    dots = piece_find(inner, '.');
    if (piece_starts(piece_after(inner, dots), ".."))
        return add_range(command, piece_of(head), (struct piece){inner.start, dots},
                         piece_after(inner, dots + 2), suffix);
    while ((item = piece_word(&inner, ",")).length > 0) {
        if (!add_text(command, piece_of(head), item, suffix))
            return false;
    }
    return true;
}

/* The numbers behind the word seq: the first, a step of 1, the last. */
static bool add_seq(struct command *command, struct piece prefix, struct piece *line)
{
    uint32_t number[3];
    unsigned count = 0;
    struct piece rest = *line;

    while (count < 3 && command_register(piece_word(&rest, " \t;$()`\"'"), &number[count])) {
        *line = rest;
        count++;
    }
    return count >= 2 && (count == 2 || number[1] == 1) &&
           add_sequence(command, prefix, number[0], number[count - 1], (struct piece){NULL, 0});
}

void loop_registers(struct piece line, struct piece prefix, struct command *command)
{
    static const char signs[] = " \t;$()`\"'";
    bool listed = false, good = true;

    for (struct piece word = piece_word(&line, signs); word.length > 0 && good;
         word = piece_word(&line, signs)) {
        if (piece_is(word, "do") || piece_is(word, "rdmsr") || piece_is(word, "|"))
            break;
        if (piece_is(word, "seq")) {
            good = add_seq(command, prefix, &line);
            listed = true;
        } else if (piece_is(word, "in")) {
            listed = true;
        } else if (listed) {
            good = add_word(command, prefix, word);
        }
    }
    if (!good)
        command->count = 0;
}
