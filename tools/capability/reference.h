/*
 * A mention of an MSR in a line, by its number or a name.
 */
#pragma once

#include "tools/capability/found.h"

struct reference {
    uint32_t msr;
    bool named;     /* by a name, or by a number after the word MSR */
    bool word;      /* by such a number */
    bool decimal;   /* by a number that is an address in decimal */
    bool padded;    /* by a number of 8 digits without 0x */
    bool assigned;  /* `=`, `:` or the like stands after it */
    bool colon;     /* it is `:` */
    bool columns;   /* a heading says that the numbers behind it are values of CPUs */
    bool field;     /* what follows is of some of its bits: `bits 53:50`, `[55]`, `44:32` */
    enum half half; /* of the MSR, where its name says so */
    enum dump_format format;
};

/*
 * Takes a reference from the start of `*rest`. A number without 0x counts only as the first thing
 * of a line (`first`), or after the word MSR; 58 for 0x3a only where others are `decimal`. False
 * if there is none; words are taken all the same.
 */
bool reference_take(struct piece *rest, bool first, bool decimal, struct reference *reference);

/*
 * Passes over the reference's own address after a name, as in `IA32_VMX_BASIC (MSR 0x480) =`. True
 * if it is the address of another MSR, or if after an address the name of another MSR stands.
 */
bool reference_contradicts(struct piece *rest, struct reference *reference);

/* Does the line end with the name of another MSR, after an address and its value? */
bool reference_is_named_otherwise(struct piece rest, const struct reference *reference);

/* Does what follows say that there is no value? */
bool reference_is_absent(struct piece rest);

/* Would a person take what follows, which is no value, for one? */
bool reference_is_meant(const struct reference *reference, struct piece rest);

/* Does a value follow a name that is not known, in the ways that values follow known ones? */
bool reference_has_value(struct piece rest);

/* The address that a number is; 0 for none of those of interest. */
uint32_t reference_address(const struct number *number);

/* Passes over one sign, or all, that may stand between a reference and its value. */
bool reference_take_sign(struct piece *rest, struct reference *reference);
struct piece reference_skip(struct piece rest, struct reference *reference);
