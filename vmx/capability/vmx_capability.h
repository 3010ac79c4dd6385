/*
 * vmx_capability: what the capability MSRs say beyond what vmcs_config holds, field by field. The
 * fields are the rows of vmx/capability/vmx_capability.def; an MSR that does not exist leaves its
 * fields 0.
 */
#pragma once

#include "vmx/capability/vmx_msr.h"

/* The fields of a struct as a table, to compare or report it. */
enum field_kind { FIELD_BOOL, FIELD_NUMBER, FIELD_HEX };

struct field {
    const char *name;
    uint16_t offset; /* in the struct, in bytes */
    uint8_t width;   /* in bytes */
    uint8_t kind;    /* enum field_kind: how it is reported */
};

/* The value of a field of `object`, the struct that the table describes. */
uint64_t field_value(const struct field *field, const void *object);

/* The report's object `name`: all fields of `object`. */
void vmx_json_fields(struct json *json, const char *name, const struct field *fields,
                     uint32_t count, const void *object);

#define VMX_CAPABILITY_BOOL             bool
#define VMX_CAPABILITY_NUMBER           uint32_t
#define VMX_CAPABILITY_HEX              uint64_t
#define VMX_CAPABILITY(kind, name, ...) VMX_CAPABILITY_##kind name;
struct vmx_capability {
#include "vmx/capability/vmx_capability.def"
};

/* VMX_MASK(invept) …: the bits of its MSR that a field comes from. */
#define VMX_CAPABILITY(kind, name, msr, high, low) VMX_HIGH_##name = (high), VMX_LOW_##name = (low),
enum vmx_capability_bit {
#include "vmx/capability/vmx_capability.def"
};
#define VMX_MASK(name) (~0ull >> (63 - VMX_HIGH_##name) & ~0ull << VMX_LOW_##name)

/* The fields of struct vmx_capability, in its order. */
extern const struct field vmx_capability_fields[];
extern const uint32_t vmx_capability_field_count;

/* Fills all of `capability` from one CPU's capability MSRs. */
void vmx_capability_derive(const struct vmx_msrs *msrs, struct vmx_capability *capability);
