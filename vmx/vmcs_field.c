#include "vmx/vmcs_field.h"

#include "lib/string.h"
#include "vmx/capability/vmx_controls.h"

#define MAY_BE_1(word, control) VMX_CONTROL_##word, __builtin_ctz(word##_##control)
#define NEVER                   VMX_CONTROL_NONE, 0
#define ALWAYS                  .always = true, .reported = true
#define WHEN(word, control)     .reported = true, .when = {{MAY_BE_1(word, control)}, {NEVER}}
#define EITHER(control, word, other) \
    .reported = true, .when = {{MAY_BE_1(ENTRY, control)}, {MAY_BE_1(word, other)}}
#define NOT_REPORTED .when = {{NEVER}, {NEVER}}

#define FIELD(id, encoding, text, ...) {text, VMCS_##id, __VA_ARGS__},
const struct vmcs_field_row vmcs_field_table[VMCS_FIELD_COUNT] = {
#include "vmx/vmcs_fields.def"
};

/* The number of each row, counted by the compiler. */
#define FIELD(id, ...) ROW_##id,
enum {
#include "vmx/vmcs_fields.def"
};

#define FIELD(id, encoding, ...) \
    [(encoding) >> 13 << 2 | ((encoding) >> 10 & 3)][(encoding) >> 1 & 0x1ff] = ROW_##id + 1,
const uint8_t vmcs_field_rows[16][VMCS_INDEXES_MAX] = {
#include "vmx/vmcs_fields.def"
};

_Static_assert(VMCS_FIELD_COUNT < UINT8_MAX, "a row number plus 1 fits a byte");

static bool condition_met(const struct vmcs_condition *condition,
                          const struct vmx_capability *capability)
{
    uint64_t word;

    if (condition->word == VMX_CONTROL_NONE)
        return false;
    memcpy(&word, (const uint8_t *)capability + vmx_control_words[condition->word].allowed1,
           sizeof(word));
    return word >> condition->bit & 1;
}

bool vmcs_field_exists(enum vmcs_field field, const struct vmx_capability *capability)
{
    uint32_t index = vmcs_field_index(field);
    const struct vmcs_field_row *row = &vmcs_field_table[index];

    return index < VMCS_FIELD_COUNT && (row->always || condition_met(&row->when[0], capability) ||
                                        condition_met(&row->when[1], capability));
}
