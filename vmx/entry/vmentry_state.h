/*
 * What the rules of vmx/entry/vmentry_rules.def are made of: the state that they look at, the forms
 * that a rule can have, and the functions of those rules that have a form of their own.
 */
#ifndef VMX_VMENTRY_STATE_H
#define VMX_VMENTRY_STATE_H

#include "vmx/entry/vmentry_rule.h"
#include "vmx/exit_reason.h"

/* Bits of registers by their SDM names. */
#define S_CET_TRACKER (3ull << 10) /* SUPPRESS and TRACKER */
#define HIGH_HALF     0xffffffff00000000ull

/* NW and CD are not checked: VM entries and exits leave them as they are. */
#define CR0_NOT_CHECKED (CR0_NW | CR0_CD)

/* Of VMX_CONTROL_NONE bit 0 is 1, for rules that hold whatever the controls are. */
struct vmentry_control {
    uint8_t word, bit;
};

/* What a rule asked for and did not get: such a rule cannot be checked. */
struct vmentry_missing {
    bool field;  /* one that the image does not have */
    bool memory; /* memory that could not be read */
};

/* What the rules look at. They come to it by the functions below alone, which note what is missing.
 */
struct vmentry_state {
    const struct vmcs_image *image;
    const struct vmentry_context *context;
    struct vmentry_missing *missing;
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
    FORM_FIXED,     /* CR0 or CR4: at offset `bits` in struct vmx_capability FIXED0, and FIXED1 */
    FORM_NOT_ZERO,  /* fields that must not be 0 */
    FORM_PAT,       /* eight memory types */
    FORM_VALUE,     /* what a function makes of the value */
    FORM_AREA,      /* address and count of an MSR area: where it begins */
    FORM_AREA_END,  /* likewise: where it ends */
    FORM_RIGHTS,    /* bits of access rights of some segment registers, where a function says so */
    FORM_CODE,      /* a function of its own */
    FORM_SEGMENT,   /* a function for each of some segment registers */
    FORM_MSR, /* entries of the VM-entry MSR-load area: a function, or MSRs that none may have */
};

/* An entry of an MSR-load area: SDM, table "Format of an MSR Entry". */
struct vmentry_msr_entry {
    uint32_t index, reserved;
    uint64_t value;
};

struct __attribute__((packed)) vmentry_form {
    enum vmentry_form_kind kind;
    uint8_t field_count;
    uint8_t registers;                                /* of SEGMENT and RIGHTS, as a bitmap */
    bool unless;                                      /* `where` must be false */
    struct vmentry_control when;                      /* holds only where this control is 1 */
    bool (*where)(const struct vmentry_state *state); /* and where this is true; NULL: always */
    union {
        struct vmentry_control other; /* of NEEDS and EXCLUDES */
        uint64_t bits;
        uint64_t (*wanted)(const struct vmentry_state *state, uint64_t seen); /* of VALUE */
        struct {
            uint32_t zero, ones;
        } rights;
        struct {
            uint32_t first, last;
        } msrs; /* of MSR without a function */
    };
    union {
        const enum vmcs_field *fields;
        struct vmentry_view (*code)(const struct vmentry_state *state);
        struct vmentry_view (*segment)(const struct vmentry_state *state, unsigned segment);
        bool (*is_of_segment)(const struct vmentry_state *state, unsigned segment);
        bool (*entry_broken)(const struct vmentry_state *state,
                             const struct vmentry_msr_entry *entry);
    };
};

extern const struct vmentry_form vmentry_forms[VMENTRY_RULE_COUNT];

/* A field's value; 0, and missing, where the image has none. */
static inline uint64_t vmentry_get(const struct vmentry_state *state, enum vmcs_field field)
{
    const uint64_t *value = vmcs_image_find(state->image, field);

    if (value == NULL)
        state->missing->field = true;
    return value != NULL ? *value : 0;
}

/* Copies physical memory; false, and missing, where it cannot be read. */
static inline bool vmentry_read(const struct vmentry_state *state, uint64_t address, void *to,
                                size_t bytes)
{
    const struct vmentry_context *context = state->context;
    bool done = context->read && context->read(context, address, to, bytes);

    if (!done)
        state->missing->memory = true;
    return done;
}

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

