/*
 * Looks through a text for lines that give an MSR a value, and passes over everything else. Each
 * line is tried as what it can be: a command of rdmsr or its answer, a line of QEMU's listing, and
 * then for references to MSRs anywhere in it; a line without any may be a heading.
 */
#include <string.h>

#include "tools/capability/command.h"
#include "tools/capability/compared.h"
#include "tools/capability/heading.h"
#include "tools/capability/label.h"
#include "tools/capability/line.h"
#include "tools/capability/listing.h"
#include "tools/capability/loop.h"
#include "tools/capability/values.h"

struct reader {
    struct scan *scan;
    struct found_list found;
    struct command command;
    struct listing listing;
    struct heading heading;
    bool decimal;             /* values without 0x are decimal */
    bool in_finding;          /* the last line ended before a finding's number */
    bool has_decimal;         /* there is one that can only be that */
    bool decimal_addresses;   /* so that 58 is 0x3a */
    bool has_decimal_address; /* there is one that can be nothing else: 1152 to 1171 */
    uint32_t first_msr;       /* of AIDA64, with which each CPU's list begins; 0: none yet */
    bool first_seen;          /* of this CPU: the next one's list begins where it comes again */
};

static enum columns_look look_of(const struct reader *reader, const struct reference *reference,
                                 const struct values *values)
{
    if (reader->heading.look != LOOK_PLAIN)
        return reader->heading.look;
    if (reference->word && values->number[0].prefixed && values->number[0].digits == 8 &&
        values->number[values->count - 1].digits == 8)
        return LOOK_PADDED;
    return reference->colon ? LOOK_COLON : LOOK_PLAIN;
}

/* AIDA64 has a heading before each CPU's list, or simply begins again with the same MSR. */
static void print_lists_apart(struct reader *reader, uint32_t msr)
{
    if (reader->first_seen && msr == reader->first_msr)
        reader->heading.cpu++;
    if (reader->first_msr == 0)
        reader->first_msr = msr;
    reader->first_seen = true;
}

/* `00000480  7f 45 4c 46 …`: bytes or words of memory after their address. */
static bool is_memory(const struct reference *reference, const struct values *values)
{
    unsigned digits = values->number[0].digits;

    if (reference->named || values->count < 4 || (digits != 2 && digits != 4))
        return false;
    for (unsigned i = 0; i < values->count; i++) {
        if (values->number[i].digits != digits || values->number[i].prefixed)
            return false;
    }
    return true;
}

static void add_values(struct reader *reader, const struct reference *reference,
                       const struct values *values, unsigned cpu)
{
    enum columns_look look = look_of(reader, reference, values);
    bool aida64 = reference->word && values->number[0].separator == '-';
    bool memory = is_memory(reference, values) &&
                  (look != LOOK_CPUS || values->count != reader->heading.columns);

    if (aida64) {
        print_lists_apart(reader, reference->msr);
        cpu = reader->heading.cpu;
    }
    for (unsigned i = 0; i < values->count; i++) {
        const struct number *number = &values->number[i];
        bool column = values->half[i] == HALF_NONE;

        found_add(
            &reader->found,
            (struct found){
                .msr = reference->msr,
                .value = reader->decimal && number->is_decimal ? number->decimal : number->value,
                .cpu = column ? heading_column(&reader->heading, i, values->count, cpu) : cpu,
                .line = reader->scan->line,
                .column = column ? i : 0,
                .columns = column ? values->count : 1,
                .narrow = number->digits <= 8 && number->separator == 0,
                .memory = memory,
                .look = look,
                .half = values->half[i]});
    }
    if (memory)
        return;
    if (values->count > 2 && values->half[0] == HALF_NONE)
        scan_saw(reader->scan, DUMP_COLUMNS);
    scan_saw(reader->scan, aida64 ? DUMP_AIDA64 : reference->format);
}

/* `#define MSR_IA32_VMX_BASIC 0x480`: a name and what it stands for, from a program's text. */
static bool is_definition(const struct reference *reference, const struct values *values)
{
    return values->count == 1 && reference->named && !reference->word &&
           reference_address(&values->number[0]) == reference->msr;
}

/* The next reference, which reports what it lacks itself. */
static bool names_msr(struct piece rest)
{
    return char_is_letter(piece_first(rest)) && label_take(&rest).msr != 0;
}

