/*
 * What the readers of texts share: a place in a text, its line, its end, and what they report.
 */
#pragma once

#include "tools/capability/dump_text.h"
#include "tools/capability/piece.h"

struct scan {
    const char *at, *end; /* what is left */
    unsigned line;        /* of the last line taken; in JSON, of `at` */
    const char *name;     /* for sets without one */
    struct dump_list *list;
    struct dump_error *error;
};

/* The next line without its end ("\n", "\r\n"), spaces at both ends cut off. False at the end. */
bool scan_line(struct scan *scan, struct piece *line);

/*
 * The error of `scan->line`: "found `…`, expected …" with the piece made printable and short. The
 * first error of a text counts. Always false, so that a reader can return it.
 */
bool scan_expected(struct scan *scan, struct piece found, const char *expected);

/* A form was seen; a line was passed over that a person may have meant (dump_list.h). */
void scan_saw(struct scan *scan, enum dump_format format);
void scan_passed(struct scan *scan, unsigned line, struct piece found, const char *expected);

/* Puts a value into a set; false, with the error reported, for an MSR given twice. */
bool scan_put(struct scan *scan, struct dump_set *set, uint64_t msr, uint64_t value);

/* An MSR's address of a text that has only those of interest; false, with the error reported. */
bool scan_address(struct scan *scan, struct piece piece, uint64_t *msr);

/* Each reads the whole text in its format; false, with the error reported, if it is not that. */
bool read_csv(struct scan *scan);
bool read_json(struct scan *scan);

/* A JSON document from `scan->at` on, whatever stands after it. */
bool read_json_here(struct scan *scan);

/* Whatever else the text is: its lines that give an MSR a value. */
bool read_lines(struct scan *scan);

/* The line of a serial console's log before Rootmode's JSON report, and the one after it. */
extern const char report_begin[], report_end[];