/* A function that is one expression: of the state, of a segment register, of a field's value. */
#define VMENTRY_TEST(name, expression)           \
    bool name(const struct vmentry_state *state) \
    {                                            \
        return expression;                       \
    }
#define VMENTRY_SHARED_TEST(name, expression) static inline VMENTRY_TEST(name, expression)
#define VMENTRY_TEST_SEGMENT(name, expression)                     \
    bool name(const struct vmentry_state *state, unsigned segment) \
    {                                                              \
        (void)segment;                                             \
        return expression;                                         \
    }
#define VMENTRY_WANTED(name, expression)                            \
    uint64_t name(const struct vmentry_state *state, uint64_t seen) \
    {                                                               \
        (void)state;                                                \
        return expression;                                          \
    }

/* A view of bits that must be 0. */
static inline struct vmentry_view vmentry_zero(const struct vmentry_state *state,
                                               enum vmcs_field field, uint64_t bits)
{
    uint64_t value = vmentry_get(state, field);

    return (struct vmentry_view){field, value, value & ~bits};
}

/* A view of bits that must be 1. */
static inline struct vmentry_view vmentry_ones(const struct vmentry_state *state,
                                               enum vmcs_field field, uint64_t bits)
{
    uint64_t value = vmentry_get(state, field);

    return (struct vmentry_view){field, value, value | bits};
}

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

/*
 * The bits of CR3 that are reserved, where addresses have that width. Of those above them, bits 62
 * and 61 turn on linear-address masking.
 */
static inline uint64_t vmentry_cr3_reserved(const struct vmentry_state *state, unsigned width)
{
    return ~0ull << width & (state->context->lam ? ~(CR3_LAM_U48 | CR3_LAM_U57) : ~0ull);
}

/* The nearest value whose bits 63:`lowest` are all the same: with width - 1, a canonical address.
 */
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

#define RIGHTS_RESERVED 0xfffe0f00u /* 31:17 and 11:8 */

static inline uint32_t vmentry_segment_rights(const struct vmentry_state *state, unsigned segment)
{
    return (uint32_t)vmentry_get(state, vmcs_of_segment(VMCS_GUEST_ES_ACCESS_RIGHTS, segment));
}

VMENTRY_SHARED_TEST(vmentry_host_64,
                    vmentry_is_set(state, VMENTRY_CONTROL(EXIT, HOST_ADDRESS_SPACE_SIZE)))
VMENTRY_SHARED_TEST(vmentry_guest_ia32e,
                    vmentry_is_set(state, VMENTRY_CONTROL(ENTRY, IA32E_MODE_GUEST)))
VMENTRY_SHARED_TEST(vmentry_guest_64, vmentry_guest_ia32e(state) &&
                                          vmentry_segment_rights(state, SEGMENT_CS) & RIGHTS_L)
VMENTRY_SHARED_TEST(vmentry_guest_v8086, vmentry_get(state, VMCS_GUEST_RFLAGS) & RFLAGS_VM)
VMENTRY_SHARED_TEST(vmentry_guest_protected, vmentry_get(state, VMCS_GUEST_CR0) & CR0_PE)
VMENTRY_SHARED_TEST(vmentry_is_unrestricted,
                    vmentry_is_set(state, VMENTRY_CONTROL(SECONDARY, UNRESTRICTED_GUEST)))
VMENTRY_SHARED_TEST(vmentry_uses_ept, vmentry_is_set(state, VMENTRY_CONTROL(SECONDARY, ENABLE_EPT)))

/* The VM-entry interruption information: is it valid, and its type and vector. */
VMENTRY_SHARED_TEST(vmentry_injects, vmentry_get(state, VMCS_VM_ENTRY_INTERRUPTION_INFORMATION) &
                                         EVENT_INFORMATION_VALID)

static inline unsigned vmentry_injected_type(const struct vmentry_state *state)
{
    return event_type_of((uint32_t)vmentry_get(state, VMCS_VM_ENTRY_INTERRUPTION_INFORMATION));
}

