/*
 * The fields of a VMCS: their names, what their encodings say, and on which processors they exist.
 *
 * SDM Vol. 3, "VMREAD, VMWRITE, and Encodings of VMCS Fields", table "Structure of VMCS Component
 * Encoding"; appendix "Field Encoding in VMCS".
 */
#ifndef VMX_VMCS_FIELD_H
#define VMX_VMCS_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "vmx/capability/vmx_capability.h"

/* VMCS_GUEST_RIP …: the encoding of each field, for 64-bit fields that of full access. */
#define FIELD(id, encoding, ...) VMCS_##id = (encoding),
enum vmcs_field {
#include "vmx/vmcs_fields.def"
};

#define FIELD(...) +1
enum {
    VMCS_FIELD_COUNT = 0
#include "vmx/vmcs_fields.def"
};

/* Bits 14:13 of an encoding. */
enum vmcs_width { VMCS_WIDTH_16, VMCS_WIDTH_64, VMCS_WIDTH_32, VMCS_WIDTH_NATURAL };

/* Bits 11:10 of an encoding. */
enum vmcs_type { VMCS_TYPE_CONTROL, VMCS_TYPE_READ_ONLY, VMCS_TYPE_GUEST, VMCS_TYPE_HOST };

static inline enum vmcs_width vmcs_encoding_width(uint32_t encoding)
{
    return (enum vmcs_width)(encoding >> 13 & 3);
}

static inline enum vmcs_type vmcs_encoding_type(uint32_t encoding)
{
    return (enum vmcs_type)(encoding >> 10 & 3);
}

/* Bits 9:1: tells the fields of one width and type apart. */
static inline uint32_t vmcs_encoding_index(uint32_t encoding)
{
    return encoding >> 1 & 0x1ff;
}

/* The access type: the upper 32 bits of a 64-bit field. */
static inline bool vmcs_encoding_high(uint32_t encoding)
{
    return encoding & 1;
}

static inline uint32_t vmcs_encoding(enum vmcs_width width, enum vmcs_type type, uint32_t index)
{
    return (uint32_t)width << 13 | (uint32_t)type << 10 | index << 1;
}

/* Where the bits of `mask` in one member of struct vmx_capability say that a field exists. */
struct vmcs_condition {
    uint16_t capability; /* the member's offset in bytes */
    uint32_t mask;       /* of its bits 31:0; 0: this condition is never met */
};

/* A row of vmx/vmcs_fields.def. */
struct vmcs_field_row {
    const char *name; /* the SDM's */
    enum vmcs_field field;
    bool always, reported;         /* exists everywhere; where struct vmx_capability says so */
    struct vmcs_condition when[2]; /* one of them is enough */
};

extern const struct vmcs_field_row vmcs_field_table[VMCS_FIELD_COUNT];

/* The most indexes that one width and type may have in the table. */
enum { VMCS_INDEXES_MAX = 64 };

/* By width and type, then index: the row in the table plus 1, or 0. */
extern const uint8_t vmcs_field_rows[16][VMCS_INDEXES_MAX];

/* The field's row in the table; VMCS_FIELD_COUNT for an encoding that the table does not have. */
static inline uint32_t vmcs_field_index(enum vmcs_field field)
{
    uint32_t encoding = (uint32_t)field, index = vmcs_encoding_index(encoding);
    uint32_t group = (uint32_t)vmcs_encoding_width(encoding) * 4 + vmcs_encoding_type(encoding);
    uint8_t row = 0;

    /* Bit 0 is high access, bit 12 and those above 14 are reserved. */
    if (!(encoding & ~0x6ffeu) && index < VMCS_INDEXES_MAX)
        row = vmcs_field_rows[group][index];
    return row ? row - 1u : VMCS_FIELD_COUNT;
}

/*
 * Does the processor with these capabilities have this field? False for an encoding that the table
 * does not have, and for a field of which no capability reports.
 */
bool vmcs_field_exists(enum vmcs_field field, const struct vmx_capability *capability);

#endif
