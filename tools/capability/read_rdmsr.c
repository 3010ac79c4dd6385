/*
 * What people keep of rdmsr (Debian's msr-tools). It prints a value without its address, so that
 * the command must stand above it, as in a terminal's log, or the address before it:
 *
 *   # rdmsr -a 0x480        480: da040000000012         CPU 1
 *   da040000000012          0x481 0x7f00000016          0x480 da040000000012
 *   da040000000012
 *
 * Several values behind one address, or below `rdmsr -a`, are those of CPU 0, 1, …
 */
#include "lib/format.h"
#include "tools/capability/scan.h"

enum { CPUS_MAX = 1024 };

struct rdmsr {
    uint64_t msr; /* of the command above; 0: none */
    bool all;     /* it has -a: one value for each CPU */
    unsigned values;
    unsigned cpu;   /* of the command, or of the line `CPU N` */
    bool cpu_named; /* by -p or such a line */
    unsigned cpus[CPUS_MAX];
};

static const char expected_line[] =
    "`rdmsr 0x480` and a value below it, or a line like `480: da040000000012`";

static bool take_decimal(struct piece piece, uint64_t *value)
{
    *value = 0;
    if (piece.length == 0 || piece.length > 8)
        return false;
    for (size_t i = 0; i < piece.length; i++) {
        if (piece.start[i] < '0' || piece.start[i] > '9')
            return false;
        *value = *value * 10 + (uint64_t)(piece.start[i] - '0');
    }
    return true;
}

/* The set of a CPU, found by its number; NULL, with the error told, for one too many. */
static struct dump_set *set_of(struct scan *scan, struct rdmsr *state, unsigned cpu)
{
    size_t count = scan->list->count;
    struct dump_set *set;

    for (size_t i = 0; i < count; i++) {
        if (state->cpus[i] == cpu)
            return &scan->list->set[i];
    }
    if (count == CPUS_MAX) {
        scan_expected(scan, (struct piece){scan->at, 0}, "at most 1024 CPUs");
        return NULL;
    }
    state->cpus[count] = cpu;
    set = scan_next_cpu(scan);
    if (cpu > 0)
        format_text(set->id, sizeof(set->id), "%s, CPU %u", scan->name, cpu);
    return set;
}

static bool put(struct scan *scan, struct rdmsr *state, unsigned cpu, uint64_t msr,
                struct piece text)
{
    struct dump_set *set;
    uint64_t value;

    if (!piece_hex(text, 0, 16, &value))
        return scan_expected(scan, text, "a value, 1 to 16 hex digits");
    set = set_of(scan, state, cpu);
    return set != NULL && scan_put(scan, set, msr, value);
}

/* rdmsr's own reading of a number: 0x before hex, none before decimal. */
static bool take_address(struct scan *scan, struct piece word, uint64_t *msr)
{
    if ((piece_hex(word, 1, 8, msr) || (!piece_starts(word, "0") && take_decimal(word, msr))) &&
        dump_msr_is_known(*msr))
        return true;
    return scan_expected(scan, word, "as rdmsr's register 0x3a, or 0x480 to 0x493");
}

/* An option or several in one word: those that leave the value hex and whole. */
static bool take_option(struct scan *scan, struct rdmsr *state, struct piece word,
                        struct piece *rest)
{
    uint64_t cpu;

    for (size_t i = 1; i < word.length; i++) {
        struct piece number = piece_after(word, i + 1);

        switch (word.start[i]) {
        case 'a':
            state->all = true;
            break;
        case '0':
        case 'c':
        case 'x':
        case 'X':
            break;
        case 'p':
            if (number.length == 0)
                number = piece_word(rest, " \t");
            if (!take_decimal(number, &cpu))
                return scan_expected(scan, number, "the number of a CPU after -p");
            state->cpu = (unsigned)cpu;
            state->cpu_named = true;
            return true;
        default:
            return scan_expected(scan, word, "of rdmsr's options only -a, -p, -0, -c, -x, -X");
        }
    }
    return true;
}

