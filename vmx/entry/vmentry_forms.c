/* The tables of vmx/entry/vmentry_rules.def: what each rule says, and what it looks at. */

#include "lib/string.h"
#include "vmx/entry/vmentry_conditions.h"

/* The sections of the manual: how the processor reports a broken rule, whether it need not. */
#define SECTIONS(ROW)                                                                        \
    ROW(EXECUTION, CONTROLS, false, "VM-Execution Control Fields")                           \
    ROW(EXIT_CONTROLS, CONTROLS, false, "VM-Exit Control Fields")                            \
    ROW(ENTRY_CONTROLS, CONTROLS, false, "VM-Entry Control Fields")                          \
    ROW(HOST_REGISTERS, HOST, false, "Checks on Host Control Registers, MSRs, and SSP")      \
    ROW(HOST_SEGMENTS, HOST, false, "Checks on Host Segment and Descriptor-Table Registers") \
    ROW(HOST_SIZE, HOST, false, "Checks Related to Address-Space Size")                      \
    ROW(GUEST_REGISTERS, GUEST, false,                                                       \
        "Checks on Guest Control Registers, Debug Registers, and MSRs")                      \
    ROW(GUEST_SEGMENTS, GUEST, false, "Checks on Guest Segment Registers")                   \
    ROW(GUEST_TABLES, GUEST, false, "Checks on Guest Descriptor-Table Registers")            \
    ROW(GUEST_RIP, GUEST, false, "Checks on Guest RIP, RFLAGS, and SSP")                     \
    ROW(LOADING_RIP, GUEST, true, "Loading Guest RIP, RSP, RFLAGS, and SSP")                 \
    ROW(NON_REGISTER, GUEST, false, "Checks on Guest Non-Register State")                    \
    ROW(MAY_NON_REGISTER, GUEST, true, "Checks on Guest Non-Register State")                 \
    ROW(PDPTES, GUEST, false, "Checks on Guest Page-Directory-Pointer-Table Entries")        \
    ROW(MSR_LOAD, MSR_LOAD, false, "Loading MSRs")                                           \
    ROW(MAY_MSR_LOAD, MSR_LOAD, true, "Loading MSRs")
#define ENUMERATOR(id, ...) id,
enum section { SECTIONS(ENUMERATOR) };

#define SECTION(id, class, may, title) {VMENTRY_##class, (may), (title)},
static const struct vmentry_section sections[] = {SECTIONS(SECTION)};

/*
 * Names and sentences stand in one object: a row needs two bytes to say where, not two pointers.
 * tools/gen_texts.py made them: a byte from PIECE up stands for one of the pieces, which many of
 * them have in common.
 */
#define TEXT(id, text) char at_##id[sizeof(text)];
static const struct texts {
#include "vmentry_texts.inc"
} texts = {
#define TEXT(id, text) text,
#include "vmentry_texts.inc"
};
static const char pieces[] = PIECES;

enum { PIECE = 0x80 };

/* Gives what stands behind the packed text. */
static const char *unpack(const char *packed, char *text, size_t size)
{
    struct text_buffer buffer;

    text_buffer_init(&buffer, text, size);
    for (; *packed != '\0'; packed++) {
        const char character[] = {*packed, '\0'}, *piece = pieces;

        for (unsigned i = PIECE; i < (uint8_t)*packed; i++)
            piece += strlen(piece) + 1;
        print_to(&buffer.sink, "%s", (uint8_t)*packed < PIECE ? character : piece);
    }
    return packed + 1;
}

#define CHECK(id, section, ...) {offsetof(struct texts, at_##id), (section)},
static const struct {
    uint16_t at;
    enum section section;
} rules[VMENTRY_RULE_COUNT] = {
#include "vmx/entry/vmentry_rules.def"
};

const struct vmentry_section *vmentry_section_of(enum vmentry_rule rule)
{
    return &sections[rules[rule].section];
}

/* What must hold, by the names of the two controls. */
static void compose(const struct vmentry_form *form, char *text, size_t size)
{
    const char *first = vmx_control_name(form->when.word, 1u << form->when.bit);
    const char *second = vmx_control_name(form->other.word, 1u << form->other.bit);

    format_text(text, size,
                form->kind == FORM_NEEDS ? "\"%s\" is 1 only if \"%s\" is 1"
                                         : "\"%s\" and \"%s\" are not both 1",
                first, second);
}

struct vmentry_rule_text vmentry_rule_text(enum vmentry_rule rule)
{
    const struct vmentry_section *section = vmentry_section_of(rule);
    struct vmentry_rule_text of = {
        .class = section->class, .may = section->may, .section = section->title};
    const char *text = unpack((const char *)&texts + rules[rule].at, of.name, sizeof(of.name));

    if (*text == '\0')
        compose(&vmentry_forms[rule], of.text, sizeof(of.text));
    else
        (void)unpack(text, of.text, sizeof(of.text));
    return of;
}

#define FRED_CONFIG_RESERVED (BITS(2, 2) | BITS(5, 4) | BITS(11, 11))

