/*
 * Lines above values that say which CPU they are of, or what their columns are.
 */
#pragma once

#include "tools/capability/found.h"

struct heading {
    unsigned cpu;           /* of what follows */
    enum columns_look look; /* LOOK_PLAIN without a heading of columns */
    unsigned columns;       /* of CPUs, with their numbers */
    unsigned column[CPUS_MAX];
};

/* Takes "CPU 1", "CPU1", "processor : 1", "CPU #2", whose # counts from 1. */
bool heading_cpu(struct piece *rest, unsigned *cpu);

/* Takes a line that is a heading, or leaves `heading` as it is. True if it begins one CPU's list.
 */
bool heading_take(struct piece line, struct heading *heading);

/* The CPU of one of a line's columns; `cpu` is that of the line. */
unsigned heading_column(const struct heading *heading, unsigned column, unsigned columns,
                        unsigned cpu);