static inline unsigned vmentry_injected_vector(const struct vmentry_state *state)
{
    return event_vector((uint32_t)vmentry_get(state, VMCS_VM_ENTRY_INTERRUPTION_INFORMATION));
}

static inline uint32_t vmentry_interruptibility(const struct vmentry_state *state)
{
    return (uint32_t)vmentry_get(state, VMCS_GUEST_INTERRUPTIBILITY_STATE);
}

/* How wide the addresses are that a guest takes for physical ones. */
static inline unsigned vmentry_guest_width(const struct vmentry_state *state)
{
    return vmentry_uses_ept(state) ? state->context->guest_address_width
                                   : state->context->physical_address_width;
}

/* Does VM entry inject an event of that type? */
static inline bool vmentry_injects_type(const struct vmentry_state *state, enum event_type type)
{
    return vmentry_injects(state) && vmentry_injected_type(state) == type;
}

VMENTRY_SHARED_TEST(vmentry_injects_nmi, vmentry_injects_type(state, EVENT_NMI))
VMENTRY_SHARED_TEST(vmentry_injects_interrupt,
                    vmentry_injects_type(state, EVENT_EXTERNAL_INTERRUPT))

/*
 * The functions that rules name: WHERE looks at the whole state, RIGHTS and SEGMENTS at one segment
 * register of it, ENTRIES at one entry of the MSR-load area. Each is declared by its rule's row.
 */
#define EXPANDED_TOO(...) __VA_ARGS__
#define EXPANDED(...)     __VA_ARGS__ /* once more, for cppcheck */
#define DECLARE_ALWAYS
#define DECLARE_IF(...)
#define DECLARE_WHERE(name)               bool name(const struct vmentry_state *state);
#define DECLARE_UNLESS                    DECLARE_WHERE
#define DECLARE_IF_WHERE(word, id, name)  DECLARE_WHERE(name)
#define DECLARE_IF_UNLESS(word, id, name) DECLARE_WHERE(name)
#define DECLARE_ADDRESS(when, ...)        EXPANDED_TOO(DECLARE_##when)
#define DECLARE_CANONICAL(when, ...)      EXPANDED_TOO(DECLARE_##when)
#define DECLARE_CANONICAL_ZERO(when, ...) EXPANDED_TOO(DECLARE_##when)
#define DECLARE_ZERO(when, ...)           EXPANDED_TOO(DECLARE_##when)
#define DECLARE_ONES(when, ...)           EXPANDED_TOO(DECLARE_##when)
#define DECLARE_RESERVED(when, ...)       EXPANDED_TOO(DECLARE_##when)
#define DECLARE_NOT_ZERO(when, ...)       EXPANDED_TOO(DECLARE_##when)
#define DECLARE_PAT_TYPES(when, ...)      EXPANDED_TOO(DECLARE_##when)
#define DECLARE_ALLOWED0(...)
#define DECLARE_ALLOWED1(...)
#define DECLARE_NEEDS(...)
#define DECLARE_LISTED(...)
#define DECLARE_EXCLUDES(...)
#define DECLARE_AREA(...)
#define DECLARE_AREA_END(...)
#define DECLARE_MSRS(...)
#define DECLARE_FIXED(...)
#define DECLARE_VALUE(when, name, ...) \
    EXPANDED_TOO(DECLARE_##when) uint64_t name(const struct vmentry_state *state, uint64_t seen);
#define DECLARE_RIGHTS(registers, name, ...) \
    bool name(const struct vmentry_state *state, unsigned segment);
#define DECLARE_CODE(name) struct vmentry_view name(const struct vmentry_state *state);
#define DECLARE_SEGMENTS(registers, name) \
    struct vmentry_view name(const struct vmentry_state *state, unsigned segment);
#define DECLARE_ENTRIES(name) \
    bool name(const struct vmentry_state *state, const struct vmentry_msr_entry *entry);
#define CHECK(id, name, section, form, text) EXPANDED(DECLARE_##form)
#include "vmx/entry/vmentry_rules.def"
#undef EXPANDED
#undef EXPANDED_TOO

#endif
