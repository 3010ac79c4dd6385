/*
 * The words that the page of `vmxcap --html` has for kinds, states and groups of features.
 */
#pragma once

#include "tools/capability/vmx_feature.h"

/* What a cell of the matrix can be, and the character that says it. */
struct html_cell {
    char code;
    struct vmx_feature_value value; /* one that is reported so */
};

enum { HTML_CELL_COUNT = 8 };
extern const struct html_cell html_cells[HTML_CELL_COUNT];

char html_cell_code(struct vmx_feature_value value);

const char *html_kind_name(enum vmx_feature_kind kind); /* "control", "flag", … */

/* What a state means for a CPU: a sentence. */
const char *html_state_sentence(enum vmx_feature_kind kind, struct vmx_feature_value value);

/* "Pin-based VM-execution controls" for "pin", the part of an id before its dot. */
const char *html_group_title(const char *group);
