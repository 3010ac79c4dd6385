#include "vmx/entry/vmentry_check.h"

#include "lib/string.h"
#include "lib/x86.h"
#include "vmx/entry/vmentry_state.h"

/* What the capability MSRs say about a control word. VM functions have one word, of ones. */
static uint64_t must_be_1(const struct vmentry_state *state, enum vmentry_word word)
{
    const struct vmx_capability *capability = state->context->capability;

    switch (word) {
    case VMENTRY_WORD_PIN:
        return capability->pin_allowed0;
    case VMENTRY_WORD_PRIMARY:
        return capability->primary_allowed0;
    case VMENTRY_WORD_SECONDARY:
        return capability->secondary_allowed0;
    case VMENTRY_WORD_EXIT:
        return capability->exit_allowed0;
    case VMENTRY_WORD_ENTRY:
        return capability->entry_allowed0;
    default:
        return 0;
    }
}

static uint64_t may_be_1(const struct vmentry_state *state, enum vmentry_word word)
{
    const struct vmx_capability *capability = state->context->capability;

    switch (word) {
    case VMENTRY_WORD_PIN:
        return capability->pin_allowed1;
    case VMENTRY_WORD_PRIMARY:
        return capability->primary_allowed1;
    case VMENTRY_WORD_SECONDARY:
        return capability->secondary_allowed1;
    case VMENTRY_WORD_TERTIARY:
        return capability->tertiary_allowed1;
    case VMENTRY_WORD_VM_FUNCTION:
        return capability->vm_functions;
    case VMENTRY_WORD_EXIT:
        return capability->exit_allowed1;
    case VMENTRY_WORD_SECONDARY_EXIT:
        return capability->secondary_exit_allowed1;
    case VMENTRY_WORD_ENTRY:
        return capability->entry_allowed1;
    default:
        return 1;
    }
}

/* The control that activates a word; NONE: it is always active. */
static const struct vmentry_control activators[VMENTRY_WORD_COUNT] = {
    [VMENTRY_WORD_SECONDARY] = {VMENTRY_WORD_PRIMARY, PRIMARY_SECONDARY_CONTROLS},
    [VMENTRY_WORD_TERTIARY] = {VMENTRY_WORD_PRIMARY, PRIMARY_TERTIARY_CONTROLS},
    [VMENTRY_WORD_VM_FUNCTION] = {VMENTRY_WORD_SECONDARY, SECONDARY_ENABLE_VM_FUNCTIONS},
    [VMENTRY_WORD_SECONDARY_EXIT] = {VMENTRY_WORD_EXIT, EXIT_SECONDARY_CONTROLS},
};

static bool is_active(const struct vmentry_state *state, enum vmentry_word word)
{
    const struct vmentry_control *by = &activators[word];

    return by->word == VMENTRY_WORD_NONE ||
           (vmentry_get(state, vmentry_word_fields[by->word]) & by->mask);
}

/* What activates a word may itself be in one that is to be activated; there it ends. */
uint64_t vmentry_word(const struct vmentry_state *state, enum vmentry_word word)
{
    if (word == VMENTRY_WORD_NONE)
        return 1;
    if (!is_active(state, activators[word].word) || !is_active(state, word))
        return 0;
    return vmentry_get(state, vmentry_word_fields[word]);
}

static void add(struct vmentry_findings *findings, struct vmentry_finding finding)
{
    if (findings->count == VMENTRY_FINDINGS_MAX)
        findings->lost++;
    else
        findings->item[findings->count++] = finding;
}

/* The nearest value whose eight bytes are all memory types: 2, 3 and those above 7 become UC, 0. */
static uint64_t pat_of(uint64_t pat)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        uint8_t type = (uint8_t)(pat >> shift);

        if (type > 7 || type == 2 || type == 3)
            pat &= ~(0xffull << shift);
    }
    return pat;
}

/* What one field of a rule must be, where its form is about fields. */
static uint64_t wanted_value(const struct vmentry_state *state, const struct vmentry_form *form,
                             uint64_t seen)
{
    switch (form->kind) {
    case FORM_ADDRESS:
        return seen & ~((1ull << form->bits) - 1) & ~vmentry_beyond(state);
    case FORM_CANONICAL:
        return vmentry_canonical(state, seen);
    case FORM_ZERO:
        return seen & ~form->bits;
    case FORM_NOT_ZERO:
        return seen != 0 ? seen : 1;
    case FORM_PAT:
        return pat_of(seen);
    default:
        return seen;
    }
}

/* What a control word must be, where the rule's form is about controls. */
static struct vmentry_view controls(const struct vmentry_state *state,
                                    const struct vmentry_form *form)
{
    bool pair = form->kind == FORM_NEEDS || form->kind == FORM_EXCLUDES;
    enum vmentry_word word = pair ? form->other.word : form->when.word;
    uint64_t seen = vmentry_word(state, word);
    struct vmentry_view view = {vmentry_word_fields[word], seen, seen};

    if (form->kind == FORM_ALLOWED0)
        view.wanted = seen | (is_active(state, word) ? must_be_1(state, word) : 0);
    else if (form->kind == FORM_ALLOWED1)
        view.wanted = seen & may_be_1(state, word);
    else if (!vmentry_is_set(state, form->when))
        return vmentry_kept();
    else if (form->kind == FORM_NEEDS)
        view.wanted = seen | form->other.mask;
    else
        view.wanted = seen & ~(uint64_t)form->other.mask;
    return view;
}

