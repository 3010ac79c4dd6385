/*
 * What the readers of the single formats share: a place in a text, its line, its end.
 */
#ifndef TOOLS_CAPABILITY_SCAN_H
#define TOOLS_CAPABILITY_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/capability/dump_text.h"

/* A piece of the text, not terminated. */
struct piece {
    const char *start;
    size_t length;
};

struct scan {
    const char *at, *end; /* what is left */
    unsigned line;        /* of the last line taken; in JSON, of `at` */
    const char *name;     /* for sets without one */
    struct dump_list *list;
    struct dump_error *error;
};

/* The next line without its end ("\n", "\r\n"), spaces at both ends cut off. False at the end. */
bool scan_line(struct scan *scan, struct piece *line);

/* Takes the next word of `*rest`, up to one of `separators`, which are passed over; "" at the end.
 */
struct piece piece_word(struct piece *rest, const char *separators);

struct piece piece_of(const char *text);
struct piece piece_trim(struct piece piece);
bool piece_is(struct piece piece, const char *text);
bool piece_starts(struct piece piece, const char *text);

/* Where `c` stands in it first; its length if nowhere. */
size_t piece_find(struct piece piece, char c);

/* What is left without its first `count` bytes. */
struct piece piece_after(struct piece piece, size_t count);

/* Hex digits, 1 to `digits` of them; "0x" before them where `prefix` says so: 1 must, 0 may, -1
 * not.
 */
bool piece_hex(struct piece piece, int prefix, size_t digits, uint64_t *value);

/*
 * The error of `scan->line`: "found `…`, expected …" with the piece made printable and short. The
 * first error of a text counts. Always false, so that a reader can return it.
 */
bool scan_expected(struct scan *scan, struct piece found, const char *expected);

/* Puts a value into a set; false, with the error told, for an MSR given twice. */
bool scan_put(struct scan *scan, struct dump_set *set, uint64_t msr, uint64_t value);

/* An MSR's address of a text that has only those of interest; false, with the error told. */
bool scan_address(struct scan *scan, struct piece piece, uint64_t *msr);

/* The last set, or a first one called `scan->name`. */
struct dump_set *scan_set(struct scan *scan);

/* A set for the next CPU of the same machine: "NAME, CPU 1". */
struct dump_set *scan_next_cpu(struct scan *scan);

/* The CPUs of one machine have the same MSRs, or a list is torn: false, with the error told. */
bool scan_same_msrs(struct scan *scan);

/* Each reads the whole text in its format; false, with the error told, if it is not that. */
bool read_csv(struct scan *scan);
bool read_json(struct scan *scan);
bool read_aida64(struct scan *scan);
bool read_rdmsr(struct scan *scan);
bool read_pairs(struct scan *scan);

/* The line of a serial console's log before Rootmode's JSON report, and the one after it. */
extern const char report_begin[], report_end[];

#endif
