/*
 * One feature of a CPU in words.
 */
#pragma once

#include <stddef.h>

#include "tools/capability/page.h"
#include "tools/capability/vmx_feature.h"

enum { FEATURE_BITS_MAX = 8, FEATURE_STATE_MAX = 24 };

/* "31", "44:32": a control by its own number, anything else by the bits of its MSR. */
void feature_bits(const struct vmx_feature *feature, char text[FEATURE_BITS_MAX]);

/*
 * "0 or 1", "0 only", "1 only" of what can be set; "yes", "no" of a flag; the value of a field,
 * in hex where that is how it is reported; "absent", "unknown".
 */
void feature_state(const struct vmx_feature *feature, struct vmx_feature_value value,
                   char text[FEATURE_STATE_MAX]);

/* How a state looks: good where the feature is offered. */
enum style feature_style(struct vmx_feature_value value);

/* "NAME: EXPLANATION (MEANING). ID; default1; since GENERATION" */
void feature_sentence(const struct vmx_feature *feature, struct vmx_feature_value value, char *text,
                      size_t size);
