/*
 * The VMCS field that a text means: by the manual's name, Linux's, Xen's, those of Windows
 * hypervisors, or the short words of a kernel's dump, where the part of the dump counts.
 */
#pragma once

#include "tools/capability/piece.h"
#include "vmx/vmcs_field.h"

/*
 * The part of a dump: what short words mean in it. ANY: names must say all themselves. BOCHS: the
 * controls as Bochs 2 numbers them, BOCHS_3: as its successor does.
 */
enum dump_part {
    PART_ANY,
    PART_GUEST,
    PART_HOST,
    PART_CONTROL,
    PART_REGISTERS,
    PART_BOCHS,
    PART_BOCHS_3,
};

enum { FIELD_NAME_MAX = 96 };

/* A name in the form in which names are compared. "" where it is too long to be one. */
void field_name_plain(struct piece words, char name[FIELD_NAME_MAX]);

struct field_named {
    bool known;        /* the name means something */
    bool passed;       /* and that is no field, or one of no use */
    bool high;         /* the upper half of the field */
    uint8_t low, bits; /* where in it the value belongs, of attributes of segments; 0 bits: all */
    enum vmcs_field field;
};

/* Of a name in that form. */
struct field_named field_named(const char *name, enum dump_part part);

/* The number of a segment register of which the name begins with; -1: none. `*rest` is what
 * follows. */
int field_segment(const char *name, const char **rest);
