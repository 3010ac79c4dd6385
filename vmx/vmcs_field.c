#include "vmx/vmcs_field.h"

#include <stddef.h>

#include "lib/string.h"
#include "vmx/capability/vmx_controls.h"

#define MEMBER(word)        offsetof(struct vmx_capability, word)
#define ALWAYS              .always = true, .reported = true
#define WHEN(word, control) .reported = true, .when = {{MEMBER(word), (control)}}
#define EITHER(word, control, w2, c2) \
    .reported = true, .when = {{MEMBER(word), (control)}, {MEMBER(w2), (c2)}}
#define NOT_REPORTED .reported = false

#define VMCS_FIELD(id, encoding, bits, kind, text, exists) \
    {(text), VMCS_##id, VMCS_WIDTH_##bits, VMCS_TYPE_##kind, exists},
const struct vmcs_field_row vmcs_field_table[VMCS_FIELD_COUNT] = {
#include "vmx/vmcs_fields.def"
};
#undef VMCS_FIELD

/* The number of each row, counted by the compiler. */
#define VMCS_FIELD(id, ...) ROW_##id,
enum {
#include "vmx/vmcs_fields.def"
};
#undef VMCS_FIELD

#define VMCS_FIELD(id, encoding, ...) \
    [(encoding) >> 13 << 2 | ((encoding) >> 10 & 3)][(encoding) >> 1 & 0x1ff] = ROW_##id + 1,
const uint8_t vmcs_field_rows[16][VMCS_INDEXES_MAX] = {
#include "vmx/vmcs_fields.def"
};
#undef VMCS_FIELD

_Static_assert(VMCS_FIELD_COUNT < UINT8_MAX, "a row number plus 1 fits a byte");

static bool condition_met(const struct vmcs_condition *condition,
                          const struct vmx_capability *capability)
{
    uint64_t word;

    memcpy(&word, (const uint8_t *)capability + condition->capability, sizeof(word));
    return word & condition->mask;
}

bool vmcs_field_exists(enum vmcs_field field, const struct vmx_capability *capability)
{
    uint32_t index = vmcs_field_index(field);
    const struct vmcs_field_row *row = &vmcs_field_table[index];

    return index < VMCS_FIELD_COUNT && (row->always || condition_met(&row->when[0], capability) ||
                                        condition_met(&row->when[1], capability));
}
