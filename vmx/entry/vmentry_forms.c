/* The tables of vmx/entry/vmentry_rules.def: what each rule says, and what it looks at. */

#include "lib/packed.h"
#include "mm/memory_type.h"
#include "vmx/entry/vmentry_conditions.h"

/* The number of each section's first rule, which does not count itself. */
#define SECTION(id, ...) FIRST_##id, BEFORE_##id = FIRST_##id - 1,
#define CHECK(id, ...)   NUMBER_##id,
enum {
#include "vmx/entry/vmentry_rules.def"
};

#define SECTION(id, of, name, ...) \
    {.class = VMENTRY_##of, .first = FIRST_##id, .title = (name), __VA_ARGS__},
#define CHECK(...)
static const struct vmentry_section sections[] = {
#include "vmx/entry/vmentry_rules.def"
};

const struct vmentry_section *vmentry_section_of(enum vmentry_rule rule)
{
    const struct vmentry_section *section = sections;

    while (section + 1 < sections + sizeof sections / sizeof *sections && section[1].first <= rule)
        section++;
    return section;
}

/* Of each rule its name and its sentence, packed (lib/packed.h): packing, texts, places in them. */
#include "vmentry_texts.inc"

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
    const char *text = unpack(packing, texts + places[rule], of.name, sizeof(of.name));

    if (*text == '\0')
        compose(&vmentry_forms[rule], of.text, sizeof(of.text));
    else
        (void)unpack(packing, text, of.text, sizeof(of.text));
    return of;
}

/* What the rules name that is longer than an expression. */

/* SDM, "Virtual APIC State": VTPR is at the offset of the local APIC's TPR. */
enum { VTPR_OFFSET = 0x80 };

static struct vmentry_view tpr_threshold_vtpr(const struct vmentry_state *state)
{
    uint64_t page, threshold;
    uint8_t vtpr;

    if (!threshold_is_used(state) || IS_ON(SECONDARY, VIRTUALIZE_APIC_ACCESSES))
        return vmentry_kept();
    page = GET(VIRTUAL_APIC_ADDRESS);
    threshold = GET(TPR_THRESHOLD) & 0xf;
    if (page & (vmentry_beyond(state) | 0xfff) ||
        !vmentry_read(state, page + VTPR_OFFSET, &vtpr, sizeof(vtpr)) || threshold <= vtpr >> 4)
        return vmentry_kept();
    return (struct vmentry_view){VMCS_TPR_THRESHOLD, threshold, vtpr >> 4};
}

static uint64_t eptp_memory_type(const struct vmentry_state *state, uint64_t seen)
{
    uint64_t type = seen & EPTP_MEMORY_TYPE;
    uint64_t good = capability(state)->ept_write_back ? MEMORY_TYPE_WB : MEMORY_TYPE_UC;

    if ((type == MEMORY_TYPE_UC && capability(state)->ept_uncacheable) ||
        (type == MEMORY_TYPE_WB && capability(state)->ept_write_back))
        return seen;
    return with(seen, EPTP_MEMORY_TYPE, good != type ? good : type ^ 1);
}

static uint64_t eptp_walk_length(const struct vmentry_state *state, uint64_t seen)
{
    uint64_t walk = seen & EPTP_WALK;

    if ((walk == EPTP_WALK_4 && capability(state)->ept_page_walk_4) ||
        (walk == EPTP_WALK_5 && capability(state)->ept_page_walk_5))
        return seen;
    return with(seen, EPTP_WALK, walk != EPTP_WALK_4 ? EPTP_WALK_4 : EPTP_WALK_5);
}

static bool other_vector_fits(const struct vmentry_state *state)
{
    if (injected_vector(state) == OTHER_PENDING_MTF)
        return offers_trap_flag(state);
    return is_system_call(state) && guest_fred(state);
}

static uint64_t fitting_vector(const struct vmentry_state *state, uint64_t seen)
{
    enum { VECTOR_NMI = 2, VECTOR = 0xff };

    if (injected_type(state) == EVENT_NMI)
        return with(seen, VECTOR, VECTOR_NMI);
    if (injected_type(state) == EVENT_HARDWARE_EXCEPTION && injected_vector(state) > EXCEPTION_LAST)
        return with(seen, VECTOR, 0);
    if (injected_type(state) == EVENT_OTHER && knows_other_events(state) &&
        !other_vector_fits(state))
        return with(seen, VECTOR, offers_trap_flag(state) ? OTHER_PENDING_MTF : OTHER_SYSCALL);
    return seen;
}

/*
 * The instruction pointer must be canonical in the paging mode in which it will be used: 57 bits
 * with CR4.LA57, 48 without, also on a processor that has it. The VM exit loads CR4 from the host's
 * field, so that one counts (KVM: "nVMX: fix canonical check of vmcs12 HOST_RIP"). Bases and MSRs
 * are checked against what the processor has, whatever CR4 says (KVM: "model canonical checks more
 * precisely", seen on processors).
 */
