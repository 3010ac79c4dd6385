/*
 * What the rules of vmx/entry/vmentry_rules.def are made of: the state that they look at, and the
 * forms that a rule can have.
 */
#pragma once

#include "vmx/entry/vmentry_rule.h"
#include "lib/x86_rooms.h"
#include "vmx/exit_reason.h"

/* Bits of registers by their SDM names. */
#define S_CET_TRACKER   (3ull << 10) /* SUPPRESS and TRACKER */
#define HIGH_HALF       0xffffffff00000000ull
#define RIGHTS_RESERVED 0xfffe0f00u /* 31:17 and 11:8 */

/* NW and CD are not checked: VM entries and exits leave them as they are. */
#define CR0_NOT_CHECKED (CR0_NW | CR0_CD)

/* Of VMX_CONTROL_NONE bit 0 is 1, for rules that hold whatever the controls are. */
struct vmentry_control {
    uint8_t word, bit;
};

/* An entry of an MSR-load area: SDM, table "Format of an MSR Entry". */
struct vmentry_msr_entry {
    uint32_t index, reserved;
    uint64_t value;
};

/*
 * What the rules look at. They come to image and memory by the functions below alone, which note
 * what is missing.
 */
struct vmentry_state {
    const struct vmcs_image *image;
    const struct vmentry_context *context;
    bool *missing;  /* a field, or memory: what the rule asked for; then it cannot be checked */
    unsigned index; /* in `fields`, of the field that is looked at: a segment register's number */
    struct vmentry_msr_entry entry; /* of FORM_MSR */
};

/* What a rule looked at. It is kept where both values are the same. */
struct vmentry_view {
    enum vmcs_field field;
    uint64_t seen, wanted;
};

enum vmentry_form_kind {
    FORM_ALLOWED0,  /* the word's bits that must be 1 */
    FORM_ALLOWED1,  /* the word's bits that may be 1 */
    FORM_NEEDS,     /* where one control is 1 another must be */
    FORM_EXCLUDES,  /* where one control is 1 another must be 0 */
    FORM_ADDRESS,   /* physical addresses: aligned to 2^bits, within the address width */
    FORM_CANONICAL, /* linear addresses, and `bits` that must be 0 */
    FORM_ZERO,      /* bits that must be 0 */
    FORM_ONES,      /* bits that must be 1 */
    FORM_RESERVED,  /* bits that must be 0, at offset `bits` in struct vmentry_context */
    FORM_NOT_ZERO,  /* fields that must not be 0 */
    FORM_VALUE,     /* what `wanted` makes of the value */
    FORM_CODE,      /* a function of its own */
    FORM_MSR,       /* an entry of the VM-entry MSR-load area that is as `where` says breaks it */
};

struct __attribute__((packed)) vmentry_form {
    enum vmentry_form_kind kind;
    uint8_t fields;              /* bit n: the one whose encoding is 2 * n above */
    enum vmcs_field first;       /* this one's */
    struct vmentry_control when; /* holds only where this control is 1 */
    bool (*where)(const struct vmentry_state *state); /* and where this is true; NULL: always */
    union {
        struct vmentry_control other; /* of NEEDS and EXCLUDES */
        uint64_t bits;
        uint64_t (*wanted)(const struct vmentry_state *state, uint64_t seen);
        struct vmentry_view (*code)(const struct vmentry_state *state);
    };
};

extern const struct vmentry_form vmentry_forms[VMENTRY_RULE_COUNT];

static inline enum vmcs_field vmentry_form_field(const struct vmentry_form *form, unsigned bit)
{
    return (enum vmcs_field)(form->first + 2 * bit);
}

/* A field's value; 0, and missing, where the image has none. */
uint64_t vmentry_get(const struct vmentry_state *state, enum vmcs_field field);

/* Copies physical memory; false, and missing, where it cannot be read. */
bool vmentry_read(const struct vmentry_state *state, uint64_t address, void *to, size_t bytes);

/* A control word, 0 where the control that activates it is 0: whatever its field holds. */
uint64_t vmentry_word(const struct vmentry_state *state, unsigned word);

static inline bool vmentry_is_set(const struct vmentry_state *state, struct vmentry_control control)
{
    return vmentry_word(state, control.word) >> control.bit & 1;
}

/* Makes the control 0, or 1, and those with it that activate its word. */
void vmentry_switch(struct vmcs_image *image, struct vmentry_control control, bool on);

#define VMENTRY_BIT_OF(word, id)  VMX_CONTROL_##word, __builtin_ctz(word##_##id)
#define VMENTRY_CONTROL(word, id) ((struct vmentry_control){VMENTRY_BIT_OF(word, id)})

/* A view of a rule that does not apply. */
static inline struct vmentry_view vmentry_kept(void)
{
    return (struct vmentry_view){VMCS_EXIT_REASON, 0, 0};
}

/* The bits of a physical address that this processor has not. */
static inline uint64_t vmentry_beyond(const struct vmentry_state *state)
{
    return ~0ull << state->context->physical_address_width;
}

/* The nearest value whose bits 63:`lowest` are all alike: with width - 1, a canonical address. */
static inline uint64_t vmentry_extended(uint64_t value, unsigned lowest)
{
    uint64_t upper = ~0ull << lowest;

    return value >> lowest & 1 ? value | upper : value & ~upper;
}

/* The nearest value whose eight bytes are all memory types: 2, 3 and those above 7 become UC, 0. */
static inline uint64_t vmentry_pat(uint64_t pat)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        uint8_t type = (uint8_t)(pat >> shift);

        if (type > 7 || type == 2 || type == 3)
            pat &= ~(0xffull << shift);
    }
    return pat;
}

static inline uint64_t vmentry_canonical(const struct vmentry_state *state, uint64_t value)
{
    return vmentry_extended(value, state->context->linear_address_width - 1);
}
