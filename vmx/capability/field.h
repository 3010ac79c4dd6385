/*
 * The fields of a struct as a table: what compares two such structs, or reports one to a person or
 * a program, loops over it.
 */
#ifndef VMX_FIELD_H
#define VMX_FIELD_H

#include <stdint.h>

#include "lib/string.h"

enum field_kind { FIELD_BOOL, FIELD_NUMBER, FIELD_HEX };

struct field {
    const char *name;
    uint16_t offset; /* in the struct, in bytes */
    uint8_t width;   /* in bytes */
    uint8_t kind;    /* enum field_kind: how it is reported */
};

/* The value of a field of `object`, the struct that the table describes. */
static inline uint64_t field_value(const struct field *field, const void *object)
{
    uint64_t value = 0;

    memcpy(&value, (const uint8_t *)object + field->offset, field->width);
    return value;
}

#endif