static uint64_t rip_of_host(const struct vmentry_state *state, uint64_t seen)
{
    enum { WIDTH_4_LEVEL = 48 };
    unsigned width = state->context->linear_address_width;

    if (width > WIDTH_4_LEVEL && !(GET(HOST_CR4) & CR4_LA57))
        width = WIDTH_4_LEVEL;
    return vmentry_extended(seen, width - 1);
}

/* The first four bytes of a VMCS region: SDM, "Format of the VMCS Region". */
static struct vmentry_view link_revision(const struct vmentry_state *state)
{
    const uint32_t shadow_vmcs = 1u << 31;
    uint32_t seen, wanted = state->context->revision_id;

    if (GET(LINK_POINTER) & (vmentry_beyond(state) | 0xfff) ||
        !vmentry_read(state, GET(LINK_POINTER), &seen, sizeof(seen)))
        return vmentry_kept();
    if (IS_ON(SECONDARY, VMCS_SHADOWING))
        wanted |= shadow_vmcs;
    return (struct vmentry_view){VMCS_LINK_POINTER, seen, wanted};
}

static struct vmentry_view pdpte_memory(const struct vmentry_state *state)
{
    const uint64_t pae_table = 0xffffffe0; /* what CR3 holds with PAE paging */
    uint64_t pdptes[4];

    if (uses_ept(state) || !uses_pae_paging(state) ||
        !vmentry_read(state, GET(GUEST_CR3) & pae_table, pdptes, sizeof(pdptes)))
        return vmentry_kept();
    for (unsigned i = 0; i < 4; i++) {
        if (pdpte_of(state, pdptes[i]) != pdptes[i])
            return (struct vmentry_view){VMCS_GUEST_CR3, pdptes[i], pdpte_of(state, pdptes[i])};
    }
    return vmentry_kept();
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
#define ALWAYS       .when = {VMX_CONTROL_NONE, 0}
#define IF(word, id) .when = {VMENTRY_BIT_OF(word, id)}

/* Fields of which none is farther than 7 behind the first. */
enum { VMCS_NO };
#define BIT_OF(first, field) \
    ((VMCS_##field != 0) << (VMCS_##field != 0 ? (VMCS_##field - VMCS_##first) / 2 : 0))
#define FIELDS(a, b, c, d, e, f, g, ...)                                                         \
    .first = VMCS_##a, .fields = 1 | BIT_OF(a, b) | BIT_OF(a, c) | BIT_OF(a, d) | BIT_OF(a, e) | \
                                 BIT_OF(a, f) | BIT_OF(a, g)
#define LIST(...) FIELDS(__VA_ARGS__, NO, NO, NO, NO, NO, NO, NO)
#define PAIR(word, id, other_word, other_id) \
    IF(word, id), .other = {VMENTRY_BIT_OF(other_word, other_id)}

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
#define ACTIVE                     .kind = FORM_ZERO, ALWAYS, .bits = ~0ull, LIST(GUEST_ACTIVITY_STATE)
#define UNBLOCKED(mask) \
    .kind = FORM_ZERO, ALWAYS, .bits = (mask), LIST(GUEST_INTERRUPTIBILITY_STATE)
#define RESERVED(condition, of, field)                                                         \
    .kind = FORM_RESERVED, condition, .bits = offsetof(struct vmentry_context, of##_reserved), \
    LIST(field)
#define NOT_ZERO(condition, ...) .kind = FORM_NOT_ZERO, condition, LIST(__VA_ARGS__)
#define VALUE(condition, ...)    .kind = FORM_VALUE, condition, LIST(__VA_ARGS__)
#define SEGMENTS(of, group) \
    .kind = FORM_VALUE, ALWAYS, .first = VMCS_GUEST_ES_##group, .fields = (of)
#define CODE(function) .kind = FORM_CODE, .code = (function)
#define MSR_ENTRIES    .kind = FORM_MSR, ALWAYS

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
#define CHECK_WHERE(id, condition, ...) CONDITION(where_##id, condition)
#define CHECK_VALUE(id, form, expression, text)                                   \
    static uint64_t wanted_##id(const struct vmentry_state *state, uint64_t seen) \
    {                                                                             \
        (void)state;                                                              \
        (void)seen;                                                               \
        return expression;                                                        \
    }
#define CHECK_VALUE_WHERE(id, condition, form, expression, text) \
    CHECK_WHERE(id, condition) CHECK_VALUE(id, , expression, )
#include "vmx/entry/vmentry_rules.def"

#define CHECK(id, form, ...)                  {form},
#define CHECK_WHERE(id, condition, form, ...) {form, .where = where_##id},
#define CHECK_VALUE(id, form, ...)            {form, .wanted = wanted_##id},
#define CHECK_VALUE_WHERE(id, condition, form, ...) \
    {form, .where = where_##id, .wanted = wanted_##id},
const struct vmentry_form vmentry_forms[VMENTRY_RULE_COUNT] = {
#include "vmx/entry/vmentry_rules.def"
};
