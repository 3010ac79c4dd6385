/* The nearest of known names to one that a person has mistyped. */
#pragma once

#include <stddef.h>

struct nearest {
    const char *typed;
    size_t length;     /* of what was typed, which no zero ends */
    const char *name;  /* the nearest of those offered; NULL: none is near */
    unsigned distance; /* of that one */
};

/*
 * The distance counts characters to insert, delete, replace, or exchange with the next one; upper
 * and lower case are the same. A name is near if at most a third of it is wrong.
 */
void nearest_offer(struct nearest *nearest, const char *name);
