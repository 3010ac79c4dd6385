#include "vmx/entry/vmentry_check.h"

#include "lib/string.h"
#include "vmx/entry/vmentry_state.h"

/* Each control word's field, and the control that activates it. */
#define ALWAYS               VMX_CONTROL_NONE, 0
#define BY(word, id)         VMENTRY_BIT_OF(word, id)
#define WORD(id, field, ...) [VMX_CONTROL_##id] = {VMCS_##field, {__VA_ARGS__}}
static const struct {
    enum vmcs_field field;
    struct vmentry_control by;
} words[VMX_CONTROL_NONE] = {
    WORD(PIN, PIN_BASED_VM_EXECUTION_CONTROLS, ALWAYS),
    WORD(PRIMARY, PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, ALWAYS),
    WORD(SECONDARY, SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
         BY(PRIMARY, SECONDARY_CONTROLS)),
    WORD(TERTIARY, TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, BY(PRIMARY, TERTIARY_CONTROLS)),
    WORD(VM_FUNCTION, VM_FUNCTION_CONTROLS, BY(SECONDARY, ENABLE_VM_FUNCTIONS)),
    WORD(EXIT, PRIMARY_VM_EXIT_CONTROLS, ALWAYS),
    WORD(SECONDARY_EXIT, SECONDARY_VM_EXIT_CONTROLS, BY(EXIT, SECONDARY_CONTROLS)),
    WORD(ENTRY, VM_ENTRY_CONTROLS, ALWAYS),
};

enum vmcs_field vmentry_word_field(unsigned word)
{
    return words[word].field;
}

uint64_t vmentry_get(const struct vmentry_state *state, enum vmcs_field field)
{
    uint32_t row = vmcs_field_index(field);

    if (row < VMCS_FIELD_COUNT && state->image->present[row])
        return state->image->value[row];
    *state->missing = true;
    return 0;
}

bool vmentry_read(const struct vmentry_state *state, uint64_t address, void *to, size_t bytes)
{
    const struct vmentry_context *context = state->context;
    bool done = context->read && context->read(context, address, to, bytes);

    if (!done)
        *state->missing = true;
    return done;
}

/* The controls of a word that may be 1; of a word of 32 bits those that must be stand before them.
 */
static uint64_t allowed(const struct vmentry_state *state, unsigned word, bool must)
{
    size_t offset = vmx_control_words[word].allowed1 - (must ? sizeof(uint64_t) : 0);
    uint64_t value;

    memcpy(&value, (const uint8_t *)state->context->capability + offset, sizeof(value));
    return value;
}

static bool is_active(const struct vmentry_state *state, unsigned word)
{
    const struct vmentry_control *by = &words[word].by;

    return by->word == VMX_CONTROL_NONE || vmentry_get(state, words[by->word].field) >> by->bit & 1;
}

/* What activates a word may itself be in one that is to be activated; there it ends. */
uint64_t vmentry_word(const struct vmentry_state *state, unsigned word)
{
    if (word == VMX_CONTROL_NONE)
        return 1;
    if (words[word].by.word != VMX_CONTROL_NONE && !is_active(state, words[word].by.word))
        return 0;
    return is_active(state, word) ? vmentry_get(state, words[word].field) : 0;
}

void vmentry_switch(struct vmcs_image *image, struct vmentry_control control, bool on)
{
    for (; control.word != VMX_CONTROL_NONE; control = words[control.word].by) {
        uint64_t seen = vmcs_image_get(image, words[control.word].field), bit = 1ull << control.bit;

        vmcs_image_set(image, words[control.word].field, on ? seen | bit : seen & ~bit);
        if (!on)
            return;
    }
}

static void add(struct vmentry_findings *findings, struct vmentry_finding finding)
{
    if (findings->count == VMENTRY_FINDINGS_MAX)
        findings->lost++;
    else
        findings->item[findings->count++] = finding;
}

/* What one field of a rule must be, where its form is about fields. */
static uint64_t wanted_value(const struct vmentry_state *state, const struct vmentry_form *form,
                             uint64_t seen)
{
    uint64_t reserved;

    switch (form->kind) {
    case FORM_ADDRESS:
        return seen & ~((1ull << form->bits) - 1) & ~vmentry_beyond(state);
    case FORM_CANONICAL:
        return vmentry_canonical(state, seen) & ~form->bits;
    case FORM_ZERO:
        return seen & ~form->bits;
    case FORM_ONES:
        return seen | form->bits;
    case FORM_RESERVED:
        memcpy(&reserved, (const uint8_t *)state->context + form->bits, sizeof(reserved));
        return seen & ~reserved;
    case FORM_NOT_ZERO:
        return seen != 0 ? seen : 1;
    default: /* FORM_VALUE */
        return form->wanted(state, seen);
    }
}

