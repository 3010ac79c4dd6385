/*
 * A VMCS reported whole: every field that the image has, with its value and what that means. A
 * field that the processor lacks is not in the image and is not reported.
 */
#pragma once

#include "vmx/vmcs_image.h"

/* Fields to be found at a glance: a ">" stands before them. */
struct vmcs_marks {
    const enum vmcs_field *field;
    uint32_t count;
};

/* For a person: control fields, guest state with its segments in a table, host state, exit
 * information; at most 80 columns, words below their field where they are long. */
void vmcs_dump_text(const struct vmcs_image *image, struct vmcs_marks marks, struct sink *sink);

/*
 * For a program: an array of {"field": the manual's name, "encoding": "0x…", "value": "0x…",
 * "text": words, or null}, in the order of the encodings. `name` is NULL inside an array.
 */
void vmcs_dump_json(const struct vmcs_image *image, struct json *json, const char *name);

/*
 * The value of a VMCS field in words: control words by the names of their controls, access rights,
 * activity and interruptibility states, events, exit information.
 *
 * SDM Vol. 3, "Guest Register State", table "Format of Access Rights"; "Guest Non-Register State",
 * tables "Format of Interruptibility State" and "Format of Pending-Debug-Exceptions";
 * "VM-Execution Control Fields"; "VM-Exit Information Fields".
 */

/* Prints what the field's value in this image means; nothing where the number says it all. */
void vmcs_field_print(struct sink *sink, const struct vmcs_image *image, enum vmcs_field field);

/* The names of the controls of `word` that are 1 in `value`. */
void vmx_controls_print(struct sink *sink, unsigned word, uint64_t value);

enum { VMCS_FIELD_SYMBOL_SIZE = 64 };

/*
 * The name of a row of vmcs_field_table as one word: GUEST_RIP, ADDRESS_OF_IO_BITMAP_A; what stands
 * in parentheses, and a last "field", is left out. False: there is no such row.
 */
bool vmcs_field_symbol(uint32_t row, char *name);
