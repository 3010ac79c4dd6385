#include "vmx/vmcs_field.h"

#include "lib/string.h"
#include "vmx/capability/vmx_controls.h"

/* The member of struct vmx_capability whose bits 31:0 say which controls of a word may be 1. */
#define WORD_PIN            pin_allowed1
#define WORD_PRIMARY        primary_allowed1
#define WORD_SECONDARY      secondary_allowed1
#define WORD_TERTIARY       tertiary_allowed1
#define WORD_EXIT           exit_allowed1
#define WORD_SECONDARY_EXIT secondary_exit_allowed1
#define WORD_ENTRY          entry_allowed1
#define WORD_VM_FUNCTION    vm_functions
#define MAY_BE_1(word, control)                                        \
    {                                                                  \
        offsetof(struct vmx_capability, WORD_##word), word##_##control \
    }
#define ALWAYS              .always = true, .reported = true
#define WHEN(word, control) .reported = true, .when = {MAY_BE_1(word, control)}
#define EITHER(control, word, other) \
    .reported = true, .when = {MAY_BE_1(ENTRY, control), MAY_BE_1(word, other)}
#define NOT_REPORTED .reported = false

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
