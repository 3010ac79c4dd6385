/*
 * The lines that begin a dump or a part of one: inside the reader alone.
 */
#pragma once

#include "tools/entry/reader.h"

enum heading_flags {
    BEGINS = 1,       /* a dump */
    PASSED = 2,       /* no dump: nothing is read up to an empty line */
    ANYWHERE = 4,     /* in a line, not at its start */
    DECIMAL = 8,      /* numbers without 0x */
    FIELDS = 16,      /* the line has also fields */
    EXACT = 32,       /* capital letters are others than small ones */
    LINE = 64,        /* begins nothing: a line whose words mean something else here */
    ENTRY_MSRS = 128, /* the entries of the VM-entry MSR-load area follow */
};

struct heading {
    const char *words;
    enum vmcs_format format;
    enum dump_part part;
    enum column_order order;
    unsigned flags;
};

/* The heading that the line is, or begins with; NULL: none. */
const struct heading *heading_of(struct piece line);
