#include "vmx/capability/vmx_controls.h"

#include <stdbool.h>
#include <stddef.h>

#include "vmx/capability/vmx_capability.h"

#define CONTROL(word, bit, id, wish, control_name) \
    {VMX_CONTROL_##word, 1u << (bit), (control_name), CONTROL_##wish},
const struct vmx_control vmx_control_table[] = {
#include "vmx/capability/vmx_controls.def"
};

const uint32_t vmx_control_count = sizeof(vmx_control_table) / sizeof(vmx_control_table[0]);

/* The default1 classes: SDM, appendix A.2 and following, each word's section names its bits. */
const struct vmx_control_word_text vmx_control_words[VMX_CONTROL_WORD_COUNT] = {
    [VMX_CONTROL_PIN] = {"pin-based VM-execution controls", IA32_VMX_PINBASED_CTLS, 0x00000016},
    [VMX_CONTROL_PRIMARY] = {"primary processor-based VM-execution controls",
                             IA32_VMX_PROCBASED_CTLS, 0x0401e172},
    [VMX_CONTROL_SECONDARY] = {"secondary processor-based VM-execution controls",
                               IA32_VMX_PROCBASED_CTLS2, 0},
    [VMX_CONTROL_EXIT] = {"VM-exit controls", IA32_VMX_EXIT_CTLS, 0x00036dff},
    [VMX_CONTROL_ENTRY] = {"VM-entry controls", IA32_VMX_ENTRY_CTLS, 0x000011ff},
};

/* Names, for the table of needs: name_PIN_NMI_EXITING, unpaired_EXIT_LOAD_PAT … */
#define UNUSED __attribute__((unused))
#define NAMES(prefix, word, id, name)                     \
    UNUSED static const char name_##word##_##id[] = name; \
    UNUSED static const char unpaired_##word##_##id[] = prefix name;
#define SIDE_PIN                           ""
#define SIDE_PRIMARY                       ""
#define SIDE_SECONDARY                     ""
#define SIDE_TERTIARY                      ""
#define SIDE_VM_FUNCTION                   ""
#define SIDE_EXIT                          "exit: "
#define SIDE_SECONDARY_EXIT                "exit: "
#define SIDE_ENTRY                         "entry: "
#define CONTROL(word, bit, id, want, name) NAMES(SIDE_##word, word, id, name)
#include "vmx/capability/vmx_controls.def"

#define UNPAIRED(word, control, other_word, other)                                \
    {RULE_CONTROL_UNPAIRED, VMX_BITS(word, control), VMX_BITS(other_word, other), \
     unpaired_##word##_##control},
#define CONTROL_NEEDS(id, word, control, needs_word, needs)                    \
    {RULE_CONTROL_NEEDS, VMX_BITS(word, control), VMX_BITS(needs_word, needs), \
     name_##word##_##control},
#define CONTROL_USES CONTROL_NEEDS
#define CONTROL_PAIR(entry, exit_word, exit) \
    UNPAIRED(ENTRY, entry, exit_word, exit) UNPAIRED(exit_word, exit, ENTRY, entry)
const struct vmx_control_need vmx_control_needs[] = {
#include "vmx/capability/control_needs.def"
};
#undef CONTROL_NEEDS
#undef CONTROL_USES
#undef CONTROL_PAIR

const uint32_t vmx_control_need_count = sizeof(vmx_control_needs) / sizeof(vmx_control_needs[0]);

/*
 * What a control needs of the capabilities before it is of use. Without what EPT needs no VM entry
 * with it could succeed; VPIDs do no harm.
 */
static const struct vmx_control_need usable[] = {
    {RULE_CONTROL_NEEDS,
     VMX_BITS(SECONDARY, ENABLE_EPT),
     {IA32_VMX_EPT_VPID_CAP, 0,
      VMX_MASK(ept_page_walk_4) | VMX_MASK(ept_write_back) | VMX_MASK(invept) |
          VMX_MASK(invept_all_contexts)},
     name_SECONDARY_ENABLE_EPT},
    {RULE_CONTROL_WITHOUT_MSR,
     VMX_BITS(SECONDARY, ENABLE_VPID),
     {IA32_VMX_EPT_VPID_CAP, 0, VMX_MASK(invvpid) | VMX_MASK(invvpid_all_contexts)},
     name_SECONDARY_ENABLE_VPID},
};

/* What is wrong, or worth reporting, about one named control whose settings are known. */
static bool control_breaks_rule(const struct vmx_control *control, uint32_t must_be_1,
                                uint32_t may_be_1, enum rule *rule)
{
    switch (control->want) {
    case CONTROL_REQUIRED:
        *rule = RULE_CONTROL_MISSING;
        return !(may_be_1 & control->mask);
    case CONTROL_MUST_BE_ZERO:
        *rule = RULE_CONTROL_MUST_BE_ZERO;
        return must_be_1 & control->mask;
    case CONTROL_UNWANTED:
        *rule = RULE_CONTROL_FORCED;
        return must_be_1 & control->mask;
    case CONTROL_WANTED:
        break;
    }
    return false;
}

uint32_t adjust_vmx_control(enum vmx_control_word word, uint64_t plain, uint64_t true_value,
                            uint32_t msr, struct findings *findings)
{
    uint32_t must_be_1 = (uint32_t)true_value, may_be_1 = (uint32_t)(true_value >> 32);
    uint32_t value = must_be_1, named = 0, unknown;
    enum rule rule;

    for (uint32_t i = 0; i < vmx_control_count; i++) {
        const struct vmx_control *control = &vmx_control_table[i];
        bool asked = control->want == CONTROL_REQUIRED || control->want == CONTROL_WANTED;
        /* Missing: its allowed 1-setting is 0. Forced: its allowed 0-setting is 1. */
        int bit = __builtin_ctz(control->mask) + (asked ? 32 : 0);

        if (control->word != word)
            continue;
        named |= control->mask;
        if (asked)
            value |= may_be_1 & control->mask;
        if (control_breaks_rule(control, must_be_1, may_be_1, &rule))
            finding_add(findings,
                        FINDING_AT(rule, (int8_t)bit, (int8_t)bit, .msr = msr, .seen = !asked,
                                   .wanted = asked, .detail = control->name));
    }
    /* Nobody may turn off a default1 control of which he does not know what it does. */
    value |= (uint32_t)plain & vmx_control_words[word].default1 & ~named & may_be_1;
    unknown = must_be_1 & ~named & ~vmx_control_words[word].default1;
    if (unknown)
        finding_add(findings, FINDING_AT(RULE_CONTROL_UNKNOWN_FORCED, 31, 0, .msr = msr,
                                         .seen = unknown, .detail = vmx_control_words[word].name));
    if (must_be_1 & ~may_be_1)
        finding_add(findings, FINDING_AT(RULE_CONTROL_CONTRADICTION, 31, 0, .msr = msr,
                                         .seen = must_be_1 & ~may_be_1,
                                         .detail = vmx_control_words[word].name));
    return value;
}

/* The control, if a minimal hypervisor wants it; what is default1 is on where it has always been.
 */
static const struct vmx_control *find_wanted(enum vmx_control_word word, uint64_t mask)
{
    for (uint32_t i = 0; i < vmx_control_count; i++) {
        const struct vmx_control *control = &vmx_control_table[i];

        if (control->word == word && control->mask == mask && control->want == CONTROL_WANTED &&
            !(mask & vmx_control_words[word].default1))
            return control;
    }
    return NULL;
}

static enum vmx_control_word word_of(uint32_t msr)
{
    enum vmx_control_word word = 0;

    while (word < VMX_CONTROL_WORD_COUNT && vmx_control_words[word].msr != msr)
        word++;
    return word;
}

/* Turns off what cannot be used. A control that must be 1 stays: then it is fatal, or harmless. */
static void adjust_need(const struct vmx_control_need *need, const struct vmx_msrs *msrs,
                        uint32_t controls[VMX_CONTROL_WORD_COUNT], struct findings *findings)
{
    enum vmx_control_word word = word_of(need->control.msr), needs_word = word_of(need->needs.msr);
    uint32_t msr = vmx_msr_true(msrs, need->needs.msr);
    const struct vmx_control *control;
    uint64_t seen;
    bool forced;

    if (word == VMX_CONTROL_WORD_COUNT || !(controls[word] & need->control.mask))
        return;
    seen = need->needs.mask & (needs_word < VMX_CONTROL_WORD_COUNT ? controls[needs_word]
                                                                   : vmx_msr_capability(msrs, msr));
    forced = vmx_msr_capability(msrs, vmx_msr_true(msrs, need->control.msr)) & need->control.mask;
    control = find_wanted(word, need->control.mask);
    if (control == NULL || seen == need->needs.mask || (forced && need->rule != RULE_CONTROL_NEEDS))
        return;
    if (!forced)
        controls[word] &= ~(uint32_t)need->control.mask;
    finding_add(findings,
                FINDING(forced ? RULE_CONTROL_UNMET : RULE_CONTROL_DROPPED, .msr = msr,
                        .seen = seen, .wanted = need->needs.mask, .detail = control->name));
}

void vmx_controls_derive(const struct vmx_msrs *msrs, uint32_t controls[VMX_CONTROL_WORD_COUNT],
                         struct findings *findings)
{
    for (enum vmx_control_word word = 0; word < VMX_CONTROL_WORD_COUNT; word++) {
        uint32_t plain = vmx_control_words[word].msr;
        uint32_t msr = vmx_msr_true(msrs, plain);
        uint64_t value = vmx_msr_capability(msrs, msr);
        bool known = vmx_msr_exists(msrs, msr) && vmx_msr_is_present(msrs, msr);
        bool both = vmx_msr_is_present(msrs, plain);

        controls[word] = 0;
        if (known)
            controls[word] = adjust_vmx_control(word, both ? vmx_msr_value(msrs, plain) : value,
                                                value, msr, findings);
    }
    /* Without the control that activates them, the secondary controls are as if they were 0. */
    if (!(controls[VMX_CONTROL_PRIMARY] & PRIMARY_SECONDARY_CONTROLS))
        controls[VMX_CONTROL_SECONDARY] = 0;
    for (size_t i = 0; i < sizeof(usable) / sizeof(usable[0]); i++)
        adjust_need(&usable[i], msrs, controls, findings);
    for (uint32_t i = 0; i < vmx_control_need_count; i++)
        adjust_need(&vmx_control_needs[i], msrs, controls, findings);
}
