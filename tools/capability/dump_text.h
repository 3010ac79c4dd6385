/*
 * Values of the VMX capability MSRs in texts, as people have them: dumps of programs, logs, mails.
 * Two formats are documents, and strict: what departs from them is an error with its line.
 *
 *   CSV      a line that names the columns, those of tests/data/vmx-msrs, then a line for each set
 *   JSON     Rootmode's report, also within a log of the serial console; vmxcap's own output
 *
 * Any other text is looked through for lines that give an MSR, by its number or one of its names, a
 * value. Everything else in it is passed over; what seems to be meant and was not understood is
 * reported. An error is a text in which nothing is found, or one that contradicts itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/capability/dump_list.h"

enum dump_format {
    DUMP_UNKNOWN,
    DUMP_CSV,
    DUMP_JSON,
    DUMP_AIDA64,  /* MSR 00000480: 00DA-0400-0000-0012 */
    DUMP_RDMSR,   /* rdmsr 0x480 and below it what it printed; 480: da0400… */
    DUMP_PAIRS,   /* 0x480=0xda0400…, msr[480] = 00da0400`00000012 */
    DUMP_NAMES,   /* MSR_IA32_VMX_BASIC = 0xda0400… */
    DUMP_LISTING, /* QEMU's scripts/kvm/vmxcap */
    DUMP_HALVES,  /* an MSR in two numbers of 32 bits */
    DUMP_COLUMNS, /* several CPUs in one line */
    DUMP_DECIMAL, /* values without 0x are decimal */
    DUMP_FORMAT_COUNT,
};

struct dump_error {
    unsigned line;  /* 1 is the first */
    char text[240]; /* what stands there, and what was expected */
};

enum { DUMP_FORMATS_TEXT_MAX = 160 };

/* "CSV"; "rdmsr, names of MSRs": the forms that were seen; "" without any. */
void dump_formats_text(uint32_t formats, char text[DUMP_FORMATS_TEXT_MAX]);

/*
 * Reads `length` bytes of text into `list`, which is empty; at least one set with at least one
 * value, or it is an error. `name` is what sets are called whose format gives no name. How it was
 * read is reported in `list->reading`. `error->line` is 0 if all is well; otherwise the list is not
 * to be used, but freed.
 */
void dump_text_read(const char *text, size_t length, const char *name, struct dump_list *list,
                    struct dump_error *error);