/* Takes what follows a reference, which begins `before` bytes after the line. False, with the error
 * reported, if it contradicts the reference.
 */
static bool take_given(struct reader *reader, struct piece line, struct piece *rest, size_t before,
                       struct reference *reference, unsigned cpu)
{
    static const char contradiction[] = "an MSR's name with its own address";
    static struct values values;
    struct piece behind;

    if (reference_contradicts(rest, reference))
        return scan_expected(reader->scan, line, contradiction);
    reference->columns = reader->heading.look == LOOK_CPUS;
    behind = *rest;
    values_take(rest, reference, reader->decimal, &values);
    reader->has_decimal = reader->has_decimal || values.has_decimal;
    if (is_definition(reference, &values))
        return true;
    if (values.count > 0 && compared_values((struct piece){line.start, before}, *rest)) {
        scan_passed(reader->scan, reader->scan->line, line,
                    "one value of that MSR: this line compares it with another");
        *rest = piece_after(*rest, rest->length);
        return true;
    }
    if (values.count > 0) {
        add_values(reader, reference, &values, cpu);
        return !reference_is_named_otherwise(*rest, reference) ||
               scan_expected(reader->scan, line, contradiction);
    }
    behind = reference_skip(behind, reference);
    if (reference->named && !reference->word && behind.length == 0)
        command_await(reader->scan, &reader->command, &reader->found,
                      reference->assigned ? line : (struct piece){NULL, 0}, reference->msr, cpu);
    else if (!names_msr(behind) && reference_is_meant(reference, behind))
        scan_passed(reader->scan, reader->scan->line, line, "a value in hex for that MSR");
    return true;
}

static bool is_word(char c)
{
    return char_is_letter(c) || char_is_digit(c) || c == '_';
}

/* Goes over a word or a number that is no reference, or over one sign. True for a sign. */
static bool skip_token(struct piece *rest)
{
    if (!is_word(piece_first(*rest))) {
        *rest = piece_after(*rest, 1);
        return true;
    }
    while (is_word(piece_first(*rest)) ||
           (char_is_one_of(piece_first(*rest), ".:-") && char_is_digit(piece_at(*rest, 1))))
        *rest = piece_after(*rest, 1);
    return false;
}

/* `pretend=0x480:0x12`: what somebody wants Rootmode to check from in place of the real value. */
static bool skip_overridden(struct piece *rest)
{
    if (!piece_starts(*rest, "pretend="))
        return false;
    piece_word(rest, " \t\"'");
    return true;
}

static bool take_last_word(struct piece *line, const char *word)
{
    size_t length = piece_of(word).length;

    *line = piece_trim(*line);
    if (line->length <= length || !piece_is(piece_after(*line, line->length - length), word))
        return false;
    line->length -= length;
    return true;
}

/* `bit 57 of IA32_VMX_BASIC is 1`: what follows is those bits, reported by what stands before. */
static bool is_of_bits(struct piece before)
{
    take_last_word(&before, " the");
    if (!take_last_word(&before, " of") && !take_last_word(&before, " in"))
        return false;
    before = piece_trim(before);
    return before.length > 0 && char_is_digit(before.start[before.length - 1]);
}

/* All references of a line with their values; `*any` says whether there were some. */
static bool take_references(struct reader *reader, struct piece line, bool *any)
{
    struct piece rest = line;
    unsigned cpu = reader->heading.cpu;
    bool first = true; /* nothing but signs stands before it, or a value that was taken */

    *any = false;
    while (rest.length > 0) {
        const char *before = rest.start;
        struct reference reference;

        if (heading_cpu(&rest, &cpu) || skip_overridden(&rest))
            continue;
        if (reference_take(&rest, first, reader->decimal_addresses, &reference)) {
            *any = true;
            reader->has_decimal_address = reader->has_decimal_address || reference.decimal;
            if (is_of_bits((struct piece){line.start, (size_t)(before - line.start)}))
                continue;
            if (!take_given(reader, line, &rest, (size_t)(before - line.start), &reference, cpu))
                return false;
            first = true;
        } else if (rest.start > before) {
            first = false; /* words that name no MSR */
            if (label_is_near((struct piece){before, (size_t)(rest.start - before)}) &&
                reference_has_value(rest))
                scan_passed(reader->scan, reader->scan->line, line,
                            "the name of a VMX capability MSR");
        } else {
            first = skip_token(&rest) && first;
        }
    }
    return true;
}

