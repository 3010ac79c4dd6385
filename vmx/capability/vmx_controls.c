#include "vmx/capability/vmx_controls.h"

#define CONTROL(word, bit, id, wish, control_name) \
    {(control_name), 1u << (bit), VMX_CONTROL_##word, CONTROL_##wish},
const struct vmx_control vmx_control_table[] = {
#include "vmx/capability/vmx_controls.def"
};

const uint32_t vmx_control_count = sizeof(vmx_control_table) / sizeof(vmx_control_table[0]);

/* The default1 classes: SDM, appendix A.2 and following, each word's section names its bits. */
#define WORD(id, msr, default1, allowed1, name) \
    [VMX_CONTROL_##                             \
        id] = {(name), IA32_VMX_##msr, (default1), offsetof(struct vmx_capability, allowed1)}
const struct vmx_control_word_text vmx_control_words[VMX_CONTROL_NONE] = {
    WORD(PIN, PINBASED_CTLS, 0x16, pin_allowed1, "pin-based VM-execution controls"),
    WORD(PRIMARY, PROCBASED_CTLS, 0x0401e172, primary_allowed1,
         "primary processor-based VM-execution controls"),
    WORD(SECONDARY, PROCBASED_CTLS2, 0, secondary_allowed1,
         "secondary processor-based VM-execution controls"),
    WORD(EXIT, EXIT_CTLS, 0x00036dff, exit_allowed1, "VM-exit controls"),
    WORD(ENTRY, ENTRY_CTLS, 0x000011ff, entry_allowed1, "VM-entry controls"),
    WORD(TERTIARY, PROCBASED_CTLS3, 0, tertiary_allowed1, NULL),
    WORD(SECONDARY_EXIT, EXIT_CTLS2, 0, secondary_exit_allowed1, NULL),
    WORD(VM_FUNCTION, VMFUNC, 0, vm_functions, NULL),
};

/*
 * What a control needs before it is of use: what EPT and VPIDs need of the capabilities, then what
 * controls need of each other. `fatal`: where it must be 1 and what it needs is not there, every VM
 * entry fails; else it does no harm.
 */
#define CONTROL_NEEDS(id, word, control, needs_word, needs) \
    {VMX_CONTROL_##word, word##_##control, true, VMX_CONTROL_##needs_word, needs_word##_##needs},
#define SWITCHED(word, control, other_word, other) \
    {VMX_CONTROL_##word, word##_##control, false, VMX_CONTROL_##other_word, other_word##_##other},
#define CONTROL_PAIR(entry, exit_word, exit) \
    SWITCHED(ENTRY, entry, exit_word, exit) SWITCHED(exit_word, exit, ENTRY, entry)
static const struct need {
    uint8_t word;
    uint32_t mask;
    bool fatal;
    uint8_t needs_word; /* VMX_CONTROL_NONE: IA32_VMX_EPT_VPID_CAP */
    uint64_t needs;
} needs[] = {
    {VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_EPT, true, VMX_CONTROL_NONE,
     VMX_MASK(ept_page_walk_4) | VMX_MASK(ept_write_back) | VMX_MASK(invept) |
         VMX_MASK(invept_all_contexts)},
    {VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_VPID, false, VMX_CONTROL_NONE,
     VMX_MASK(invvpid) | VMX_MASK(invvpid_all_contexts)},
#include "vmx/capability/control_needs.def"
};

const char *vmx_control_name(enum vmx_control_word word, uint32_t mask)
{
    for (uint32_t i = 0; i < vmx_control_count; i++) {
        if (vmx_control_table[i].word == word && (vmx_control_table[i].mask & mask) != 0)
            return vmx_control_table[i].name;
    }
    return "an unnamed control";
}

/* Of a control that is not as it is wanted; one that is only WANTED may be missing. */
static const enum rule want_rules[] = {
    [CONTROL_REQUIRED] = RULE_CONTROL_MISSING,
    [CONTROL_UNWANTED] = RULE_CONTROL_FORCED,
    [CONTROL_MUST_BE_ZERO] = RULE_CONTROL_MUST_BE_ZERO,
};

uint32_t adjust_vmx_control(enum vmx_control_word word, uint64_t plain, uint64_t true_value,
                            uint32_t msr, struct findings *findings)
{
    uint32_t must_be_1 = (uint32_t)true_value, may_be_1 = (uint32_t)(true_value >> 32);
    uint32_t value = must_be_1, named = 0, unknown;

    for (uint32_t i = 0; i < vmx_control_count; i++) {
        const struct vmx_control *control = &vmx_control_table[i];
        bool asked = control->want == CONTROL_REQUIRED || control->want == CONTROL_WANTED;
        bool broken = asked ? control->want == CONTROL_REQUIRED && !(may_be_1 & control->mask)
                            : (must_be_1 & control->mask) != 0;
        /* Missing: its allowed 1-setting is 0. Forced: its allowed 0-setting is 1. */
        int bit = __builtin_ctz(control->mask) + (asked ? 32 : 0);

        if (control->word != word)
            continue;
        named |= control->mask;
        if (asked)
            value |= may_be_1 & control->mask;
        if (broken)
            finding_add(findings,
                        FINDING_AT(want_rules[control->want], (int8_t)bit, (int8_t)bit, .msr = msr,
                                   .seen = !asked, .wanted = asked, .detail = control->name));
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

/* Turns off what cannot be used. A control that must be 1 stays: then it is fatal, or harmless. */
static void adjust_need(const struct need *need, const struct vmx_msrs *msrs,
                        uint32_t controls[VMX_CONTROL_WORD_COUNT], struct findings *findings)
{
    bool of_control = need->needs_word != VMX_CONTROL_NONE;
    uint32_t own = vmx_msr_true(msrs, vmx_control_words[need->word].msr);
    uint32_t msr = of_control ? vmx_msr_true(msrs, vmx_control_words[need->needs_word].msr)
                              : IA32_VMX_EPT_VPID_CAP;
    uint64_t seen =
        need->needs & (of_control ? controls[need->needs_word] : vmx_msr_capability(msrs, msr));
    bool forced = (vmx_msr_capability(msrs, own) & need->mask) != 0;

    if (!(controls[need->word] & need->mask) || seen == need->needs || (forced && !need->fatal))
        return;
    if (!forced)
        controls[need->word] &= ~need->mask;
    finding_add(findings, FINDING(forced ? RULE_CONTROL_UNMET : RULE_CONTROL_DROPPED, .msr = msr,
                                  .seen = seen, .wanted = need->needs,
                                  .detail = vmx_control_name(need->word, need->mask)));
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
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
        adjust_need(&needs[i], msrs, controls, findings);
}