/* A rule that lacked something cannot be asked to be broken, nor to be kept: it is noted, once. */
static void check_view(const struct vmentry_state *state, enum vmentry_rule rule,
                       struct vmentry_view view, struct vmentry_findings *findings)
{
    struct vmentry_missing missing = *state->missing;

    *state->missing = (struct vmentry_missing){0};
    if (missing.field || missing.memory) {
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
static void check_entries(const struct vmentry_state *state, enum vmentry_rule rule,
                          struct vmentry_findings *findings)
{
    enum { ENTRIES_MAX = 4096 }; /* the most that IA32_VMX_MISC[27:25] recommends */
    uint64_t count = vmentry_get(state, VMCS_VM_ENTRY_MSR_LOAD_COUNT);
    uint64_t address = count != 0 ? vmentry_get(state, VMCS_VM_ENTRY_MSR_LOAD_ADDRESS) : 0;
    struct vmentry_msr_entry entry;

    for (uint32_t i = 0; i < count && i < ENTRIES_MAX; i++, address += sizeof(entry)) {
        if (state->missing->field || !vmentry_read(state, address, &entry, sizeof(entry)))
            break;
        if (!vmentry_forms[rule].entry_broken(state, &entry))
            continue;
        add(findings, (struct vmentry_finding){.rule = rule,
                                               .field = VMCS_VM_ENTRY_MSR_LOAD_ADDRESS,
                                               .seen = entry.index,
                                               .wanted = 0,
                                               .entry = i + 1});
        return;
    }
    check_view(state, rule, vmentry_kept(), findings);
}

static void check_fields(const struct vmentry_state *state, enum vmentry_rule rule,
                         struct vmentry_findings *findings)
{
    const struct vmentry_form *form = &vmentry_forms[rule];

    for (unsigned i = 0; i < form->field_count; i++) {
        uint64_t seen = vmentry_get(state, form->fields[i]);

        check_view(state, rule,
                   (struct vmentry_view){form->fields[i], seen, wanted_value(state, form, seen)},
                   findings);
    }
}

static void check(const struct vmentry_state *state, enum vmentry_rule rule,
                  struct vmentry_findings *findings)
{
    const struct vmentry_form *form = &vmentry_forms[rule];

    switch (form->kind) {
    case FORM_ALLOWED0:
    case FORM_ALLOWED1:
    case FORM_NEEDS:
    case FORM_EXCLUDES:
        check_view(state, rule, controls(state, form), findings);
        break;
    case FORM_CODE:
        check_view(state, rule, form->code(state), findings);
        break;
    case FORM_SEGMENT:
        for (unsigned segment = SEGMENT_ES; segment <= SEGMENT_TR; segment++) {
            if (form->bits >> segment & 1)
                check_view(state, rule, form->segment(state, segment), findings);
        }
        break;
    case FORM_MSR:
        check_entries(state, rule, findings);
        break;
    default:
        if (vmentry_is_set(state, form->when))
            check_fields(state, rule, findings);
        else
            check_view(state, rule, vmentry_kept(), findings);
    }
}

/* Is the MSR-load area itself wrong? */
static bool area_is_broken(const struct vmentry_findings *findings)
{
    return vmentry_has(findings, VMENTRY_ENTRY_MSR_LOAD_AREA) ||
           vmentry_has(findings, VMENTRY_ENTRY_MSR_LOAD_END);
}

/*
 * MSRs are loaded last. Where an area's address or an earlier check is wrong already, no processor
 * reads its entries; and those of the area are not to be read from an address that is wrong.
 */
void vmentry_check(const struct vmcs_image *image, const struct vmentry_context *context,
                   struct vmentry_findings *findings)
{
    struct vmentry_missing missing = {0};
    struct vmentry_state state = {image, context, &missing};

    findings->count = 0;
    findings->lost = 0;
    findings->unread = 0;
    memset(findings->unchecked, 0, sizeof(findings->unchecked));
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        if (vmentry_rule_table[rule].class != VMENTRY_MSR_LOAD || !area_is_broken(findings))
            check(&state, rule, findings);
    }
}

bool vmentry_rule_field(enum vmentry_rule rule, unsigned n, enum vmcs_field *field)
{
    const struct vmentry_form *form = &vmentry_forms[rule];

    switch (form->kind) {
    case FORM_ALLOWED0:
    case FORM_ALLOWED1:
        *field = vmentry_word_fields[form->when.word];
        return n == 0;
    case FORM_NEEDS:
    case FORM_EXCLUDES:
        *field = vmentry_word_fields[n == 0 ? form->when.word : form->other.word];
        return n == 0 || (n == 1 && form->when.word != form->other.word);
    case FORM_MSR:
        *field = VMCS_VM_ENTRY_MSR_LOAD_ADDRESS;
        return n == 0;
    default:
        if (n < form->field_count)
            *field = form->fields[n];
        return n < form->field_count;
    }
}
