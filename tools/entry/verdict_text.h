/*
 * A check for a person or for a program.
 */
#pragma once

#include "lib/format.h"
#include "tools/entry/check_entry.h"
#include "tools/entry/read_vmcs.h"

/* One dump: what the processor said, what is broken, what is not known, what is suspicious. `cpu`
 * is the one that was named; NULL: none. */
void verdict_text(struct sink *sink, const struct vmcs_dump *dump, const struct entry_check *check,
                  const char *cpu);
void verdict_json(struct json *json, const struct vmcs_dump *dump, const struct entry_check *check,
                  const char *cpu);

/* What an emulator said in the text. */
void said_text(struct sink *sink, const struct vmcs_text *text);
void said_json(struct json *json, const struct vmcs_text *text);

/* What in the whole text was not understood. */
void passed_text(struct sink *sink, const struct vmcs_text *text);
void passed_json(struct json *json, const struct vmcs_text *text);

/* The n-th suspicion that the image raises; NULL after the last. `*field` is where. */
const char *suspicion_of(const struct vmcs_image *image, unsigned n, enum vmcs_field *field);
