/*
 * The numbers of a line after a reference to an MSR: its value, or a column for each CPU.
 */
#pragma once

#include "tools/capability/reference.h"

enum { VALUES_MAX = CPUS_MAX };

struct values {
    struct number number[VALUES_MAX];
    enum half half[VALUES_MAX];
    unsigned count;
    bool has_decimal; /* one has so many digits that it can only be decimal */
};

/* Takes the values after a reference; `decimal`: those without 0x are decimal. */
void values_take(struct piece *rest, struct reference *reference, bool decimal,
                 struct values *values);
