/*
 * The forms in which tools, kernels and debuggers print a register's number or value.
 */
#pragma once

#include "tools/capability/piece.h"

struct number {
    uint64_t value;   /* the digits read as hex; of no use where there are more than 16 */
    uint64_t decimal; /* the digits read as decimal, where `is_decimal` */
    unsigned digits;  /* without those of a prefix */
    bool prefixed;    /* 0x before it, or h after it */
    bool is_decimal;  /* it can be read as decimal: no letter, no prefix, no groups */
    char separator;   /* between its groups; 0: it has none */
};

enum { NUMBER_DIGITS_MAX = 16 };

/*
 * Takes a number from the start of `*rest`, and the letters after it that belong to one in C (ULL)
 * or in Intel's way (h):
 *
 *   da040000000012  0xda040000000012  0da040000000012h  0xda040000000012ULL
 *   00da0400`00000012  00da0400_00000012  00da0400:00000012  0x00da0400:0x00000012
 *   00DA-0400-0000-0012  0xda_0400_0000_0012
 *
 * False, with nothing taken, where there is none or where something hangs on to it.
 */
bool number_take(struct piece *rest, struct number *number);

/* The same, and halves with blanks round their separator: `00da0400 : 00000012`. */
bool number_take_halves(struct piece *rest, struct number *number);

/* The same without groups: of `0x480:0x00da0400`, the first part. */
bool number_take_plain(struct piece *rest, struct number *number);