/* Bitmaps of segment registers. */
#define CS       (1 << SEGMENT_CS)
#define SS       (1 << SEGMENT_SS)
#define LDTR     (1 << SEGMENT_LDTR)
#define TR       (1 << SEGMENT_TR)
#define ES_TO_GS 0x3f
#define ES_TO_DS 0x0f
#define FS_GS    0x30
#define LDTR_TR  0xc0
#define DATA     (1 << SEGMENT_ES | 1 << SEGMENT_DS | FS_GS)

/* When a rule holds. */
#define WORD(word, id)           \
    {                            \
        VMENTRY_BIT_OF(word, id) \
    }
#define ALWAYS       .when = {VMX_CONTROL_NONE, 0}
#define IF(word, id) .when = WORD(word, id)

#define LIST(...)                                     \
    .fields = (const enum vmcs_field[]){__VA_ARGS__}, \
    .field_count = sizeof((const enum vmcs_field[]){__VA_ARGS__}) / sizeof(enum vmcs_field)
#define PAIR(word, id, other_word, other_id) IF(word, id), .other = WORD(other_word, other_id)

#define ALLOWED0(of)  .kind = FORM_ALLOWED0, .when = {VMX_CONTROL_##of, 0}
#define ALLOWED1(of)  .kind = FORM_ALLOWED1, .when = {VMX_CONTROL_##of, 0}
#define NEEDS(...)    .kind = FORM_NEEDS, PAIR(__VA_ARGS__)
#define EXCLUDES(...) .kind = FORM_EXCLUDES, PAIR(__VA_ARGS__)
#define LISTED(id)                                               \
    .kind = FORM_NEEDS, .when = {NEED_WORD_##id, NEED_BIT_##id}, \
    .other = {NEEDED_WORD_##id, NEEDED_BIT_##id}
#define ADDRESS(condition, exponent, ...) \
    .kind = FORM_ADDRESS, condition, .bits = (exponent), LIST(__VA_ARGS__)
#define CANONICAL(condition, ...) .kind = FORM_CANONICAL, condition, LIST(__VA_ARGS__)
#define CANONICAL_ZERO(condition, mask, field) \
    .kind = FORM_CANONICAL, condition, .bits = (mask), LIST(field)
#define ZERO(condition, mask, ...) .kind = FORM_ZERO, condition, .bits = (mask), LIST(__VA_ARGS__)
#define ONES(condition, mask, ...) .kind = FORM_ONES, condition, .bits = (mask), LIST(__VA_ARGS__)
#define RESERVED(condition, of, field)                                                         \
    .kind = FORM_RESERVED, condition, .bits = offsetof(struct vmentry_context, of##_reserved), \
    LIST(field)
#define FIXED(cr, field) \
    .kind = FORM_FIXED, ALWAYS, .bits = offsetof(struct vmx_capability, cr##_fixed0), LIST(field)
#define NOT_ZERO(condition, ...)    .kind = FORM_NOT_ZERO, condition, LIST(__VA_ARGS__)
#define PAT_TYPES(condition, field) .kind = FORM_PAT, condition, LIST(field)
#define AREA(...)                   .kind = FORM_AREA, ALWAYS, LIST(__VA_ARGS__)
#define AREA_END(...)               .kind = FORM_AREA_END, ALWAYS, LIST(__VA_ARGS__)
#define VALUE(condition, field)     .kind = FORM_VALUE, condition, LIST(field)
#define CODE(condition, function)   .kind = FORM_CODE, condition, .code = (function)
#define SEGMENTS(of, group) \
    .kind = FORM_SEGMENT, ALWAYS, .registers = (of), .of_es = VMCS_GUEST_ES_##group
#define MSR_ENTRIES .kind = FORM_MSR, ALWAYS

/* The rows of vmx/entry/control_needs.def that VM entry checks, as constants. */
#define CONTROL_NEEDS(id, word, control, needed_word, needed)                             \
    NEED_WORD_##id = VMX_CONTROL_##word, NEED_BIT_##id = __builtin_ctz(word##_##control), \
    NEEDED_WORD_##id = VMX_CONTROL_##needed_word,                                         \
    NEEDED_BIT_##id = __builtin_ctz(needed_word##_##needed),
#define CONTROL_USES(...)
#define CONTROL_PAIR(...)
enum {
#include "vmx/entry/control_needs.def"
};

/* The conditions, and the values wanted, of the rows that have such: a function each. */
#define CHECK(...)
#define CHECK_WHERE(id, section, condition, form, text) CONDITION(where_##id, condition)
#define CHECK_VALUE(id, section, condition, form, expression, text)               \
    CONDITION(where_##id, condition)                                              \
    static uint64_t wanted_##id(const struct vmentry_state *state, uint64_t seen) \
    {                                                                             \
        (void)state;                                                              \
        (void)seen;                                                               \
        return expression;                                                        \
    }
#include "vmx/entry/vmentry_rules.def"

#define CHECK(id, section, form, text)                  {form},
#define CHECK_WHERE(id, section, condition, form, text) {form, .where = where_##id},
#define CHECK_VALUE(id, section, condition, form, expression, text) \
    {form, .where = where_##id, .wanted = wanted_##id},
const struct vmentry_form vmentry_forms[VMENTRY_RULE_COUNT] = {
#include "vmx/entry/vmentry_rules.def"
};
