/*
 * Sets of values from where a person asks for them. Whatever fails is reported on the standard
 * error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/capability/dump_list.h"
#include "tools/capability/dump_text.h"
#include "tools/capability/options.h"

/* The program's own name, before what is reported; each program defines it. */
extern const char load_program[];

/* Appends the sets of a source; NULL: this machine. */
bool load_source(const struct source *source, struct dump_list *list);

/* An operand of --diff: an id of the corpus, or else a file with one set or one machine. */
bool load_operand(const char *name, struct dump_list *list);

/* Appends every row of the corpus, in its order. */
void load_corpus(struct dump_list *list);

/* All of a file, "-": of the standard input; to be freed. NULL if it cannot be read. */
char *load_text(const char *name, size_t *length);

/* What a person calls a file: "standard input" for "-". */
const char *load_shown_name(const char *file);
