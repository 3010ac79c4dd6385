/*
 * A mention of an MSR in a line, by its number or a name, and the numbers after it.
 */
#ifndef TOOLS_CAPABILITY_REFERENCE_H
#define TOOLS_CAPABILITY_REFERENCE_H

#include "tools/capability/found.h"

struct reference {
    uint32_t msr;
    bool named;     /* by a name, or by a number after the word MSR */
    bool word;      /* by such a number */
    bool decimal;   /* by a number that is an address in decimal */
    bool padded;    /* by a number of 8 digits without 0x */
    bool assigned;  /* `=`, `:` or the like stands after it */
    bool colon;     /* it is `:` */
    bool field;     /* what follows is of some of its bits: `bits 53:50`, `[55]`, `44:32` */
    enum half half; /* of the MSR, where its name says so */
    enum dump_format format;
};

enum { VALUES_MAX = CPUS_MAX };

/* The numbers of a line after a reference: one, or a column each. */
struct values {
    struct number number[VALUES_MAX];
    enum half half[VALUES_MAX];
    unsigned count;
    bool has_decimal; /* one has so many digits that it can only be decimal */
};

/*
 * Takes a reference from the start of `*rest`. A number without 0x counts only as the first thing
 * of a line (`first`), or after the word MSR; 58 for 0x3a only where others are `decimal`. False
 * if there is none; words are taken all the same.
 */
bool reference_take(struct piece *rest, bool first, bool decimal, struct reference *reference);

/*
 * Passes over the reference's own address after a name, as in `IA32_VMX_BASIC (MSR 0x480) =`. True
 * if it is the address of another MSR.
 */
bool reference_contradicts(struct piece *rest, struct reference *reference);

/* Takes the values after a reference; `decimal`: those without 0x are decimal. */
void reference_values(struct piece *rest, struct reference *reference, bool decimal,
                      struct values *values);

/* Does what follows say that there is no value? */
bool reference_is_absent(struct piece rest);

/* Would a person take what follows, which is no value, for one? */
bool reference_is_meant(const struct reference *reference, struct piece rest);

/* Does a value follow a name that is not known, in the ways that values follow known ones? */
bool reference_has_value(struct piece rest);

/* The address that a number is; 0 for none of those of interest. */
uint32_t reference_address(const struct number *number);

/* Passes over signs between a reference and its value. */
struct piece reference_skip(struct piece rest, struct reference *reference);

#endif
