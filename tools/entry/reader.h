/*
 * What is read of a text: inside the reader alone. read_vmcs.c knows what begins a dump and takes
 * fields, scan_fields.c how a line is to be read, line_meaning.c what its numbers mean.
 */
#pragma once

#include "tools/entry/field_name.h"
#include "tools/entry/read_vmcs.h"

/* In which order the values of a segment register stand in a line. */
enum column_order {
    ORDER_KERNEL,
    ORDER_ROOTMODE,
    ORDER_QEMU,
    ORDER_KVMTOOL,
    ORDER_BHYVE,
    ORDER_BHYVE_DESC,
    ORDER_COUNT
};

enum { SEGMENTS = 8, GROUP_MAX = 12 };

struct reader {
    struct vmcs_text *text;
    struct vmcs_dump *dump; /* the one that is being read; NULL: none yet */
    enum vmcs_format format;
    enum dump_part part;
    enum column_order order;
    bool xen, passing, decimal;
    bool entry_msrs, entry_msrs_cut; /* in a list of such; a line of it is missing */
    bool prefixed, part_prefixed;    /* has this line a prefix; had that which began the part */
    bool last_line;                  /* and the text ends without a line's end */
    unsigned passed_line;            /* the last line of which something was not understood */
    unsigned line;
    char last[2 * FIELD_NAME_MAX], head[FIELD_NAME_MAX]; /* of this line: the names before */
    unsigned repeated;                                   /* numbers that followed that name */
    bool has_pending, pending_stays;                     /* of JSON also in a later line */
    enum vmcs_field pending; /* the encoding that was read last, which waits for its value */
    uint64_t said_reason, said_error;          /* by a line before the dump */
    char group[GROUP_MAX];                     /* what a `{` that is open belongs to: "cs" */
    bool contradicted[VMCS_FIELD_COUNT];       /* it had two values in this dump */
    uint32_t rights[SEGMENTS], seen[SEGMENTS]; /* access rights, attribute by attribute */
};

static inline bool word_char(char c)
{
    return char_is_letter(c) || char_is_digit(c) || c == '_';
}

/* The words before the index of a CPU: of `cr0[0]` `cr0`; all of them where there is none. */
static inline struct piece words_before_index(struct piece words)
{
    return (struct piece){words.start, piece_find(words, '[')};
}

/* Does a name that is worth looking up begin there, behind another word? */
bool words_begin_name(struct piece words, size_t at);

/* What the words before a number mean: all of them, with the line's first word, or the last ones.
 */
struct field_named reader_meaning(struct reader *reader, struct piece words);

/* What a number means that stands right behind the `{` of a group: `cs={0010 base=…`. */
struct field_named reader_meaning_of_group(struct reader *reader);

/* What one more number means after these words. */
struct field_named reader_meaning_again(struct reader *reader);

/* What the field holds where a monitor shows `value`. */
uint64_t reader_value(const struct reader *reader, enum vmcs_field field, uint64_t value);

/* Looks at words, and at a brace, for what belongs to all names that follow. */
void reader_note_head(struct reader *reader, struct piece words);
void reader_note_brace(struct reader *reader, struct piece words, char brace);

/* Takes all fields of a line. */
void reader_scan(struct reader *reader, struct piece line);

/* A field of the dump, or of the next one; `line` is told where the value cannot be the field's. */
void reader_put(struct reader *reader, struct piece line, struct field_named named, uint64_t value);

/* Takes what a line says beside a dump; false where it says nothing (said.c). */
bool reader_take_saying(struct reader *reader, struct piece line);
bool reader_take_emulator(struct reader *reader, struct piece line);

/* Does it say that a VM entry failed? */
bool line_says_failure(struct piece line);

/* As much as there is room for, with ? for what cannot be printed. */
void copy_printable(char *to, size_t size, struct piece from);

/* Counts what was not understood. */
void reader_pass(struct reader *reader, struct piece found, const char *expected);