/* Each command gives a value, unless RDMSR faulted. */
static bool command_is_done(struct scan *scan, const struct rdmsr *state, struct piece next)
{
    if (state->msr == 0 || state->values > 0)
        return true;
    return scan_expected(scan, next, "the value that rdmsr printed");
}

static bool take_command(struct scan *scan, struct rdmsr *state, struct piece rest)
{
    struct piece word = piece_word(&rest, " \t");

    state->all = state->cpu_named = false;
    state->cpu = 0;
    state->values = 0;
    for (; piece_starts(word, "-"); word = piece_word(&rest, " \t")) {
        if (!take_option(scan, state, word, &rest))
            return false;
    }
    if (!take_address(scan, word, &state->msr))
        return false;
    word = piece_word(&rest, " \t");
    return word.length == 0 || scan_expected(scan, word, "nothing behind rdmsr's register");
}

/* `480: value`, `0x480 value value …` */
static bool take_labelled(struct scan *scan, struct rdmsr *state, struct piece label,
                          struct piece rest)
{
    unsigned count = 0;
    uint64_t msr;

    if (!scan_address(scan, label, &msr))
        return false;
    state->msr = 0;
    for (struct piece word = piece_word(&rest, " \t"); word.length > 0;
         word = piece_word(&rest, " \t")) {
        if (piece_is(word, "rdmsr:")) /* its error message: RDMSR faulted */
            return true;
        if (count > 0 && state->cpu_named)
            return scan_expected(scan, word, "one value, of the CPU that is named above");
        if (!put(scan, state, state->cpu + count++, msr, word))
            return false;
    }
    return count > 0 || scan_expected(scan, rest, "a value behind the MSR's address");
}

static bool take_value(struct scan *scan, struct rdmsr *state, struct piece word)
{
    if (state->msr == 0)
        return scan_expected(scan, word, expected_line);
    if (state->values > 0 && !state->all)
        return scan_expected(scan, word, "one value below each rdmsr without -a");
    return put(scan, state, state->cpu + state->values++, state->msr, word);
}

static bool take_cpu(struct scan *scan, struct rdmsr *state, struct piece rest)
{
    struct piece word = piece_word(&rest, " \t:");
    uint64_t cpu;

    if (!take_decimal(word, &cpu) || piece_word(&rest, " \t:").length > 0)
        return scan_expected(scan, word, "a line like `CPU 1`");
    state->cpu = (unsigned)cpu;
    state->cpu_named = true;
    state->msr = 0;
    return true;
}

/* What stands behind the word `rdmsr` of a line, prompt and sudo before it passed over. */
static bool find_command(struct piece line, struct piece *rest)
{
    for (struct piece word = piece_word(&line, " \t"); word.length > 0;
         word = piece_word(&line, " \t")) {
        if (piece_is(word, "rdmsr")) {
            *rest = line;
            return true;
        }
    }
    return false;
}

static bool take_line(struct scan *scan, struct rdmsr *state, struct piece line)
{
    struct piece rest = line;
    struct piece word = piece_word(&rest, " \t:");

    if (piece_starts(line, "rdmsr: ")) { /* its error message: RDMSR faulted */
        state->values++;
        return state->msr != 0 || scan_expected(scan, line, expected_line);
    }
    if (find_command(line, &rest))
        return command_is_done(scan, state, line) && take_command(scan, state, rest);
    if (piece_starts(line, "#"))
        return true;
    if (piece_is(word, "CPU"))
        return command_is_done(scan, state, line) && take_cpu(scan, state, rest);
    if (rest.length > 0)
        return command_is_done(scan, state, line) &&
               take_labelled(scan, state, word, piece_after(rest, 1));
    return take_value(scan, state, word);
}

bool read_rdmsr(struct scan *scan)
{
    static struct rdmsr state;
    struct piece line;

    state = (struct rdmsr){.msr = 0};
    while (scan_line(scan, &line)) {
        if (line.length > 0 && !take_line(scan, &state, line))
            return false;
    }
    return command_is_done(scan, &state, (struct piece){scan->end, 0}) && scan_same_msrs(scan);
}
