#include "tools/capability/html_words.h"

#include <stddef.h>
#include <string.h>

const struct html_cell html_cells[HTML_CELL_COUNT] = {
    {'a', {.state = FEATURE_ABSENT}},
    {'u', {.state = FEATURE_UNKNOWN}},
    {'0', {.state = FEATURE_ZERO}},
    {'1', {.state = FEATURE_ONE, .value = 1}},
    {'x', {.state = FEATURE_EITHER, .value = 1}},
    {'n', {.state = FEATURE_NEITHER}},
    {'z', {.state = FEATURE_VALUE, .value = 0}},
    {'v', {.state = FEATURE_VALUE, .value = 1}},
};

char html_cell_code(struct vmx_feature_value value)
{
    for (int i = 0; i < HTML_CELL_COUNT; i++) {
        struct vmx_feature_value reported = html_cells[i].value;

        if (reported.state == value.state &&
            (reported.state != FEATURE_VALUE || (reported.value != 0) == (value.value != 0)))
            return html_cells[i].code;
    }
    return 'u';
}

const char *html_kind_name(enum vmx_feature_kind kind)
{
    static const char *const names[] = {
        [FEATURE_CONTROL] = "control", [FEATURE_FLAG] = "flag",
        [FEATURE_NUMBER] = "number",   [FEATURE_ENUMERATION] = "enumeration",
        [FEATURE_FIXED] = "fixed",     [FEATURE_RESERVED] = "reserved",
    };

    return names[kind];
}

static const char *control_sentence(enum vmx_feature_state state)
{
    static const char *const sentences[FEATURE_STATE_COUNT] = {
        [FEATURE_ZERO] = "Must be 0: this CPU does not offer it.",
        [FEATURE_ONE] = "Must be 1: on this CPU it cannot be turned off.",
        [FEATURE_EITHER] = "Can be 0 or 1: the hypervisor chooses.",
        [FEATURE_NEITHER] = "Can be neither 0 nor 1: the register contradicts itself.",
    };

    return sentences[state];
}

static const char *fixed_sentence(enum vmx_feature_state state)
{
    static const char *const sentences[FEATURE_STATE_COUNT] = {
        [FEATURE_ZERO] = "Must be 0 in VMX operation: this CPU does not have it.",
        [FEATURE_ONE] = "Must be 1 in VMX operation.",
        [FEATURE_EITHER] = "Can be 0 or 1 in VMX operation.",
        [FEATURE_NEITHER] = "Can be neither 0 nor 1: the registers contradict each other.",
    };

    return sentences[state];
}

const char *html_state_sentence(enum vmx_feature_kind kind, struct vmx_feature_value value)
{
    const char *sentence = NULL;

    if (value.state == FEATURE_ABSENT)
        return "Not there: this CPU does not have the register that would tell of it.";
    if (value.state == FEATURE_UNKNOWN)
        return "Not recorded: the source gives no value of the register that tells.";
    if (value.state == FEATURE_VALUE)
        return "The field's value on this CPU.";
    if (kind == FEATURE_CONTROL)
        sentence = control_sentence(value.state);
    else if (kind == FEATURE_FIXED)
        sentence = fixed_sentence(value.state);
    else if (kind == FEATURE_RESERVED)
        sentence = value.state == FEATURE_ONE ? "The bit is 1." : "The bit is 0.";
    if (sentence != NULL)
        return sentence;
    return value.state == FEATURE_ONE ? "Yes: this CPU has it." : "No: this CPU does not have it.";
}

const char *html_group_title(const char *group)
{
    static const struct {
        const char *group, *title;
    } titles[] = {
        {"feature-control", "IA32_FEATURE_CONTROL"},
        {"basic", "Basic information"},
        {"pin", "Pin-based controls"},
        {"primary", "Primary processor-based controls"},
        {"secondary", "Secondary processor-based controls"},
        {"tertiary", "Tertiary processor-based controls"},
        {"exit", "VM-exit controls"},
        {"exit2", "Secondary VM-exit controls"},
        {"entry", "VM-entry controls"},
        {"vmfunc", "VM functions"},
        {"misc", "Miscellaneous data"},
        {"cr0", "Bits of CR0 in VMX operation"},
        {"cr4", "Bits of CR4 in VMX operation"},
        {"vmcs-enum", "VMCS enumeration"},
        {"ept", "Extended page tables"},
        {"vpid", "Virtual-processor identifiers"},
    };

    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        if (strcmp(titles[i].group, group) == 0)
            return titles[i].title;
    }
    return group;
}