/* What a control word must be, where the rule's form is about controls. */
static struct vmentry_view controls(const struct vmentry_state *state,
                                    const struct vmentry_form *form)
{
    bool pair = form->kind == FORM_NEEDS || form->kind == FORM_EXCLUDES;
    unsigned word = pair ? form->other.word : form->when.word;
    uint64_t seen = vmentry_word(state, word);
    struct vmentry_view view = {words[word].field, seen, seen};

    if (form->kind == FORM_ALLOWED0)
        view.wanted = seen | (is_active(state, word) ? allowed(state, word, true) : 0);
    else if (form->kind == FORM_ALLOWED1)
        view.wanted = seen & allowed(state, word, false);
    else if (!vmentry_is_set(state, form->when))
        return vmentry_kept();
    else if (form->kind == FORM_NEEDS)
        view.wanted = seen | 1ull << form->other.bit;
    else
        view.wanted = seen & ~(1ull << form->other.bit);
    return view;
}

/* A rule that lacked something cannot be asked to be broken, nor to be kept: it is noted, once. */
static void check_view(const struct vmentry_state *state, enum vmentry_rule rule,
                       struct vmentry_view view, struct vmentry_findings *findings)
{
    bool missing = *state->missing;

    *state->missing = false;
    if (missing) {
        if (!vmentry_is_unchecked(findings, rule))
            findings->unread++;
        findings->unchecked[rule / 32] |= 1u << rule % 32;
    } else if (view.seen != view.wanted) {
        add(findings,
            (struct vmentry_finding){
                .rule = rule, .field = view.field, .seen = view.seen, .wanted = view.wanted});
    }
}

/* Only the first entry that breaks a rule is reported: there the processor stops. */
static void check_entries(struct vmentry_state *state, enum vmentry_rule rule,
                          struct vmentry_findings *findings)
{
    enum { ENTRIES_MAX = 4096 }; /* the most that IA32_VMX_MISC[27:25] recommends */
    uint64_t count = vmentry_get(state, VMCS_VM_ENTRY_MSR_LOAD_COUNT);
    uint64_t address = count != 0 ? vmentry_get(state, VMCS_VM_ENTRY_MSR_LOAD_ADDRESS) : 0;

    for (uint32_t i = 0; i < count && i < ENTRIES_MAX; i++, address += sizeof(state->entry)) {
        if (*state->missing || !vmentry_read(state, address, &state->entry, sizeof(state->entry)))
            break;
        if (!vmentry_forms[rule].where(state))
            continue;
        add(findings, (struct vmentry_finding){.rule = rule,
                                               .field = VMCS_VM_ENTRY_MSR_LOAD_ADDRESS,
                                               .seen = state->entry.index,
                                               .wanted = 0,
                                               .entry = i + 1});
        return;
    }
    check_view(state, rule, vmentry_kept(), findings);
}

/* Of each field apart whether the rule holds there, which may depend on the segment register. */
static void check_fields(struct vmentry_state *state, enum vmentry_rule rule,
                         struct vmentry_findings *findings)
{
    const struct vmentry_form *form = &vmentry_forms[rule];

    for (; form->fields >> state->index != 0; state->index++) {
        struct vmentry_view view = {vmentry_form_field(form, state->index), 0, 0};

        if (!(form->fields >> state->index & 1))
            continue;
        if (vmentry_is_set(state, form->when) && (form->where == NULL || form->where(state))) {
            view.seen = vmentry_get(state, view.field);
            view.wanted = wanted_value(state, form, view.seen);
        }
        check_view(state, rule, view, findings);
    }
}

void vmentry_check_rule(const struct vmcs_image *image, const struct vmentry_context *context,
                        enum vmentry_rule rule, struct vmentry_findings *findings)
{
    const struct vmentry_form *form = &vmentry_forms[rule];
    bool missing = false;
    struct vmentry_state state = {.image = image, .context = context, .missing = &missing};

    if (form->kind <= FORM_EXCLUDES)
        check_view(&state, rule, controls(&state, form), findings);
    else if (form->kind == FORM_MSR)
        check_entries(&state, rule, findings);
    else if (form->kind == FORM_CODE)
        check_view(&state, rule, form->code(&state), findings);
    else
        check_fields(&state, rule, findings);
}

/*
 * MSRs are loaded last. Where an area's address or an earlier check is wrong already, no processor
 * reads its entries; and those of the area are not to be read from an address that is wrong.
 */
void vmentry_check(const struct vmcs_image *image, const struct vmentry_context *context,
                   struct vmentry_findings *findings)
{
    memset(findings, 0, offsetof(struct vmentry_findings, item));
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        if (vmentry_forms[rule].kind != FORM_MSR ||
            !(vmentry_has(findings, VMENTRY_ENTRY_MSR_LOAD_AREA) ||
              vmentry_has(findings, VMENTRY_ENTRY_MSR_LOAD_END)))
            vmentry_check_rule(image, context, rule, findings);
    }
}
