#include "tools/capability/scan.h"

#include "lib/format.h"

bool scan_line(struct scan *scan, struct piece *line)
{
    struct piece rest = {scan->at, (size_t)(scan->end - scan->at)};

    if (!piece_line(&rest, line))
        return false;
    scan->at = rest.start;
    scan->line++;
    *line = piece_trim(*line);
    return true;
}

/* The piece for a message: printable, and cut where it is long. */
static void show(struct piece found, char shown[DUMP_SHOWN_MAX])
{
    size_t room = DUMP_SHOWN_MAX - sizeof("...");
    size_t length = found.length < room ? found.length : room;

    for (size_t i = 0; i < length; i++)
        shown[i] = (char)(found.start[i] >= ' ' && found.start[i] <= '~' ? found.start[i] : '?');
    format_text(shown + length, DUMP_SHOWN_MAX - length, "%s", length < found.length ? "..." : "");
}

bool scan_expected(struct scan *scan, struct piece found, const char *expected)
{
    char shown[DUMP_SHOWN_MAX];

    if (scan->error->line != 0)
        return false;
    show(found, shown);
    scan->error->line = scan->line > 0 ? scan->line : 1;
    if (found.length > 0)
        format_text(scan->error->text, sizeof(scan->error->text), "found `%s`, expected %s", shown,
                    expected);
    else
        format_text(scan->error->text, sizeof(scan->error->text), "found nothing, expected %s",
                    expected);
    return false;
}

void scan_saw(struct scan *scan, enum dump_format format)
{
    scan->list->reading.formats |= 1u << format;
}

void scan_passed(struct scan *scan, unsigned line, struct piece found, const char *expected)
{
    struct dump_reading *reading = &scan->list->reading;

    if (reading->not_understood < DUMP_PASSED_MAX) {
        struct dump_passed *passed = &reading->passed[reading->not_understood];

        passed->line = line;
        passed->expected = expected;
        show(found, passed->text);
    }
    reading->not_understood++;
}

bool scan_put(struct scan *scan, struct dump_set *set, uint64_t msr, uint64_t value)
{
    char address[24];

    if (!dump_msr_has(&set->dump, (uint32_t)msr)) {
        dump_msr_put(&set->dump, (uint32_t)msr, value);
        return true;
    }
    format_text(address, sizeof(address), "MSR %#x again", (unsigned)msr);
    return scan_expected(scan, piece_of(address), "each MSR of a CPU once, or with one value");
}

bool scan_address(struct scan *scan, struct piece piece, uint64_t *msr)
{
    if (piece_hex(piece, 0, 8, msr) && dump_msr_is_known(*msr))
        return true;
    return scan_expected(scan, piece, "the address of an MSR in hex: 0x3a, or 0x480 to 0x493");
}
