/*
 * The fields of a VMCS: their names, what their encodings say, and on which processors they exist.
 *
 * SDM Vol. 3, "VMREAD, VMWRITE, and Encodings of VMCS Fields", table "Structure of VMCS Component
 * Encoding"; appendix "Field Encoding in VMCS".
 */
#pragma once

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

/* A field exists where this control may be 1. */
struct vmcs_condition {
    uint8_t word, bit; /* enum vmx_control_word; VMX_CONTROL_NONE: this condition is never met */
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

/* False also for an encoding that the table does not have, and where no capability reports. */
bool vmcs_field_exists(enum vmcs_field field, const struct vmx_capability *capability);

/*
 * Fields of the current VMCS, each by its width: vmcs_read16(VMCS_GUEST_CS_SELECTOR),
 * vmcs_write_natural(VMCS_GUEST_RIP, rip). A field of another width, a write to a read-only field
 * and an encoding that is not a constant do not compile.
 *
 * Each is one instruction and no branch, for the way from a VM exit to the next VM entry. VMREAD
 * and VMWRITE can fail there for one reason only, that the processor has no such field
 * (VM-instruction error 12): there is a current VMCS, or there had been no exit. So whoever uses
 * these proves once, when the VMCS is set up, that the field exists: vmcs_field_exists(), or the
 * checked vmwrite() of vmx/vmx_result.h. A failed VMREAD gives no value at all.
 */
#define VMCS_ASSERT_WIDTH(field, width) \
    _Static_assert(((field) >> 13 & 3) == (width), "this VMCS field has another width")

#define VMCS_ASSERT_WRITABLE(field) \
    _Static_assert(((field) >> 10 & 3) != VMCS_TYPE_READ_ONLY, "this VMCS field is read-only")

#define VMCS_READ(field, width, type)    \
    ({                                   \
        VMCS_ASSERT_WIDTH(field, width); \
        (type) x86_vmread_bare(field);   \
    })

#define VMCS_WRITE(field, width, type, value)   \
    ({                                          \
        VMCS_ASSERT_WIDTH(field, width);        \
        VMCS_ASSERT_WRITABLE(field);            \
        x86_vmwrite_bare(field, (type)(value)); \
    })

#define vmcs_read16(field)       VMCS_READ(field, VMCS_WIDTH_16, uint16_t)
#define vmcs_read32(field)       VMCS_READ(field, VMCS_WIDTH_32, uint32_t)
#define vmcs_read64(field)       VMCS_READ(field, VMCS_WIDTH_64, uint64_t)
#define vmcs_read_natural(field) VMCS_READ(field, VMCS_WIDTH_NATURAL, uint64_t)

#define vmcs_write16(field, value)       VMCS_WRITE(field, VMCS_WIDTH_16, uint16_t, value)
#define vmcs_write32(field, value)       VMCS_WRITE(field, VMCS_WIDTH_32, uint32_t, value)
#define vmcs_write64(field, value)       VMCS_WRITE(field, VMCS_WIDTH_64, uint64_t, value)
#define vmcs_write_natural(field, value) VMCS_WRITE(field, VMCS_WIDTH_NATURAL, uint64_t, value)
