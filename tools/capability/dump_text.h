/*
 * Dumps of the VMX capability MSRs as text, in the formats that people have them in. Strict: what
 * is not understood is an error with its line, and nothing is guessed.
 *
 *   CSV      a line that names the columns, those of tests/data/vmx-msrs, then a line for each set
 *   JSON     Rootmode's report, also within a log of the serial console; vmxcap's own output
 *   AIDA64   `MSR 00000480: 00DA-0400-0000-0012`; other sections of such a dump are passed over
 *   rdmsr    `rdmsr 0x480` and below it what it printed; `480: da0400…`; `0x480 0xda0400…`
 *   pairs    `0x480=0xda0400…`, apart by spaces, commas or line ends
 */
#ifndef TOOLS_CAPABILITY_DUMP_TEXT_H
#define TOOLS_CAPABILITY_DUMP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/capability/dump_list.h"

enum dump_format {
    DUMP_UNKNOWN,
    DUMP_CSV,
    DUMP_JSON,
    DUMP_AIDA64,
    DUMP_RDMSR,
    DUMP_PAIRS,
    DUMP_FORMAT_COUNT,
};

struct dump_error {
    unsigned line;  /* 1 is the first */
    char text[240]; /* what stands there, and what was expected */
};

/* "CSV", "JSON", …; "unknown". */
const char *dump_format_name(enum dump_format format);

/*
 * Reads `length` bytes of text into `list`, which is empty; at least one set with at least one
 * value, or it is an error. `name` is what sets are called whose format gives no name. Returns the
 * format found. `error->line` is 0 if all is well; otherwise the list is not to be used, but freed.
 */
enum dump_format dump_text_read(const char *text, size_t length, const char *name,
                                struct dump_list *list, struct dump_error *error);

#endif
