/*
 * What lines of a text give MSRs, before it is known what their columns are, and the sets that come
 * out of it.
 */
#pragma once

#include "tools/capability/number.h"
#include "tools/capability/scan.h"

enum { CPUS_MAX = 1024 };

/* Which half of its MSR a value is. */
enum half { HALF_NONE, HALF_LOW, HALF_HIGH };

/* How lines with two numbers of 32 bits look; those that look alike mean the same. */
enum columns_look {
    LOOK_PLAIN,   /* 00000480  00DA0400  00000012: halves */
    LOOK_COLON,   /* 486: 80000021 80000021: the values of two CPUs */
    LOOK_PADDED,  /* MSR 0x480: 0x00da0400 0x00000012, as FreeBSD's cpucontrol has it: halves */
    LOOK_HEADED,  /* below a heading EDX EAX: halves */
    LOOK_SWAPPED, /* below a heading EAX EDX: halves, the low one first */
    LOOK_CPUS,    /* below a heading CPU0 CPU1 */
    LOOK_COUNT,
};

struct found {
    uint32_t msr;
    uint64_t value;
    unsigned cpu;  /* its number, 0 or that of its column where the text does not report */
    unsigned line; /* of the text */
    unsigned column, columns; /* its place among the numbers of its line, from 0 */
    bool narrow;              /* of 8 digits at most */
    bool memory;              /* its line may be one of memory, with an address before it */
    enum columns_look look;
    enum half half; /* where the text names it */
};

struct found_list {
    struct found *item;
    size_t count, room;
};

void found_add(struct found_list *list, struct found found);
void found_free(struct found_list *list);

/*
 * Makes the sets of `scan->list` of it. False, with the error reported, where it contradicts
 * itself: an MSR of a CPU with two values, columns that can be neither halves nor CPUs.
 */
bool found_finish(struct scan *scan, struct found_list *list);
