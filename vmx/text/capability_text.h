/*
 * What is said to a person beyond findings and capabilities themselves: IA32_VMX_BASIC drawn, bit
 * field by bit field, with what each value means (plain ASCII, at most 78 columns); and of each
 * rule of vmx/findings.def where the manual has it, and what to do.
 *
 * SDM Vol. 3, appendix "VMX Capability Reporting Facility", "Basic VMX Information".
 */
#pragma once

#include "vmx/finding.h"

struct basic_field {
    int high, low;    /* bits */
    const char *name; /* for programs: "memory-type" */
    /* What 0 means and what anything else means; of the memory type NULL: it has a table. */
    const char *zero, *other;
};

/* From bit 63 down to bit 0, without a gap. */
enum { BASIC_FIELD_COUNT = 13 };
extern const struct basic_field basic_fields[BASIC_FIELD_COUNT];

/* The field's value in a value of IA32_VMX_BASIC, and what that means in a few words. */
uint64_t basic_field_value(const struct basic_field *field, uint64_t basic);
const char *basic_field_meaning(const struct basic_field *field, uint64_t basic);

/*
 * Draws `basic`. A field that `findings` (may be NULL) says something about is marked `!` for a
 * warning and `X` for a refusal. `paint` (may be NULL) is called before the line of each field with
 * the severity that the line has, and with SEVERITY_NONE after it: the place for colours.
 */
void basic_render(struct sink *sink, uint64_t basic, const struct findings *findings,
                  void (*paint)(struct sink *sink, enum severity severity));

/* From vmx/text/finding_text.def. */
struct rule_text rule_text(enum rule rule);
