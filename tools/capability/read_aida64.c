/*
 * AIDA64's register dumps, as InstLatx64 collects them: `MSR 00000480: 00DA-0400-0000-0012`, with
 * a remark in brackets after some; `< FAILED >` where RDMSR faulted. A dump of several CPUs has a
 * heading before each one's registers, or simply begins again with the same MSR. Sections that are
 * not about MSRs are passed over.
 */
#include <string.h>

#include "tools/capability/scan.h"

struct aida64 {
    bool foreign;       /* in a section about something else */
    bool heading;       /* of a section, stands before the next MSR */
    uint64_t first_msr; /* with which each CPU's list begins */
    bool any;
};

static bool contains(struct piece line, const char *text)
{
    for (; line.length > 0; line = piece_after(line, 1)) {
        if (piece_starts(line, text))
            return true;
    }
    return false;
}

static bool is_heading(struct piece line)
{
    return piece_starts(line, "------[") ||
           (contains(line, "Registers") && line.start[line.length - 1] == ':');
}

/* Four groups of four hex digits. */
static bool take_groups(struct piece text, uint64_t *value)
{
    enum { GROUPS = 4, DIGITS = 4 };

    *value = 0;
    for (int i = 0; i < GROUPS; i++) {
        uint64_t group;

        if (text.length < DIGITS || !piece_hex((struct piece){text.start, DIGITS}, -1, 4, &group))
            return false;
        *value = *value << 16 | group;
        text = piece_after(text, DIGITS);
        if (i + 1 < GROUPS) {
            if (!piece_starts(text, "-"))
                return false;
            text = piece_after(text, 1);
        }
    }
    return text.length == 0;
}

/* The set that a value of `msr` belongs to. */
static struct dump_set *set_for(struct scan *scan, struct aida64 *state, uint64_t msr)
{
    bool begins = state->heading || (state->any && msr == state->first_msr);

    if (!state->any)
        state->first_msr = msr;
    state->any = true;
    state->heading = false;
    return begins ? scan_next_cpu(scan) : scan_set(scan);
}

static bool take_msr(struct scan *scan, struct aida64 *state, struct piece line)
{
    static const char expected[] = "a line like `MSR 00000480: 00DA-0400-0000-0012`";
    struct piece rest = piece_after(line, strlen("MSR"));
    struct piece address = piece_word(&rest, " \t:");
    struct dump_set *set;
    struct piece remark;
    uint64_t msr, value = 0;
    bool failed;

    if (address.length != 8 || !piece_hex(address, -1, 8, &msr) || !piece_starts(rest, ":"))
        return scan_expected(scan, line, expected);
    rest = piece_trim(piece_after(rest, 1));
    failed = piece_starts(rest, "< FAILED >");
    if (!failed && !take_groups(piece_word(&rest, " \t"), &value))
        return scan_expected(scan, line, expected);
    remark = piece_trim(rest);
    if (!failed && remark.length > 0 &&
        (!piece_starts(remark, "[") || remark.start[remark.length - 1] != ']'))
        return scan_expected(scan, line, expected);
    set = set_for(scan, state, msr);
    return failed || !dump_msr_is_known(msr) || scan_put(scan, set, msr, value);
}

bool read_aida64(struct scan *scan)
{
    struct aida64 state = {.foreign = false};
    struct piece line;

    while (scan_line(scan, &line)) {
        if (line.length == 0)
            continue;
        if (is_heading(line)) {
            state.foreign = !contains(line, "MSR");
            state.heading = !state.foreign;
        } else if (piece_starts(line, "MSR ")) {
            if (!take_msr(scan, &state, line))
                return false;
        } else if (!state.foreign && !piece_starts(line, "CPUID ")) {
            return scan_expected(scan, line, "a line like `MSR 00000480: 00DA-0400-0000-0012`");
        }
    }
    return scan_same_msrs(scan);
}