/* A shell's prompt, and so a command: [me@pc ~]$, root@pc:~#, $ */
static bool has_prompt(struct piece line)
{
    for (size_t i = 0; i < line.length; i++) {
        char before = (char)(i > 0 ? line.start[i - 1] : ' ');

        if (line.start[i] != '$' && line.start[i] != '#')
            continue;
        if ((i == 0 || char_is_one_of(before, "]~") || memchr(line.start, '@', i) != NULL) &&
            (i + 1 == line.length || line.start[i + 1] == ' '))
            return true;
    }
    return false;
}

/* A number, and not an MSR's address with a value after a colon. */
static bool is_number_alone(struct piece line)
{
    struct number number;
    struct piece address = line;

    if (number_take_plain(&address, &number) && piece_first(address) == ':' &&
        reference_address(&number) != 0)
        return false;
    return number_take(&line, &number) && line.length == 0;
}

/* `rdmsr 0x480 = 0xda040000000012`, as people write it down. */
static bool has_answer(struct piece rest)
{
    struct number number;

    rest = piece_skip(rest, " \t");
    if (!number_take_plain(&rest, &number))
        return false;
    rest = piece_skip(rest, " \t");
    return char_is_one_of(piece_first(rest), ":=") || piece_starts(rest, "->");
}

/* Does the line end within a finding, whose number is wrapped: "... bit 15 seen 0x1, wanted"? */
static bool ends_in_finding(struct piece line)
{
    return take_last_word(&line, " seen") || take_last_word(&line, " wanted");
}

static bool take_line(struct reader *reader, struct piece line)
{
    struct piece rest;
    size_t before = reader->found.count;
    bool any, in_finding = reader->in_finding;

    reader->in_finding = ends_in_finding(line);
    if (in_finding && is_number_alone(line))
        return true;
    if (is_number_alone(command_unsigned(&reader->command, line)))
        return command_value(reader->scan, &reader->command, &reader->found, line, reader->decimal);
    reader->command.single = false;
    if (reader->command.format == DUMP_NAMES)
        command_end(reader->scan, &reader->command, &reader->found); /* only the next line counts */
    if (command_failed(reader->scan, &reader->command, line))
        return true;
    if (command_find(line, &rest) && !has_answer(rest)) {
        command_begin(reader->scan, &reader->command, &reader->found, line, rest);
        return true;
    }
    if (loop_begins(line))
        reader->command.loop_line = line;
    if (has_prompt(line)) {
        command_end(reader->scan, &reader->command, &reader->found);
        return true;
    }
    if (listing_line(reader->scan, &reader->listing, line))
        return true;
    if (!take_references(reader, line, &any))
        return false;
    if (!any && heading_take(line, &reader->heading))
        reader->first_seen = false;
    if (reader->found.count > before)
        command_end(reader->scan, &reader->command, &reader->found);
    return true;
}

static bool take_text(struct reader *reader)
{
    struct piece line;

    while (scan_line(reader->scan, &line)) {
        line = line_plain(line);
        if (line.length > 0 && !take_line(reader, line))
            return false;
    }
    command_end(reader->scan, &reader->command, &reader->found);
    listing_end(reader->scan, &reader->listing, &reader->found);
    return true;
}

/* Once more, with what is now known of all numbers of the text. */
static bool take_again(struct scan *scan, struct scan begin, struct reader *reader)
{
    struct reader again = {.scan = scan,
                           .decimal =
                               reader->has_decimal, /* 0x480 has 17 digits: all are decimal */
                           .decimal_addresses = reader->has_decimal_address};

    found_free(&reader->found);
    *scan = begin;
    scan->list->reading = (struct dump_reading){.formats = again.decimal ? 1u << DUMP_DECIMAL : 0};
    *reader = again;
    return take_text(reader);
}

bool read_lines(struct scan *scan)
{
    static struct reader reader;
    struct scan begin = *scan;
    bool good;

    reader = (struct reader){.scan = scan};
    good = take_text(&reader);
    if (good && (reader.has_decimal || reader.has_decimal_address))
        good = take_again(scan, begin, &reader);
    good = good && found_finish(scan, &reader.found);
    found_free(&reader.found);
    return good;
}
