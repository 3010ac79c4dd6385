#include "vmx/capability/vmx_capability.h"

#include "lib/string.h"

uint64_t field_value(const struct field *field, const void *object)
{
    uint64_t value = 0;

    memcpy(&value, (const uint8_t *)object + field->offset, field->width);
    return value;
}

#define VMX_CAPABILITY(kind, member, ...) \
    {#member, offsetof(struct vmx_capability, member), sizeof(VMX_CAPABILITY_##kind), FIELD_##kind},
const struct field vmx_capability_fields[] = {
#include "vmx/capability/vmx_capability.def"
};

const uint32_t vmx_capability_field_count =
    sizeof(vmx_capability_fields) / sizeof(vmx_capability_fields[0]);

/* Where each field comes from, in the order of the fields. */
static const struct {
    uint32_t msr;
    uint8_t high, low;
} sources[] = {
#define VMX_CAPABILITY(kind, member, source_msr, source_high, source_low) \
    {IA32_##source_msr, (source_high), (source_low)},
#include "vmx/capability/vmx_capability.def"
};

void vmx_capability_derive(const struct vmx_msrs *msrs, struct vmx_capability *capability)
{
    memset(capability, 0, sizeof(*capability));
    for (uint32_t i = 0; i < vmx_capability_field_count; i++) {
        const struct field *field = &vmx_capability_fields[i];
        uint64_t mask = ~0ull >> (63 - (sources[i].high - sources[i].low));
        uint64_t value = vmx_msr_capability(msrs, vmx_msr_true(msrs, sources[i].msr));

        value = value >> sources[i].low & mask;
        /* Little-endian: the low bytes come first, and a value fits the width of its field. */
        memcpy((uint8_t *)capability + field->offset, &value, field->width);
    }
}

void vmx_json_fields(struct json *json, const char *name, const struct field *fields,
                     uint32_t count, const void *object)
{
    json_object_begin(json, name);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = field_value(&fields[i], object);

        if (fields[i].kind == FIELD_BOOL)
            json_bool(json, fields[i].name, value != 0);
        else if (fields[i].kind == FIELD_NUMBER)
            json_number(json, fields[i].name, value);
        else
            json_hex(json, fields[i].name, value);
    }
    json_object_end(json);
}
