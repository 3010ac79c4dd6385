/*
 * A text read as vmxcap reads it, and what it gave: for the tests of what people paste.
 */
#ifndef TESTS_HOST_VMXCAP_READING_H
#define TESTS_HOST_VMXCAP_READING_H

#include "tools/capability/dump_text.h"

extern struct dump_list list;
extern struct dump_error error;

/* After each test. */
int end(void **state);

/* From a copy of the text's exact size, so that the sanitizers see a step beyond it. */
void read_bytes(const char *text, size_t length);

/* The text is read as these forms, and gives so many sets; or it is refused. */
void assert_read(const char *text, uint32_t formats, size_t sets);
void assert_refused(const char *text, unsigned line, const char *words);

/* Of what was read last: a value; and so many lines were passed over, `line` first. */
void assert_value(size_t set, uint32_t msr, uint64_t value);
void assert_passed(unsigned count, unsigned line, const char *expected);

enum {
    AIDA64 = 1 << DUMP_AIDA64,
    RDMSR = 1 << DUMP_RDMSR,
    PAIRS = 1 << DUMP_PAIRS,
    NAMES = 1 << DUMP_NAMES,
    LISTING = 1 << DUMP_LISTING,
    HALVES = 1 << DUMP_HALVES,
    COLUMNS = 1 << DUMP_COLUMNS,
    DECIMAL = 1 << DUMP_DECIMAL,
    JSON = 1 << DUMP_JSON,
    CSV = 1 << DUMP_CSV,
};

#endif
