/*
 * What is read of a text: inside the reader alone. read_vmcs.c knows what begins a dump and takes
 * fields, scan_fields.c knows how a line is to be read.
 */
#ifndef TOOLS_ENTRY_READER_H
#define TOOLS_ENTRY_READER_H

#include "tools/entry/field_name.h"
#include "tools/entry/read_vmcs.h"

/* In which order the values of a segment register stand in a line. */
enum column_order { ORDER_KERNEL, ORDER_ROOTMODE, ORDER_QEMU };

struct reader {
    struct vmcs_text *text;
    struct vmcs_dump *dump; /* the one that is being read; NULL: none yet */
    enum vmcs_format format;
    enum dump_part part;
    enum column_order order;
    bool xen, passing;
    unsigned line;
    char last[2 * FIELD_NAME_MAX], head[FIELD_NAME_MAX]; /* of this line: the names before */
    unsigned repeated;                                   /* numbers that followed that name */
    bool has_pending, pending_stays;                     /* of JSON also in a later line */
    enum vmcs_field pending; /* the encoding that was read last, which waits for its value */
    uint64_t said_reason, said_error; /* by a line before the dump */
};

/* Takes all fields of a line. */
void reader_scan(struct reader *reader, struct piece line);

/* A field of the dump, or of the next one; `line` is told where the value cannot be the field's. */
void reader_put(struct reader *reader, struct piece line, struct field_named named, uint64_t value);

/* Counts what was not understood. */
void reader_pass(struct reader *reader, struct piece found, const char *expected);

#endif
