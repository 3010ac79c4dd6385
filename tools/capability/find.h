/*
 * Expressions over features: `secondary.ept && !(ept.1g-pages || pin.preemption-timer)`.
 *
 * An id (tools/capability/vmx_feature.h) is true where the CPU offers the feature, false where it
 * does not, and neither where the value is not known. `!` binds tightest, then `&&`, then `||`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/capability/dump.h"
#include "vmx/capability/vmx_msr.h"
#include "tools/capability/vmx_feature.h"

enum truth { TRUTH_FALSE, TRUTH_UNKNOWN, TRUTH_TRUE };

enum { FIND_STEPS_MAX = 128, FIND_ERROR_MAX = 240 };

/* In the order of evaluation: a feature is put on a stack, an operator takes from it and puts back.
 */
struct find_step {
    enum { FIND_FEATURE, FIND_NOT, FIND_AND, FIND_OR } kind;
    const struct vmx_feature *feature;
};

struct find {
    struct find_step step[FIND_STEPS_MAX];
    size_t count;
};

/* False, and what is wrong where, in `error`. */
bool find_parse(const char *text, struct find *find, char error[FIND_ERROR_MAX]);

enum truth find_evaluate(const struct find *find, const struct vmx_dump *dump);
