/* The tables of vmx/entry/vmentry_rules.def: what each rule says, and what it looks at. */
#include "vmx/entry/vmentry_state.h"

#define SECTION_EXECUTION          "VM-Execution Control Fields"
#define SECTION_EXIT               "VM-Exit Control Fields"
#define SECTION_ENTRY              "VM-Entry Control Fields"
#define SECTION_HOST_REGISTERS     "Checks on Host Control Registers, MSRs, and SSP"
#define SECTION_HOST_SEGMENTS      "Checks on Host Segment and Descriptor-Table Registers"
#define SECTION_HOST_SIZE          "Checks Related to Address-Space Size"
#define SECTION_GUEST_REGISTERS    "Checks on Guest Control Registers, Debug Registers, and MSRs"
#define SECTION_GUEST_SEGMENTS     "Checks on Guest Segment Registers"
#define SECTION_GUEST_TABLES       "Checks on Guest Descriptor-Table Registers"
#define SECTION_GUEST_RIP          "Checks on Guest RIP, RFLAGS, and SSP"
#define SECTION_GUEST_LOADING_RIP  "Loading Guest RIP, RSP, RFLAGS, and SSP"
#define SECTION_GUEST_NON_REGISTER "Checks on Guest Non-Register State"
#define SECTION_GUEST_PDPTES       "Checks on Guest Page-Directory-Pointer-Table Entries"
#define SECTION_MSR_LOAD           "Loading MSRs"

#define RULE_CLASS_CONTROLS     VMENTRY_CONTROLS, false
#define RULE_CLASS_HOST         VMENTRY_HOST, false
#define RULE_CLASS_GUEST        VMENTRY_GUEST, false
#define RULE_CLASS_MAY_GUEST    VMENTRY_GUEST, true
#define RULE_CLASS_MSR_LOAD     VMENTRY_MSR_LOAD, false
#define RULE_CLASS_MAY_MSR_LOAD VMENTRY_MSR_LOAD, true

#define VMENTRY_RULE(id, rule_name, rule_class, section, form, text) \
    {(rule_name), RULE_CLASS_##rule_class, (section), (text)},
const struct vmentry_rule_text vmentry_rule_table[VMENTRY_RULE_COUNT] = {
#include "vmx/entry/vmentry_rules.def"
};
#undef VMENTRY_RULE

#define BITS(high, low) (~0ull >> (63 - (high)) & ~0ull << (low))

/* Bitmaps of segment registers. */
#define ES_TO_GS 0x3f
#define ES_TO_DS 0x0f
#define FS_GS    0x30
#define LDTR_TR  0xc0
#define DATA     (1 << SEGMENT_ES | 1 << SEGMENT_DS | FS_GS)

#define CONTROL(word, id)                \
    {                                    \
        VMENTRY_WORD_##word, word##_##id \
    }
#define IF(word, id) CONTROL(word, id)
#define ALWAYS               \
    {                        \
        VMENTRY_WORD_NONE, 1 \
    }
#define LIST(...)                                     \
    .fields = (const enum vmcs_field[]){__VA_ARGS__}, \
    .field_count = sizeof((const enum vmcs_field[]){__VA_ARGS__}) / sizeof(enum vmcs_field)

#define ALLOWED0(of)                                              \
    {                                                             \
        .kind = FORM_ALLOWED0, .when = { VMENTRY_WORD_##of, ~0u } \
    }
#define ALLOWED1(of)                                              \
    {                                                             \
        .kind = FORM_ALLOWED1, .when = { VMENTRY_WORD_##of, ~0u } \
    }
#define NEEDS(word, id, other_word, other_id)                                                 \
    {                                                                                         \
        .kind = FORM_NEEDS, .when = CONTROL(word, id), .other = CONTROL(other_word, other_id) \
    }
#define LISTED(id)                                                                       \
    {                                                                                    \
        .kind = FORM_NEEDS, .when = {(enum vmentry_word)NEED_WORD_##id, NEED_MASK_##id}, \
        .other = {                                                                       \
            (enum vmentry_word)NEEDED_WORD_##id,                                         \
            NEEDED_MASK_##id                                                             \
        }                                                                                \
    }
#define EXCLUDES(word, id, other_word, other_id)                                                 \
    {                                                                                            \
        .kind = FORM_EXCLUDES, .when = CONTROL(word, id), .other = CONTROL(other_word, other_id) \
    }
#define ADDRESS(condition, exponent, ...)                                              \
    {                                                                                  \
        .kind = FORM_ADDRESS, .when = condition, .bits = (exponent), LIST(__VA_ARGS__) \
    }
#define CANONICAL(condition, ...)                                    \
    {                                                                \
        .kind = FORM_CANONICAL, .when = condition, LIST(__VA_ARGS__) \
    }
#define ZERO(condition, mask, ...)                                              \
    {                                                                           \
        .kind = FORM_ZERO, .when = condition, .bits = (mask), LIST(__VA_ARGS__) \
    }
#define NOT_ZERO(condition, ...)                                    \
    {                                                               \
        .kind = FORM_NOT_ZERO, .when = condition, LIST(__VA_ARGS__) \
    }
#define PAT_TYPES(condition, field)                      \
    {                                                    \
        .kind = FORM_PAT, .when = condition, LIST(field) \
    }
#define CODE(function)                                        \
    {                                                         \
        .kind = FORM_CODE, .when = ALWAYS, .code = (function) \
    }
#define SEGMENTS(registers, function)                                                    \
    {                                                                                    \
        .kind = FORM_SEGMENT, .when = ALWAYS, .bits = (registers), .segment = (function) \
    }
#define ENTRIES(function)                                            \
    {                                                                \
        .kind = FORM_MSR, .when = ALWAYS, .entry_broken = (function) \
    }

/* The rows of vmx/capability/control_needs.def that VM entry checks, as constants. */
#define CONTROL_NEEDS(id, word, control, needed_word, needed)                \
    NEED_WORD_##id = VMENTRY_WORD_##word, NEED_MASK_##id = word##_##control, \
    NEEDED_WORD_##id = VMENTRY_WORD_##needed_word, NEEDED_MASK_##id = needed_word##_##needed,
#define CONTROL_USES(...)
#define CONTROL_PAIR(...)
enum {
#include "vmx/capability/control_needs.def"
};

#define VMENTRY_RULE(id, name, class, section, form, text) form,
const struct vmentry_form vmentry_forms[VMENTRY_RULE_COUNT] = {
#include "vmx/entry/vmentry_rules.def"
};
#undef VMENTRY_RULE

const enum vmcs_field vmentry_word_fields[VMENTRY_WORD_COUNT] = {
    [VMENTRY_WORD_NONE] = VMCS_EXIT_REASON,
    [VMENTRY_WORD_PIN] = VMCS_PIN_BASED_VM_EXECUTION_CONTROLS,
    [VMENTRY_WORD_PRIMARY] = VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
    [VMENTRY_WORD_SECONDARY] = VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
    [VMENTRY_WORD_TERTIARY] = VMCS_TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
    [VMENTRY_WORD_VM_FUNCTION] = VMCS_VM_FUNCTION_CONTROLS,
    [VMENTRY_WORD_EXIT] = VMCS_PRIMARY_VM_EXIT_CONTROLS,
    [VMENTRY_WORD_SECONDARY_EXIT] = VMCS_SECONDARY_VM_EXIT_CONTROLS,
    [VMENTRY_WORD_ENTRY] = VMCS_VM_ENTRY_CONTROLS,
};
